//! Marks are allocated: no two creates of a model have the same one within 7 days, whichever runner
//! made them.

use std::collections::BTreeSet;

use ark_video::model::CreateTaskRequest;
use ark_video::{Client, CorrelationOptions};

use super::*;

on_sqlite! { two_runners_never_give_one_mark_twice what_keeps_a_mark_and_what_gives_it_back }

fn with_mark(token: &str, expiry: i64) -> Attempt {
    Attempt { search: Some(json!({ "marks": { "expiry": expiry } })), at: 1, ..attempt(token) }
}

fn wide() -> SlotRequest {
    SlotRequest { model: MODEL.to_owned(), ceiling: 100_000 }
}

/// A runner that knows only the journal, with fixed randomness.
async fn submit_all(journal: Journal, jobs: Vec<Job>) -> Vec<i64> {
    #[derive(Debug)]
    struct Sevens;
    impl ark_video::transport::Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }
    let client = Client::builder()
        .api_key("k")
        .base_url("http://127.0.0.1:9/api/v3")
        .random(Arc::new(Sevens))
        .build()
        .unwrap();
    let request: CreateTaskRequest = serde_json::from_value(json!({"model": MODEL, "content": []})).unwrap();
    let mut in_use = journal.marks_in_use(MODEL).await.unwrap();
    let mut given = Vec::new();
    for job in jobs {
        loop {
            let create = client.create(&request).correlate(CorrelationOptions::new()).in_use(in_use.clone());
            let expiry = create.prepare().marks().expiry.unwrap();
            let attempt = with_mark(&job.key, expiry);
            match journal.submitting(&job, attempt, &wide()).await.unwrap() {
                Submitting::Done(_) => {
                    in_use.add(&super::super::correlations::marked(Some(expiry)), 1, false);
                    given.push(expiry);
                    break;
                }
                Submitting::MarkTaken => in_use = journal.marks_in_use(MODEL).await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
    }
    given
}

pub(super) async fn two_runners_never_give_one_mark_twice(journal: Journal) {
    const EACH: usize = 60;
    let names: Vec<String> = (0..2 * EACH).map(|number| format!("{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let jobs = plan_of(&journal, &names).await;
    let (one, other) = jobs.split_at(EACH);
    let (one, other) =
        tokio::join!(submit_all(journal.clone(), one.to_vec()), submit_all(journal.clone(), other.to_vec()));
    let given: BTreeSet<i64> = one.iter().chain(&other).copied().collect();
    assert_eq!(given.len(), 2 * EACH, "a mark was given twice");
    // A runner that starts now knows them all.
    let in_use = journal.marks_in_use(MODEL).await.unwrap();
    assert_eq!(in_use.len(), 2 * EACH);
    assert!(given.iter().all(|expiry| in_use.used_at(*expiry).is_some()));
    assert!(journal.marks_in_use("another-model").await.unwrap().is_empty());
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn what_keeps_a_mark_and_what_gives_it_back(journal: Journal) {
    for (place, (state, is_kept)) in [
        (State::Submitting, true),
        (State::Unknown, true),
        (State::Held, true),
        (State::Submitted, true),
        (State::Settled, true),
        (State::Failed, true),
        (State::Gone, true),
        // Nothing was created with these.
        (State::Intent, false),
        (State::Rejected, false),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, other) = (format!("{state}"), format!("{state}-other"));
        let jobs = plan_of(&journal, &[&name, &other]).await;
        let expiry = 172_801 + i64::try_from(place).unwrap();
        let sent = journal.submitting(&jobs[0], with_mark("t", expiry), &wide()).await.unwrap();
        let Submitting::Done(job) = sent else { panic!("{sent:?}") };
        let task = format!("cgt-{state}");
        match state {
            State::Submitting => {}
            State::Intent => drop(done(journal.not_sent(&job, "no network").await)),
            State::Rejected => drop(done(journal.refused(&job, "no").await)),
            State::Unknown | State::Held => {
                let job = done(journal.unknown(&job, None, "timed out").await);
                if state == State::Held {
                    done(journal.held(&job, "not found", &[]).await);
                }
            }
            _ => {
                let job = done(journal.submitted(&job, &task, Some(1)).await);
                match state {
                    State::Failed => drop(done(journal.failed(&job, &json!({}), "moderated").await)),
                    State::Gone => drop(done(journal.gone(&job, None, "gone").await)),
                    State::Settled => {
                        let job = done(journal.finished(&job, &json!({})).await);
                        let job = done(journal.downloaded(&job, Vec::new()).await);
                        done(journal.settled(&job, Some(cost(80))).await);
                    }
                    _ => {}
                }
            }
        }
        let in_use = journal.marks_in_use(MODEL).await.unwrap();
        assert_eq!(in_use.used_at(expiry).is_some(), is_kept, "{state}");
        let second = journal.submitting(&jobs[1], with_mark("u", expiry), &wide()).await.unwrap();
        assert_eq!(second == Submitting::MarkTaken, is_kept, "{state}: {second:?}");
        let now = journal.job(&jobs[1].key).await.unwrap().unwrap();
        assert_eq!(now.state == State::Intent, is_kept, "what was refused a mark is as it was");
    }
    clean(&journal.audit().await.unwrap());
}

#[tokio::test]
async fn a_mark_is_free_after_seven_days_and_before_that_only_where_all_are_in_use() {
    const DAY: i64 = 86_400_000;
    let place = TestJournal::new();
    let journal = place.open().await;
    let jobs = plan_of(&journal, &["a", "b", "c"]).await;
    let Submitting::Done(a) = journal.submitting(&jobs[0], with_mark("a", 172_801), &wide()).await.unwrap()
    else {
        panic!()
    };
    let used_at = journal.marks_in_use(MODEL).await.unwrap().used_at(172_801).unwrap();
    place.clock.pass(7 * DAY - 1);
    assert_eq!(
        journal.submitting(&jobs[1], with_mark("b", 172_801), &wide()).await.unwrap(),
        Submitting::MarkTaken
    );
    // Still looked for: known to be in use even when its time is over.
    place.clock.pass(DAY);
    assert!(journal.marks_in_use(MODEL).await.unwrap().used_at(172_801).is_some());
    done(journal.submitted(&a, "cgt-1", None).await);
    assert!(journal.marks_in_use(MODEL).await.unwrap().is_empty());
    let taken = journal.submitting(&jobs[1], with_mark("b", 172_801), &wide()).await.unwrap();
    assert!(matches!(taken, Submitting::Done(_)), "{taken:?}");
    // A runner that saw the earlier use may not free it.
    assert!(!journal.free_mark(MODEL, 172_801, used_at).await.unwrap());
    let used_at = used_at + 8 * DAY - 1;
    assert!(journal.free_mark(MODEL, 172_801, used_at).await.unwrap());
    assert!(!journal.free_mark(MODEL, 172_801, used_at).await.unwrap(), "one runner frees it");
    let taken = journal.submitting(&jobs[2], with_mark("c", 172_801), &wide()).await.unwrap();
    assert!(matches!(taken, Submitting::Done(_)), "{taken:?}");
}
