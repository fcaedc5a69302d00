//! Looking for the task of a create that brought no id: LIST is asked, nothing is ever sent again.

use std::time::Duration;

use ark_video_protocol::{
    UnixMillis,
    reconcile::{Sweep, SweepOptions, SweepStep, Unknown, Verdict},
};

use crate::{Client, Error, call::locked};

/// How to look for lost tasks.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ReconcileOptions {
    /// How often to look, and what to make of it.
    pub sweep: SweepOptions,
    /// Ids that are known to belong to other creates. Tell all that you know: what is owned is nobody else's.
    pub owned: Vec<String>,
}

impl ReconcileOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how to look.
    #[must_use]
    pub fn sweep(mut self, sweep: SweepOptions) -> Self {
        self.sweep = sweep;
        self
    }

    /// Sets which tasks belong to others.
    #[must_use]
    pub fn owned(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.owned = ids.into_iter().map(Into::into).collect();
        self
    }
}

impl Client {
    /// Looks for the task of a create whose outcome is unknown: [`crate::OutcomeUnknown`], [`crate::AcceptedWithoutId`],
    /// or the [`Unknown`] that was kept of one.
    ///
    /// Found tasks are told at once; "not found" takes its time (by default two looks, five minutes apart, after the
    /// window has closed) and is evidence, not proof. It never sends the create again, and never guesses: where several
    /// tasks may be the one, a person has to choose.
    ///
    /// # Errors
    /// LIST cannot be asked: as [`Client::list`].
    pub async fn reconcile(&self, unknown: impl Into<Unknown>) -> Result<Verdict, Error> {
        let mut verdicts =
            self.reconcile_all(vec![unknown.into()], ReconcileOptions::default(), |_| {}).await?;
        Ok(verdicts.remove(0))
    }

    /// As [`Client::reconcile`] for any number of unknowns: one reading of LIST serves them all. Verdicts come in their
    /// order. `on_look` is told what is known each time when nothing can be done but wait.
    ///
    /// # Errors
    /// As [`Client::reconcile`].
    pub async fn reconcile_all(
        &self,
        mut unknowns: Vec<Unknown>,
        options: ReconcileOptions,
        mut on_look: impl FnMut(&[Verdict]) + Send,
    ) -> Result<Vec<Verdict>, Error> {
        unknowns.iter_mut().for_each(|unknown| unknown.correct(&locked(&self.inner.pace.clocks)));
        let mut sweep = Sweep::new(unknowns, options.sweep);
        options.owned.into_iter().for_each(|id| sweep.own(id));
        loop {
            match sweep.next(self.service_now()) {
                SweepStep::Ask(query) => match self.list(&query).await {
                    Ok(page) => sweep.page(self.service_now(), &page),
                    Err(Error::Refused(refused)) => {
                        if !sweep.refused(&refused.error) {
                            return settled(sweep.verdicts()).ok_or(Error::Refused(refused));
                        }
                    }
                    Err(error) => return settled(sweep.verdicts()).ok_or(error),
                },
                SweepStep::WaitUntil(at) => {
                    on_look(&sweep.verdicts());
                    let wait = u64::try_from(at.saturating_sub(self.service_now())).unwrap_or(0);
                    self.clock().sleep(Duration::from_millis(wait.max(1))).await;
                }
                _ => return Ok(sweep.verdicts()),
            }
        }
    }

    /// The service's time, in milliseconds since 1970, as far as its answers tell; this machine's until they do.
    #[must_use]
    pub fn service_now(&self) -> UnixMillis {
        let offset = locked(&self.inner.pace.clocks).estimate().unwrap_or(0);
        self.clock().now().saturating_add(offset)
    }
}

/// Verdicts that no further look would change.
fn settled(verdicts: Vec<Verdict>) -> Option<Vec<Verdict>> {
    verdicts.iter().all(|verdict| matches!(verdict, Verdict::Found { .. })).then_some(verdicts)
}
