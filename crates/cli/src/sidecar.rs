//! The memory of one `generate -o FILE`: what is written beside the video before, during and after the create, and what a
//! later run makes of it. With it a crash at any moment costs no second bill.

use std::path::{Path, PathBuf};

use ark_video::{Error, Progress, Provenance, ReconcileOptions, Sidecar, SweepOptions, Unknown, Verdict};

use crate::api_failure;
use crate::destination::Destination;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, quoted};

/// Where a run stands that may have been begun by an earlier one.
#[derive(Debug)]
pub(crate) enum Stand {
    /// Nothing was begun, or what was begun is void.
    New,
    /// A task exists.
    Submitted(String),
    /// The video is here.
    Done(Box<Sidecar>),
    /// Nobody knows whether a task exists.
    Unknown(Box<Unknown>),
}

/// What is remembered of a create; nothing without a file name.
#[derive(Debug)]
pub(crate) struct Memory {
    film: Option<(PathBuf, PathBuf)>,
    sidecar: Sidecar,
}

impl Memory {
    /// The memory of this destination, not yet written.
    pub(crate) fn new(to: &Destination, provenance: Option<Provenance>) -> Self {
        let film = to.named().filter(|_| to.sidecar).map(|shown| (to.real(shown), shown.to_owned()));
        Self { film, sidecar: Sidecar::new(Progress::Submitting).provenance(provenance) }
    }

    /// What an earlier run left. Without `--resume` or `--overwrite`, anything unfinished is a reason not to go on.
    pub(crate) async fn stand(&self, to: &Destination) -> Result<Stand, Failure> {
        let Some((real, shown)) = &self.film else { return Ok(Stand::New) };
        let name = Sidecar::path_of(shown).display().to_string();
        let found = match Sidecar::read(real) {
            Ok(None) => return Ok(Stand::New),
            Ok(Some(_)) | Err(_) if to.overwrite => return Ok(Stand::New),
            Ok(Some(found)) => found,
            Err(error) => {
                let why = crate::media::reason(&error);
                return Err(Failure::new(Exit::Output, format!("{name} cannot be read: {why}"))
                    .hint("move it away if nothing of it matters any more, or say --overwrite"));
            }
        };
        let same = |provenance: &Provenance| {
            self.sidecar.provenance.as_ref().is_some_and(|asked| asked.request == provenance.request)
        };
        if to.resume && !found.provenance.as_ref().is_none_or(same) {
            let message = format!("{name} belongs to another request: resuming would give you its video");
            return Err(Failure::new(Exit::Output, message).hint("choose another name with -o"));
        }
        match (found.progress, found.task_id.clone(), found.unknown.clone()) {
            (Progress::Downloaded, ..) if found.holds(real).await => Ok(Stand::Done(Box::new(found))),
            (Progress::Downloaded, ..) if !to.resume => Ok(Stand::New),
            _ if !to.resume => Err(Failure::new(
                Exit::Output,
                format!("{} was begun by an earlier run that did not end ({name})", shown.display()),
            )
            .hint("add --resume to go on with it, which creates nothing twice")
            .hint("or say --overwrite to forget it; its task, if there is one, goes on and is billed")),
            (_, Some(id), _) => Ok(Stand::Submitted(id)),
            (_, None, Some(unknown)) => Ok(Stand::Unknown(Box::new(unknown))),
            (_, None, None) => Ok(Stand::New),
        }
    }

    /// Remembers that the create is about to be sent. If this cannot be written, nothing may be sent.
    pub(crate) fn submitting(&mut self, unknown: Unknown) -> Result<(), Failure> {
        self.sidecar = self.sidecar.clone().unknown(Progress::Submitting, unknown);
        self.write().map_err(|error| {
            let why = crate::media::reason(&error);
            Failure::new(Exit::Output, format!("{} cannot be written: {why}", self.name()))
                .hint("nothing was sent")
        })
    }

    /// Remembers how the create ended. A refusal leaves nothing to remember.
    pub(crate) fn ended(&mut self, session: &Session, ended: Result<&str, &Error>) {
        let written = match ended {
            Ok(id) => {
                self.sidecar = self.sidecar.clone().submitted(id);
                self.write()
            }
            Err(error) => match error.to_reconcile() {
                Some(unknown) => {
                    self.sidecar = self.sidecar.clone().unknown(Progress::Unknown, unknown.clone());
                    self.write()
                }
                None => {
                    self.forget();
                    Ok(())
                }
            },
        };
        if let Err(error) = written {
            session.output.warn(format_args!(
                "{} cannot be written: {}",
                self.name(),
                crate::media::reason(&error)
            ));
        }
    }

    /// Nothing of it matters any more.
    pub(crate) fn forget(&self) {
        if let Some((real, _)) = &self.film {
            let _ = std::fs::remove_file(Sidecar::path_of(real));
        }
    }

    /// How to look for what was lost, with a file that knows more than any flag.
    pub(crate) fn hint(&self, failure: Failure, again: &str) -> Failure {
        match &self.film {
            Some((_, shown)) if failure.exit == Exit::OutcomeUnknown => {
                let name = quoted(&shown.display().to_string());
                let mut failure = failure;
                failure.hints.insert(0, format!("look for it: {again} reconcile {name}"));
                failure
            }
            _ => failure,
        }
    }

    fn write(&self) -> std::io::Result<()> {
        self.film.as_ref().map_or(Ok(()), |(real, _)| self.sidecar.write(real))
    }

    fn name(&self) -> String {
        let shown = self.film.as_ref().map_or(Path::new(""), |(_, shown)| shown);
        Sidecar::path_of(shown).display().to_string()
    }
}

/// Takes one look for a task whose id was lost: its id, or the reason to stop here.
pub(crate) async fn look_once(
    session: &mut Session,
    client: &ark_video::Client,
    unknown: Unknown,
    shown: &Path,
) -> Result<String, Failure> {
    let again = session.again();
    let options = ReconcileOptions::new().sweep(SweepOptions::new().looks(0));
    let looked = tokio::select! {
        looked = client.reconcile_all(vec![unknown.clone()], options, |_| {}) => looked,
        () = session.interrupts.next() => return Err(crate::session::interrupted()),
    };
    let verdicts = looked.map_err(|error| api_failure::of(&error, &again))?;
    if let Some(Verdict::Found { task, .. }) = verdicts.first() {
        session.output.note(format_args!("found the task that was lost: {}", task.id));
        return Ok(task.id.clone());
    }
    let message = "Nobody knows whether the earlier run created a task: none was found in one look. It may exist and may be \
                   billed, so do not just send it again.";
    Err(Failure::new(Exit::OutcomeUnknown, message)
        .reconcile(Some(&unknown))
        .hint(format!("make sure: {again} reconcile {}", quoted(&shown.display().to_string()))))
}
