//! LIST goes wrong while it is asked for a lost task: it may not be found, but it must never be
//! called not there.

use ark_video::{CorrelationOptions, ReconcileOptions, UnresolvedCreate};
use ark_video_simulator::{Effect, FaultPoint, FaultRule};

use super::{
    cell::{Run, error_name},
    create::{IN_DOUBT, said},
    rows::{Often, Row},
    test_env::{TestEnv, small},
};

pub(super) async fn run(row: &Row, often: Often) -> Run {
    let mut run = Run::default();
    let env = TestEnv::new().await;
    let client = &env.client;
    let before = ["A train.", "A kite.", "A lamp."];
    for prompt in before {
        client.create(small(prompt)).await.unwrap();
    }
    env.inject(FaultRule::new(Effect::AcceptThenDrop { reset: false }).at(FaultPoint::Create).hits(1));
    let lost = client.create(small("A paper boat.")).correlate(CorrelationOptions::new()).await.unwrap_err();
    let unknown = lost.to_reconcile().unwrap().clone();
    for prompt in ["A dog.", "A cat."] {
        client.create(small(prompt)).await.unwrap();
    }
    let task = env.accepted()[before.len()].clone();
    env.inject(row.rule(FaultPoint::List, often));
    let (text, known) = match reconcile(&env, row, unknown.clone()).await {
        Ok(found) => found,
        Err(text) => (text, Vec::new()),
    };
    run.check(text != "not there", || "a task that is there is called not there".to_owned());
    let honest = known.is_empty() || known.contains(&task) || text.ends_with(IN_DOUBT);
    run.check(honest, || format!("{text}, and the right one is not among them"));
    run.outcome = text;
    env.heal(&mut run);
    if !known.contains(&task) {
        // Nothing is lost by it: the record is still good.
        let again = reconcile(&env, row, unknown).await;
        run.check(again.as_ref().is_ok_and(|(_, known)| known.contains(&task)), || {
            format!("afterwards it is not found either: {again:?}")
        });
        run.lost = usize::from(!again.is_ok_and(|(_, known)| known.contains(&task)));
    }
    run.bills = env.bills_in_the_end().iter().filter(|id| **id == task).count();
    let accepted = env.accepted().len();
    run.check(accepted == 6, || format!("{accepted} tasks in place of 6: looking made some"));
    run
}

async fn reconcile(
    env: &TestEnv,
    row: &Row,
    unknown: UnresolvedCreate,
) -> Result<(String, Vec<String>), String> {
    let options = ReconcileOptions::new().page_size(2);
    let verdicts = env.with_fault(row).reconcile([unknown]).options(options).await;
    verdicts.map(|verdicts| said(&verdicts[0])).map_err(|error| error_name(&error))
}
