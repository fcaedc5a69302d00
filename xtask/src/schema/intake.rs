//! `cargo xtask schema import`: a document into `schema/vendor`, byte for byte, with its line in SOURCE.toml. Reads it first:
//! what cannot be read does not get in. Touches nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::files::Files;
use super::import::{self, Imported};
use super::source::{FILE, Source, is_plain, sha256};

/// What a user says about a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrival {
    pub(crate) file: PathBuf,
    /// Its name in `schema/vendor`; the present name where that has the same ending, else its own.
    pub(crate) name: Option<String>,
    /// `YYYY-MM-DD`; today where it is not said.
    pub(crate) received: Option<String>,
    /// Where it came from; as before where it is not said.
    pub(crate) origin: Option<String>,
}

/// A document that can come in.
pub(crate) struct Intake {
    pub(crate) imported: Imported,
    /// The changes of `schema/vendor`.
    pub(crate) files: Files,
    /// For people: what it is and where it goes.
    pub(crate) summary: String,
}

/// Reads a document, wherever it lies; the error names file, place and reason.
pub(crate) fn read(file: &Path) -> Result<(Vec<u8>, Imported)> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let imported = import::read(&bytes).with_context(|| file.display().to_string())?;
    Ok((bytes, imported))
}

/// What taking the document in would change.
pub(crate) fn plan(root: &Path, arrival: &Arrival) -> Result<Intake> {
    let before = Source::read(root)?;
    let name = name(arrival, &before.file)?;
    let received = received(arrival.received.as_deref())?;
    let (bytes, imported) = read(&arrival.file)?;
    let source = Source {
        file: name,
        title: imported.title.clone().unwrap_or_else(|| before.title.clone()),
        origin: arrival.origin.clone().unwrap_or_else(|| before.origin.clone()),
        received,
        sha256: sha256(&bytes),
    };
    let mut summary = format!(
        "{}: {} of {} bytes, `{}`\n  -> {} (sha256 {})\n",
        arrival.file.display(),
        imported.kind.as_str(),
        bytes.len(),
        source.title,
        source.path(),
        &source.sha256[..12],
    );
    for note in &imported.left_out {
        summary += &format!("  left out: {note}\n");
    }
    let mut files = Files::new();
    if before.file != source.file {
        summary += &format!(
            "  instead of {}, which is deleted; everything is generated from one document\n",
            before.path()
        );
        files.insert(before.path(), None);
    }
    if source.sha256 == before.sha256 && source.file == before.file {
        summary += "  the document that is there already\n";
    }
    files.insert(source.path(), Some(bytes));
    files.insert(FILE.to_owned(), Some(source.render().into_bytes()));
    Ok(Intake { imported, files, summary })
}

fn name(arrival: &Arrival, before: &str) -> Result<String> {
    if let Some(name) = &arrival.name {
        ensure!(is_plain(name), "--as {name}: a plain file name, of letters, digits, `.`, `_` and `-`");
        return Ok(name.clone());
    }
    let own = arrival.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ending = |name: &str| name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    if ending(&own) == ending(before) {
        return Ok(before.to_owned());
    }
    ensure!(is_plain(&own), "{own}: say `--as NAME`, as this is no plain file name");
    Ok(own)
}

fn received(said: Option<&str>) -> Result<toml::value::Datetime> {
    let day: jiff::civil::Date = match said {
        Some(day) => day.parse().map_err(|_| anyhow::anyhow!("--received {day}: a day as YYYY-MM-DD"))?,
        None => jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date(),
    };
    day.to_string().parse().with_context(|| format!("--received {day}: no day that a SOURCE.toml can have"))
}
