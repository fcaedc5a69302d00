//! The one create of an intent: recorded, sent once, and its response awaited even after Ctrl-C.

use std::time::Duration;

use ark_video::model::CreateTaskRequest;
use ark_video::{Client, Create, TaskHandle, UnresolvedCreate, create::Prepared};

use super::result;
use crate::api_failure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::names::Names;
use crate::session::Session;
use crate::sidecar::Memory;

/// How long to wait for the response to a create after Ctrl-C: without it a bill may go unnoticed.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends once. After Ctrl-C it waits briefly for the response, which shows whether a task was
/// created.
pub(super) async fn create(
    session: &mut Session,
    client: &Client,
    request: &CreateTaskRequest,
    unsent: Create,
    names: &Names,
    memory: &mut Memory,
) -> Result<TaskHandle, Failure> {
    let again = session.again();
    let prepared = marked(client, request, unsent, memory);
    let record = prepared.record();
    memory.prepared()?;
    let search = {
        let prepared = prepared.clone();
        move || prepared.record()
    };
    let mut creating = prepared.before_first_byte(memory.when_sent(search)).into_future();
    let early = tokio::select! {
        created = &mut creating => Some(created),
        () = session.interrupts.next() => None,
    };
    let interrupted = early.is_none();
    let created = match early {
        Some(created) => created,
        None => {
            session.output.warn(format_args!(
                "the request was sent and may be billed; waiting up to {} s for the response (Ctrl-C again exits at once)",
                RESPONSE_TIMEOUT.as_secs()
            ));
            tokio::select! {
                created = &mut creating => created,
                () = session.interrupts.next() => return Err(memory.hint(unknown(&record, &again), &again)),
                () = tokio::time::sleep(RESPONSE_TIMEOUT) => return Err(memory.hint(unknown(&record, &again), &again)),
            }
        }
    };
    memory.ended(session, created.as_ref().map(TaskHandle::id));
    let handle = created.map_err(|error| memory.hint(api_failure::named(&error, &again, names), &again))?;
    if interrupted { Err(result::stopped(handle.id(), &again)) } else { Ok(handle) }
}

/// The request with correlation marks that no other create of this user has.
fn marked(client: &Client, request: &CreateTaskRequest, unsent: Create, memory: &Memory) -> Prepared {
    let Some(store) = memory.store() else { return unsent.prepare() };
    let base_url = client.base_url().to_string();
    loop {
        let in_use = store.marks_in_use(&base_url, &request.model, client.now());
        let prepared = unsent.clone().in_use(in_use).prepare();
        let free = |expiry| store.claim_mark(&base_url, &request.model, expiry);
        // Another command may have taken it meanwhile: then it is among those in use.
        if prepared.marks().expiry.is_none_or(free) {
            return prepared;
        }
    }
}

/// Interrupted before the response.
fn unknown(record: &UnresolvedCreate, again: &str) -> Failure {
    let message = "It is unknown whether the task was created: the command was interrupted before the response. It may exist \
                   and may be billed; do not send it again before searching for it.";
    Failure::new(Exit::OutcomeUnknown, message).reconcile(Some(record)).hint(format!(
        "search for the task: {again} reconcile --since 10m --model {}",
        crate::escape::quoted(&record.model)
    ))
}
