//! The memory of one `generate`: what is written beside the video and into the state directory before, during and after the
//! create, and what a later run makes of it. With it a crash at any moment costs no second bill.

use std::io;
use std::path::{Path, PathBuf};

use ark_video::model::Task;
use ark_video::{Error, FileFacts, Intent, Progress, Provenance, Sidecar, Unknown};

use crate::destination::{Destination, not_ended};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::records::{self, Claim, Entry, Record, Store};
use crate::session::{Session, quoted};

/// Where a run stands that may have been started by an earlier one.
#[derive(Debug)]
pub(crate) enum Stand {
    /// Nothing was sent, or what was sent is void.
    New,
    /// A task exists.
    Submitted(String),
    /// The video is here.
    Done { sidecar: Box<Sidecar>, video: PathBuf },
    /// It is unknown whether a task exists.
    Unknown(Box<Unknown>),
}

/// What a create is, and where it is remembered.
pub(crate) struct Remembered<'a> {
    pub(crate) to: &'a Destination,
    pub(crate) hash: String,
    pub(crate) provenance: Provenance,
    pub(crate) base_url: String,
    /// The state directory, or why there is none.
    pub(crate) store: Result<Store, String>,
    /// Nothing is saved here by this run, so that a video that is here already is of no use to it.
    pub(crate) saves: bool,
}

/// What is remembered of a create: beside the video where it has a name and a sidecar, and in the state directory.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// The video's real path, and as the user wrote it.
    beside: Option<(PathBuf, PathBuf)>,
    sidecar: Sidecar,
    /// What was beside the video before: put back if nothing came of this.
    before: Option<Sidecar>,
    record: Option<Record>,
    claim: Option<Claim>,
    /// Of a record that this one replaces.
    held: Option<Claim>,
    /// From looking for records until ours is there: two that resume at once do not both find nothing.
    gate: Option<Claim>,
    store: Option<Store>,
}

impl Memory {
    /// One that writes nothing down: a simulator's tasks end with it.
    pub(crate) fn of_rehearsal(provenance: Provenance, hash: String) -> Self {
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

    /// The memory of this create, not yet written, and what an earlier run left of it. Without `--resume` or
    /// `--overwrite`, anything unfinished under the name is a reason not to go on.
    pub(crate) async fn open(session: &mut Session, of: Remembered<'_>) -> Result<(Self, Stand), Failure> {
        let to = of.to;
        let beside = to.named().filter(|_| to.sidecar).map(|shown| (to.real(shown), shown.to_owned()));
        let store = match (of.store, &beside) {
            (Ok(store), _) => Some(store),
            (Err(_), Some(_)) => None,
            (Err(why), None) => {
                let message = format!("nothing could remember this create: {why}; nothing was sent");
                return Err(Failure::new(Exit::Output, message).hint(
                    "name the video with -o FILE: then the record is kept beside it; or set ARK_STATE_DIR",
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
        if !matches!(stand, Stand::New) {
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
    ) -> Result<Stand, Failure> {
        if let Some((real, shown)) = self.beside.clone() {
            let found = read(&real, &shown, to.overwrite)?;
            self.before.clone_from(&found);
            // A rehearsal's sidecar is nothing to go on with; its video is in the way as any other.
            if let Some(found) = found.filter(|found| !found.simulated && !to.overwrite) {
                return self.beside_stand(found, to, &real, &shown, hash).await;
            }
        }
        if to.overwrite {
            return Ok(Stand::New);
        }
        self.kept_stand(session, to, hash, saves).await
    }

    /// What the sidecar says.
    async fn beside_stand(
        &mut self,
        found: Sidecar,
        to: &Destination,
        real: &Path,
        shown: &Path,
        hash: &str,
    ) -> Result<Stand, Failure> {
        let name = Sidecar::path_of(shown).display().to_string();
        let same_words = match (&found.provenance, &self.sidecar.provenance) {
            (Some(found), Some(ours)) => found.request == ours.request,
            _ => false,
        };
        let same = found.intent_hash().is_none_or(|found| found == hash) || same_words;
        if to.resume && !same {
            let message = format!("{name} belongs to another request: resuming would give you its video");
            return Err(Failure::new(Exit::Output, message).hint("choose another name with -o"));
        }
        let whole = found.progress == Progress::Downloaded && found.holds(real).await;
        match found.progress {
            Progress::Downloaded if whole => {
                return Ok(Stand::Done { sidecar: Box::new(found), video: shown.to_owned() });
            }
            Progress::Downloaded if to.real(shown).symlink_metadata().is_ok() && to.resume => {
                return Err(not_ours(shown, &format!("it is not the video that {name} speaks of")));
            }
            Progress::Downloaded if !to.resume => return Ok(Stand::New),
            Progress::Prepared => {}
            _ if !to.resume => {
                return Err(not_ended(format!(
                    "{} was started by an earlier run that did not end ({name})",
                    shown.display()
                )));
            }
            _ => {}
        }
        // Nobody else goes on with it as long as we do.
        if let (Some(store), Some(intent)) = (&self.store, &found.intent) {
            let claim = store.claim(&intent.hash, intent.ordinal).map_err(|error| unwritable(&error))?;
            self.claim = Some(claim.ok_or_else(|| at_work(&name))?);
        }
        if !same {
            // Nothing of it was sent, and it is not what is wanted now: its number is held, and not used.
            self.held = self.claim.take();
            return Ok(Stand::New);
        }
        let provenance = self.sidecar.provenance.take();
        self.sidecar = found.clone().provenance(provenance);
        if found.progress == Progress::Submitting
            && let Some(claim) = &self.claim
            && Record::read(&claim.path).is_some_and(|record| claim.left_nothing(&record))
        {
            return Ok(Stand::New);
        }
        Ok(stand_of(&found))
    }

    /// What the state directory says.
    async fn kept_stand(
        &mut self,
        session: &mut Session,
        to: &Destination,
        hash: &str,
        saves: bool,
    ) -> Result<Stand, Failure> {
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
        // To resume with -o gives a run its place that was started without one.
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
                    "an earlier run of this request did not end: {}; nothing was sent",
                    described(entry)
                ))),
                (Some(entry), None) => {
                    session.output.note(format_args!(
                        "an earlier run of this request did not end ({}); this is another one, --resume would go on with that",
                        described(entry)
                    ));
                    Ok(Stand::New)
                }
                (None, _) => Ok(Stand::New),
            };
        }
        if let Some(id) = &to.resume_id {
            ours.retain(|entry| entry.id == *id);
            if ours.is_empty() {
                let message = format!("there is no record {id} of this request; nothing was sent");
                return Err(Failure::new(Exit::Usage, message)
                    .hint("--resume alone says which there are, for the same request and the same -o"));
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
                "an earlier run of this request did not end, and went to {}: {}; nothing was sent",
                entry.record.base_url,
                described(entry)
            );
            return Err(Failure::new(Exit::Configuration, message).hint(
                "resume it with the base URL that it was started with, or leave --resume out to make another",
            ));
        }
        // One that is at work for another name is another video; one that was left behind may be meant.
        if let Some(entry) = others.iter().find(|entry| {
            (output.is_none() || !entry.busy)
                && entry.record.is_open()
                && records::is_here(&entry.record, &base_url)
        }) {
            let file = entry.record.output.as_deref().unwrap_or(Path::new("")).display().to_string();
            let message =
                format!("an earlier run of this request did not end: {}; nothing was sent", described(entry));
            return Err(Failure::new(Exit::Output, message)
                .hint(format!("go on with it: the same command with -o {} --resume", quoted(&file)))
                .hint("or leave --resume out to make another video"));
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
            return Err(not_ours(shown, "it has no record, so that it may be another video"));
        }
        // Nothing left this machine: the same record serves again.
        if let Some(entry) =
            ours.iter().rev().find(|entry| entry.record.sidecar.progress == Progress::Prepared)
        {
            if entry.busy {
                return Err(at_work(&entry.id));
            }
            return self.take(entry, hash);
        }
        Ok(Stand::New)
    }

    /// Goes on with a record.
    fn take(&mut self, entry: &Entry, hash: &str) -> Result<Stand, Failure> {
        let ordinal = entry.record.sidecar.intent.as_ref().map_or(1, |intent| intent.ordinal);
        let claim = match &self.store {
            Some(store) => store.claim(hash, ordinal).map_err(|error| unreadable(&error))?,
            None => None,
        };
        let Some(claim) = claim else { return Err(at_work(&entry.id)) };
        // As it is now that nobody else can change it.
        let record = Record::read(&claim.path).unwrap_or_else(|| entry.record.clone());
        let provenance = self.sidecar.provenance.take();
        self.sidecar = record.sidecar.clone().provenance(provenance);
        let left_nothing = claim.left_nothing(&record);
        let output = record.output.clone().or_else(|| self.record.as_ref()?.output.clone());
        self.record = Some(Record { boot: records::boot(), output, ..record.clone() });
        self.claim = Some(claim);
        Ok(if left_nothing { Stand::New } else { stand_of(&record.sidecar) })
    }

    /// Remembers that a request is ready, before anything of it is sent. If this cannot be written, nothing may be sent.
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

    /// What the client calls right before the first byte leaves; `search` is what to look for from then on.
    pub(crate) fn when_sent<F>(&self, search: F) -> impl Fn() -> io::Result<()> + Send + Sync + use<F>
    where
        F: Fn() -> Unknown + Send + Sync + 'static,
    {
        let memory = self.clone();
        move || {
            let mut memory = memory.clone();
            memory.sidecar = memory.sidecar.clone().unknown(Progress::Submitting, search());
            memory.write(false)?;
            memory.claim.as_ref().map_or(Ok(()), Claim::sent)
        }
    }

    /// Remembers how the create ended. A refusal leaves nothing to remember.
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

    /// Remembers where the video is. The sidecar beside it is written with the video itself.
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
                "{} cannot be written: {}",
                self.name(),
                crate::media::reason(&error)
            ));
        }
    }

    /// Nothing of it matters any more: what was there before is there again.
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

    /// What the sidecar of the video says about its origin.
    pub(crate) fn origin(&self) -> (Option<Provenance>, Option<Intent>) {
        (self.sidecar.provenance.clone(), self.sidecar.intent.clone())
    }

    /// The state directory, if there is one.
    pub(crate) fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// How to look for what was lost, with a file that knows more than any flag.
    pub(crate) fn hint(&self, failure: Failure, again: &str) -> Failure {
        if failure.exit != Exit::OutcomeUnknown {
            return failure;
        }
        let Some(name) = self.searchable() else { return failure };
        let mut failure = failure;
        failure.hints.insert(0, format!("look for it: {again} reconcile {}", quoted(&name)));
        failure
    }

    /// What `reconcile` takes to look for it.
    pub(crate) fn searchable(&self) -> Option<String> {
        match (&self.beside, &self.claim) {
            (Some((_, shown)), _) => Some(shown.display().to_string()),
            (None, Some(claim)) => Some(claim.id.clone()),
            (None, None) => None,
        }
    }

    /// Writes all that is to be remembered. With `new`, what appeared beside the video meanwhile is not replaced.
    fn write(&self, new: bool) -> io::Result<()> {
        // The second of the two is what a crash between them lacks: with a name, the file beside it decides.
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
        // The words are the sidecar's: the state directory holds no prompt.
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
            Err(Failure::new(Exit::Output, format!("{} cannot be read: {why}", name.display()))
                .hint("move it away if nothing of it matters any more, or say --overwrite"))
        }
    }
}

fn stand_of(found: &Sidecar) -> Stand {
    match (&found.task_id, &found.unknown) {
        _ if found.progress == Progress::Prepared => Stand::New,
        (Some(id), _) => Stand::Submitted(id.clone()),
        (None, Some(unknown)) => Stand::Unknown(Box::new(unknown.clone())),
        (None, None) => Stand::New,
    }
}

/// An earlier run ended; its video is where that put it.
async fn done(entry: &Entry, to: &Destination, saves: bool) -> Result<Stand, Failure> {
    let sidecar = &entry.record.sidecar;
    let id = sidecar.task_id.clone().unwrap_or_default();
    if !saves {
        return Ok(Stand::Submitted(id));
    }
    let Some(video) = entry.record.video.clone() else { return Ok(Stand::Submitted(id)) };
    if sidecar.holds(&video).await {
        return Ok(Stand::Done { sidecar: Box::new(sidecar.clone()), video: to.shown(&video) });
    }
    let message = format!(
        "this request was made before as task {}, and its video, {}, is not there as it was; nothing was sent",
        crate::escape::one_line(&id),
        to.shown(&video).display()
    );
    Err(Failure::new(Exit::Output, message)
        .hint(format!("ark-video download {} fetches it again, for 24 hours", crate::escape::id(&id)))
        .hint("or leave --resume out to make another video"))
}

async fn choose<'e>(session: &mut Session, open: &[&'e Entry]) -> Result<&'e Entry, Failure> {
    let list: Vec<String> = open.iter().map(|entry| format!("  {}", described(entry))).collect();
    let message = format!("{} runs of this request did not end:\n{}", open.len(), list.join("\n"));
    if let Some(answer) = session.ask(&format!("{message}\nresume which one?")).await? {
        if let Some(entry) = open.iter().find(|entry| entry.id == answer) {
            return Ok(entry);
        }
        return Err(Failure::new(Exit::Usage, format!("there is no record {answer}; nothing was sent")));
    }
    Err(Failure::new(Exit::Usage, format!("{message}\nnothing was sent"))
        .hint("say which one: --resume=ID, with the id at the start of its line")
        .hint("or leave --resume out to make another video"))
}

/// A record in a line: `0123456789ab-2, started 2026-11-29 18:02:11 UTC, task cgt-1`
fn described(entry: &Entry) -> String {
    let sidecar = &entry.record.sidecar;
    let at = crate::summary::moment(entry.record.created_at / 1000);
    let task = match &sidecar.task_id {
        Some(id) => format!("task {}", crate::escape::one_line(id)),
        None => "outcome unknown".to_owned(),
    };
    let file =
        entry.record.output.as_ref().map(|file| format!(", for {}", file.display())).unwrap_or_default();
    format!("{}, started {at}, {task}{file}", entry.id)
}

fn not_ours(shown: &Path, why: &str) -> Failure {
    Failure::new(Exit::Output, format!("{} exists already, and {why}; nothing was sent", shown.display()))
        .hint("choose another name with -o, move it away, or say --overwrite to make a new video")
}

fn at_work(what: &str) -> Failure {
    Failure::new(Exit::Output, format!("another run is at work on {what}; this one sent nothing"))
        .hint("wait until that ends")
}

fn unwritable(error: &io::Error) -> Failure {
    Failure::new(
        Exit::Output,
        format!("the record of this create cannot be written: {error}; nothing was sent"),
    )
    .hint("name the video with -o FILE, or set ARK_STATE_DIR to a folder that can be written")
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new(
        Exit::Output,
        format!("the records of earlier runs cannot be read: {error}; nothing was sent"),
    )
    .hint("move the file away if nothing of it matters any more")
}
