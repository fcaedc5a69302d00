//! Rates, slots and the queue, second by second.

use super::*;
use crate::{Account, Rates};

fn test_env(rates: Rates) -> TestEnv {
    TestEnv::with(Options::default().rates(rates))
}

fn company() -> Rates {
    Rates::of(Account::Company)
}

#[test]
fn without_rates_nobody_counts() {
    let mut env = TestEnv::new();
    (0..700).for_each(|_| drop(env.create(&text(M20))));
    (0..50).for_each(|_| assert_eq!(env.list("").0, 200));
    assert!(env.service.ledger().exceeded.is_empty());
}

#[test]
fn a_list_a_second_and_twenty_gets_and_deletes() {
    let mut env = test_env(company());
    assert_eq!(env.list("").0, 200);
    assert_refused(env.list(""), 429, "APIAccountRpmRateLimitExceeded");
    assert_refused(env.at(999).list(""), 429, "APIAccountRpmRateLimitExceeded");
    assert_eq!(env.at(1000).list("").0, 200);
    for _ in 0..20 {
        assert_refused(env.get("cgt-x"), 404, "ResourceNotFound");
        assert_refused(env.delete("cgt-x"), 404, "ResourceNotFound");
    }
    assert_refused(env.get("cgt-x"), 429, "APIAccountRpmRateLimitExceeded");
    assert_refused(env.delete("cgt-x"), 429, "APIAccountRpmRateLimitExceeded");
    assert_eq!(env.call(Method::GET, "/api/v3/models", "").0, 200, "no limit is documented for the models");
    assert_refused(env.at(2000).get("cgt-x"), 404, "ResourceNotFound");
    let exceeded: Vec<_> =
        env.service.ledger().exceeded.iter().map(|one| (one.operation, one.count)).collect();
    assert_eq!(exceeded, [("delete", 1), ("get", 1), ("list", 2)]);
}

#[test]
fn creates_are_counted_by_model_and_minute() {
    let mut env = test_env(company().creates_per_minute(2));
    env.create(&text(M20));
    env.at(10_000).create(&text(M20));
    let refused = env.post(&text(M20));
    assert_eq!(refused.1["error"]["type"], "TooManyRequests");
    assert_refused(refused, 429, "ModelAccountRpmRateLimitExceeded");
    env.create(&text(M25));
    // What is refused for another reason does not count.
    assert_refused(env.post(&with(text(M25), json!({ "ratio": "2:1" }))), 400, "InvalidParameter");
    env.create(&text(M25));
    assert_refused(env.at(59_999).post(&text(M20)), 429, "ModelAccountRpmRateLimitExceeded");
    env.at(60_000).create(&text(M20));
    assert_refused(env.post(&text(M20)), 429, "ModelAccountRpmRateLimitExceeded");
    env.at(70_000).create(&text(M20));
}

#[test]
fn an_endpoint_has_a_code_of_its_own_and_the_header_is_a_switch() {
    let mut options = Options::default().rates(company().creates_per_minute(1));
    options.switches.set("retry-after-header", "present").unwrap();
    let mut env = TestEnv::with(options);
    env.create(&text("ep-20260710120000-abcde"));
    let answer = env.at(500).raw(
        Method::POST,
        TASKS,
        &[("authorization", "Bearer k")],
        text("ep-20260710120000-abcde").to_string(),
    );
    assert_eq!(answer.headers()["retry-after"], "60");
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_refused((429, body), 429, "RateLimitExceeded.EndpointRPMExceeded");
}

#[test]
fn the_documented_figures_differ_by_account_and_size() {
    let created = |account, body: &Value| {
        let mut env = test_env(Rates::of(account).queued(u32::MAX));
        (0..).take_while(|_| env.post(body).0 == 200).count()
    };
    let four_k = with(text(M20), json!({ "resolution": "4k" }));
    assert_eq!(created(Account::Company, &text(M20)), 600);
    assert_eq!(created(Account::Personal, &text(M20)), 180);
    assert_eq!(created(Account::Company, &four_k), 15);
}

#[test]
fn tasks_beyond_the_slots_wait_in_order_of_priority() {
    let mut env = test_env(company().running(2));
    let plain = [0; 4].map(|_| env.create(&text(M20)));
    let urgent = env.create(&with(text(M20), json!({ "priority": 9 })));
    let other = env.create(&text(M25));
    let mut states = |at, ids: &[&String]| -> Vec<String> {
        env.at(at);
        ids.iter().map(|id| env.task(id)["status"].as_str().unwrap()[..1].to_owned()).collect()
    };
    let all = [&plain[0], &plain[1], &plain[2], &plain[3], &urgent, &other];
    // A second of waiting, three of running, two at a time; models do not share slots.
    assert_eq!(states(500, &all).concat(), "qqqqqq");
    assert_eq!(states(1000, &all).concat(), "rrqqqr");
    assert_eq!(states(3999, &all).concat(), "rrqqqr");
    assert_eq!(states(4000, &all).concat(), "ssrqrs");
    assert_eq!(states(7000, &all).concat(), "sssrss");
    assert_eq!(states(10_000, &all).concat(), "ssssss");
    assert_eq!(env.service.bills().len(), 6);
}

#[test]
fn a_slot_is_given_on_by_cancelling_failing_and_expiring() {
    let options =
        Options::default().rates(company().running(1)).running(std::time::Duration::from_secs(4000));
    let mut env = TestEnv::with(options);
    let first = env.create(&with(text(M10), json!({ "execution_expires_after": 3600 })));
    let fails = env.create(&with(
        text(M10),
        json!({ "content": [{ "type": "text", "text": "x [[fail:OutputVideoSensitiveContentDetected]]" }] }),
    ));
    let [cancelled, last] = [0; 2].map(|_| env.create(&text(M10)));
    env.at(2000);
    assert_eq!(env.delete(&cancelled).0, 200);
    assert_eq!(env.at(3_599_999).task(&first)["status"], "running");
    env.at(3_600_000);
    assert_eq!(
        (&env.task(&first)["status"], &env.task(&fails)["status"]),
        (&json!("expired"), &json!("running"))
    );
    env.at(7_600_000);
    assert_eq!(
        (&env.task(&fails)["status"], &env.task(&last)["status"]),
        (&json!("failed"), &json!("running"))
    );
    assert_eq!(env.at(11_600_000).task(&last)["status"], "succeeded");
}

#[test]
fn a_full_queue_is_rejected_with_the_vendors_message() {
    let mut env = test_env(company().running(1).queued(3));
    (0..3).for_each(|_| drop(env.create(&text(M20))));
    let refused = env.post(&text(M20));
    let error: ark_video_protocol::ApiError = ark_video_protocol::ApiError::new(
        429,
        refused.1["error"]["code"].as_str().unwrap(),
        refused.1["error"]["message"].as_str().unwrap(),
    );
    let failure = ark_video_protocol::Failure::answer(ark_video_protocol::Endpoint::Create, &error);
    let class = ark_video_protocol::classify(&failure);
    let why = "the message differs from that of an exhausted quota";
    assert_eq!(class, ark_video_protocol::Class::Throttled, "{why}: {error}");
    assert_refused(refused, 429, "QuotaExceeded");
    // One runs: one more may wait.
    env.at(1000).create(&text(M20));
    assert_refused(env.post(&text(M20)), 429, "QuotaExceeded");
}

#[test]
fn flex_waits_longer_and_has_no_slots() {
    let options = Options::default().rates(company().running(1).creates_per_minute(1));
    let mut env = TestEnv::with(options);
    let flex: Vec<_> =
        (0..3).map(|_| env.create(&with(text(M10), json!({ "service_tier": "flex" })))).collect();
    for (at, status) in [(9999, "queued"), (10_000, "running"), (13_000, "succeeded")] {
        env.at(at);
        flex.iter().for_each(|id| assert_eq!(env.task(id)["status"], status, "at {at} ms"));
        env.now += 1000;
    }
}
