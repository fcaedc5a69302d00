//! Searching for the task of a create that brought no id: LIST is read, nothing is ever sent again.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use ark_video_protocol::{
    UnixMillis,
    reconcile::{ReconcileOptions, ReconcileStep, Reconciler, UnresolvedCreate, Verdict},
};
use ark_video_transport::BoxFuture;

use crate::{
    Client, Error, TaskHandle,
    call::locked,
    unresolved::{DamagedRecord, UnresolvedStore},
};
pub use ark_video_protocol::{
    Difference, RequestedSettings,
    reconcile::{Candidate, Doubt, Evidence, TimeWindow},
};

type OnPoll<'a> = Box<dyn FnMut(&[Verdict]) + Send + 'a>;

/// A search for the tasks of creates whose outcome is unknown: await it. Gives one verdict for
/// each, in their order.
///
/// Found tasks are reported at once; "not found" takes its time (by default two readings of the
/// list, five minutes apart, after the window has closed) and is evidence, not proof. It never
/// sends a create again, and never guesses: where several tasks may be the one, a person has to
/// choose.
#[must_use = "nothing is searched for until awaited"]
pub struct Reconcile<'a> {
    client: Client,
    unresolved: Vec<UnresolvedCreate>,
    options: ReconcileOptions,
    excluded: Vec<String>,
    on_poll: Option<OnPoll<'a>>,
}

impl fmt::Debug for Reconcile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconcile").field("unresolved", &self.unresolved).finish_non_exhaustive()
    }
}

impl Client {
    /// Searches for the tasks of creates whose outcome is unknown:
    /// [`OutcomeUnknown`](crate::error::OutcomeUnknown),
    /// [`AcceptedWithoutId`](crate::error::AcceptedWithoutId), or the [`UnresolvedCreate`] that was
    /// kept of one. One reading of the list serves them all.
    ///
    /// # Errors
    /// The list cannot be read: as [`Client::list`].
    pub fn reconcile(
        &self,
        unresolved: impl IntoIterator<Item = impl Into<UnresolvedCreate>>,
    ) -> Reconcile<'static> {
        let unresolved = unresolved.into_iter().map(Into::into).collect();
        let (client, options) = (self.clone(), ReconcileOptions::default());
        Reconcile { client, unresolved, options, excluded: Vec::new(), on_poll: None }
    }

    /// Resolves every record of a store, for example at the start of a service: see
    /// [`crate::create::Create::keep`].
    ///
    /// A record that knows its task gives its handle; for the others the list is read once. Records
    /// whose task is found are removed when the result is given; all others stay for the next call.
    /// Creates that this client is sending are left out.
    ///
    /// # Errors
    /// [`Error::Store`], or the list cannot be read: as [`Client::list`]. Nothing is removed then.
    pub fn reconcile_all<S: UnresolvedStore + Clone + 'static>(&self, store: &S) -> ReconcileAll {
        let options = ReconcileOptions::new().searches(0);
        ReconcileAll { client: self.clone(), store: Arc::new(store.clone()), options }
    }

    /// The service's time, in milliseconds since 1970, as far as its answers show; this machine's
    /// until they do.
    #[must_use]
    pub fn service_now(&self) -> UnixMillis {
        let offset = locked(&self.inner.pace.clocks).estimate().unwrap_or(0);
        self.clock().now().saturating_add(offset)
    }
}

impl<'a> Reconcile<'a> {
    /// How often to read the list, and what to conclude from it.
    pub fn options(mut self, options: ReconcileOptions) -> Self {
        self.options = options;
        self
    }

    /// Ids that are known to belong to other creates. Give all that are known: such a task is not
    /// taken for another's.
    pub fn exclude(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.excluded.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Calls `on_poll` with what is known after each reading that leaves something open.
    pub fn events<'b>(self, on_poll: impl FnMut(&[Verdict]) + Send + 'b) -> Reconcile<'b> {
        let Self { client, unresolved, options, excluded, .. } = self;
        Reconcile { client, unresolved, options, excluded, on_poll: Some(Box::new(on_poll)) }
    }

    async fn run(mut self) -> Result<Vec<Verdict>, Error> {
        let client = self.client;
        self.unresolved.iter_mut().for_each(|unknown| unknown.correct(&locked(&client.inner.pace.clocks)));
        let mut sweep = Reconciler::new(self.unresolved, self.options);
        self.excluded.into_iter().for_each(|id| sweep.exclude(id));
        loop {
            match sweep.next(client.service_now()) {
                ReconcileStep::Ask(query) => match client.list(&query).await {
                    Ok(page) => sweep.page(client.service_now(), &page),
                    Err(Error::Api(refused)) => {
                        if !sweep.refused(&refused.error) {
                            return settled(sweep.verdicts()).ok_or(Error::Api(refused));
                        }
                    }
                    Err(error) => return settled(sweep.verdicts()).ok_or(error),
                },
                ReconcileStep::WaitUntil(at) => {
                    if let Some(on_poll) = &mut self.on_poll {
                        on_poll(&sweep.verdicts());
                    }
                    let wait = u64::try_from(at.saturating_sub(client.service_now())).unwrap_or(0);
                    client.clock().sleep(Duration::from_millis(wait.max(1))).await;
                }
                _ => return Ok(sweep.verdicts()),
            }
        }
    }
}

impl<'a> IntoFuture for Reconcile<'a> {
    type Output = Result<Vec<Verdict>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A resolution of all records of a store: await it. Gives one result for each.
#[derive(Debug)]
#[must_use = "nothing is resolved until awaited"]
pub struct ReconcileAll {
    client: Client,
    store: Arc<dyn UnresolvedStore>,
    options: ReconcileOptions,
}

/// What became of a record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reconciled {
    /// Its task. The record is removed.
    Found {
        /// The record's key.
        key: String,
        /// The task: wait for it, and download its result.
        task: TaskHandle,
    },
    /// Its task is not known. The record stays; [`UnresolvedStore::remove`] gives it up.
    Open {
        /// The record's key.
        key: String,
        /// What is searched for.
        search: Box<UnresolvedCreate>,
        /// What the list shows.
        verdict: Verdict,
    },
    /// It was sent to another service than this client's. The record stays.
    OtherService {
        /// The record's key.
        key: String,
        /// That service.
        base_url: String,
    },
    /// It cannot be read. The record stays.
    Damaged(DamagedRecord),
}

impl ReconcileAll {
    /// How often to read the list, and what to conclude from it. Default: once, without waiting.
    pub fn options(mut self, options: ReconcileOptions) -> Self {
        self.options = options;
        self
    }

    async fn run(self) -> Result<Vec<Reconciled>, Error> {
        let (mut results, mut open, mut known) = (Vec::new(), Vec::new(), Vec::new());
        for record in self.store.list().map_err(Error::Store)? {
            match record {
                Ok(record) if self.client.inner.in_flight.holds(&record.key) => {}
                Ok(record) if record.base_url != self.client.base_url().to_string() => {
                    results.push(Reconciled::OtherService { key: record.key, base_url: record.base_url });
                }
                Ok(record) => match record.task_id {
                    Some(id) => known.push((record.key, id)),
                    None => open.push((record.key, record.search)),
                },
                Err(damaged) => results.push(Reconciled::Damaged(damaged)),
            }
        }
        let verdicts = match open.is_empty() {
            true => Vec::new(),
            false => {
                let searches = open.iter().map(|(_, search)| search.clone());
                let ids = known.iter().map(|(_, id)| id.as_str());
                self.client.reconcile(searches).options(self.options).exclude(ids).await?
            }
        };
        for ((key, search), verdict) in open.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Found { task, .. } => known.push((key, task.id)),
                verdict => results.push(Reconciled::Open { key, search: Box::new(search), verdict }),
            }
        }
        // No await from here on: what is removed is given.
        for (key, id) in known {
            let _ = self.store.remove(&key);
            results.push(Reconciled::Found { key, task: TaskHandle::found(self.client.clone(), id) });
        }
        Ok(results)
    }
}

impl IntoFuture for ReconcileAll {
    type Output = Result<Vec<Reconciled>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Verdicts that no further reading would change.
fn settled(verdicts: Vec<Verdict>) -> Option<Vec<Verdict>> {
    verdicts.iter().all(|verdict| matches!(verdict, Verdict::Found { .. })).then_some(verdicts)
}
