//! A create with a fault, followed to its end: every task that the service took is known to the
//! user, by its id, by `reconcile`, or among the candidates; and one intent is at most one bill.

use ark_video::{
    CheckPolicy, CorrelationOptions, Error, UnresolvedCreate, Verdict, model::CreateTaskRequest,
    reconcile::RequestedSettings,
};
use ark_video_simulator::FaultPoint;

use super::{
    cell::{Run, error_name},
    rows::{Asks, Often, Row},
    test_env::{TestEnv, retry, small},
};

/// The verdict says that LIST cannot be relied on.
pub(super) const IN_DOUBT: &str = ", in doubt";

pub(super) async fn run(row: &Row, place: FaultPoint, often: Often, marks: CorrelationOptions) -> Run {
    let mut run = Run::default();
    let env = TestEnv::new().await;
    let client = &env.client;
    // Others use the account as well, at the same time and with the same settings.
    for prompt in ["Another user's train.", "Another user's kite."] {
        client.create(small(prompt)).await.unwrap();
    }
    let others = env.accepted();
    let mut policy = CheckPolicy::Refuse;
    let mut request = small("A paper boat.");
    if place == FaultPoint::Callback {
        // Nobody is there; the service does not wait for that.
        request.callback_url = Some("http://127.0.0.1:9/ark".to_owned());
    }
    if row.asks == Asks::Refused {
        request.ratio = Some("2:1".into());
        policy = CheckPolicy::Off;
    }
    env.inject(row.rule(place, often));
    let outcome = env.with_fault(row).create(&request).retry(retry()).correlate(marks).check(policy).await;
    let ours = |env: &TestEnv| -> Vec<String> {
        env.accepted().into_iter().filter(|id| !others.contains(id)).collect()
    };
    let accepted = ours(&env);
    if place == FaultPoint::Create {
        env.heal(&mut run);
    }
    let known: Vec<String> = match outcome {
        Ok(task) => {
            run.outcome = match task.wait().await {
                Ok(_) => "accepted".to_owned(),
                Err(Error::TaskEnded(_)) => "accepted, and fails unbilled".to_owned(),
                Err(error) => format!("accepted, then {}", error_name(&error)),
            };
            vec![task.id().to_owned()]
        }
        Err(error) => match error.to_reconcile() {
            Some(unknown) => {
                let first = if matches!(error, Error::AcceptedWithoutId(_)) { "no id" } else { "unknown" };
                let (text, known) = search(&env, unknown, &request, &mut run).await;
                run.outcome = format!("{first}, {text}");
                known
            }
            None => {
                run.outcome = error_name(&error);
                Vec::new()
            }
        },
    };
    if place != FaultPoint::Create {
        env.heal(&mut run);
    }
    run.lost = accepted.iter().filter(|id| !known.contains(id)).count();
    run.bills = env.bills_in_the_end().iter().filter(|id| !others.contains(id)).count();
    let tasks = ours(&env).len();
    run.check(tasks <= 1, || format!("{tasks} tasks for one intent"));
    run
}

/// Searches for the task from the record in a file. Returns the ids that the user gets.
async fn search(
    env: &TestEnv,
    unknown: &UnresolvedCreate,
    request: &CreateTaskRequest,
    run: &mut Run,
) -> (String, Vec<String>) {
    let kept = serde_json::to_string(unknown).unwrap();
    run.check(!kept.contains("paper boat"), || format!("the record holds the prompt: {kept}"));
    let unknown: UnresolvedCreate = serde_json::from_str(&kept).unwrap();
    let mut asked = RequestedSettings::from_request(request);
    asked.execution_expires_after = unknown.requested.execution_expires_after;
    asked.seed = unknown.requested.seed;
    run.check(asked == unknown.requested, || format!("the record forgot what was asked for: {kept}"));
    match env.client.reconcile([unknown]).await {
        Ok(verdicts) => said(&verdicts[0]),
        Err(error) => {
            run.check(false, || format!("reconcile fails although all is well again: {error}"));
            (error_name(&error), Vec::new())
        }
    }
}

/// A verdict in a few text, and the ids that it names.
pub(super) fn said(verdict: &Verdict) -> (String, Vec<String>) {
    match verdict {
        Verdict::Found { task, .. } => ("found".to_owned(), vec![task.id.clone()]),
        Verdict::Ambiguous { candidates, doubt, .. } => (
            format!("{} candidates{}", candidates.len(), if doubt.is_some() { IN_DOUBT } else { "" }),
            candidates.iter().map(|task| task.id.clone()).collect(),
        ),
        Verdict::NotFound { doubt: None, .. } => ("not there".to_owned(), Vec::new()),
        Verdict::NotFound { .. } => (format!("not found{IN_DOUBT}"), Vec::new()),
        other => (format!("?? {other}"), Vec::new()),
    }
}
