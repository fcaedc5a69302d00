//! Caps, budgets, slots: what is reserved, what is refused, what is settled.

use super::*;
use crate::{Amount, Budget, Cap, Scope};

fn money(scope: Scope, micros: u64) -> Cap {
    Cap { scope, amount: Amount::Money { micros, currency: "CNY".to_owned() } }
}

async fn budget(journal: &Journal, scope: Scope, unit: &str) -> Budget {
    let budgets = journal.budgets().await.unwrap();
    budgets.into_iter().find(|budget| budget.scope == scope && budget.unit == unit).unwrap()
}

pub(super) async fn a_cap_is_never_exceeded(journal: Journal) {
    let mut jobs = plan_of(&journal, &["a", "c", "d"]).await;
    for scope in [Scope::Batch("b".to_owned()), Scope::Day(String::new()), Scope::Tag("intro".to_owned())] {
        journal.set_caps(&[money(scope.clone(), 250_000)]).await.unwrap();
        let first = submit(&journal, &jobs[0], "1").await;
        let second = submit(&journal, &jobs[1], "2").await;
        let refused = journal.submitting(&jobs[2], attempt("3"), &slot()).await.unwrap();
        let named = match &scope {
            Scope::Day(_) => Scope::Day(DAY.to_owned()),
            other => other.clone(),
        };
        let expected = Submitting::NoRoom {
            scope: named.clone(),
            unit: "CNY".to_owned(),
            cap: 250_000,
            reserved: 200_000,
            settled: 0,
        };
        assert_eq!(refused, expected);
        let kept = budget(&journal, named, "CNY").await;
        assert_eq!((kept.reserved, kept.cap), (200_000, Some(250_000)));
        assert_eq!(kept.amount(kept.reserved).to_string(), "0.20 CNY");
        journal.lift_cap(&scope, "CNY").await.unwrap();
        let third = submit(&journal, &jobs[2], "3").await;
        jobs.clear();
        for job in [first, second, third] {
            jobs.push(done(journal.not_sent(&job, "again").await));
        }
        clean(&journal.audit().await.unwrap());
    }
}

pub(super) async fn what_is_settled_counts_and_what_failed_does_not(journal: Journal) {
    let jobs = plan_of(&journal, &["settled", "failed", "unknown", "next"]).await;
    bring(&journal, &jobs[0], State::Settled, "cgt-1").await;
    bring(&journal, &jobs[1], State::Failed, "cgt-2").await;
    bring(&journal, &jobs[2], State::Unknown, "cgt-3").await;
    let kept = budget(&journal, Scope::Batch("b".to_owned()), "tokens").await;
    assert_eq!((kept.settled, kept.reserved), (80, 100));
    let cap = Cap { scope: Scope::Batch("b".to_owned()), amount: Amount::Tokens(279) };
    journal.set_caps(&[cap]).await.unwrap();
    let refused = journal.submitting(&jobs[3], attempt("4"), &slot()).await.unwrap();
    assert!(
        matches!(refused, Submitting::NoRoom { cap: 279, reserved: 100, settled: 80, .. }),
        "{refused:?}"
    );
    let cap = Cap { scope: Scope::Batch("b".to_owned()), amount: Amount::Tokens(280) };
    journal.set_caps(&[cap]).await.unwrap();
    submit(&journal, &jobs[3], "4").await;
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn what_is_unmetered_counts_at_its_estimate(journal: Journal) {
    let jobs = plan_of(&journal, &["settled", "gone", "metered", "next"]).await;
    let settled = bring(&journal, &jobs[0], State::Downloaded, "cgt-1").await;
    let settled = done(journal.settled(&settled, None).await);
    let gone = bring(&journal, &jobs[1], State::Gone, "cgt-2").await;
    let metered = bring(&journal, &jobs[2], State::Settled, "cgt-3").await;
    for (job, unmetered, tokens) in [(&settled, true, 100), (&gone, true, 100), (&metered, false, 80)] {
        assert_eq!((job.unmetered, job.settled.as_ref().unwrap().tokens), (unmetered, tokens), "{}", job.key);
    }
    assert_eq!((journal.unmetered("b").await.unwrap(), journal.unmetered("c").await.unwrap()), (2, 0));
    let cap = |tokens| Cap { scope: Scope::Batch("b".to_owned()), amount: Amount::Tokens(tokens) };
    journal.set_caps(&[cap(379)]).await.unwrap();
    let refused = journal.submitting(&jobs[3], attempt("4"), &slot()).await.unwrap();
    assert!(matches!(refused, Submitting::NoRoom { settled: 280, .. }), "{refused:?}");
    journal.set_caps(&[cap(380)]).await.unwrap();
    submit(&journal, &jobs[3], "4").await;
    // A retry pays again: what the first attempt may have cost goes on counting, and is marked
    // there.
    let again = done(journal.reopen(&gone, "asked for again").await);
    assert_eq!((again.unmetered, again.earlier[0].unmetered), (false, true));
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn what_cannot_be_priced_is_not_sent_under_a_cap(journal: Journal) {
    let jobs = plan_of(&journal, &["a"]).await;
    journal.set_caps(&[money(Scope::Batch("b".to_owned()), 1_000_000)]).await.unwrap();
    for reserved in [
        Cost::default(),
        Cost { tokens: 100, ..Cost::default() },
        Cost { micros: 1, currency: "USD".to_owned(), tokens: 0 },
    ] {
        let attempt = Attempt { reserved, ..attempt("t") };
        let refused = journal.submitting(&jobs[0], attempt, &slot()).await.unwrap();
        let scope = Scope::Batch("b".to_owned());
        assert_eq!(refused, Submitting::NoPrice { scope, unit: "CNY".to_owned() });
    }
    let usd = Amount::Money { micros: 10, currency: "USD".to_owned() };
    journal.set_caps(&[Cap { scope: Scope::Batch("b".to_owned()), amount: usd }]).await.unwrap();
    let reserved = Cost { micros: 1, currency: "USD".to_owned(), tokens: 0 };
    let attempt = Attempt { reserved, ..attempt("t") };
    let sent = journal.submitting(&jobs[0], attempt, &slot()).await.unwrap();
    assert!(matches!(sent, Submitting::Done(_)), "{sent:?}");
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn no_more_run_than_may(journal: Journal) {
    let jobs = plan_of(&journal, &["a", "c", "d"]).await;
    let request = SlotRequest { model: "seedance-2 4k".to_owned(), ceiling: 1 };
    let Submitting::Done(first) = journal.submitting(&jobs[0], attempt("1"), &request).await.unwrap() else {
        panic!()
    };
    assert_eq!(journal.submitting(&jobs[1], attempt("2"), &request).await.unwrap(), Submitting::NoSlot);
    submit(&journal, &jobs[1], "2").await;
    journal.set_ceiling(MODEL, 1).await.unwrap();
    assert_eq!(journal.submitting(&jobs[2], attempt("3"), &slot()).await.unwrap(), Submitting::NoSlot);
    let slots = journal.slots(MODEL).await.unwrap();
    assert_eq!((slots.running, slots.ceiling), (1, Some(1)));
    let first = done(journal.submitted(&first, "cgt-1", None).await);
    assert_eq!(journal.submitting(&jobs[2], attempt("3"), &request).await.unwrap(), Submitting::NoSlot);
    done(journal.gone(&first, Some(Cost::default()), "gone").await);
    let sent = journal.submitting(&jobs[2], attempt("3"), &request).await.unwrap();
    assert!(matches!(sent, Submitting::Done(_)));
    clean(&journal.audit().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_stay_below_the_cap_on_sqlite() {
    let place = TestJournal::new();
    fifty_at_once_stay_below_the_cap(place.open().await).await;
}

pub(super) async fn fifty_at_once_stay_below_the_cap(journal: Journal) {
    let names: Vec<_> = (0..50).map(|number| format!("{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let jobs = plan_of(&journal, &names).await;
    journal.set_caps(&[money(Scope::Tag("intro".to_owned()), 1_050_000)]).await.unwrap();
    let mut tasks = Vec::new();
    for job in jobs {
        let journal = journal.clone();
        tasks.push(tokio::spawn(async move {
            let request = SlotRequest { model: MODEL.to_owned(), ceiling: 100 };
            let sent = journal.submitting(&job, attempt(&job.key), &request).await.unwrap();
            let Submitting::Done(job) = sent else { return false };
            let job = done(journal.submitted(&job, &format!("cgt-{}", job.key), None).await);
            done(journal.finished(&job, &json!({})).await);
            true
        }));
    }
    let mut sent = 0;
    for task in tasks {
        sent += u32::from(task.await.unwrap());
    }
    assert_eq!(sent, 10);
    assert_eq!(journal.slots(MODEL).await.unwrap().running, 0);
    clean(&journal.audit().await.unwrap());
}

on_sqlite! {
    a_cap_is_never_exceeded what_is_settled_counts_and_what_failed_does_not
    what_is_unmetered_counts_at_its_estimate
    what_cannot_be_priced_is_not_sent_under_a_cap no_more_run_than_may
}
