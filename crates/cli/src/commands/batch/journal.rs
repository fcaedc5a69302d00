//! Selects the journal of a command, and the batch and jobs in it.

use std::path::{Path, PathBuf};

use ark_video::model::catalog::Catalog;
use ark_video_batch::{
    Job, JobFilter, Journal, JournalAt, JournalError, JournalErrorKind, ListError, ListOptions, OpenOptions,
    State,
};
use secrecy::SecretString;

use super::check;
use crate::args::{BatchOf, JournalArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The default location of the journal.
const VARIABLE: &str = "ARK_JOURNAL";
/// The suffix of a list's default journal.
const ENDING: &str = "journal";
/// Jobs per page.
const PAGE: usize = 500;

/// A journal and the selected batch.
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    pub(crate) batch: String,
}

/// Opens the journal of a batch that exists.
pub(super) async fn open(session: &Session, of: &BatchOf) -> Result<Opened, Failure> {
    let at = place(session, &of.journal, of.list.as_deref())?;
    let journal = at_place(&at, false).await?;
    let batch = match (&of.journal.batch, &of.list) {
        (Some(name), _) => name.clone(),
        (None, Some(list)) => named_by(session, &journal, list).await?,
        (None, None) => only(&journal).await?,
    };
    if journal.batch(&batch).await.map_err(of_journal)?.is_none() {
        let names = names(&journal).await?;
        return Err(Failure::new(Exit::Usage, format!("journal {} has no batch {batch}", journal.place()))
            .hint(format!("its batches: {names}")));
    }
    Ok(Opened { journal, batch })
}

/// Opens a journal.
pub(crate) async fn at_place(at: &JournalAt, create: bool) -> Result<Journal, Failure> {
    Journal::open(at, OpenOptions { create, ..OpenOptions::default() }).await.map_err(of_journal)
}

/// Where the journal is: by flag, by variable, or beside the list.
pub(crate) fn place(session: &Session, args: &JournalArgs, list: Option<&str>) -> Result<JournalAt, Failure> {
    let set = session.env.get(VARIABLE).filter(|value| !value.is_empty());
    // A simulated run has its own journal, regardless of the environment.
    let named = args.journal.as_ref().or(set.filter(|_| !session.flags.simulate));
    if let Some(named) = named {
        let is_server = ["postgres://", "postgresql://"].iter().any(|scheme| named.starts_with(scheme));
        if is_server {
            return Ok(JournalAt::Postgres(SecretString::from(named.as_str())));
        }
        if named.contains("://") {
            // The rest of the URL may contain a password.
            return Err(Failure::new(Exit::Usage, "--journal must be a file or a postgres:// URL")
                .hint("omit it to use a file beside the list"));
        }
        return Ok(JournalAt::File(session.cwd.join(named)));
    }
    let list = list.filter(|list| *list != "-").ok_or_else(|| {
        Failure::new(Exit::Usage, "no journal is given").hint("name the list, or give --journal")
    })?;
    let path = session.cwd.join(list);
    Ok(JournalAt::File(beside(&if session.flags.simulate { simulated_path(&path) } else { path })))
}

/// The folder of a simulated run, beside the list: its journal and its videos.
pub(super) const SIMULATED: &str = "simulated";

/// The path of the list in the folder of its simulated run.
fn simulated_path(list: &Path) -> PathBuf {
    let folder = list.parent().unwrap_or(Path::new("")).join(SIMULATED);
    folder.join(list.file_name().unwrap_or_default())
}

/// `shots.toml.journal` for `shots.toml`.
fn beside(list: &Path) -> PathBuf {
    let mut name = list.as_os_str().to_owned();
    name.push(".");
    name.push(ENDING);
    name.into()
}

/// The list's path, as stored in the journal.
pub(super) fn list_path(session: &Session, list: &str) -> PathBuf {
    if list == "-" { PathBuf::from(list) } else { session.cwd.join(list) }
}

/// Reads a list for its batch name; `check` and `run` report errors. A batch of that name from
/// another list is not selected.
async fn named_by(session: &Session, journal: &Journal, list: &str) -> Result<String, Failure> {
    let path = session.cwd.join(list);
    let unread = |error: ListError| Failure::new(Exit::Input, error.to_string());
    let batch = ListOptions::default().batch_name(&path).map_err(unread)?;
    if !journal.is_planned_from(&batch, &path).await.map_err(of_journal)?
        && let Ok(list) = check::of_file(session, list, Catalog::builtin())?.into_list()
    {
        journal.same_list(&batch, &path, &list).await.map_err(of_journal)?;
    }
    Ok(batch)
}

/// The only batch of a journal.
async fn only(journal: &Journal) -> Result<String, Failure> {
    let mut batches = journal.batches().await.map_err(of_journal)?;
    match batches.pop() {
        Some(batch) if batches.is_empty() => Ok(batch.name),
        Some(_) => Err(Failure::new(Exit::Usage, "the journal has several batches: choose one with --batch")
            .hint(format!("its batches: {}", names(journal).await?))),
        None => Err(Failure::new(Exit::Usage, format!("journal {} has no batch yet", journal.place()))),
    }
}

async fn names(journal: &Journal) -> Result<String, Failure> {
    let batches = journal.batches().await.map_err(of_journal)?;
    Ok(batches.into_iter().map(|batch| batch.name).collect::<Vec<_>>().join(", "))
}

/// Runs a function on each job of a batch, page by page.
pub(super) async fn each<E: From<Failure>>(
    opened: &Opened,
    states: &[State],
    names: &[String],
    mut with: impl AsyncFnMut(Job) -> Result<(), E>,
) -> Result<(), E> {
    let filter = JobFilter {
        batch: Some(opened.batch.clone()),
        states: states.to_vec(),
        names: names.to_vec(),
        ..JobFilter::default()
    };
    let mut after: Option<String> = None;
    loop {
        let page = opened
            .journal
            .jobs(&filter, after.as_deref(), PAGE)
            .await
            .map_err(|error| E::from(of_journal(error)))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.key.clone());
        for job in page {
            with(job).await?;
        }
    }
}

/// An unknown name is an error: it is mistyped.
pub(super) async fn must_exist(opened: &Opened, names: &[String]) -> Result<(), Failure> {
    for name in names {
        let mut found = false;
        each(opened, &[], std::slice::from_ref(name), async |_| {
            found = true;
            Ok::<_, Failure>(())
        })
        .await?;
        if !found {
            return Err(Failure::new(Exit::Usage, format!("batch {} has no shot {name}", opened.batch))
                .hint("`ark-video batch status --all` lists the names"));
        }
    }
    Ok(())
}

/// Converts an error of the journal.
pub(crate) fn of_journal(error: JournalError) -> Failure {
    use JournalErrorKind::{
        Denied, Disk, Full, Login, Missing, NetworkDisk, OtherList, Refused, Unreachable, Unsupported,
    };
    let other_list = error.kind() == OtherList;
    let exit = match error.kind() {
        Missing => Exit::Input,
        Denied | Disk | NetworkDisk => Exit::Output,
        Full => Exit::DiskFull,
        Refused | OtherList | Unsupported => Exit::Usage,
        Unreachable | Login => Exit::Configuration,
        _ => Exit::Journal,
    };
    let failure = Failure::new(exit, error.to_string());
    if other_list { failure.hint("choose a batch name for this list with --batch NAME") } else { failure }
}
