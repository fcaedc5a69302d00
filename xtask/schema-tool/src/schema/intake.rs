//! A document on its way into `schema/vendor`, byte for byte, with its entry in SOURCE.toml: as the
//! base of its operation or as a second source. Reads it first: what cannot be read does not get
//! in. Touches nothing else, and deletes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::files::Files;
use super::import::{self, Imported, Operation};
use super::source::{FILE, Role, Source, Sources, is_plain, sha256};

/// What a user says about a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrival {
    pub(crate) file: PathBuf,
    /// Its name in the folder of its operation; its own where it is not said.
    pub(crate) name: Option<String>,
    /// `YYYY-MM-DD`; today where it is not said.
    pub(crate) received: Option<String>,
    /// Where it came from.
    pub(crate) origin: Option<String>,
    /// Who published it; as the document says where it is not said.
    pub(crate) publisher: Option<String>,
    /// The publisher's number of the edition.
    pub(crate) edition: Option<String>,
    /// Which of its operations; the first where it is not said.
    pub(crate) operation: Option<Operation>,
}

/// A document that can come in.
pub(crate) struct Intake {
    pub(crate) imported: Imported,
    /// Its entry in SOURCE.toml.
    pub(crate) source: Source,
    /// The changes of `schema/vendor`.
    pub(crate) files: Files,
    /// For people: what it is and where it goes.
    pub(crate) summary: String,
}

/// Reads a document, wherever it lies; the error names file, place and reason.
pub(crate) fn read(file: &Path, operation: Option<Operation>) -> Result<(Vec<u8>, Imported)> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let imported = import::read_as(&bytes, operation).with_context(|| file.display().to_string())?;
    Ok((bytes, imported))
}

/// What taking the document in would change.
pub(crate) fn plan(root: &Path, arrival: &Arrival, role: Role) -> Result<Intake> {
    let mut sources = Sources::read(root)?;
    let received = received(arrival.received.as_deref())?;
    if let Some(name) = &arrival.name {
        ensure!(is_plain(name), "--as {name}: a plain file name, of letters, digits, `.`, `_` and `-`");
    }
    let (bytes, imported) = read(&arrival.file, arrival.operation)?;
    let operation = imported.operation;
    let hash = sha256(&bytes);
    let mut files = Files::new();
    let mut notes = Vec::new();
    let known = sources.documents.iter().position(|one| one.sha256 == hash && one.operation == operation);
    let before = sources.base(operation).cloned();
    let at = match known {
        Some(at) => {
            notes.push("the document that is there already".to_owned());
            at
        }
        None => {
            let publisher = arrival.publisher.clone().or_else(|| imported.publisher.clone());
            let same =
                before.as_ref().filter(|before| publisher.as_ref().is_none_or(|p| *p == before.publisher));
            let publisher = publisher
                .or_else(|| same.map(|before| before.publisher.clone()))
                .unwrap_or_else(|| "unknown".to_owned());
            let origin = arrival
                .origin
                .clone()
                .or_else(|| same.map(|before| before.origin.clone()))
                .unwrap_or_else(|| format!("{} of {publisher}", imported.kind.as_str()));
            let name = free_name(arrival, operation, &received, &sources)?;
            let file = format!("{operation}/{name}");
            sources.documents.push(Source {
                file,
                operation,
                role,
                title: imported.title.clone().unwrap_or_else(|| format!("the operation `{operation}`")),
                publisher,
                edition: arrival.edition.clone().or_else(|| imported.edition.clone()).unwrap_or_default(),
                origin,
                received,
                sha256: hash,
                example: None,
            });
            sources.documents.len() - 1
        }
    };
    if role == Role::Base {
        for (index, document) in sources.documents.iter_mut().enumerate() {
            if document.operation == operation && document.role == Role::Base && index != at {
                document.role = Role::Source;
                notes.push(format!("{} stays as a second source", document.path()));
            }
        }
        sources.documents[at].role = Role::Base;
    }
    let source = sources.documents[at].clone();
    let mut summary = format!(
        "{}: {} of {} bytes, `{}` of {}\n  -> {} (the {operation} operation; sha256 {})\n",
        arrival.file.display(),
        imported.kind.as_str(),
        bytes.len(),
        source.title,
        source.publisher,
        source.path(),
        &source.sha256[..12],
    );
    for repaired in &imported.repaired {
        summary += &format!("  warning: {repaired}\n");
    }
    for note in imported.left_out.iter().map(|note| format!("left out: {note}")).chain(notes) {
        summary += &format!("  {note}\n");
    }
    if !imported.others.is_empty() {
        let names: Vec<&str> = imported.others.iter().map(|one| one.as_str()).collect();
        summary +=
            &format!("  it describes {} too; take each in with `--operation NAME`\n", names.join(", "));
    }
    files.insert(source.path(), Some(bytes));
    files.insert(FILE.to_owned(), Some(sources.render()?.into_bytes()));
    files.retain(|path, bytes| fs::read(root.join(path)).ok() != *bytes);
    Ok(Intake { imported, source, files, summary })
}

/// The name it gets in its folder: as the user says, or its own; with the day where another
/// document has that name.
fn free_name(
    arrival: &Arrival,
    operation: Operation,
    received: &toml::value::Datetime,
    sources: &Sources,
) -> Result<String> {
    let own = arrival.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let wanted = arrival.name.clone().unwrap_or(own);
    ensure!(is_plain(&wanted), "{wanted}: pass `--as NAME`, as this is not a plain file name");
    let taken = |name: &str| {
        sources.documents.iter().any(|one| one.file.eq_ignore_ascii_case(&format!("{operation}/{name}")))
    };
    if !taken(&wanted) {
        return Ok(wanted);
    }
    ensure!(
        arrival.name.is_none(),
        "--as {wanted}: another document of the {operation} operation has this name"
    );
    let (stem, ending) =
        wanted.split_once('.').map_or((wanted.as_str(), ""), |(stem, ending)| (stem, ending));
    let dot = if ending.is_empty() { "" } else { "." };
    (1..100)
        .map(|number| match number {
            1 => format!("{stem}-{received}{dot}{ending}"),
            number => format!("{stem}-{received}-{number}{dot}{ending}"),
        })
        .find(|name| is_plain(name) && !taken(name))
        .with_context(|| format!("{wanted}: pass `--as NAME`, as its name is taken"))
}

/// The day that a document was received.
pub(crate) fn received(said: Option<&str>) -> Result<toml::value::Datetime> {
    let day: jiff::civil::Date = match said {
        Some(day) => day.parse().map_err(|_| anyhow::anyhow!("--received {day}: a day as YYYY-MM-DD"))?,
        None => jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date(),
    };
    day.to_string().parse().with_context(|| format!("--received {day}: no day that a SOURCE.toml can have"))
}
