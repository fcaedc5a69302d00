//! Hostile bodies, hostile orders.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn body(status: &str, updated_at: i64) -> Vec<u8> {
    json!({ "id": "cgt-1", "model": "m", "status": status, "updated_at": updated_at,
        "content": { "video_url": "https://evil.example/x.mp4" } })
    .to_string()
    .into_bytes()
}

#[test]
fn a_callback_is_a_task_of_which_only_id_state_and_time_are_kept() {
    let hint = parse(&body("succeeded", 7)).unwrap();
    assert_eq!(hint, Hint { model: "m".to_owned(), ..Hint::new("cgt-1", "succeeded", Some(7000)) });
    assert!(!format!("{hint:?}").contains("evil"));
}

#[test]
fn what_is_no_callback_is_refused_and_not_repeated_in_the_error() {
    assert_eq!(parse(&vec![b' '; MAX_CALLBACK + 1]), Err(CallbackError::TooLarge(MAX_CALLBACK + 1)));
    assert_eq!(parse(br#"{"id":" ","status":"queued"}"#), Err(CallbackError::NoId));
    // Ids are compared exactly, and none is asked for that no address can hold.
    assert_eq!(parse(br#"{"id":" cgt-1","status":"queued"}"#).unwrap().id, " cgt-1");
    for id in ["..", "a/b", "a\\u0000"] {
        let body = format!(r#"{{"id":"{id}","status":"queued"}}"#);
        assert!(matches!(parse(body.as_bytes()), Err(CallbackError::UnusableId(_))), "{id}");
    }
    for odd in ["", "null", "[]", "{", "secret", "\"secret\"", "<html>", r#"{"id":"cgt-1""#] {
        let error = parse(odd.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("the callback"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn nesting_has_an_end() {
    assert!(matches!(parse("[".repeat(60_000).as_bytes()), Err(CallbackError::NotATask(_))));
    let nested = format!(r#"{{"id":"cgt-1","status":"queued","x":{}"#, "[".repeat(60_000));
    assert!(matches!(parse(nested.as_bytes()), Err(CallbackError::NotATask(_))));
    let in_text = format!(r#"{{"id":"cgt-1","status":"queued","x":"\"{}"}}"#, "[".repeat(200));
    assert!(parse(in_text.as_bytes()).is_ok());
}

#[test]
fn states_only_move_forward() {
    let mut inbox = Inbox::new(10);
    let mut hear = |status: &str, at: i64| inbox.hear(&Hint::new("cgt-1", status, Some(at)));
    assert_eq!(hear("running", 20), Heard::Forward);
    assert_eq!(hear("queued", 10), Heard::Late);
    assert_eq!(hear("running", 20), Heard::Repeated);
    assert_eq!(hear("running", 19), Heard::Late);
    assert_eq!(hear("paused", 25), Heard::Forward);
    assert_eq!(hear("resumed", 26), Heard::Forward);
    assert_eq!(hear("succeeded", 30), Heard::Forward);
    assert_eq!(hear("failed", 40), Heard::Repeated);
    assert_eq!(hear("running", 50), Heard::Late);
    assert_eq!(inbox.len(), 1);
}

#[test]
fn a_forged_end_is_undone_by_the_truth() {
    let mut inbox = Inbox::new(10);
    let hint = Hint::new("cgt-1", "succeeded", Some(99));
    assert_eq!(inbox.hear(&hint), Heard::Forward);
    let truth =
        serde_json::from_value(json!({"id": "cgt-1", "status": "running", "updated_at": 50})).unwrap();
    inbox.confirmed(&truth);
    assert_eq!(inbox.hear(&hint), Heard::Forward);
    inbox.forget("cgt-1");
    assert!(inbox.is_empty());
}

#[test]
fn a_task_is_looked_at_once_in_five_seconds_and_nothing_is_forgotten_meanwhile() {
    let mut inbox = Inbox::new(10);
    let seconds = Duration::from_secs;
    let hear = |inbox: &mut Inbox, status: &str, at: u64| match inbox.hear(&Hint::new("cgt-1", status, None))
    {
        Heard::Forward => inbox.plan("cgt-1", seconds(at)),
        _ => None,
    };
    assert_eq!(hear(&mut inbox, "queued", 1), Some(seconds(1)));
    assert_eq!(hear(&mut inbox, "running", 1), None, "the planned poll covers it");
    inbox.looking("cgt-1", seconds(2));
    assert_eq!(hear(&mut inbox, "succeeded", 3), Some(seconds(7)));
    inbox.looking("cgt-1", seconds(7));
    assert_eq!(hear(&mut inbox, "succeeded", 20), None);
    inbox.unconfirmed("cgt-1");
    assert_eq!(hear(&mut inbox, "succeeded", 20), Some(seconds(20)), "a failed poll causes another");
    assert_eq!(inbox.plan("cgt-2", seconds(20)), None, "nothing was heard of it");
}

#[test]
fn a_storm_of_ids_takes_no_memory_without_end() {
    let mut inbox = Inbox::new(100);
    let heard: Vec<_> =
        (0..10_000).map(|id| inbox.hear(&Hint::new(format!("cgt-{id}"), "succeeded", None))).collect();
    assert_eq!(inbox.len(), 100);
    assert_eq!(heard.iter().filter(|heard| **heard == Heard::Full).count(), 9_900);
}

#[test]
fn confirmed_ends_make_room_and_claims_do_not() {
    let mut inbox = Inbox::new(2);
    inbox.hear(&Hint::new("cgt-0", "running", None));
    for id in ["cgt-1", "cgt-2", "cgt-3"] {
        let hint = Hint::new(id, "succeeded", None);
        assert_eq!(inbox.hear(&hint), Heard::Forward);
        assert_eq!(inbox.hear(&Hint::new("cgt-9", "succeeded", None)), Heard::Full, "beside {id}");
        let task = serde_json::from_value(serde_json::json!({"id": id, "model": "m", "status": "succeeded"}));
        inbox.confirmed(&task.unwrap());
    }
    assert_eq!(inbox.len(), 2);
}

#[test]
fn a_token_is_kept_as_its_hash() {
    let hash = TokenHash::of("t0ken");
    assert!(hash.matches("t0ken") && !hash.matches("t0keN") && !hash.matches(""));
    let text = serde_json::to_string(&hash).unwrap();
    assert!(!text.contains("t0ken"));
    assert_eq!(serde_json::from_str::<TokenHash>(&text).unwrap(), hash);
    for odd in ["", "0", &"g".repeat(64), &"é".repeat(32)] {
        assert!(serde_json::from_value::<TokenHash>(json!(odd)).is_err());
    }
    assert!(same_secret("a", "a") && !same_secret("a", "b") && !same_secret("a", "aa"));
    assert_eq!(format!("{hash:?}"), "TokenHash(..)");
}

proptest! {
    #[test]
    fn any_order_of_callbacks_costs_at_most_three_looks_and_ends_at_the_end(
        order in prop::collection::vec(0_usize..3, 1..200),
    ) {
        let states = [("queued", 1), ("running", 2), ("succeeded", 3)];
        let mut inbox = Inbox::new(1);
        let polls = order.iter().filter(|place| {
            let (status, at) = states[**place];
            inbox.hear(&Hint::new("cgt-1", status, Some(at))) == Heard::Forward
        }).count();
        prop_assert!(polls <= 3);
        if order.contains(&2) {
            prop_assert_eq!(inbox.hear(&Hint::new("cgt-1", "succeeded", Some(3))), Heard::Repeated);
        }
    }

    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body);
    }
}
