//! The journal: one row per job, moved by compare-and-set, durable before the network is touched.
//! Budget and running counts change in the same transaction as the rows that they are the sum of.
//! It is the queue too: `claims`. Sends nothing.

mod adopt;
mod audit;
mod batches;
mod bills;
mod budgets;
mod claims;
mod correlations;
mod db;
mod decisions;
mod error;
mod file;
mod forecast;
mod high_water;
mod identity;
mod late_response;
mod migrations;
mod moves;
mod open;
mod plan;
mod query;
mod retry;
mod rows;
mod runners;
mod schema;
#[cfg(feature = "postgres")]
mod server;
mod shared_limits;
#[cfg(test)]
mod tests;
mod transition;
mod types;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ark_video::transport::{Clock, UnixMillis};

pub(crate) use adopt::Adopted;
use db::Db;
use error::{ErrorContext, StoreError};
pub use error::{JournalError, JournalErrorKind};
pub use forecast::{Forecast, ForecastJob, ForecastStep};
pub(crate) use high_water::HighWater;
pub(crate) use plan::revised;
pub(crate) use retry::JournalRetry;
pub use types::{
    Approved, BatchRow, Bill, BillKind, Budget, CasOutcome, Finding, JobFilter, JournalAt, OpenOptions,
    PlanChange, PlanOptions, Resolve, SlotRequest, Slots, Submitting,
};
pub(crate) use types::{LateResponse, Permit, RunnerRow};

/// The jobs of one or more batches, durable. Cheap to clone; all clones are the same journal.
///
/// A move takes the job as the caller knows it and ends in [`CasOutcome::Conflict`] if the row is
/// no longer like that. It is one transaction: the row, the budgets and the running counts change
/// together, on the disk, or nothing does. When a move fails with an error, read the job again
/// before going on: on a server the commit may have been heard although its answer was not.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
    retry: Option<Arc<JournalRetry>>,
}

struct Inner {
    db: Db,
    clock: Arc<dyn Clock>,
    /// For people: a path, or host and database.
    place: String,
    /// Drawn once; see [`Journal::id`].
    id: Mutex<String>,
}

impl Journal {
    /// Where it is, for people; without user and password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// Whether it is in a file of this machine.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self.inner.db, Db::Sqlite { .. })
    }

    /// Ends its connections when the last answers are in. Everything that was answered is durable
    /// without it.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }

    /// Copies it, as it is now, to another file, and puts that in the place of what was there.
    /// `false` where the journal is on a server: its copies are the server's business.
    ///
    /// # Errors
    ///
    /// When the copy cannot be written. The journal itself is unharmed.
    pub async fn backup(&self, to: &Path) -> Result<bool, JournalError> {
        let context = ErrorContext { what: "Copying the journal", so: "The journal itself is as it was." };
        self.with_retry(context, || self.copy_to(to)).await
    }

    fn now(&self) -> UnixMillis {
        self.inner.clock.now()
    }

    fn to_error(&self, context: ErrorContext, error: StoreError) -> JournalError {
        error.into_error(&self.inner.place, context)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("place", &self.inner.place).finish_non_exhaustive()
    }
}
