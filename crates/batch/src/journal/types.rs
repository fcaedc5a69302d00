//! What the journal takes and gives: options, answers and rows that are not jobs. Plain values.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ark_video::transport::{Clock, Random, SystemClock, SystemRandom, UnixMillis};
use secrecy::SecretString;
use serde_json::Value;

use crate::{Amount, Job, Scope, State};

/// Where a journal is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum JournalAt {
    /// An SQLite file on a local disk; several processes of one machine may use it at once.
    File(PathBuf),
    /// A PostgreSQL database, `postgres://user:password@host/database`; many machines may use it at
    /// once. Without `sslmode` in the address, a server that is not on this machine has to prove
    /// who it is (`verify-full`).
    Postgres(SecretString),
}

/// How a journal is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Whether to make one where there is none. Default: true.
    pub create: bool,
    /// Where the times in the rows come from. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Where the id of a new journal comes from. Default: the system's.
    pub random: Arc<dyn Random>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { create: true, clock: Arc::new(SystemClock::new()), random: Arc::new(SystemRandom) }
    }
}

/// How a list is planned as a batch.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Whether jobs that the list no longer has are dropped, if they were not sent. Default: false.
    pub drop_missing: bool,
    /// The list's file, `-` for standard input: a batch remembers it, and another list of the same
    /// name is refused. Default: not known, and nothing is refused.
    pub list: Option<PathBuf>,
}

/// What planning a list changed, by the names of the jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanChange {
    /// New, or there again after having been dropped.
    pub added: Vec<String>,
    /// Changed before they were sent: replaced in place.
    pub changed: Vec<String>,
    /// As they were.
    pub unchanged: Vec<String>,
    /// No longer in the list, and taken out.
    pub dropped: Vec<String>,
    /// Changed after they were sent: the old row is still waited for, and a new revision stands
    /// beside it.
    pub superseded: Vec<String>,
}

impl PlanChange {
    /// Each by name.
    pub(super) fn sort(&mut self) {
        let Self { added, changed, unchanged, dropped, superseded } = self;
        [added, changed, unchanged, dropped, superseded].into_iter().for_each(|names| names.sort_unstable());
    }
}

/// Which jobs are meant; an empty list of something means all of it.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Of this batch.
    pub batch: Option<String>,
    /// In one of these states.
    pub states: Vec<State>,
    /// With one of these names.
    pub names: Vec<String>,
    /// With at least one of these tags.
    pub tags: Vec<String>,
    /// For one of these models.
    pub models: Vec<String>,
}

/// How a compare-and-set ended.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum CasOutcome {
    /// The row was as the caller knew it, and is now this.
    Done(Job),
    /// Another process had changed it: this is what it is now, `None` if it is not there.
    Conflict(Option<Job>),
}

/// The slot that an attempt needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRequest {
    /// What the account's limit of running tasks is counted on: a model, or a model in 4k.
    pub model: String,
    /// How many may run at once.
    pub ceiling: u32,
}

/// How the step before the network ended. Only with [`Submitting::Done`] may anything be sent.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Submitting {
    /// Reserved, counted and written down: send.
    Done(Job),
    /// Another process had changed the row.
    Conflict(Option<Job>),
    /// A cap leaves no room for the reservation.
    NoRoom {
        /// What the cap applies to.
        scope: Scope,
        /// `tokens`, or a currency.
        unit: String,
        /// The cap: tokens, or millionths of the currency's unit, as are the next two.
        cap: u64,
        /// Reserved for jobs under way.
        reserved: u64,
        /// Spent.
        settled: u64,
    },
    /// A cap is in a unit in which the cost of the job is unknown.
    NoPrice {
        /// What the cap applies to.
        scope: Scope,
        /// `tokens`, or a currency.
        unit: String,
    },
    /// Another create of the model in the last 7 days has its mark: give it another one.
    MarkTaken,
    /// As many tasks run as may.
    NoSlot,
    /// The batch is paused.
    Paused,
}

/// What became of an answer that came after its row had moved on.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
#[expect(clippy::large_enum_variant, reason = "one is made after a late answer, and taken apart at once")]
pub(crate) enum LateResponse {
    /// The row took the task: it is submitted.
    Adopted(Job),
    /// The journal knew the task already.
    Already,
    /// The row has another task, or another attempt under way: the task is kept among the bills.
    Extra,
}

/// What a person decided about a job that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolve {
    /// This is its task.
    Adopt(String),
    /// No task was created: it may be sent again.
    NotCreated,
    /// Send it again, whatever may have been created.
    Resend,
}

/// What an approval did.
#[derive(Debug, Clone, PartialEq)]
pub struct Approved {
    /// The job whose video was approved.
    pub job: Job,
    /// The keys of those that waited for it and are intents again.
    pub reopened: Vec<String>,
}

/// What is reserved and spent in a scope, in one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// What it is kept for.
    pub scope: Scope,
    /// `tokens`, or a currency.
    pub unit: String,
    /// Reserved for jobs under way: tokens, or millionths of the currency's unit, as are the next
    /// two.
    pub reserved: u64,
    /// Spent.
    pub settled: u64,
    /// The most that may be reserved and spent together.
    pub cap: Option<u64>,
}

impl Budget {
    /// So much in the budget's unit.
    #[must_use]
    pub fn amount(&self, number: u64) -> Amount {
        Amount::in_unit(&self.unit, number)
    }
}

/// How many tasks run, and how many may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slots {
    /// Jobs that are being submitted, whose end is unknown, or that are submitted.
    pub running: u32,
    /// What all runners of the journal keep to; `None` until it is set.
    pub ceiling: Option<u32>,
}

/// What came of asking for permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Permit {
    /// So many, from now on; the next are free when these are used up at the agreed rate.
    Ready(u32),
    /// None before this time, by the journal's clock.
    At(UnixMillis),
}

/// A batch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BatchRow {
    /// Its name.
    pub name: String,
    /// Hash of the list that was planned last.
    pub list_hash: String,
    /// Whether nothing of it is sent.
    pub paused: bool,
    /// Why, if a reason was given.
    pub reason: Option<String>,
    /// What its runs were started with, as the caller likes to keep it.
    pub options: Value,
    /// When it was planned first.
    pub created_at: UnixMillis,
}

/// A runner of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunnerRow {
    /// Its name, unique.
    pub(crate) id: String,
    /// The machine.
    pub(crate) host: String,
    /// The process.
    pub(crate) pid: u32,
    /// When it started, by the journal's clock.
    pub(crate) started_at: UnixMillis,
    /// When it was heard of last, by the journal's clock.
    pub(crate) seen_at: UnixMillis,
    /// Whether it takes no new jobs.
    pub(crate) stopping: bool,
}

/// Why a task is beside a job's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BillKind {
    /// It exists although the job has another one: billed twice.
    Extra,
    /// The task of an attempt before a person asked for another one.
    Earlier,
}

/// A task of a job beside its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The service's id.
    pub task_id: String,
    /// The job.
    pub key: String,
    /// Which attempt made it.
    pub attempt: u32,
    /// Why it is here.
    pub kind: BillKind,
    /// When it was noticed.
    pub found_at: UnixMillis,
    /// How it was noticed, in a sentence.
    pub reason: String,
}

/// Something that is not as it has to be. Nothing is sent before it is fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The row or table.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}
