//! The one retry of the journal: what a busy, full or unreachable database refuses is tried again
//! within a bound. Nothing above this layer retries a journal call, and nothing here knows what the
//! call does.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ark_video::transport::{Backoff, Clock};

use super::error::{ErrorContext, StoreError};
use super::{Journal, JournalError};

const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

/// How a journal retries.
pub(crate) struct JournalRetry {
    /// Waits between the attempts and measures the bound.
    pub(crate) clock: Arc<dyn Clock>,
    /// A call that has failed for longer than this reports its error.
    pub(crate) within: Duration,
    /// Called with the first error of an outage.
    pub(crate) on_outage: Box<dyn Fn(&JournalError) + Send + Sync>,
    /// Whether the last call of any clone failed.
    pub(crate) is_down: AtomicBool,
}

impl Journal {
    /// The same journal, whose calls are retried. [`Journal::submitting`] is not: what could not be
    /// written down in time is not sent.
    pub(crate) fn with_retries(&self, retry: JournalRetry) -> Self {
        Self { inner: self.inner.clone(), retry: Some(Arc::new(retry)) }
    }

    /// The same journal, whose calls report their first error.
    pub(crate) fn without_retries(&self) -> Self {
        Self { inner: self.inner.clone(), retry: None }
    }

    /// Makes a call, again after each transient error. After a lost answer to a commit, the next
    /// attempt finds the row changed and reports a conflict: compare-and-set makes every call safe
    /// to repeat.
    pub(super) async fn with_retry<T, F>(
        &self,
        context: ErrorContext,
        call: impl Fn() -> F,
    ) -> Result<T, JournalError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let (mut failing_since, mut failures) = (None, 0_u32);
        loop {
            let error = match call().await {
                Ok(done) => {
                    if let Some(retry) = &self.retry {
                        retry.is_down.store(false, Ordering::Relaxed);
                    }
                    return Ok(done);
                }
                Err(error) => self.to_error(context, error),
            };
            let Some(retry) = self.retry.as_deref().filter(|_| error.is_transient()) else {
                return Err(error);
            };
            let now = retry.clock.monotonic();
            if now.saturating_sub(*failing_since.get_or_insert(now)) >= retry.within {
                return Err(error);
            }
            if !retry.is_down.swap(true, Ordering::Relaxed) {
                (retry.on_outage)(&error);
            }
            failures = failures.saturating_add(1);
            retry.clock.sleep(BACKOFF.pause(failures, 1.0)).await;
        }
    }
}
