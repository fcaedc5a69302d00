//! A job's way, who may move it, late answers, retries, decisions of a person.

use serde_json::json;

use super::*;
use crate::{BillKind, FileAt, JobFilter, JournalErrorKind, Link, Resolve, journal::LateResponse};

pub(super) async fn from_intent_to_the_end(journal: Journal) {
    let [job] = &plan_of(&journal, &["a"]).await[..] else { panic!() };
    assert_eq!((job.state, job.seq, job.revision), (State::Intent, 1, 1));
    let job = submit(&journal, job, "t1").await;
    let attempt = job.attempt.clone().unwrap();
    assert_eq!(
        (attempt.number, attempt.slot.as_str(), attempt.request_hash.as_str()),
        (1, MODEL, "hash of a")
    );
    assert_eq!(journal.slots(MODEL).await.unwrap().running, 1);
    let job = done(journal.submitted(&job, "cgt-1", Some(5)).await);
    let seen = done(journal.note(&job, "slow").await);
    assert_eq!(done(journal.note(&seen, "slow").await).seq, seen.seq);
    let job = done(journal.finished(&seen, &json!({ "status": "succeeded" })).await);
    assert_eq!(journal.slots(MODEL).await.unwrap().running, 0);
    let file = FileAt { path: "a.mp4".into(), bytes: 3, sha256: "abc".to_owned() };
    let job = done(journal.downloaded(&job, vec![file.clone()]).await);
    let job = done(journal.settled(&job, Some(cost(80))).await);
    assert_eq!((job.state, job.seq), (State::Settled, 7));
    let read = journal.job("b/a").await.unwrap().unwrap();
    assert_eq!(read, job);
    assert_eq!(read.files, [file]);
    assert_eq!(journal.job_of_task("cgt-1").await.unwrap().unwrap(), job);
    assert_eq!(journal.counts(Some("b")).await.unwrap(), [(State::Settled, 1)].into());
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn only_one_of_two_moves_it(journal: Journal) {
    let [job] = &plan_of(&journal, &["a"]).await[..] else { panic!() };
    let mine = submit(&journal, job, "mine").await;
    let Submitting::Conflict(Some(found)) = journal.submitting(job, attempt("other"), &slot()).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(found, mine);
    let unknown = done(journal.unknown(&found, Some(json!({ "marks": 1 })), "its runner died").await);
    assert_eq!(
        journal.submitted(&mine, "cgt-1", None).await.unwrap(),
        CasOutcome::Conflict(Some(unknown.clone()))
    );
    let mut gone = unknown.clone();
    gone.key = "b/none".to_owned();
    assert_eq!(journal.held(&gone, "x", &[]).await.unwrap(), CasOutcome::Conflict(None));
    let late = journal.late_response("b/a", 1, "mine", "cgt-1").await.unwrap();
    let LateResponse::Adopted(job) = late else { panic!("{late:?}") };
    assert_eq!((job.state, job.task_id.as_deref()), (State::Submitted, Some("cgt-1")));
    assert_eq!(journal.late_response("b/a", 1, "mine", "cgt-1").await.unwrap(), LateResponse::Already);
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn what_is_no_move_is_refused(journal: Journal) {
    let [job, other] = &plan_of(&journal, &["a", "c"]).await[..] else { panic!() };
    let refused = |error: JournalError| {
        assert_eq!(error.kind(), JournalErrorKind::Refused, "{error}");
        assert!(!error.is_transient());
    };
    refused(journal.not_sent(job, "x").await.unwrap_err());
    refused(journal.settled(job, Some(cost(1))).await.unwrap_err());
    refused(journal.park(job, State::Settled, "x").await.unwrap_err());
    let job = bring(&journal, job, State::Submitted, "cgt-1").await;
    refused(journal.drop_job(&job, "x").await.unwrap_err());
    refused(journal.reopen(&job, "x").await.unwrap_err());
    let other = submit(&journal, other, "t").await;
    let error = journal.submitted(&other, "cgt-1", None).await.unwrap_err();
    assert!(error.to_string().contains("the task cgt-1 is the one of b/a"), "{error}");
    refused(error);
    refused(journal.submitted(&other, "", None).await.unwrap_err());
    assert_eq!(journal.job("b/c").await.unwrap().unwrap(), other);
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn a_late_answer_is_never_lost(journal: Journal) {
    let jobs = plan_of(&journal, &["intent", "rejected", "held", "again", "changed", "dropped"]).await;
    let [intent, rejected, held, again, changed, dropped] = &jobs[..] else { panic!() };
    // Taken back although it had been sent, and nothing else is on its way: the row takes the task.
    let job = submit(&journal, intent, "t").await;
    done(journal.not_sent(&job, "the guard").await);
    let job = submit(&journal, rejected, "t").await;
    done(journal.refused(&job, "no").await);
    bring(&journal, held, State::Held, "x").await;
    let job = submit(&journal, dropped, "t").await;
    let job = done(journal.not_sent(&job, "the guard").await);
    done(journal.drop_job(&job, "by a person").await);
    for (key, token) in [("b/intent", "t"), ("b/rejected", "t"), ("b/held", "token of x"), ("b/dropped", "t")]
    {
        let task = format!("cgt {key}");
        let late = journal.late_response(key, 1, token, &task).await.unwrap();
        let LateResponse::Adopted(job) = late else { panic!("{key}: {late:?}") };
        assert_eq!((job.state, job.task_id.as_ref()), (State::Submitted, Some(&task)), "{key}");
    }
    // Sent again, or another request since: the task is a bill of its own.
    let job = bring(&journal, again, State::Unknown, "x").await;
    let job = done(journal.send_again(&job, "allowed").await);
    submit(&journal, &job, "second").await;
    assert_eq!(
        journal.late_response("b/again", 1, "token of x", "cgt-late").await.unwrap(),
        LateResponse::Extra
    );
    let job = submit(&journal, changed, "t").await;
    done(journal.not_sent(&job, "the guard").await);
    let list = [Planned { request_hash: "another".to_owned(), ..planned("changed") }];
    journal.plan("b", &list, PlanOptions::default()).await.unwrap();
    assert_eq!(journal.late_response("b/changed", 1, "t", "cgt-old").await.unwrap(), LateResponse::Extra);
    assert_eq!(journal.late_response("b/nobody", 1, "t", "cgt-foreign").await.unwrap(), LateResponse::Extra);
    assert_eq!(
        journal.late_response("b/nobody", 1, "t", "cgt-foreign").await.unwrap(),
        LateResponse::Already
    );
    let bills = journal.bills().await.unwrap();
    let ids: Vec<_> = bills.iter().map(|bill| bill.task_id.as_str()).collect();
    assert_eq!(ids, ["cgt-foreign", "cgt-late", "cgt-old"]);
    assert!(bills.iter().all(|bill| bill.kind == BillKind::Extra));
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn a_retry_keeps_what_the_first_one_cost(journal: Journal) {
    let [job] = &plan_of(&journal, &["a"]).await[..] else { panic!() };
    let job = bring(&journal, job, State::Gone, "cgt-1").await;
    assert_eq!(job.settled, Some(cost(100)), "what was reserved counts as spent");
    let job = done(journal.reopen(&job, "retry").await);
    assert_eq!((job.state, job.task_id.as_deref()), (State::Intent, None));
    let job = bring(&journal, &job, State::Settled, "cgt-2").await;
    assert_eq!(job.attempt.as_ref().unwrap().number, 2);
    let spent: u64 = journal
        .budgets()
        .await
        .unwrap()
        .iter()
        .filter(|budget| budget.unit == "tokens" && budget.scope == crate::Scope::Batch("b".to_owned()))
        .map(|budget| budget.settled)
        .sum();
    assert_eq!(spent, 180);
    let bills = journal.bills().await.unwrap();
    assert_eq!((bills[0].task_id.as_str(), bills[0].kind), ("cgt-1", BillKind::Earlier));
    let mut owned = journal.owned_task_ids(MODEL, 0).await.unwrap();
    owned.sort();
    assert_eq!(owned, ["cgt-1", "cgt-2"]);
    assert_eq!(journal.owned_task_ids(MODEL, 2).await.unwrap(), ["cgt-1"]);
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn a_person_decides(journal: Journal) {
    let jobs = plan_of(&journal, &["adopt", "not", "again"]).await;
    for (job, resolve, state) in [
        (&jobs[0], Resolve::Adopt("cgt-9".to_owned()), State::Submitted),
        (&jobs[1], Resolve::NotCreated, State::Intent),
        (&jobs[2], Resolve::Resend, State::Intent),
    ] {
        let job = bring(&journal, job, State::Unknown, &job.key).await;
        let job = done(journal.held(&job, "several", &["cgt-8".to_owned(), "cgt-9".to_owned()]).await);
        assert_eq!(job.candidates.len(), 2);
        let job = done(journal.resolve(&job, &resolve).await);
        assert_eq!(job.state, state);
        assert!(job.candidates.is_empty());
    }
    assert_eq!(journal.slots(MODEL).await.unwrap().running, 1);
    clean(&journal.audit().await.unwrap());
}

pub(super) async fn approval_lets_the_followers_go(journal: Journal) {
    let after = crate::After { job: "draft".to_owned(), link: Link::Draft, approve: true };
    let list = [planned("draft"), Planned { after: Some(after), ..planned("final") }, planned("other")];
    journal.plan("b", &list, PlanOptions::default()).await.unwrap();
    for name in ["final", "other"] {
        let job = journal.job(&format!("b/{name}")).await.unwrap().unwrap();
        done(journal.park(&job, State::NeedsApproval, "inspect the draft").await);
    }
    let approved = journal.approve("b", "draft").await.unwrap();
    assert!(approved.job.approved);
    assert_eq!(approved.reopened, ["b/final"]);
    let job = journal.job("b/final").await.unwrap().unwrap();
    assert_eq!(job.state, State::Intent);
    let error = journal.approve("b", "none").await.unwrap_err();
    assert!(error.to_string().contains("the batch b has no job none"), "{error}");
}

pub(super) async fn a_paused_batch_sends_nothing(journal: Journal) {
    let [job] = &plan_of(&journal, &["a"]).await[..] else { panic!() };
    assert!(journal.pause("b", "lunch").await.unwrap());
    assert!(!journal.pause("none", "lunch").await.unwrap());
    assert_eq!(journal.submitting(job, attempt("t"), &slot()).await.unwrap(), Submitting::Paused);
    let batch = journal.batch("b").await.unwrap().unwrap();
    assert_eq!((batch.paused, batch.reason.as_deref()), (true, Some("lunch")));
    assert!(journal.keep_options("b", json!({ "rpm": 60 })).await.unwrap());
    assert!(journal.resume("b").await.unwrap());
    submit(&journal, job, "t").await;
    let batches = journal.batches().await.unwrap();
    assert_eq!((batches.len(), batches[0].paused, &batches[0].options), (1, false, &json!({ "rpm": 60 })));
}

pub(super) async fn jobs_come_page_by_page(journal: Journal) {
    let names: Vec<_> = (0..25).map(|number| format!("{number:02}")).collect();
    let mut list: Vec<_> = names.iter().map(|name| planned(name)).collect();
    list[7].tags = vec!["odd".to_owned()];
    list[20].tags = vec!["odd".to_owned(), "intro".to_owned()];
    journal.plan("b", &list, PlanOptions::default()).await.unwrap();
    journal.plan("c", &list[..3], PlanOptions::default()).await.unwrap();
    let all = JobFilter { batch: Some("b".to_owned()), ..JobFilter::default() };
    let (mut after, mut keys): (Option<String>, Vec<String>) = (None, Vec::new());
    loop {
        let page = journal.jobs(&all, after.as_deref(), 10).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        keys.extend(page.into_iter().map(|job| job.key));
    }
    assert_eq!(keys, names.iter().map(|name| format!("b/{name}")).collect::<Vec<_>>());
    let count = |filter: JobFilter| {
        let journal = journal.clone();
        async move { journal.jobs(&filter, None, 3).await.unwrap().len() }
    };
    assert_eq!(count(JobFilter { tags: vec!["odd".to_owned()], ..JobFilter::default() }).await, 2);
    assert_eq!(count(JobFilter { names: vec!["01".to_owned()], ..JobFilter::default() }).await, 2);
    assert_eq!(count(JobFilter { states: vec![State::Held], ..all.clone() }).await, 0);
    assert_eq!(count(JobFilter { states: vec![State::Held, State::Intent], ..all }).await, 3);
    assert_eq!(count(JobFilter { models: vec!["no model".to_owned()], ..JobFilter::default() }).await, 0);
}

pub(super) async fn a_forgotten_prompt_is_gone(journal: Journal) {
    let [job] = &plan_of(&journal, &["a"]).await[..] else { panic!() };
    let job = bring(&journal, job, State::Submitted, "cgt-1").await;
    let job = done(journal.forget_request(&job).await);
    assert_eq!(job.planned.request, json!({ "model": MODEL }));
    let change = journal.plan("b", &[planned("a")], PlanOptions::default()).await.unwrap();
    assert_eq!(change.unchanged, ["a"]);
}

#[tokio::test]
async fn a_forgotten_prompt_is_not_in_the_file() {
    let place = TestJournal::new();
    let journal = place.open().await;
    a_forgotten_prompt_is_gone(journal.clone()).await;
    journal.close().await;
    let bytes = std::fs::read(place.path()).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("secret prompt"));
}

on_sqlite! {
    from_intent_to_the_end only_one_of_two_moves_it what_is_no_move_is_refused a_late_answer_is_never_lost
    a_retry_keeps_what_the_first_one_cost a_person_decides approval_lets_the_followers_go a_paused_batch_sends_nothing
    jobs_come_page_by_page
}
