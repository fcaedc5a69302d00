//! Callbacks: what is sent when, and what happens when nobody takes it.

use super::*;

fn called(directives: &str) -> Value {
    let mut body = content(M20, vec![json!({ "type": "text", "text": format!("A boat. {directives}") })]);
    body["callback_url"] = "http://127.0.0.1:9/hook".into();
    body
}

/// Takes what is due second by second, answering each with a status.
fn collect(env: &mut TestEnv, seconds: i64, status: Option<u16>) -> Vec<(i64, String, u32)> {
    let mut seen = Vec::new();
    for second in 0..=seconds {
        let now = BEGIN + second * 1000;
        env.service.advance(now);
        for callback in env.service.take_callbacks(now) {
            let task: Value = serde_json::from_slice(&callback.body).unwrap();
            assert_eq!(
                (&*callback.url, task["id"].as_str().unwrap()),
                ("http://127.0.0.1:9/hook", &*callback.task_id)
            );
            seen.push((second, task["status"].as_str().unwrap().to_owned(), callback.attempt));
            env.service.callback_done(now, callback.number, status);
        }
    }
    seen
}

fn states(seen: &[(i64, String, u32)]) -> Vec<(i64, &str)> {
    seen.iter().map(|(second, status, _)| (*second, &**status)).collect()
}

#[test]
fn every_change_is_called_back_once_it_is_received() {
    let mut env = TestEnv::new();
    assert!(!env.service.calls_back());
    env.create(&called(""));
    assert!(env.service.calls_back());
    assert_eq!(states(&collect(&mut env, 60, Some(200))), [(0, "queued"), (1, "running"), (4, "succeeded")]);
    let counts = env.service.callback_counts();
    assert_eq!((counts.planned, counts.received, counts.lost), (3, 3, 0));
    assert!(env.service.ledger().never_seen.is_empty(), "an acknowledged end was seen");
    env.create(&called("")); // Nobody acknowledges this one.
    collect(&mut env, 60, Some(500));
    assert_eq!(env.service.ledger().never_seen.len(), 1);
}

#[test]
fn only_an_end_is_tried_again() {
    let mut env = TestEnv::new();
    env.create(&called(""));
    let seen = collect(&mut env, 60, None);
    assert_eq!(
        states(&seen),
        [
            (0, "queued"),
            (1, "running"),
            (4, "succeeded"),
            (9, "succeeded"),
            (14, "succeeded"),
            (19, "succeeded")
        ]
    );
    assert_eq!(seen.last().unwrap().2, 4);
    assert_eq!(env.service.callback_counts().lost, 3);
}

#[test]
fn a_cancelled_task_is_not_called_back_and_an_expired_one_is() {
    let mut env = TestEnv::with(Options::default().queued(std::time::Duration::from_secs(5000)));
    let cancelled = env.create(&called(""));
    env.delete(&cancelled);
    env.create(&with(called(""), json!({ "execution_expires_after": 3600 })));
    assert_eq!(
        states(&collect(&mut env, 3700, Some(204))),
        [(0, "queued"), (0, "queued"), (3600, "expired")]
    );
}

#[test]
fn they_come_twice_late_or_not_at_all_when_asked() {
    let seen = |directives: &str| {
        let mut env = TestEnv::new();
        env.create(&called(directives));
        let seen = collect(&mut env, 60, Some(200));
        states(&seen)
            .iter()
            .map(|(second, status)| format!("{second}{}", &status[..1]))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(seen("[[fault:callback_twice]]"), "0q 0q 1r 1r 4s 4s");
    assert_eq!(seen("[[fault:callback_late millis=5000 hits=2]]"), "4s 5q 6r");
    assert_eq!(seen("[[fault:callback_lost]]"), "");
}

#[test]
fn which_states_are_told_is_a_switch() {
    let mut env = TestEnv::with_switch("callback-events", "final_only");
    env.create(&called(""));
    assert_eq!(states(&collect(&mut env, 10, Some(200))), [(4, "succeeded")]);
}
