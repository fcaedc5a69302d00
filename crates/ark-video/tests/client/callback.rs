//! Callbacks: what is let in, what is believed (nothing but an id), and what it costs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ark_video::{
    Callbacks, WatchEvent, WatchOptions, Watched,
    callback::{CallbackEvent, CallbackOptions},
    model::{CreateTaskRequest, TextContent},
    transport::SystemRandom,
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

use crate::test_env::{TestEnv, answer};

const SUCCEEDED: &str = r#"{"id":"cgt-1","model":"m","status":"succeeded","updated_at":5,"content":{"video_url":"http://evil.example/a"}}"#;

fn request(path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("content-type", "application/json; charset=utf-8")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

async fn post(callbacks: &Callbacks, request: Request<Full<Bytes>>) -> u16 {
    let answer: Response<String> = callbacks.clone().call(request).await.unwrap();
    assert!(answer.body().is_empty());
    answer.status().as_u16()
}

fn receiver(env: &Arc<TestEnv>) -> (Callbacks, ark_video::callback::CallbackEvents) {
    let (callbacks, events) = Callbacks::new(&env.client(), CallbackOptions::default());
    callbacks.accept("right-token");
    (callbacks, events)
}

#[tokio::test]
async fn only_the_right_token_gets_in_and_the_status_says_no_more_than_it_must() {
    let env = TestEnv::always(200, SUCCEEDED);
    let (callbacks, mut events) = receiver(&env);
    for path in ["/ark/wrong-token", "/ark/", "/", "/right-token/x", "/RIGHT-TOKEN"] {
        assert_eq!(post(&callbacks, request(path, SUCCEEDED)).await, 404, "{path}");
    }
    let get = Request::get("/ark/right-token").body(Full::new(Bytes::new())).unwrap();
    assert_eq!(post(&callbacks, get).await, 405);
    let text = Request::post("/right-token").body(Full::new(Bytes::from_static(b"{}"))).unwrap();
    assert_eq!(post(&callbacks, text).await, 415);
    for body in ["", "{}", "[]", "{\"id\":\"\"}", &"[".repeat(5000)] {
        assert_eq!(post(&callbacks, request("/right-token", body)).await, 400);
    }
    let huge = format!(r#"{{"id":"cgt-1","x":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(post(&callbacks, request("/right-token", &huge)).await, 413);
    assert!(events.next().now_or_never().is_none() && env.sent().is_empty());
    assert_eq!(post(&callbacks, request("/ark/right-token", SUCCEEDED)).await, 204);
    assert_eq!(StatusCode::NO_CONTENT, 204);
}

#[tokio::test]
async fn what_is_told_on_is_the_answer_to_a_get_and_not_the_callback() {
    let env =
        TestEnv::new(|_, _| answer(200, r#"{"id":"cgt-1","model":"m","status":"running","updated_at":3}"#));
    let (callbacks, mut events) = receiver(&env);
    assert_eq!(post(&callbacks, request("/right-token", SUCCEEDED)).await, 204);
    assert!(env.sent().is_empty(), "nothing is asked before the receiver has answered");
    let Some(CallbackEvent::Confirmed(task)) = events.next().await else { panic!() };
    assert_eq!(task.status.as_str(), "running");
    assert_eq!(env.lines(), ["GET /v3/contents/generations/tasks/cgt-1"]);
    assert!(env.opened().is_empty(), "no link of a callback is fetched");
}

#[tokio::test]
async fn a_storm_of_repeats_costs_one_look_and_late_ones_none() {
    let env = TestEnv::always(200, SUCCEEDED);
    let (callbacks, mut events) = receiver(&env);
    for _ in 0..200 {
        assert_eq!(post(&callbacks, request("/right-token", SUCCEEDED)).await, 204);
    }
    env.pass(Duration::from_secs(1));
    let late = r#"{"id":"cgt-1","model":"m","status":"running","updated_at":3}"#;
    assert_eq!(post(&callbacks, request("/right-token", late)).await, 204);
    drop(callbacks);
    let mut count = 0;
    while let Some(event) = events.next().await {
        assert!(matches!(event, CallbackEvent::Confirmed(_)));
        count += 1;
    }
    assert_eq!((count, env.sent().len()), (1, 1));
}

#[tokio::test]
async fn a_storm_of_ten_thousand_costs_one_look_in_five_seconds_for_each_task() {
    // They claim an end that each poll denies, so that each of them seems new.
    let env = TestEnv::new(|_, sent| {
        let id = sent.request.uri().path().rsplit('/').next().unwrap();
        answer(200, format!(r#"{{"id":"{id}","model":"m","status":"queued","updated_at":1}}"#))
    });
    let (callbacks, mut events) = receiver(&env);
    for number in 0..10_000 {
        env.pass(Duration::from_millis(1));
        let body =
            format!(r#"{{"id":"cgt-{}","model":"m","status":"succeeded","updated_at":9}}"#, number % 3);
        assert_eq!(post(&callbacks, request("/right-token", &body)).await, 204);
        // Ten times meanwhile it is polled; what is not due yet moves the clock.
        while number % 1_000 == 999 && events.next().now_or_never().is_some() {}
    }
    let mut polls = BTreeMap::<String, Vec<u64>>::new();
    for sent in env.sent() {
        polls.entry(sent.request.uri().path().to_owned()).or_default().push(sent.second);
    }
    assert_eq!(polls.len(), 3);
    for (path, seconds) in polls {
        assert!(seconds.windows(2).all(|pair| pair[1] - pair[0] >= 5), "{path}: {seconds:?}");
        assert_eq!(seconds.len(), 10, "{path}: {seconds:?}");
    }
}

#[tokio::test]
async fn a_look_that_fails_is_no_failed_task() {
    let env = TestEnv::always(404, r#"{"error":{"code":"ResourceNotFound","message":"m"}}"#);
    let (callbacks, mut events) = receiver(&env);
    assert_eq!(post(&callbacks, request("/right-token", SUCCEEDED)).await, 204);
    let Some(CallbackEvent::CouldNotConfirm { id, error }) = events.next().await else { panic!() };
    assert_eq!((id.as_str(), error.status()), ("cgt-1", Some(404)));
}

#[tokio::test]
async fn what_another_task_answers_confirms_no_callback() {
    for other in ["cgt-2", "CGT-1", "cgt-1 "] {
        let env =
            TestEnv::new(move |_, _| answer(200, format!(r#"{{"id":"{other}","status":"succeeded"}}"#)));
        let (callbacks, mut events) = receiver(&env);
        assert_eq!(post(&callbacks, request("/right-token", SUCCEEDED)).await, 204);
        let Some(CallbackEvent::CouldNotConfirm { id, error }) = events.next().await else { panic!() };
        let said = error.message();
        assert!(
            id == "cgt-1" && said.contains(r#""cgt-1""#) && said.contains(&format!("{other:?}")),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_watch_is_told_to_look_sooner() {
    let env = TestEnv::new(|number, _| match number {
        0 => answer(200, r#"{"id":"cgt-1","model":"m","status":"queued"}"#),
        _ => answer(200, SUCCEEDED),
    });
    let client = env.client();
    let mut watch = client.watch(WatchOptions::default());
    let callbacks = Callbacks::for_watch(&client, CallbackOptions::default(), watch.handle());
    callbacks.accept("right-token");
    watch.add(Watched::new("cgt-1"));
    assert!(matches!(watch.next().await, Some(WatchEvent::Changed { .. })));
    env.pass(Duration::from_secs(5));
    assert_eq!(post(&callbacks, request("/right-token", SUCCEEDED)).await, 204);
    drop(callbacks);
    assert!(matches!(watch.next().await, Some(WatchEvent::Finished { .. })));
    assert!(env.seconds()[1] <= 6, "{:?}", env.seconds());
}

#[tokio::test]
async fn tokens_of_old_creates_make_room_and_the_callers_own_stay() {
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    let client = env.builder().random(Arc::new(SystemRandom)).build().unwrap();
    let mut options = CallbackOptions::at("https://a.example/hooks");
    options.remembered = 2;
    let (callbacks, _events) = Callbacks::new(&client, options);
    callbacks.accept("own");
    let request = CreateTaskRequest::new("seedance", [TextContent::new("A boat.").into()]);
    for _ in 0..3 {
        client.create(&request).callbacks(&callbacks).await.unwrap();
    }
    let mut paths: Vec<String> = vec!["/own".to_owned()];
    for sent in env.sent() {
        let body: CreateTaskRequest = serde_json::from_slice(sent.request.body()).unwrap();
        paths.push(body.callback_url.unwrap().replace("https://a.example", ""));
    }
    let mut statuses = Vec::new();
    for path in paths {
        statuses.push(post(&callbacks, self::request(&path, "{}")).await);
    }
    assert_eq!(statuses, [400, 404, 400, 400], "404 is an unknown token");
}
