//! The ledger: what was accepted, ran and was paid; what was paid twice; what nobody came for.

use super::*;
use crate::{Account, Rates};

#[test]
fn equal_requests_are_one_intent() {
    let mut env = TestEnv::new();
    let (one, two) = (text(M20), with(text(M20), json!({ "seed": 1 })));
    let ids = [&one, &one, &two].map(|body| env.create(body));
    let ledger = env.at(4000).tick().ledger();
    assert_eq!((ledger.accepted, ledger.ran, ledger.billed, ledger.tokens), (3, 3, 3, 326_700));
    assert_eq!(ledger.price.iter().map(ToString::to_string).collect::<Vec<_>>(), ["15.0282 CNY"]);
    let doubles: Vec<_> = ledger.doubles().collect();
    assert_eq!(doubles.len(), 1);
    assert_eq!((&doubles[0].task_ids[..], doubles[0].bills), (&ids[..2], 2));
    let bills = env.service.bills();
    assert_eq!(bills[0].request_hash, bills[1].request_hash);
    assert_ne!(bills[0].request_hash, bills[2].request_hash);
}

#[test]
fn what_nobody_came_for_is_named() {
    let mut env = TestEnv::new();
    let [seen, unseen, listed] = [0, 1, 2].map(|seed| env.create(&with(text(M20), json!({ "seed": seed }))));
    env.task(&unseen);
    let task = env.at(4000).task(&seen);
    env.ids(&format!("filter.task_ids={listed}"));
    let link = task["content"]["video_url"].as_str().unwrap().strip_prefix("http://127.0.0.1").unwrap();
    let refused = env.reply(Method::HEAD, link, &[], "");
    assert!(matches!(refused, Reply::Answer(_)));
    assert!(env.service.ledger().never_downloaded.contains(&seen), "a refused HEAD is no download");
    let Reply::Render(job) = env.reply(Method::GET, link, &[], "") else { panic!() };
    let file = job.render().unwrap();
    let total = file.len();
    let delivery = job.delivery(&job.answer(file), total).unwrap();
    env.service.delivered(delivery, total - 1);
    assert!(env.service.ledger().never_downloaded.contains(&seen), "a byte is missing");
    env.service.delivered(delivery, total);
    let ledger = env.service.ledger();
    assert_eq!(ledger.never_seen, std::slice::from_ref(&unseen));
    assert_eq!(ledger.never_downloaded, [unseen.clone(), listed]);
    let entry = ledger.entries.iter().find(|entry| entry.task_id == unseen).unwrap();
    assert_eq!((entry.polls, entry.end_seen, entry.status), (1, false, "succeeded"));
    assert_eq!(
        (entry.accepted_at, entry.started_at, entry.ended_at),
        (BEGIN, Some(BEGIN + 1000), Some(BEGIN + 4000))
    );
}

/// The vendor's Python runtimes retry the 409 of a delete, and so remove the record of a video that
/// was paid.
#[test]
fn a_record_deleted_before_its_video_is_downloaded_is_named() {
    let mut env = TestEnv::new();
    let [erased, saved, cancelled] =
        [0, 1, 2].map(|seed| env.create(&with(text(M20), json!({ "seed": seed }))));
    env.delete(&cancelled);
    let task = env.at(4000).task(&saved);
    let link = task["content"]["video_url"].as_str().unwrap().strip_prefix("http://127.0.0.1").unwrap();
    let Reply::Render(job) = env.reply(Method::GET, link, &[], "") else { panic!() };
    let file = job.render().unwrap();
    let total = file.len();
    env.service.delivered(job.delivery(&job.answer(file), total).unwrap(), total);
    env.delete(&saved);
    env.delete(&erased);
    assert_eq!(env.service.ledger().deleted_before_download, [erased]);
}

#[test]
fn it_outlives_the_tasks_and_ends_with_a_reset() {
    let mut env = TestEnv::with(Options::default().rates(Rates::of(Account::Company)));
    env.create(&text(M20));
    env.at(30 * DAY).list("");
    env.list("");
    let ledger = env.service.ledger();
    assert_eq!((ledger.billed, ledger.exceeded.len()), (1, 1));
    env.service.reset();
    let ledger = env.service.ledger();
    assert_eq!((ledger.accepted, ledger.exceeded.len()), (0, 0));
    assert_eq!(env.list("").1, json!({ "total": 0, "items": [] }));
}

#[test]
fn only_what_succeeds_is_paid() {
    let mut env = TestEnv::new();
    let cancelled = env.create(&text(M20));
    env.delete(&cancelled);
    env.create(&content(M20, vec![json!({ "type": "text", "text": "[[fail:InternalServiceError]] x" })]));
    let ledger = env.at(4000).tick().ledger();
    assert_eq!((ledger.accepted, ledger.ran, ledger.billed, ledger.tokens), (2, 1, 0, 0));
    let states: Vec<_> = ledger.entries.iter().map(|entry| (entry.status, entry.price)).collect();
    assert_eq!(states, [("cancelled", None), ("failed", None)]);
}

#[test]
fn a_hundred_thousand_tasks_fit() {
    let mut env = TestEnv::new();
    let body = text(M20).to_string();
    let before = resident();
    for _ in 0..100_000 {
        assert_eq!(
            env.raw(
                Method::POST,
                TASKS,
                &[
                    ("authorization", "Bearer k"),
                    ("x-client-request-id", "20261122101530abcdefghijklmnopqrst")
                ],
                body.clone()
            )
            .status(),
            200
        );
    }
    env.at(4000).tick();
    // Skipped where the system does not report memory.
    if let (Some(before), Some(after)) = (before, resident()) {
        let used = (after.saturating_sub(before)) >> 20;
        assert!(used <= 200, "100,000 finished tasks take {used} MiB");
    }
    assert_eq!(env.service.bills().len(), 100_000);
}

/// Memory of this process in bytes.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}
