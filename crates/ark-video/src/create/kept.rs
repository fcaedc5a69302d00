//! A create that survives its caller: it runs as a task of its own, with a record in a store from
//! before its first byte until the caller has the handle.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use ark_video_protocol::{Endpoint, REQUEST_ID_RANDOM, client_request_id, outcome::UnknownReason};
use ark_video_transport::{SendError, SendErrorKind};
use tokio::sync::oneshot;

use crate::{
    Client, Error, TaskHandle,
    call::locked,
    create::Prepared,
    error::{Call, OutcomeUnknown},
    unresolved::{CreateRecord, UnresolvedStore},
};

/// The keys of creates that are being sent: their records resolve themselves.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<BTreeSet<String>>);

impl InFlight {
    pub(crate) fn holds(&self, key: &str) -> bool {
        locked(&self.0).contains(key)
    }
}

/// A key in [`InFlight`], as long as this lives.
struct Entry {
    client: Client,
    key: String,
}

impl Entry {
    fn new(client: &Client) -> Self {
        let mut random = [0; REQUEST_ID_RANDOM];
        client.inner.random.fill(&mut random);
        // Begins with the time, so that stores that sort their keys list the oldest first.
        let key = client_request_id(client.now(), random);
        locked(&client.inner.in_flight.0).insert(key.clone());
        Self { client: client.clone(), key }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        locked(&self.client.inner.in_flight.0).remove(&self.key);
    }
}

type Answer = (Result<TaskHandle, Error>, Entry);

pub(crate) async fn send(prepared: Prepared, store: Arc<dyn UnresolvedStore>) -> Result<TaskHandle, Error> {
    let entry = Entry::new(&prepared.client);
    let client = prepared.client.clone();
    let (search, started) = (prepared.record(), client.now());
    let (answer, caller) = oneshot::channel();
    tokio::spawn(run(prepared, store.clone(), entry, answer));
    let Ok((result, entry)) = caller.await else {
        // The runtime shuts down, or a transport of the user's own panicked. The record stays.
        let why = SendError::maybe_sent(SendErrorKind::Other, "the task that sent it was stopped");
        let call = Call::new(Endpoint::Create, None, String::new());
        let why = UnknownReason::NoAnswer(why);
        let lost = OutcomeUnknown::new(search, &why, call, started, client.now());
        return Err(Error::OutcomeUnknown(Box::new(lost)));
    };
    if result.is_ok() {
        // In the poll that gives the handle to the caller. A record that cannot be removed only
        // gives the same task again.
        let _ = store.remove(&entry.key);
    }
    result
}

async fn run(
    prepared: Prepared,
    store: Arc<dyn UnresolvedStore>,
    entry: Entry,
    answer: oneshot::Sender<Answer>,
) {
    let record = CreateRecord::new(&entry.key, prepared.client.base_url(), prepared.record());
    let before = {
        let (store, record, prepared) = (store.clone(), record.clone(), prepared.clone());
        move || store.put(&record.clone().unresolved(prepared.record()))
    };
    let result = prepared.before_first_byte(before).send(&|| !answer.is_closed()).await;
    // A record that cannot be completed stays as it was before the send: by that its task is found
    // too.
    let _ = match &result {
        Ok(task) => store.put(&record.created(task.id())),
        Err(error) => match error.to_reconcile() {
            Some(search) => store.put(&record.unresolved(search.clone())),
            None => store.remove(&entry.key),
        },
    };
    let _ = answer.send((result, entry));
}
