//! Get, list and delete with a fault: the right answer or a clear error, no bill, and the right
//! answer afterwards.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use ark_video::{Client, Error, ListQuery, TaskHandle, model::Task, transport::Endpoint};
use ark_video_simulator::{Effect, FaultPoint, Options};
use futures_util::TryStreamExt;

use super::{
    cell::{Run, error_name},
    rows::{Asks, Often, Row},
    test_env::{TestEnv, small},
};

const NOBODYS: &str = "cgt-20261122101530-nobod";
const FAILS: &str = "A paper boat. [[fail:OutputVideoSensitiveContentDetected]]";

/// What must be the same with any fault.
#[derive(Debug, Clone, PartialEq)]
struct Facts {
    status: String,
    created_at: Option<i64>,
    updated_at: Option<i64>,
    tokens: Option<i64>,
    failure: Option<String>,
    video: bool,
}

impl Facts {
    fn of(task: &Task) -> Self {
        Self {
            status: task.status.as_str().to_owned(),
            created_at: task.created_at,
            updated_at: task.updated_at,
            tokens: task.usage.as_ref().and_then(|usage| usage.completion_tokens),
            failure: task.failure().map(|failure| failure.code.as_str().to_owned()),
            video: task.video_url().is_some(),
        }
    }
}

/// Whether a task is reported as it is. An unknown status is kept and is not terminal.
fn is_right(row: &Row, task: &Task, truth: &Facts) -> bool {
    let mut facts = Facts::of(task);
    if let Effect::UnknownStatus { status } = &row.effect
        && facts.status == *status
        && !task.status.is_terminal()
    {
        facts.status.clone_from(&truth.status);
    }
    // Shown as it came: without the link, or with the reason as text.
    if matches!(row.effect, Effect::NoLink { .. }) {
        facts.video = truth.video;
    }
    if matches!(row.effect, Effect::TextError) && task.failure_text().is_some() {
        facts.failure.clone_from(&truth.failure);
    }
    facts == *truth
}

fn bills(env: &TestEnv) -> (usize, usize) {
    let ledger = env.simulator.ledger();
    (ledger.accepted, ledger.billed)
}

pub(super) async fn get(row: &Row, often: Often) -> Run {
    let mut run = Run::default();
    let env = TestEnv::new().await;
    let task = env.ended(if row.asks == Asks::Failed { FAILS } else { "A paper boat." }).await;
    let truth = Facts::of(&task.get().await.unwrap());
    let before = bills(&env);
    env.inject(row.rule(FaultPoint::Get, often));
    let id = if row.asks == Asks::Refused { NOBODYS } else { task.id() };
    match env.with_fault(row).get(id).await {
        Ok(found) => {
            let right = found.id == id && is_right(row, &found, &truth);
            run.check(right, || format!("a wrong answer: {:?}", Facts::of(&found)));
            let odd = found.status.as_str() != truth.status;
            run.outcome = if odd { "answered, state unknown" } else { "answered" }.to_owned();
        }
        Err(error) => run.outcome = error_name(&error),
    }
    env.heal(&mut run);
    let again = env.client.get(task.id()).await.map(|task| Facts::of(&task));
    run.check(again.as_ref().is_ok_and(|facts| *facts == truth), || format!("afterwards: {again:?}"));
    run.check(bills(&env) == before, || "a question was billed".to_owned());
    run
}

pub(super) async fn list(row: &Row, often: Often) -> Run {
    let mut run = Run::default();
    let env = TestEnv::new().await;
    let mut truth = BTreeMap::new();
    for prompt in ["A boat.", "A train.", FAILS, "A kite.", "A lamp."] {
        let task = env.ended(prompt).await;
        truth.insert(task.id().to_owned(), Facts::of(&task.get().await.unwrap()));
    }
    let before = bills(&env);
    let mut query = ListQuery::new().page_size(2);
    if row.asks == Asks::Refused {
        query = query.status("sleeping");
    }
    env.inject(row.rule(FaultPoint::List, often));
    match all(&env.with_fault(row), &query).await {
        Ok(found) => {
            let wrong =
                found.iter().find(|task| truth.get(&task.id).is_none_or(|truth| !is_right(row, task, truth)));
            run.check(wrong.is_none(), || format!("a wrong answer: {wrong:?}"));
            let mut ids: Vec<&str> = found.iter().map(|task| task.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            run.check(ids.len() == found.len(), || "a task comes twice".to_owned());
            run.check(ids.len() == truth.len(), || {
                format!("{} of {} tasks, and nothing says so", ids.len(), truth.len())
            });
            let odd = found
                .iter()
                .any(|task| truth.get(&task.id).is_some_and(|truth| truth.status != task.status.as_str()));
            run.outcome = if odd { "answered, state unknown" } else { "answered" }.to_owned();
        }
        Err(error) => run.outcome = error_name(&error),
    }
    env.heal(&mut run);
    let again = all(&env.client, &ListQuery::new()).await;
    run.check(again.as_ref().is_ok_and(|all| all.len() == truth.len()), || format!("afterwards: {again:?}"));
    run.check(bills(&env) == before, || "a question was billed".to_owned());
    run
}

async fn all(client: &Client, query: &ListQuery) -> Result<Vec<Task>, Error> {
    pin!(client.list_all(query.clone())).try_collect().await
}

/// A task is taken out of the queue, the record of another is deleted, and a third is to be
/// cancelled that ends meanwhile.
pub(super) async fn delete(row: &Row, often: Often) -> Run {
    let mut run = Run::default();
    let cancelled = cancel(row, often, &mut run).await;
    let forgotten = forget(row, often, &mut run).await;
    too_late(row, often, &mut run).await;
    run.outcome =
        if cancelled == forgotten { cancelled } else { format!("cancel {cancelled}, forget {forgotten}") };
    run
}

async fn cancel(row: &Row, often: Often, run: &mut Run) -> String {
    let env = TestEnv::with(Options::default().queued(Duration::from_secs(36_000))).await;
    let task = env.client.create(small("A paper boat.")).await.unwrap();
    env.inject(row.rule(FaultPoint::Delete, often));
    let first = env.with_fault(row).cancel(task.id()).await;
    env.heal(run);
    let text = first.as_ref().map_or_else(error_name, |()| "done".to_owned());
    if first.is_err() {
        let again = env.client.cancel(task.id()).await;
        let ended = matches!(&again, Ok(()) | Err(Error::NotPossible(_)));
        run.check(ended, || format!("afterwards it cannot be cancelled: {again:?}"));
    }
    let status = env.client.get(task.id()).await.map(|task| task.status.as_str().to_owned());
    run.check(status.as_deref().ok() == Some("cancelled"), || format!("{text}, but it is {status:?}"));
    run.bills = run.bills.max(env.bills_in_the_end().len());
    run.check(run.bills == 0, || "a cancelled task was billed".to_owned());
    text
}

async fn forget(row: &Row, often: Often, run: &mut Run) -> String {
    let env = TestEnv::new().await;
    let task = env.ended("A paper boat.").await;
    let before = bills(&env);
    env.inject(row.rule(FaultPoint::Delete, often));
    let first = env.with_fault(row).forget(task.id()).await;
    env.heal(run);
    let text = first.as_ref().map_or_else(error_name, |()| "done".to_owned());
    if let Err(Error::Api(refused)) = &first {
        let deleting = refused.call.endpoint == Endpoint::Delete;
        run.check(deleting, || format!("{text}, because the deleting it asked for was done"));
    }
    let gone = |error: &Error| error.status() == Some(404);
    if first.is_err() {
        let again = env.client.forget(task.id()).await;
        run.check(again.as_ref().map_or_else(gone, |()| true), || format!("afterwards: {again:?}"));
    }
    let left = env.client.get(task.id()).await;
    run.check(left.as_ref().is_err_and(gone), || format!("{text}, but the record is there: {left:?}"));
    run.check(bills(&env) == before, || "deleting was billed".to_owned());
    text
}

/// The vendor has one verb for cancelling and for deleting: a cancel that comes late must not take
/// the video away.
async fn too_late(row: &Row, often: Often, run: &mut Run) {
    let env = TestEnv::new().await;
    let task: TaskHandle = env.client.create(small("A paper boat.")).await.unwrap();
    env.inject(row.rule(FaultPoint::Delete, often));
    // Its pauses are longer than the task waits and runs.
    let _ = env.with_fault(row).cancel(task.id()).await;
    env.heal(run);
    if env.bills_in_the_end().is_empty() {
        return;
    }
    let found = env.client.get(task.id()).await;
    run.check(found.is_ok(), || format!("a paid video was deleted by a cancel: {found:?}"));
}
