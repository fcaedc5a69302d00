//! Claims: who works on which row, in which order, and when a row is free again.

use super::*;

on_sqlite! {
    the_highest_priority_comes_first_and_then_the_place_in_the_list
    two_runners_never_claim_one_job
    what_a_dead_runner_had_is_free_when_its_lease_ends
    who_follows_waits_until_the_other_is_settled
    what_another_runner_moves_is_free
}

const LEASE: Duration = Duration::from_secs(15);

fn batch() -> Vec<String> {
    vec!["b".to_owned()]
}

fn names(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.planned.name.as_str()).collect()
}

async fn claim(journal: &Journal, runner: &str, limit: usize) -> Vec<Job> {
    journal.claim_intents(runner, &batch(), MODEL, limit).await.unwrap()
}

async fn orphans(journal: &Journal, runner: &str) -> Vec<Job> {
    journal.claim_orphans(runner, &batch(), LEASE, 100).await.unwrap()
}

pub(super) async fn the_highest_priority_comes_first_and_then_the_place_in_the_list(journal: Journal) {
    let shots = [("late", 0, 7), ("first", 5, 9), ("early", 0, 2), ("last", -5, 0)];
    let mut list: Vec<_> = shots
        .iter()
        .map(|(name, priority, place)| Planned { priority: *priority, place: *place, ..planned(name) })
        .collect();
    let mut other = planned("other");
    other.request["model"] = json!("another");
    list.push(other);
    journal.plan("b", &list, PlanOptions::default()).await.unwrap();
    assert_eq!(journal.models_to_claim(&batch()).await.unwrap(), ["another", MODEL]);
    assert_eq!(names(&claim(&journal, "a1", 3).await), ["first", "early", "late"]);
    assert_eq!(names(&claim(&journal, "a1", 3).await), ["last"]);
    assert_eq!(journal.models_to_claim(&batch()).await.unwrap(), ["another"]);
    assert!(journal.pause("b", "").await.unwrap());
    assert_eq!(journal.models_to_claim(&batch()).await.unwrap(), Vec::<String>::new());
    assert!(journal.claim_intents("a1", &batch(), "another", 1).await.unwrap().is_empty());
}

pub(super) async fn two_runners_never_claim_one_job(journal: Journal) {
    let list: Vec<_> = (0..60).map(|number| planned(&format!("{number:02}"))).collect();
    journal.plan("b", &list, PlanOptions::default()).await.unwrap();
    let mut tasks = Vec::new();
    for runner in ["a1", "b2", "c3", "d4"] {
        let journal = journal.clone();
        tasks.push(tokio::spawn(async move {
            let mut all = Vec::new();
            // Rows that others lock are skipped, so a claim may bring nothing although something is
            // left.
            while !journal.models_to_claim(&batch()).await.unwrap().is_empty() {
                all.extend(claim(&journal, runner, 7).await.into_iter().map(|job| job.key));
            }
            all
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all.sort();
    let expected: Vec<_> = list.iter().map(|planned| format!("b/{}", planned.name)).collect();
    assert_eq!(all, expected);
}

pub(super) async fn what_a_dead_runner_had_is_free_when_its_lease_ends(journal: Journal) {
    plan_of(&journal, &["a", "b", "c", "d"]).await;
    let row = journal.runner_started("dead", "host", 1).await.unwrap();
    let claimed = claim(&journal, "dead", 2).await;
    submit(&journal, &claimed[0], "t").await;
    assert_eq!(names(&claim(&journal, "alive", 1).await), ["c"]);
    assert_eq!(orphans(&journal, "alive").await, []);
    assert!(journal.has_others("alive", &batch()).await.unwrap());
    assert!(journal.claimed("dead", "b/a").await.unwrap().is_some());
    journal.runner_ended(&row.id).await.unwrap();
    let orphans = orphans(&journal, "alive").await;
    assert_eq!(names(&orphans), ["a"], "what is on its way goes over");
    assert_eq!(orphans[0].state, State::Submitting);
    assert!(journal.claimed("dead", "b/a").await.unwrap().is_none());
    assert_eq!(names(&claim(&journal, "alive", 9).await), ["b", "d"], "and intents are free");
    assert!(!journal.has_others("alive", &batch()).await.unwrap());
    journal.release("alive", "b/d").await.unwrap();
    journal.release("another", "b/b").await.unwrap();
    assert_eq!(names(&claim(&journal, "alive", 9).await), ["d"]);
}

pub(super) async fn who_follows_waits_until_the_other_is_settled(journal: Journal) {
    let follows = crate::After { job: "a".to_owned(), link: crate::Link::LastFrame, approve: false };
    let second = Planned { place: 1, after: Some(follows), ..planned("z") };
    journal.plan("b", &[planned("a"), second], PlanOptions::default()).await.unwrap();
    let claimed = claim(&journal, "a1", 9).await;
    assert_eq!(names(&claimed), ["a", "z"]);
    assert!(journal.wait_for("a1", &claimed[1], "a").await.unwrap());
    assert!(journal.claimed("a1", "b/z").await.unwrap().is_none());
    // It is nobody's, and not lost: neither another runner nor the end of this one sets it free.
    assert!(claim(&journal, "b2", 9).await.is_empty() && orphans(&journal, "b2").await.is_empty());
    assert!(!journal.has_others("b2", &batch()).await.unwrap());
    bring(&journal, &claimed[0], State::Settled, "cgt-a").await;
    let claimed = claim(&journal, "b2", 9).await;
    assert_eq!(names(&claimed), ["z"]);
    assert!(!journal.wait_for("b2", &claimed[0], "a").await.unwrap(), "there is nothing to wait for");
}

pub(super) async fn what_another_runner_moves_is_free(journal: Journal) {
    plan_of(&journal, &["a", "b", "c"]).await;
    journal.runner_started("a1", "host", 1).await.unwrap();
    let claimed = claim(&journal, "a1", 9).await;
    let parked = done(journal.park(&claimed[0], State::OverBudget, "no room").await);
    done(journal.reopen(&parked, "a higher cap").await);
    assert_eq!(names(&claim(&journal, "b2", 9).await), ["a"]);
    let held = bring(&journal, &claimed[1], State::Held, "cgt-b").await;
    assert_eq!(orphans(&journal, "b2").await, [], "its runner lives");
    done(journal.submitted(&held, "cgt-b", None).await);
    assert_eq!(names(&orphans(&journal, "b2").await), ["b"]);
    journal.plan("b", &[Planned { priority: 1, ..planned("c") }], PlanOptions::default()).await.unwrap();
    assert_eq!(names(&claim(&journal, "b2", 9).await), ["c"]);
}
