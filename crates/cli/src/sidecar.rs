//! The records of one `generate`, beside the video and in the state directory, before, during and
//! after the create, and how a later run continues from them. With them a crash at any time causes
//! no second bill.

use std::io;
use std::path::{Path, PathBuf};

use ark_video::model::Task;
use ark_video::{
    Error, UnresolvedCreate,
    media_store::Uploads,
    provenance::{FileFacts, Intent, Progress, Provenance, Sidecar},
};

use crate::destination::{Destination, not_ended};
use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::records::{self, Claim, Entry, Record, Store};
use crate::session::Session;

/// The state of a create, perhaps started by an earlier run.
#[derive(Debug)]
pub(crate) enum RunState {
    /// Nothing was sent, or the create was rejected.
    New,
    /// A task exists.
    Submitted(String),
    /// The video is saved.
    Done { sidecar: Box<Sidecar>, video: PathBuf },
    /// It is unknown whether a task exists.
    Unknown(Box<UnresolvedCreate>),
}

/// A create and the location of its records.
pub(crate) struct Remembered<'a> {
    pub(crate) to: &'a Destination,
    pub(crate) hash: String,
    pub(crate) provenance: Provenance,
    pub(crate) base_url: String,
    /// The state directory, or why there is none.
    pub(crate) store: Result<Store, String>,
    /// This run saves no video, so an existing one does not finish it.
    pub(crate) saves: bool,
}

/// The records of a create: beside the video, if it has a name and a sidecar, and in the state
/// directory.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// The video's real path, and as the user wrote it.
    beside: Option<(PathBuf, PathBuf)>,
    sidecar: Sidecar,
    /// The previous sidecar: restored if the create is rejected.
    before: Option<Sidecar>,
    record: Option<Record>,
    claim: Option<Claim>,
    /// The claim on a record that this one replaces.
    held: Option<Claim>,
    /// Held from the search for records until ours is written, so that of two concurrent resumes
    /// only one finds nothing.
    gate: Option<Claim>,
    store: Option<Store>,
}

impl Memory {
    /// Records nothing: a simulator's tasks end with it.
    pub(crate) fn of_simulation(provenance: Provenance, hash: String) -> Self {
        Self {
            beside: None,
            sidecar: Sidecar::new(Progress::Prepared)
                .provenance(Some(provenance))
                .intent(Some(Intent::new(hash))),
            before: None,
            record: None,
            claim: None,
            held: None,
            gate: None,
            store: None,
        }
    }

    /// The records of this create, not yet written, and the state of an earlier run. Without
    /// `--resume` or `--overwrite`, an unfinished create of this name is an error.
    pub(crate) async fn open(session: &mut Session, of: Remembered<'_>) -> Result<(Self, RunState), Failure> {
        let to = of.to;
        let beside = to.named().filter(|_| to.sidecar).map(|shown| (to.real(shown), shown.to_owned()));
        let store = match (of.store, &beside) {
            (Ok(store), _) => Some(store),
            (Err(_), Some(_)) => None,
            (Err(why), None) => {
                let message = format!("this create cannot be recorded: {why}; nothing was sent");
                return Err(Failure::new(Exit::Output, message).hint(
                    "name the video with -o FILE, so that the record is kept beside it, or set ARK_STATE_DIR",
                ));
            }
        };
        let intent = Intent::new(of.hash.as_str());
        let record = Record {
            sidecar: Sidecar::new(Progress::Prepared),
            created_at: jiff::Timestamp::now().as_millisecond(),
            base_url: of.base_url,
            output: to.named().map(|shown| to.real(shown)),
            video: None,
            boot: records::boot(),
        };
        let sidecar = Sidecar::new(Progress::Prepared).provenance(Some(of.provenance)).intent(Some(intent));
        let mut memory = Self {
            beside,
            sidecar,
            before: None,
            record: Some(record).filter(|_| store.is_some()),
            claim: None,
            held: None,
            gate: None,
            store,
        };
        let stand = memory.stand(session, to, &of.hash, of.saves).await?;
        if !matches!(stand, RunState::New) {
            memory.gate = None;
        }
        Ok((memory, stand))
    }

    async fn stand(
        &mut self,
        session: &mut Session,
        to: &Destination,
        hash: &str,
        saves: bool,
    ) -> Result<RunState, Failure> {
        if let Some((real, shown)) = self.beside.clone() {
            let found = read(&real, &shown, to.overwrite)?;
            self.before.clone_from(&found);
            // A simulated run cannot be resumed; its video counts as an existing file.
            if let Some(found) = found.filter(|found| !found.simulated && !to.overwrite) {
                return self.beside_stand(found, to, &real, &shown, hash).await;
            }
        }
        if to.overwrite {
            return Ok(RunState::New);
        }
        self.kept_stand(session, to, hash, saves).await
    }

    /// The state according to the sidecar.
    async fn beside_stand(
        &mut self,
        found: Sidecar,
        to: &Destination,
        real: &Path,
        shown: &Path,
        hash: &str,
    ) -> Result<RunState, Failure> {
        let name = Sidecar::path_of(shown).display().to_string();
        let same_words = match (&found.provenance, &self.sidecar.provenance) {
            (Some(found), Some(ours)) => found.request == ours.request,
            _ => false,
        };
        let same = found.intent_hash().is_none_or(|found| found == hash) || same_words;
        if to.resume && !same {
            let message = format!("{name} belongs to another request; nothing was sent");
            return Err(Failure::new(Exit::Output, message).hint("choose another name with -o"));
        }
        let whole = found.progress == Progress::Downloaded && found.holds(real).await;
        match found.progress {
            Progress::Downloaded if whole => {
                return Ok(RunState::Done { sidecar: Box::new(found), video: shown.to_owned() });
            }
            Progress::Downloaded if to.real(shown).symlink_metadata().is_ok() && to.resume => {
                return Err(not_ours(shown, &format!("it is not the video recorded in {name}")));
            }
            Progress::Downloaded if !to.resume => return Ok(RunState::New),
            Progress::Prepared => {}
            _ if !to.resume => {
                return Err(not_ended(format!(
                    "{} was started by an earlier run that is unfinished ({name})",
                    shown.display()
                )));
            }
            _ => {}
        }
        // The claim excludes other processes.
        if let (Some(store), Some(intent)) = (&self.store, &found.intent) {
            let claim = store.claim(&intent.hash, intent.ordinal).map_err(|error| unwritable(&error))?;
            self.claim = Some(claim.ok_or_else(|| at_work(&name))?);
        }
        if !same {
            // It was not sent and is another request: its number is claimed but not used.
            self.held = self.claim.take();
            return Ok(RunState::New);
        }
        let provenance = self.sidecar.provenance.take();
        self.sidecar = found.clone().provenance(provenance);
        if found.progress == Progress::Submitting
            && let Some(claim) = &self.claim
            && Record::read(&claim.path).is_some_and(|record| claim.left_nothing(&record))
        {
            return Ok(RunState::New);
        }
        Ok(stand_of(&found))
    }

    /// The state according to the state directory.
    async fn kept_stand(
        &mut self,
        session: &mut Session,
        to: &Destination,
        hash: &str,
        saves: bool,
    ) -> Result<RunState, Failure> {
        if let Some(store) = self.store.as_ref().filter(|_| to.resume) {
            let gate = store.claim(hash, 0).map_err(|error| unreadable(&error))?;
            self.gate = Some(gate.ok_or_else(|| at_work("this request"))?);
        }
        let entries = match &self.store {
            Some(store) => store.find(hash).map_err(|error| unreadable(&error))?,
            None => Vec::new(),
        };
        let (output, base_url) = match &self.record {
            Some(record) => (record.output.clone(), record.base_url.clone()),
            None => (None, String::new()),
        };
        // Resuming with -o gives an output path to a run that was started without one.
        let (ours, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| {
            entry.record.output == output
                || to.resume && entry.record.output.is_none() && entry.record.is_open()
        });
        let elsewhere = ours
            .iter()
            .chain(&others)
            .find(|entry| entry.record.is_open() && records::is_elsewhere(&entry.record, &base_url));
        let mut ours: Vec<&Entry> =
            ours.iter().filter(|entry| records::is_here(&entry.record, &base_url)).collect();
        if !to.resume {
            let open = ours.iter().find(|entry| entry.record.is_open() && !entry.busy);
            return match (open, &output) {
                (Some(entry), Some(_)) => Err(not_ended(format!(
                    "an earlier run of this request is unfinished: {}; nothing was sent",
                    described(entry)
                ))),
                (Some(entry), None) => {
                    session.output.note(format_args!(
                        "an earlier run of this request is unfinished ({}); this creates another video, --resume would continue that one",
                        described(entry)
                    ));
                    Ok(RunState::New)
                }
                (None, _) => Ok(RunState::New),
            };
        }
        if let Some(id) = &to.resume_id {
            ours.retain(|entry| entry.id == *id);
            if ours.is_empty() {
                let message = format!("this request has no record {id}; nothing was sent");
                return Err(Failure::new(Exit::Usage, message)
                    .hint("--resume without an id lists the records of the same request and -o"));
            }
        }
        let open: Vec<&Entry> = ours.iter().copied().filter(|entry| entry.record.is_open()).collect();
        let waiting: Vec<&Entry> = open.iter().copied().filter(|entry| !entry.busy).collect();
        let chosen = match waiting.as_slice() {
            [] if !open.is_empty() => return Err(at_work(&open[0].id)),
            [] => None,
            [one] => Some(*one),
            many => Some(choose(session, many).await?),
        };
        if let Some(entry) = chosen {
            return self.take(entry, hash);
        }
        if let Some(entry) = elsewhere {
            let message = format!(
                "an earlier run of this request at {} is unfinished: {}; nothing was sent",
                entry.record.base_url,
                described(entry)
            );
            return Err(Failure::new(Exit::Configuration, message)
                .hint("resume it with its base URL, or omit --resume to create another video"));
        }
        // A running one with another name is another video; an abandoned one may be the intended
        // one.
        if let Some(entry) = others.iter().find(|entry| {
            (output.is_none() || !entry.busy)
                && entry.record.is_open()
                && records::is_here(&entry.record, &base_url)
        }) {
            let file = entry.record.output.as_deref().unwrap_or(Path::new("")).display().to_string();
            let message = format!(
                "an earlier run of this request is unfinished: {}; nothing was sent",
                described(entry)
            );
            return Err(Failure::new(Exit::Output, message)
                .hint(format!("continue it: the same command with -o {} --resume", quoted(&file)))
                .hint("or omit --resume to create another video"));
        }
        if let Some(entry) =
            ours.iter().rev().find(|entry| entry.record.sidecar.progress == Progress::Downloaded)
        {
            return done(entry, to, saves).await;
        }
        if let Some((_, shown)) = to
            .named()
            .map(|shown| (to.real(shown), shown))
            .filter(|(real, _)| real.symlink_metadata().is_ok())
        {
            return Err(not_ours(shown, "it has no record, so it may be another video"));
        }
        // Nothing was sent: the same record is reused.
        if let Some(entry) =
            ours.iter().rev().find(|entry| entry.record.sidecar.progress == Progress::Prepared)
        {
            if entry.busy {
                return Err(at_work(&entry.id));
            }
            return self.take(entry, hash);
        }
        Ok(RunState::New)
    }

    /// Continues a record.
    fn take(&mut self, entry: &Entry, hash: &str) -> Result<RunState, Failure> {
        let ordinal = entry.record.sidecar.intent.as_ref().map_or(1, |intent| intent.ordinal);
        let claim = match &self.store {
            Some(store) => store.claim(hash, ordinal).map_err(|error| unreadable(&error))?,
            None => None,
        };
        let Some(claim) = claim else { return Err(at_work(&entry.id)) };
        // Read again, now that no other process can change it.
        let record = Record::read(&claim.path).unwrap_or_else(|| entry.record.clone());
        let provenance = self.sidecar.provenance.take();
        self.sidecar = record.sidecar.clone().provenance(provenance);
        let left_nothing = claim.left_nothing(&record);
        let output = record.output.clone().or_else(|| self.record.as_ref()?.output.clone());
        self.record = Some(Record { boot: records::boot(), output, ..record.clone() });
        self.claim = Some(claim);
        Ok(if left_nothing { RunState::New } else { stand_of(&record.sidecar) })
    }

    /// Notes where the files of the request were uploaded to.
    pub(crate) fn uploaded(&mut self, uploads: &Uploads) {
        if let Some(provenance) = &mut self.sidecar.provenance {
            provenance.uploaded(uploads);
        }
    }

    /// Records that a request is ready, before anything is sent. If this fails, nothing may be
    /// sent.
    pub(crate) fn prepared(&mut self) -> Result<(), Failure> {
        if self.claim.is_none()
            && let (Some(store), Some(intent)) = (&self.store, &self.sidecar.intent)
        {
            match store.claim_new(&intent.hash) {
                Ok(claim) => {
                    self.sidecar.intent = Some(intent.clone().ordinal(claim.ordinal));
                    self.claim = Some(claim);
                }
                Err(error) if self.beside.is_none() => return Err(unwritable(&error)),
                Err(_) => (self.store, self.record) = (None, None),
            }
        }
        self.sidecar.progress = Progress::Prepared;
        self.sidecar.unknown = None;
        self.sidecar.task_id = None;
        let fresh = self.before.is_none();
        let clean = self.claim.as_ref().map_or(Ok(()), Claim::not_sent);
        let written = clean.and_then(|()| self.write(fresh));
        self.gate = None;
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => at_work(&self.name()),
            _ => unwritable(&io::Error::other(format!("{}: {}", self.name(), crate::media::reason(&error))))
                .hint("nothing was sent"),
        })
    }

    /// Called by the client right before the first byte is sent; `search` is the record for
    /// `reconcile`.
    pub(crate) fn when_sent<F>(&self, search: F) -> impl Fn() -> io::Result<()> + Send + Sync + use<F>
    where
        F: Fn() -> UnresolvedCreate + Send + Sync + 'static,
    {
        let memory = self.clone();
        move || {
            let mut memory = memory.clone();
            memory.sidecar = memory.sidecar.clone().unknown(Progress::Submitting, search());
            memory.write(false)?;
            memory.claim.as_ref().map_or(Ok(()), Claim::sent)
        }
    }

    /// Records the outcome of the create. A rejection removes the record.
    pub(crate) fn ended(&mut self, session: &Session, ended: Result<&str, &Error>) {
        let written = match ended {
            Ok(id) => {
                self.sidecar = self.sidecar.clone().submitted(id);
                self.write(false)
            }
            Err(error) => match error.to_reconcile() {
                Some(unknown) => {
                    self.sidecar = self.sidecar.clone().unknown(Progress::Unknown, unknown.clone());
                    self.write(false)
                }
                None => {
                    self.forget();
                    Ok(())
                }
            },
        };
        self.doubt(session, written);
    }

    /// Records the path of the video. Its sidecar is written with the video.
    pub(crate) fn saved(&mut self, session: &Session, task: &Task, video: &Path, file: FileFacts) {
        let Some(record) = &mut self.record else { return };
        record.video = Some(video.to_owned());
        self.sidecar = self.sidecar.clone().downloaded(task, file);
        let written = self.write_record();
        self.doubt(session, written);
    }

    fn doubt(&self, session: &Session, written: io::Result<()>) {
        if let Err(error) = written {
            session.output.warn(format_args!(
                "cannot write {}: {}",
                self.name(),
                crate::media::reason(&error)
            ));
        }
    }

    /// Removes the record and restores the previous one.
    fn forget(&self) {
        if let Some((real, _)) = &self.beside {
            let put_back = self.before.as_ref().is_some_and(|before| before.write(real).is_ok());
            if !put_back {
                let _ = std::fs::remove_file(Sidecar::path_of(real));
            }
        }
        if let Some(claim) = &self.claim {
            let _ = std::fs::remove_file(&claim.path);
            let _ = claim.not_sent();
        }
    }

    /// The origin of the video for its sidecar.
    pub(crate) fn origin(&self) -> (Option<Provenance>, Option<Intent>) {
        (self.sidecar.provenance.clone(), self.sidecar.intent.clone())
    }

    /// The state directory, if there is one.
    pub(crate) fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// The hint to search for a lost task by its record.
    pub(crate) fn hint(&self, failure: Failure, again: &str) -> Failure {
        if failure.exit != Exit::OutcomeUnknown {
            return failure;
        }
        let Some(name) = self.searchable() else { return failure };
        let mut failure = failure;
        failure.hints.insert(0, format!("search for the task: {again} reconcile {}", quoted(&name)));
        failure
    }

    /// The argument of `reconcile` for it.
    pub(crate) fn searchable(&self) -> Option<String> {
        match (&self.beside, &self.claim) {
            (Some((_, shown)), _) => Some(shown.display().to_string()),
            (None, Some(claim)) => Some(claim.id.clone()),
            (None, None) => None,
        }
    }

    /// Writes all records. With `new`, a sidecar that has appeared meanwhile is not replaced.
    fn write(&self, new: bool) -> io::Result<()> {
        // A crash may lose the second write: with an output path, the file beside the video
        // decides.
        let kept = self.write_record();
        match &self.beside {
            Some((real, _)) if new => self.sidecar.write_new(real),
            Some((real, _)) => self.sidecar.write(real),
            None => kept,
        }
    }

    fn write_record(&self) -> io::Result<()> {
        let (Some(record), Some(claim)) = (&self.record, &self.claim) else { return Ok(()) };
        let mut record = record.clone();
        // The prompt is in the sidecar only, not in the state directory.
        record.sidecar = self.sidecar.clone().provenance(None);
        record.write(&claim.path)
    }

    fn name(&self) -> String {
        match (&self.beside, &self.claim) {
            (Some((_, shown)), _) => Sidecar::path_of(shown).display().to_string(),
            (None, Some(claim)) => claim.path.display().to_string(),
            (None, None) => "the record".to_owned(),
        }
    }
}

fn read(real: &Path, shown: &Path, overwrite: bool) -> Result<Option<Sidecar>, Failure> {
    match Sidecar::read(real) {
        Ok(found) => Ok(found),
        Err(_) if overwrite => Ok(None),
        Err(error) => {
            let (name, why) = (Sidecar::path_of(shown), crate::media::reason(&error));
            Err(Failure::new(Exit::Output, format!("cannot read {}: {why}", name.display()))
                .hint("move it away if it is no longer needed, or use --overwrite"))
        }
    }
}

fn stand_of(found: &Sidecar) -> RunState {
    match (&found.task_id, &found.unknown) {
        _ if found.progress == Progress::Prepared => RunState::New,
        (Some(id), _) => RunState::Submitted(id.clone()),
        (None, Some(unknown)) => RunState::Unknown(Box::new(unknown.clone())),
        (None, None) => RunState::New,
    }
}

/// An earlier run finished; its video is where that saved it.
async fn done(entry: &Entry, to: &Destination, saves: bool) -> Result<RunState, Failure> {
    let sidecar = &entry.record.sidecar;
    let id = sidecar.task_id.clone().unwrap_or_default();
    if !saves {
        return Ok(RunState::Submitted(id));
    }
    let Some(video) = entry.record.video.clone() else { return Ok(RunState::Submitted(id)) };
    if sidecar.holds(&video).await {
        return Ok(RunState::Done { sidecar: Box::new(sidecar.clone()), video: to.shown(&video) });
    }
    let message = format!(
        "this request was finished as task {}, but its video {} is missing or changed; nothing was sent",
        crate::escape::one_line(&id),
        to.shown(&video).display()
    );
    Err(Failure::new(Exit::Output, message)
        .hint(format!("to fetch it again (for 24 hours): ark-video download {}", crate::escape::id(&id)))
        .hint("or omit --resume to create another video"))
}

async fn choose<'e>(session: &mut Session, open: &[&'e Entry]) -> Result<&'e Entry, Failure> {
    let list: Vec<String> = open.iter().map(|entry| format!("  {}", described(entry))).collect();
    let message = format!("{} runs of this request are unfinished:\n{}", open.len(), list.join("\n"));
    if let Some(answer) = session.ask(&format!("{message}\nresume which one?")).await? {
        if let Some(entry) = open.iter().find(|entry| entry.id == answer) {
            return Ok(entry);
        }
        return Err(Failure::new(Exit::Usage, format!("no record {answer}; nothing was sent")));
    }
    Err(Failure::new(Exit::Usage, format!("{message}\nnothing was sent"))
        .hint("choose one: --resume=ID, with the id at the start of its line")
        .hint("or omit --resume to create another video"))
}

/// A record in a line: `0123456789ab-2, started 2026-11-29 18:02:11 UTC, task cgt-1`
fn described(entry: &Entry) -> String {
    let sidecar = &entry.record.sidecar;
    let at = crate::summary::time(entry.record.created_at / 1000);
    let task = match &sidecar.task_id {
        Some(id) => format!("task {}", crate::escape::one_line(id)),
        None => "outcome unknown".to_owned(),
    };
    let file =
        entry.record.output.as_ref().map(|file| format!(", for {}", file.display())).unwrap_or_default();
    format!("{}, started {at}, {task}{file}", entry.id)
}

fn not_ours(shown: &Path, why: &str) -> Failure {
    Failure::new(Exit::Output, format!("{} already exists, and {why}; nothing was sent", shown.display()))
        .hint("choose another name with -o, move it away, or use --overwrite to create a new video")
}

fn at_work(what: &str) -> Failure {
    Failure::new(Exit::Output, format!("another process is running {what}; nothing was sent"))
        .hint("wait until it ends")
}

fn unwritable(error: &io::Error) -> Failure {
    Failure::new(Exit::Output, format!("cannot write the record of this create: {error}; nothing was sent"))
        .hint("name the video with -o FILE, or set ARK_STATE_DIR to a writable folder")
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new(Exit::Output, format!("cannot read the records of earlier runs: {error}; nothing was sent"))
        .hint("move the file away if it is no longer needed")
}
