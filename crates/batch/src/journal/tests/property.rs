//! Any interleaving of steps by two who know the rows at different ages: sums stay sums, seq grows,
//! one attempt at a time.

use std::collections::BTreeMap;

use ark_video_test_support::times;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::{Amount, Cap, JobFilter, JournalErrorKind, Resolve, Scope, journal::LateResponse};

const CAP: u64 = 350;

/// Who, on which job, does what, and whether they looked at it before.
type Op = (usize, usize, u8, bool);

fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Steps on the usual way come more often than the others, or few jobs would get far.
    let action = prop_oneof![3 => 0_u8..7, 1 => 7_u8..22];
    prop::collection::vec((0_usize..2, 0_usize..4, action, prop::bool::weighted(0.8)), 1..60)
}

async fn act(journal: &Journal, job: &Job, action: u8, number: usize) -> Result<Option<Job>, JournalError> {
    let slot = SlotRequest { model: job.batch.clone(), ceiling: 3 };
    let task = format!("{}-{number}", job.batch);
    let moved = match action {
        0 => {
            return Ok(match journal.submitting(job, attempt(&task), &slot).await? {
                Submitting::Done(sent) => {
                    assert_eq!(job.state, State::Intent);
                    let number = |job: &Job| job.attempt.as_ref().map_or(0, |attempt| attempt.number);
                    assert_eq!(number(&sent), number(job) + 1);
                    let scope = Scope::Batch(job.batch.clone());
                    let budgets = journal.budgets().await?;
                    let budget = budgets
                        .iter()
                        .find(|budget| budget.scope == scope && budget.unit == "tokens")
                        .unwrap();
                    assert!(budget.reserved + budget.settled <= CAP, "{budget:?}");
                    Some(sent)
                }
                _ => None,
            });
        }
        1 | 2 => journal.submitted(job, &task, None).await,
        3 => journal.note(job, &format!("attempt {number}")).await,
        4 => journal.finished(job, &json!({})).await,
        5 => journal.downloaded(job, Vec::new()).await,
        6 => journal.settled(job, Some(cost(80))).await,
        7 => journal.unknown(job, None, "x").await,
        8 => journal.not_sent(job, "x").await,
        9 => journal.refused(job, "x").await,
        10 => journal.held(job, "x", &[]).await,
        11 => journal.send_again(job, "x").await,
        12 => journal.failed(job, &json!({}), "x").await,
        13 => journal.gone(job, (number.is_multiple_of(2)).then(|| cost(60)), "x").await,
        14 => journal.park(job, State::OverBudget, "x").await,
        15 => journal.reopen(job, "x").await,
        16 => journal.drop_job(job, "x").await,
        17 => journal.resolve(job, &Resolve::Resend).await,
        18 => journal.resolve(job, &Resolve::Adopt(task)).await,
        19 => journal.note(job, "again").await,
        20 => {
            let last = job.attempt.clone().unwrap_or_default();
            return Ok(match journal.late_response(&job.key, last.number, &last.token, &task).await? {
                LateResponse::Adopted(job) => Some(job),
                LateResponse::Already | LateResponse::Extra => None,
            });
        }
        _ => {
            let name = &job.planned.name;
            let request_hash = format!("hash of {name} {}", number % 3);
            let list = [Planned { request_hash, ..planned(name) }];
            journal.plan(&job.batch, &list, PlanOptions::default()).await?;
            return Ok(None);
        }
    };
    Ok(match moved? {
        CasOutcome::Done(job) => Some(job),
        CasOutcome::Conflict(_) => None,
    })
}

fn is_allowed(from: State, to: State, action: u8) -> bool {
    let (back, late) = (from.may_become(State::Intent) || from == State::Intent, action == 20);
    from == to
        || from.may_become(to)
        // A superseded job goes from the intent on to the end of it; a late answer finds its row
        // taken back.
        || (to == State::Dropped && back)
        || (late && to == State::Submitted && back && !matches!(from, State::Failed | State::Gone))
}

async fn play(journal: &Journal, batch: &str, ops: &[Op]) {
    let list: Vec<_> = ["a", "c", "d", "e"].into_iter().map(planned).collect();
    journal.plan(batch, &list, PlanOptions::default()).await.unwrap();
    let scope = Scope::Batch(batch.to_owned());
    let cap = Cap { scope: scope.clone(), amount: Amount::Tokens(CAP) };
    journal.set_caps(&[cap]).await.unwrap();
    let filter = JobFilter { batch: Some(batch.to_owned()), ..JobFilter::default() };
    let mut before: BTreeMap<String, Job> = BTreeMap::new();
    let mut views: [BTreeMap<usize, Job>; 2] = [BTreeMap::new(), BTreeMap::new()];
    for (number, &(who, which, action, fresh)) in ops.iter().enumerate() {
        let all = journal.jobs(&filter, None, 1_000).await.unwrap();
        let now = &all[which % all.len()];
        let view = if fresh { now.clone() } else { views[who].get(&which).unwrap_or(now).clone() };
        match act(journal, &view, action, number).await {
            Ok(Some(job)) => drop(views[who].insert(which, job)),
            Ok(None) => drop(views[who].insert(which, view)),
            Err(error) => assert_eq!(error.kind(), JournalErrorKind::Refused, "{error}"),
        }
        let all = journal.jobs(&filter, None, 1_000).await.unwrap();
        let (mut reserved, mut settled, mut running) = (0, 0, 0);
        for job in &all {
            use State::{Downloaded, Finished, Held, Submitted, Submitting, Unknown};
            if let Some(old) = before.get(&job.key) {
                assert!(job == old || job.seq > old.seq, "{old:?} became {job:?}");
                assert!(is_allowed(old.state, job.state, action), "{old:?} became {job:?} by {action}");
            }
            if matches!(job.state, Submitting | Unknown | Held | Submitted | Finished | Downloaded) {
                reserved += job.attempt.as_ref().unwrap().reserved.tokens;
            }
            running += u32::from(matches!(job.state, Submitting | Unknown | Submitted));
            settled += job.settled.as_ref().map_or(0, |cost| cost.tokens);
            settled += job.earlier.iter().map(|spent| spent.cost.tokens).sum::<u64>();
        }
        let budgets = journal.budgets().await.unwrap();
        let budget = budgets.iter().find(|budget| budget.scope == scope && budget.unit == "tokens").unwrap();
        assert_eq!((budget.reserved, budget.settled), (reserved, settled), "after {action}");
        assert_eq!(journal.slots(batch).await.unwrap().running, running, "after {action}");
        before = all.into_iter().map(|job| (job.key.clone(), job)).collect();
    }
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn any_interleaving_keeps_the_sums(journal: Journal) {
    let mut runner = TestRunner::deterministic();
    for case in 0..6 {
        let ops = ops().new_tree(&mut runner).unwrap().current();
        play(&journal, &format!("case{case}"), &ops).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: times(16, 48) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_keeps_the_sums_on_sqlite(ops in ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = TestJournal::new();
            let journal = place.open().await;
            play(&journal, "b", &ops).await;
            journal.close().await;
        });
    }
}
