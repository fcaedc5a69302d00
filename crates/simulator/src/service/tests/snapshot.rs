//! The state, saved and restored: everything goes on unchanged.

use super::*;
use crate::{Account, Rates};

fn options() -> Options {
    Options::default().seed(3).rates(Rates::of(Account::Company).running(2))
}

/// Creates tasks of every kind, and stops in the middle.
fn half_way() -> (TestEnv, Vec<String>) {
    let mut env = TestEnv::with(options());
    let mut ids = vec![
        env.create(&with(
            text(M25),
            json!({ "return_last_frame": true, "output_format": "mov", "safety_identifier": "me" }),
        )),
        env.create(&with(text(M15), json!({ "draft": true }))),
        env.create(&content(M20, vec![json!({ "type": "text", "text": "[[fail:InternalServiceError]] x" })])),
    ];
    env.at(2000);
    ids.extend((0..5).map(|at| env.create(&with(text(M20), json!({ "priority": at })))));
    ids.push(
        env.create(&with(text("ep-20260710120000-abcde"), json!({ "callback_url": "http://127.0.0.1:1/" }))),
    );
    let cancelled = env.create(&text(M10));
    env.delete(&cancelled);
    ids.push(cancelled);
    env.at(6500).tick();
    (env, ids)
}

fn rest(mut env: TestEnv, ids: &[String]) -> Vec<Value> {
    let mut seen = Vec::new();
    for at in [6500, 8000, 9000, 12_000, 20_000, DAY, 2 * DAY, 8 * DAY] {
        env.at(at);
        // Slowly enough for the rates.
        for (place, id) in ids.iter().enumerate() {
            env.now = at + 100 * i64::try_from(place).unwrap();
            seen.push(env.get(id).1);
        }
        env.now += 1000;
        let video =
            ids.iter().find_map(|id| Some(env.get(id).1["content"]["video_url"].as_str()?.to_owned()));
        if let Some(path) = video.as_ref().and_then(|link| link.strip_prefix("http://127.0.0.1")) {
            seen.push(matches!(env.reply(Method::GET, path, &[], ""), Reply::Render(_)).into());
        }
    }
    seen.push(serde_json::to_value(env.service.ledger()).unwrap());
    seen
}

#[test]
fn a_service_goes_on_where_it_stopped() {
    let (env, ids) = half_way();
    let saved = env.service.snapshot().unwrap();
    let (mut other, now) = (Service::restore(options(), &saved).unwrap(), env.now);
    assert_eq!(other.snapshot().unwrap(), saved);
    let after = {
        other.advance(BEGIN + now);
        TestEnv { service: other, now }
    };
    for (after, before) in rest(after, &ids).iter().zip(&rest(env, &ids)) {
        assert_eq!(after, before);
    }
}

#[test]
fn what_is_no_snapshot_is_refused() {
    for text in ["", "{}", "[]", r#"{"version":3}"#] {
        assert!(Service::restore(options(), text).is_err(), "{text}");
    }
    for other in [2, 99] {
        let other = format!("version\":{other}");
        let saved = TestEnv::new().service.snapshot().unwrap().replace("version\":3", &other);
        let error = Service::restore(options(), &saved).err().unwrap().to_string();
        assert!(error.contains(&other.replace("\":", " ")) && error.contains("delete it"), "{error}");
    }
}

#[test]
fn a_snapshot_whose_parts_do_not_fit_together_is_refused() {
    let (env, _) = half_way();
    let saved: Value = serde_json::from_str(&env.service.snapshot().unwrap()).unwrap();
    for place in [json!(0), json!(4_000_000_000_u32)] {
        let mut damaged = saved.clone();
        damaged["tasks"][1][1]["place"] = place.clone();
        let error = Service::restore(options(), &damaged.to_string()).err().unwrap().to_string();
        assert!(error.contains("do not fit together") && error.contains("delete it"), "{place}: {error}");
    }
}
