//! Faults, by plan and by the directives of a prompt: what the client sees, and what the service
//! did.

use super::*;
use crate::{ConnectionFault, Effect, FaultPlan, FaultPoint, FaultRule, FaultyReply};

fn test_env(rule: FaultRule) -> TestEnv {
    let mut env = TestEnv::new();
    env.service.set_faults(FaultPlan::new().rule(rule)).unwrap();
    env
}

fn says(directives: &str) -> Value {
    content(M20, vec![json!({ "type": "text", "text": format!("A paper boat. {directives}") })])
}

/// What happens on the connection, and how many tasks there are then.
fn broken(env: &mut TestEnv, body: &Value) -> (ConnectionFault, bool, usize) {
    let reply = env.reply(Method::POST, TASKS, &[("authorization", "Bearer k")], body.to_string());
    let Reply::Faulty(FaultyReply { fault, reply, .. }) = reply else { panic!("{reply:?}") };
    (fault, reply.is_some(), env.service.ledger().accepted)
}

#[test]
fn a_create_is_lost_before_or_after_it_is_accepted() {
    for (directives, expected) in [
        ("[[fault:drop_before_accept]]", (ConnectionFault::Close { reset: false }, false, 0)),
        ("[[fault:drop_before_accept reset=true]]", (ConnectionFault::Close { reset: true }, false, 0)),
        ("[[fault:accept_then_drop]]", (ConnectionFault::Close { reset: false }, false, 1)),
        ("[[fault:accept_then_drop reset=true]]", (ConnectionFault::Close { reset: true }, false, 1)),
        ("[[fault:hang_before_accept seconds=9]]", (ConnectionFault::Silence { millis: 9000 }, false, 0)),
        ("[[fault:hang_after_accept seconds=9]]", (ConnectionFault::Silence { millis: 9000 }, false, 1)),
        ("[[fault:delay millis=700]]", (ConnectionFault::Delay { millis: 700 }, true, 1)),
        ("[[fault:half_answer]]", (ConnectionFault::Half, true, 1)),
        (
            "[[fault:slow_drip bytes=2 millis=3 head=true]]",
            (ConnectionFault::Drip { bytes: 2, millis: 3, head: true }, true, 1),
        ),
        ("[[fault:half_head]]", (ConnectionFault::Raw(Bytes::from_static(b"HTTP/1.1 20")), false, 1)),
    ] {
        assert_eq!(broken(&mut TestEnv::new(), &says(directives)), expected, "{directives}");
    }
    assert!(matches!(
        broken(&mut TestEnv::new(), &says("[[fault:garbage]]")),
        (ConnectionFault::Raw(_), false, 1)
    ));
}

#[test]
fn the_response_to_a_create_is_corrupted() {
    let corrupted = |directives: &str| {
        let mut env = TestEnv::new();
        let answer =
            env.raw(Method::POST, TASKS, &[("authorization", "Bearer k")], says(directives).to_string());
        let accepted = env.service.ledger().accepted;
        let media = answer
            .headers()
            .get("content-type")
            .map(|media| media.to_str().unwrap().to_owned())
            .unwrap_or_default();
        (answer.status().as_u16(), media, String::from_utf8(answer.body().to_vec()).unwrap(), accepted)
    };
    let (status, media, body, accepted) = corrupted("[[fault:html_502]]");
    assert!(
        status == 502 && media == "text/html" && body.contains("<h1>502 Bad Gateway</h1>") && accepted == 0
    );
    assert_eq!(corrupted("[[fault:html_502 accepted=true]]").3, 1);
    let (status, _, body, accepted) = corrupted("[[fault:status status=500]]");
    assert!(status == 500 && body.contains("InternalServiceError") && accepted == 0, "{body}");
    let (status, _, body, accepted) = corrupted("[[fault:status status=500 accepted=true envelope=empty]]");
    assert_eq!((status, &*body, accepted), (500, "", 1));
    let (_, _, body, _) =
        corrupted("[[fault:status status=429 code=ServerOverloaded envelope=flat message=Slow_down.]]");
    assert!(body.starts_with(r#"{"code":"ServerOverloaded","message":"Slow down. Request id: 02"#), "{body}");
    let (_, _, body, _) = corrupted("[[fault:status status=403 envelope=management]]");
    assert!(body.starts_with(r#"{"ResponseMetadata":{"#), "{body}");
    assert!(corrupted("[[fault:status status=502 envelope=detail]]").2.starts_with(r#"{"detail":"#));
    assert_eq!(corrupted("[[fault:wrong_content_type]]").1, "text/html");
    let (status, _, body, accepted) = corrupted("[[fault:empty_answer]]");
    assert_eq!((status, &*body, accepted), (200, "", 1));
    assert!(serde_json::from_str::<Value>(&corrupted("[[fault:cut_json]]").2).is_err());
    assert_eq!(corrupted("[[fault:empty_id]]").2, r#"{"id":""}"#);
    assert_eq!(corrupted("[[fault:no_id]]").2, "{}");
    let (status, _, body, accepted) = corrupted("[[fault:huge_answer bytes=100000]]");
    let huge: Value = serde_json::from_str(&body).unwrap();
    assert!(
        status == 200
            && body.len() > 100_000
            && huge["id"].as_str().unwrap().starts_with("cgt-")
            && accepted == 1
    );
}

#[test]
fn retry_after_is_sent_as_it_is_written() {
    for wait in ["7", "121", "Sun, 22 Nov 2026 02:15:34 GMT", "soon"] {
        let effect = Effect::Status {
            status: 429,
            code: None,
            message: None,
            envelope: crate::Envelope::Nested,
            accepted: false,
            retry_after: Some(wait.to_owned()),
        };
        let mut env = test_env(FaultRule::new(effect));
        let answer = env.raw(Method::POST, TASKS, &[("authorization", "Bearer k")], text(M20).to_string());
        assert_eq!(answer.headers()["retry-after"], wait);
    }
}

#[test]
fn a_task_is_shown_in_ways_that_a_client_must_bear() {
    let seen = |directives: &str, at: i64| {
        let mut env = TestEnv::new();
        let id = env.create(&says(directives));
        let got = env.at(at).task(&id);
        let list = env.list("").1;
        assert_eq!(list["items"][0], got, "a list shows the same as a get: {directives}");
        got
    };
    assert_eq!(seen("[[fault:unknown_status]]", 0)["status"], "paused");
    assert_eq!(seen("[[fault:unknown_status status=melting]]", 0)["status"], "melting");
    assert_eq!(seen("[[fault:string_times]]", 0)["created_at"], (BEGIN / 1000).to_string());
    let floats = seen("[[fault:float_numbers]]", 4000);
    assert!(floats["duration"].is_f64() && floats["duration"] == 5.0, "{floats}");
    let failed = seen("[[fail:OutputVideoSensitiveContentDetected]] [[fault:failure_reason]]", 4000);
    assert_eq!(
        (&failed["error"], &failed["failure_reason"]["code"]),
        (&Value::Null, &json!("OutputVideoSensitiveContentDetected"))
    );
    let read: ark_video_model::Task = serde_json::from_value(failed).unwrap();
    assert!(read.failure().is_some(), "our own client reads both");
}

#[test]
fn lists_are_empty_in_an_odd_way_or_shift_while_paging() {
    let mut null = test_env(FaultRule::new(Effect::NullItems));
    null.create(&text(M20));
    assert_eq!(null.list("").1, json!({ "total": 1, "items": null }));
    for (by, expected) in [(1, vec![0, 1, 1, 2]), (-1, vec![0, 1, 3])] {
        let mut env = test_env(FaultRule::new(Effect::ShiftingPages { by }));
        let mut ids: Vec<_> = (0..4).map(|_| env.create(&text(M20))).collect();
        ids.reverse();
        let pages = [env.ids("page_size=2"), env.ids("page_size=2&page_num=2")].concat();
        let places: Vec<_> =
            pages.iter().map(|id| ids.iter().position(|known| known == id).unwrap()).collect();
        assert_eq!(places, expected, "by {by}");
    }
}

#[test]
fn a_rule_may_name_model_state_and_prompt() {
    let mut env = test_env(
        FaultRule::new(Effect::UnknownStatus { status: "odd".into() })
            .tag("boat")
            .model(M20)
            .state("running"),
    );
    let boat = env.create(&text(M20));
    let train = env.create(&content(M20, vec![json!({ "type": "text", "text": "A train." })]));
    let fast = env.create(&text(M25));
    let mut states = |at| -> Vec<Value> {
        env.at(at);
        [&boat, &train, &fast].map(|id| env.task(id)["status"].clone()).into()
    };
    assert_eq!(states(0), ["queued", "queued", "queued"]);
    assert_eq!(states(1000), ["odd", "running", "running"]);
    assert_eq!(states(4000), ["succeeded", "succeeded", "succeeded"]);
    env.at(1000);
}

#[test]
fn the_third_create_is_lost_and_the_run_repeats() {
    let run = || {
        let mut env =
            test_env(FaultRule::new(Effect::AcceptThenDrop { reset: false }).at(FaultPoint::Create).every(3));
        let outcomes: Vec<bool> = (0..7)
            .map(|_| {
                let key = [("authorization", "Bearer k")];
                matches!(env.reply(Method::POST, TASKS, &key, text(M20).to_string()), Reply::Answer(_))
            })
            .collect();
        let ids: Vec<String> =
            env.service.ledger().entries.iter().map(|entry| entry.task_id.clone()).collect();
        (outcomes, ids)
    };
    let (outcomes, ids) = run();
    assert_eq!(outcomes, [true, true, false, true, true, false, true]);
    assert_eq!(ids.len(), 7, "what was dropped was accepted");
    assert_eq!(run(), (outcomes, ids));
}

#[test]
fn a_prompts_directives_apply_to_later_calls_about_its_task() {
    let mut env = TestEnv::new();
    let id =
        env.create(&says("[[fault:status on=get status=500 hits=2]] [[fault:status on=delete status=409]]"));
    let other = env.create(&text(M20));
    let gets: Vec<u16> = (0..3).map(|_| env.get(&id).0).collect();
    assert_eq!(gets, [500, 500, 200]);
    assert_eq!(env.get(&other).0, 200);
    assert_refused(env.delete(&id), 409, "InvalidAction.RunningTaskDeletion");
    let vanished = env.create(&says("[[fault:vanish hits=1]]"));
    assert_refused(env.get(&vanished), 404, "ResourceNotFound");
    assert_eq!(env.get(&vanished).0, 200);
}

#[test]
fn a_misspelt_fault_is_refused() {
    let mut env = TestEnv::new();
    let refused = env.post(&says("[[fault:acept_then_drop]]"));
    assert!(refused.1["error"]["message"].as_str().unwrap().contains("acept_then_drop"), "{}", refused.1);
    assert_refused(refused, 400, "InvalidParameter");
    assert!(env.ids("").is_empty());
}

#[test]
fn a_task_fails_or_takes_long_as_it_was_asked() {
    let mut env = TestEnv::new();
    let fails = env.create(&says("[[fail:OutputVideoSensitiveContentDetected.PolicyViolation]]"));
    let slow = env.create(&says("[[fault:slow times=100]]"));
    let task = env.at(4000).task(&fails);
    assert_eq!(
        (&task["status"], &task["error"]["code"]),
        (&json!("failed"), &json!("OutputVideoSensitiveContentDetected.PolicyViolation"))
    );
    assert!(task["error"]["message"].as_str().unwrap().contains("Request id: 02"), "{task}");
    assert_eq!(env.task(&slow)["status"], "running");
    assert_eq!(env.at(300_999).task(&slow)["status"], "running");
    assert_eq!(env.at(301_000).task(&slow)["status"], "succeeded");
}

#[test]
fn a_file_is_cut_refused_replaced_or_redirected() {
    let video = |directives: &str, headers: &[(&str, &str)]| {
        let mut env = TestEnv::new();
        let id = env.create(&says(directives));
        let link = env.at(4000).task(&id)["content"]["video_url"].as_str().unwrap().to_owned();
        let path = link.strip_prefix("http://127.0.0.1").unwrap().to_owned();
        [0; 2].map(|_| env.reply(Method::GET, &path, headers, ""))
    };
    let status = |reply: &Reply| match reply {
        Reply::Answer(answer) => answer.status().as_u16(),
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&video("[[fault:dead_link]]", &[])[0]), 403);
    assert_eq!(status(&video("[[fault:early_400]]", &[])[0]), 400);
    let Reply::Answer(away) = &video("[[fault:redirect status=302 to=http://127.0.0.1:1/x]]", &[])[0] else {
        panic!()
    };
    assert_eq!(
        (away.status().as_u16(), &away.headers()["location"]),
        (302, &"http://127.0.0.1:1/x".parse().unwrap())
    );
    let [first, second] = video("[[fault:half_download hits=1]]", &[]);
    assert!(
        matches!(first, Reply::Faulty(FaultyReply { fault: ConnectionFault::Half, reply: Some(_), .. })),
        "{first:?}"
    );
    assert!(matches!(second, Reply::Render(_)));
    assert!(matches!(
        &video("[[fault:wrong_length by=-5]]", &[])[0],
        Reply::Faulty(FaultyReply { fault: ConnectionFault::Length { by: -5 }, .. })
    ));
    let sent = |reply: Reply| {
        let Reply::Render(job) = reply else { panic!("{reply:?}") };
        let answer = job.answer(Bytes::from_static(b"0123456789"));
        (answer.status().as_u16(), answer.headers()["etag"].clone())
    };
    let [first, second] = video("[[fault:changed_file]]", &[]).map(sent);
    assert_ne!(first.1, second.1);
    let range = [("range", "bytes=2-4")];
    assert_eq!(video("", &range).map(sent).map(|sent| sent.0), [206, 206]);
    assert_eq!(video("[[fault:no_ranges]]", &range).map(sent).map(|sent| sent.0), [200, 200]);
}

#[test]
fn a_plan_may_change_while_it_is_followed() {
    let mut env = TestEnv::new();
    env.service.add_fault(FaultRule::new(Effect::EmptyId).hits(1)).unwrap();
    assert_eq!(env.post(&text(M20)).1["id"], "");
    env.create(&text(M20));
    assert_eq!(env.service.fault_counts()[0].fired, 1);
    env.service.set_faults(FaultPlan::new()).unwrap();
    assert!(env.service.fault_counts().is_empty());
    let bad = FaultRule::new(Effect::Fail { code: "NoSuchCode".into(), message: None });
    assert!(env.service.add_fault(bad).is_err());
}
