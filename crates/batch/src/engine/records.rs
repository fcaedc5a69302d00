//! The record of a create beside its output, `NAME.ark-video.json`: written before anything is
//! sent, so that a task is known also where the journal is lost. Reads and writes these files and
//! nothing else.

use std::io;
use std::path::{Path, PathBuf};

use ark_video::model::CreateTaskRequest;
use ark_video::{
    Attachments, UnresolvedCreate,
    provenance::{Input, Intent, Progress, Provenance, Sidecar, SidecarRow},
    transport::unix_millis,
};
use serde_json::json;

use crate::journal::Adopted;
use crate::targets::intent_of;
use crate::{Attempt, InputFile, Job, Journal, Planned};

/// Revisions of an output that are looked at.
const REVISIONS: u32 = 100;

/// What is beside the output of a job that was not sent.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing, or the record of an attempt that the row itself knows.
    Nothing,
    /// The record of another create of this very job: its row must not be sent.
    Record(Box<Record>),
    /// The record of something else.
    Other(PathBuf),
    /// A record that cannot be read: it may be of a create of this job. Which, and why.
    Unreadable(String),
}

/// Which intent a job is: by its sidecar the video can be known again without the journal.
pub(crate) fn intent(job: &Job) -> Intent {
    intent_of(&job.batch, &job.planned).ordinal(job.revision)
}

/// A record that a row knows nothing of.
#[derive(Debug)]
pub(crate) struct Record {
    sidecar: Sidecar,
    output: PathBuf,
}

/// Searches beside the output of a job, and of its later revisions, for a record that its row does
/// not know.
pub(crate) fn find(job: &Job, journal: &str) -> Found {
    let output = &job.planned.output;
    let first = match read(job, journal, output, true) {
        Found::Nothing if !Sidecar::path_of(output).exists() => Found::Nothing,
        Found::Nothing => return Found::Nothing,
        Found::Other(path) => Found::Other(path),
        found => return found,
    };
    for revision in 2..REVISIONS {
        let output = crate::journal::revised(output, revision);
        if !Sidecar::path_of(&output).exists() {
            break;
        }
        if let found @ Found::Record(_) = read(job, journal, &output, false) {
            return found;
        }
    }
    first
}

/// `exact`: the output is the job's own, so that the record needs not name the shot.
fn read(job: &Job, journal: &str, output: &Path, exact: bool) -> Found {
    let sidecar = match Sidecar::read(output) {
        Ok(None) => return Found::Nothing,
        Ok(Some(sidecar)) => sidecar,
        // No file can have such a name: that it is too long is said where targets are checked.
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return Found::Nothing,
        Err(error) => {
            return Found::Unreadable(format!("{}: {error}", Sidecar::path_of(output).display()));
        }
    };
    // What the simulator made is no paid task; whether a video may take its place is not decided
    // here.
    if sidecar.simulated || sidecar.progress == Progress::Prepared || is_known(job, journal, &sidecar) {
        return Found::Nothing;
    }
    let own = intent(job);
    let same = sidecar.intent_hash().as_ref() == Some(&own.hash)
        && (exact || sidecar.intent.as_ref().is_some_and(|intent| intent.shot == own.shot));
    if same {
        Found::Record(Box::new(Record { sidecar, output: output.to_owned() }))
    } else {
        Found::Other(output.to_owned())
    }
}

/// Whether the row knows how the create of this record ended: it is its own last one, or an earlier
/// one.
fn is_known(job: &Job, journal: &str, sidecar: &Sidecar) -> bool {
    let Some(last) = &job.attempt else { return false };
    let Some(row) = &sidecar.row else {
        // One of an earlier version: if the row was ever sent, it is its own.
        return sidecar.intent.as_ref().is_none_or(|own| own.shot == intent(job).shot);
    };
    row.token == last.token || (row.journal == journal && row.key == job.key && row.attempt < last.number)
}

impl Record {
    /// Whether a batch wrote it, so that a journal knew of it once.
    pub(crate) fn is_of_a_batch(&self) -> bool {
        self.sidecar.intent.as_ref().is_none_or(|intent| intent.shot.is_some())
    }

    /// What the journal takes from it. `day` is that of today, in UTC.
    pub(crate) fn adopted(&self, job: &Job, slot: String, at: i64, day: impl Fn(i64) -> String) -> Adopted {
        let sidecar = &self.sidecar;
        let created_at = sidecar.task.as_ref().and_then(|task| task.get("created_at")?.as_i64());
        // Seconds, or what a gateway makes of them.
        let created_at = created_at.map(unix_millis);
        let number = job.attempt.as_ref().map_or(0, |attempt| attempt.number) + 1;
        let row = sidecar.row.as_ref();
        let attempt = Attempt {
            number: row.map_or(number, |row| row.attempt.max(number)),
            token: row.map(|row| row.token.clone()).unwrap_or_default(),
            at: created_at.unwrap_or(at),
            search: sidecar.unknown.as_ref().and_then(|search| serde_json::to_value(search).ok()),
            reserved: job.planned.estimate.clone().unwrap_or_default(),
            day: day(created_at.unwrap_or(at)),
            slot,
            request_hash: job.planned.request_hash.clone(),
            ..Attempt::default()
        };
        let succeeded = sidecar.progress == Progress::Downloaded;
        Adopted {
            output: self.output.clone(),
            attempt,
            task_id: sidecar.task_id.clone(),
            created_at,
            task: sidecar.task.clone().filter(|_| succeeded && self.output.exists()),
        }
    }
}

fn row_of(job: &Job, journal: &Journal) -> Option<SidecarRow> {
    let attempt = job.attempt.as_ref()?;
    Some(SidecarRow::new(journal.id(), job.key.as_str(), attempt.number, attempt.token.as_str()))
}

/// Writes down that a job is about to be sent; its folder is made. Blocks.
pub(crate) fn submitting(
    job: &Job,
    journal: &Journal,
    search: UnresolvedCreate,
    simulated: bool,
) -> io::Result<()> {
    let output = &job.planned.output;
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    Sidecar::new(Progress::Submitting)
        .unknown(Progress::Submitting, search)
        .provenance(provenance(&job.planned, job.attempt.as_ref()))
        .intent(Some(intent(job)))
        .row(row_of(job, journal))
        .simulated(simulated)
        .write(output)
}

/// Writes down the task of a job, if that is not known there yet. Blocks.
pub(crate) fn submitted(job: &Job, journal: &Journal, simulated: bool) {
    let (output, Some(id)) = (&job.planned.output, &job.task_id) else { return };
    let before = Sidecar::read(output);
    // What cannot be read, or is of something else, is not written over.
    let known = match &before {
        Ok(Some(before)) => before.task_id.as_ref() == Some(id) || !is_own(job, before),
        Ok(None) => !output.parent().is_some_and(Path::is_dir),
        Err(_) => true,
    };
    if known {
        return;
    }
    // The journal knows it, and the download writes it again.
    let _ = Sidecar::new(Progress::Submitted)
        .submitted(id)
        .provenance(provenance(&job.planned, job.attempt.as_ref()))
        .intent(Some(intent(job)))
        .row(row_of(job, journal))
        .simulated(simulated)
        .write(output);
}

/// Takes away the record of a create that made nothing. Blocks.
pub(crate) fn forget(job: &Job) {
    let output = &job.planned.output;
    if let Ok(Some(sidecar)) = Sidecar::read(output)
        && sidecar.progress != Progress::Downloaded
        && is_own(job, &sidecar)
    {
        let _ = std::fs::remove_file(Sidecar::path_of(output));
    }
}

/// Whether a record is that of the job's last attempt.
fn is_own(job: &Job, sidecar: &Sidecar) -> bool {
    let token = job.attempt.as_ref().map(|attempt| &attempt.token);
    token.is_some() && sidecar.row.as_ref().map(|row| &row.token) == token
}

/// What the video was made from, for its sidecar. Files are named by what they were when the list
/// was read.
pub(crate) fn provenance(planned: &Planned, attempt: Option<&Attempt>) -> Option<Provenance> {
    let objects = attempt.map(|attempt| &attempt.objects);
    let request: CreateTaskRequest = serde_json::from_value(planned.request.clone()).ok()?;
    let mut provenance = Provenance::of(&request, &Attachments::new()).ok()?;
    provenance.inputs.extend(planned.inputs.iter().filter_map(|input: &InputFile| {
        let name = input.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let (content, bytes, sha256) = (input.content, input.bytes, &input.sha256);
        let input =
            json!({"content": content, "name": name, "media_type": "", "bytes": bytes, "sha256": sha256,
                   "object": objects.and_then(|objects| objects.get(&content))});
        serde_json::from_value::<Input>(input).ok()
    }));
    Some(provenance)
}
