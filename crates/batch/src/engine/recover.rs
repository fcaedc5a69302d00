//! Before a run: whether the journal knows what was sent in its place. A journal that was deleted,
//! emptied, rolled back or copied does not, and would pay for everything again. What the records
//! beside the outputs name is taken into its rows; where something is left that may have been sent,
//! nothing is sent before a person says so.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use super::events::{EventKind, EventSink};
use super::options::RunnerOptions;
use super::permits::slot_of;
use super::records::{Found, Record, find};
use crate::journal::HighWater;
use crate::money::utc_day;
use crate::{CasOutcome, Job, JobFilter, Journal, JournalError, State};

/// Shots that a message names.
const SHOWN: usize = 5;

/// Why a journal may not know what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostCause {
    /// Another journal was used in its place before: that one was deleted, emptied or moved.
    Replaced,
    /// It is a copy of this file, which is still there.
    Copy(PathBuf),
    /// The file that says how far the journal was, or a record beside an output, cannot be read;
    /// why.
    Unreadable(String),
    /// Beside the outputs are records of creates that are not in it.
    Records,
}

impl fmt::Display for LostCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replaced => f.write_str("another journal was used in its place before"),
            Self::Copy(original) => write!(f, "it is a copy of {}, which is still there", original.display()),
            Self::Unreadable(why) => write!(f, "what was sent before cannot be read ({why})"),
            Self::Records => f.write_str("beside the outputs are records of creates that are not in it"),
        }
    }
}

/// A journal that may not know what was sent, and shots that would be paid for again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The journal.
    pub place: String,
    /// Why it may not know.
    pub cause: LostCause,
    /// Shots without a record: the first few names of those that would be sent.
    pub shots: Vec<String>,
    /// How many such shots there are.
    pub count: usize,
    /// Shots that a record names, and that would be taken over.
    pub recorded: usize,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.count > self.shots.len() { ", …" } else { "" };
        write!(
            f,
            "The journal {} may not know what was sent: {}. Of its unsent shots {} have a record beside their output and {} have none ({}{more}): these may be paid for already, so nothing was sent.",
            self.place,
            self.cause,
            self.recorded,
            self.count,
            self.shots.join(", ")
        )
    }
}

/// What came of it.
pub(crate) enum Recovered {
    /// The run may go on. These files go into what is not sent yet.
    Ready(BTreeSet<PathBuf>),
    /// The file is an earlier copy: it lacks so many changes.
    Earlier(i64),
    /// A person has to decide.
    Lost(Lost),
}

/// Compares the journal with what is beside it and beside its outputs.
pub(crate) async fn recover(
    journal: &Journal,
    batches: &[String],
    options: &RunnerOptions,
    sink: &EventSink,
) -> Result<Recovered, JournalError> {
    let high_water = journal.high_water().await?;
    let original = journal.original().await?;
    let mut unsent = Unsent::default();
    for batch in batches {
        unsent.read(journal, batch).await?;
    }
    let cause = match (&high_water, original) {
        (HighWater::Other, _) => Some(LostCause::Replaced),
        (HighWater::Unreadable(why), _) => Some(LostCause::Unreadable(why.clone())),
        (_, Some(original)) => Some(LostCause::Copy(original)),
        _ => unsent.unreadable.clone().map(LostCause::Unreadable),
    };
    let cause = cause.or(unsent
        .recorded
        .iter()
        .any(|(_, record)| record.is_of_a_batch())
        .then_some(LostCause::Records));
    let meant = options.new_journal || options.earlier_copy;
    if unsent.count > 0 && !meant {
        if let HighWater::Earlier(changes) = high_water {
            return Ok(Recovered::Earlier(changes));
        }
        if let Some(cause) = cause {
            return Ok(Recovered::Lost(Lost {
                place: journal.place().to_owned(),
                cause,
                shots: unsent.shots,
                count: unsent.count,
                recorded: unsent.recorded.len(),
            }));
        }
    }
    for (job, record) in &unsent.recorded {
        adopt(journal, job, record, options, sink).await?;
    }
    if options.new_journal {
        journal.separate(&*options.random).await?;
    }
    // A copy that has nothing to send leaves the place to the original.
    if options.new_journal || !matches!(cause, Some(LostCause::Copy(_))) {
        journal.used_here().await?;
    }
    journal.set_high_water().await?;
    Ok(Recovered::Ready(unsent.inputs))
}

/// Takes a record into its row. A task that is another job's is left to that one.
pub(crate) async fn adopt(
    journal: &Journal,
    job: &Job,
    record: &Record,
    options: &RunnerOptions,
    sink: &EventSink,
) -> Result<Option<Job>, JournalError> {
    let found = record.adopted(job, slot_of(job), options.clock.now(), utc_day);
    if let Some(id) = &found.task_id
        && journal.job_of_task(id).await?.is_some_and(|other| other.key != job.key)
    {
        return Ok(None);
    }
    match journal.adopt(job, &found).await? {
        CasOutcome::Done(job) => {
            let task_id = job.task_id.clone();
            sink.emit(options.clock.now(), Some(&job.key), EventKind::Adopted { task_id });
            Ok(Some(job))
        }
        CasOutcome::Conflict(job) => Ok(job),
    }
}

/// What a run could send.
#[derive(Default)]
struct Unsent {
    recorded: Vec<(Job, Box<Record>)>,
    /// The first names of those without a record, and how many they are.
    shots: Vec<String>,
    count: usize,
    unreadable: Option<String>,
    inputs: BTreeSet<PathBuf>,
}

impl Unsent {
    async fn read(&mut self, journal: &Journal, batch: &str) -> Result<(), JournalError> {
        let filter = JobFilter {
            batch: Some(batch.to_owned()),
            states: vec![State::Intent, State::NeedsApproval, State::OverBudget],
            ..JobFilter::default()
        };
        let mut pages = journal.pages(filter);
        while let Some(page) = pages.next().await? {
            let inputs = page.iter().flat_map(|job| &job.planned.inputs);
            self.inputs.extend(inputs.map(|input| input.path.clone()));
            let id = journal.id();
            let find_all = move || page.into_iter().map(|job| (find(&job, &id), job)).collect::<Vec<_>>();
            // A panic in there is one here.
            let Ok(found) = tokio::task::spawn_blocking(find_all).await else { return Ok(()) };
            for (found, job) in found {
                match found {
                    Found::Record(record) => {
                        // Another runner may have written both the row and the record since the row
                        // was read here.
                        if journal.job(&job.key).await?.is_some_and(|now| now.seq == job.seq) {
                            self.recorded.push((job, record));
                        }
                        continue;
                    }
                    Found::Unreadable(why) => self.unreadable = Some(why),
                    Found::Nothing | Found::Other(_) => {}
                }
                self.count += 1;
                if self.shots.len() < SHOWN {
                    self.shots.push(job.planned.name);
                }
            }
        }
        Ok(())
    }
}
