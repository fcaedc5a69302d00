//! Lists laid over a batch again and again.

use super::*;
use crate::{Link, PlanChange};

async fn plan_list(journal: &Journal, list: &[Planned]) -> PlanChange {
    journal.plan("b", list, PlanOptions { drop_missing: true, ..PlanOptions::default() }).await.unwrap()
}

fn changed(name: &str) -> Planned {
    Planned { request_hash: "another".to_owned(), ..planned(name) }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) async fn the_same_list_changes_nothing(journal: Journal) {
    let list = [planned("a"), planned("c")];
    let change = plan_list(&journal, &list).await;
    assert_eq!(change, PlanChange { added: names(&["a", "c"]), ..PlanChange::default() });
    let before = journal.job("b/a").await.unwrap();
    let change = plan_list(&journal, &list).await;
    assert_eq!(change, PlanChange { unchanged: names(&["a", "c"]), ..PlanChange::default() });
    assert_eq!(journal.job("b/a").await.unwrap(), before);
    let double = [planned("a"), planned("a")];
    let error = journal.plan("b", &double, PlanOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("two jobs have the name a"), "{error}");
}

pub(super) async fn what_was_not_sent_follows_the_list(journal: Journal) {
    let jobs = plan_of(&journal, &["place", "request", "rejected", "budget", "missing", "sent"]).await;
    done(journal.park(&jobs[2], State::Rejected, "no").await);
    done(journal.park(&jobs[3], State::OverBudget, "no room").await);
    let sent = bring(&journal, &jobs[5], State::Submitted, "cgt-1").await;
    let list = [
        Planned {
            place: 7,
            priority: 3,
            tags: vec!["x".to_owned()],
            output: "p.mp4".into(),
            ..planned("place")
        },
        changed("request"),
        changed("rejected"),
        changed("budget"),
        planned("new"),
    ];
    let change = plan_list(&journal, &list).await;
    assert_eq!(
        change,
        PlanChange {
            added: names(&["new"]),
            changed: names(&["budget", "rejected", "request"]),
            unchanged: names(&["place"]),
            dropped: names(&["missing"]),
            superseded: Vec::new(),
        }
    );
    for planned in &list {
        let job = journal.job(&format!("b/{}", planned.name)).await.unwrap().unwrap();
        assert_eq!((job.state, job.revision, &job.planned), (State::Intent, 1, planned));
    }
    assert_eq!(journal.job("b/sent").await.unwrap().unwrap(), sent, "left alone");
    assert_eq!(journal.job("b/missing").await.unwrap().unwrap().state, State::Dropped);
    let mut list = list.to_vec();
    list.push(planned("missing"));
    assert_eq!(plan_list(&journal, &list).await.added, ["missing"]);
    assert_eq!(journal.job("b/missing").await.unwrap().unwrap().state, State::Intent);
}

pub(super) async fn what_was_sent_gets_a_new_revision_beside_it(journal: Journal) {
    let jobs = plan_of(&journal, &["a"]).await;
    let old = bring(&journal, &jobs[0], State::Submitted, "cgt-1").await;
    let change = plan_list(&journal, &[changed("a")]).await;
    assert_eq!(change.superseded, ["a"]);
    let old = journal.job(&old.key).await.unwrap().unwrap();
    assert_eq!(
        (old.superseded, old.state, old.planned.output.to_str()),
        (true, State::Submitted, Some("a.mp4"))
    );
    let new = journal.job("b/a@2").await.unwrap().unwrap();
    assert_eq!((new.revision, new.state, new.planned.output.to_str()), (2, State::Intent, Some("a.r2.mp4")));
    assert_eq!(plan_list(&journal, &[changed("a")]).await.unchanged, ["a"]);
    // Still waited for and fetched.
    let old = done(journal.finished(&old, &json!({})).await);
    let old = done(journal.downloaded(&old, Vec::new()).await);
    done(journal.settled(&old, Some(cost(80))).await);
    // The list has again what the first was sent for: nothing is sent for it once more.
    assert_eq!(plan_list(&journal, &[planned("a")]).await.changed, ["a"]);
    let (old, new) =
        (journal.job("b/a").await.unwrap().unwrap(), journal.job("b/a@2").await.unwrap().unwrap());
    assert_eq!((old.superseded, old.state), (false, State::Settled));
    assert_eq!((new.superseded, new.state), (true, State::Dropped));
    assert_eq!(plan_list(&journal, &[planned("a")]).await.unchanged, ["a"]);
    let third = Planned { output: "other.mp4".into(), request_hash: "third".to_owned(), ..planned("a") };
    assert_eq!(plan_list(&journal, std::slice::from_ref(&third)).await.superseded, ["a"]);
    let new = journal.job("b/a@3").await.unwrap().unwrap();
    assert_eq!((new.revision, new.planned), (3, third));
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn a_superseded_job_is_not_sent_again(journal: Journal) {
    let jobs = plan_of(&journal, &["a"]).await;
    bring(&journal, &jobs[0], State::Held, "x").await;
    plan_list(&journal, &[changed("a")]).await;
    let old = journal.job("b/a").await.unwrap().unwrap();
    let old = done(journal.resolve(&old, &crate::Resolve::NotCreated).await);
    assert_eq!(old.state, State::Dropped);
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn following_another_film_is_another_film(journal: Journal) {
    let follow = |job: &str, approve| {
        let after = crate::After { job: job.to_owned(), link: Link::LastFrame, approve };
        Planned { after: Some(after), ..planned("a") }
    };
    plan_list(&journal, &[follow("c", false)]).await;
    assert_eq!(plan_list(&journal, &[follow("c", true)]).await.unchanged, ["a"]);
    let job = journal.job("b/a").await.unwrap().unwrap();
    assert!(job.planned.after.as_ref().unwrap().approve);
    bring(&journal, &job, State::Settled, "cgt-1").await;
    assert_eq!(plan_list(&journal, &[follow("d", true)]).await.superseded, ["a"]);
}

pub(super) async fn a_thousand_are_planned_by_two_at_once(journal: Journal) {
    let list: Vec<_> = (0..1_000).map(|number| planned(&format!("{number}"))).collect();
    let (one, other) = tokio::join!(plan_list(&journal, &list), plan_list(&journal, &list));
    assert_eq!(one.added.len() + one.unchanged.len(), 1_000);
    assert_eq!(other.added.len() + other.unchanged.len(), 1_000);
    assert_eq!(journal.counts(Some("b")).await.unwrap(), [(State::Intent, 1_000)].into());
    clean(&journal.audit().await.unwrap());
}

on_sqlite! {
    the_same_list_changes_nothing what_was_not_sent_follows_the_list what_was_sent_gets_a_new_revision_beside_it
    a_superseded_job_is_not_sent_again following_another_film_is_another_film a_thousand_are_planned_by_two_at_once
}
