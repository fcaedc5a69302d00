//! A create is sent exactly once, and each outcome has its own error, with its possible cost.

use std::{sync::Arc, time::Duration};

use ark_video::{
    Client, Error,
    error::{Refusal, SendError, SendErrorKind},
    model::{ContentItem, CreateTaskRequest, TextContent},
};
use http::HeaderValue;

use crate::test_env::{KEY, TestEnv, answer};

fn request() -> CreateTaskRequest {
    CreateTaskRequest::new("seedance", [ContentItem::Text(TextContent::new("a secret prompt"))])
}

/// Creates, checks that exactly one request went out and that the error shows no secret.
async fn failing(env: &Arc<TestEnv>) -> Error {
    let error = env.client().create(request()).await.unwrap_err();
    assert_eq!(env.sent().len(), 1, "a create is sent once");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY) && !shown.contains("secret prompt"), "{shown}");
    error
}

async fn failing_with(status: u16, body: &'static str) -> Error {
    failing(&TestEnv::always(status, body)).await
}

#[tokio::test]
async fn an_accepted_create_gives_a_handle_and_was_sent_once() {
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    let handle = env.client().create(request()).await.unwrap();
    assert_eq!((handle.id(), handle.to_string()), ("cgt-1", "cgt-1".to_owned()));
    assert_eq!(serde_json::to_string(&handle).unwrap(), r#""cgt-1""#);
    assert_eq!(env.lines(), ["POST /v3/contents/generations/tasks"]);
}

#[tokio::test]
async fn a_record_is_written_before_the_first_byte_or_nothing_is_sent() {
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    let client = env.client();
    let prepared = client.create(request()).prepare();
    let full = || Err(std::io::Error::other("the disk is full"));
    let error = prepared.clone().before_first_byte(full).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)) && error.message().contains("the disk is full"), "{error}");
    assert_eq!(env.sent().len(), 0);
    let seen = env.clone();
    let before = move || {
        assert_eq!(seen.sent().len(), 0, "written first");
        Ok(())
    };
    assert_eq!(prepared.before_first_byte(before).await.unwrap().id(), "cgt-1");
}

#[tokio::test]
async fn every_call_is_signed_and_named_anew() {
    let env = TestEnv::always(200, r#"{"id":"cgt-1","status":"running"}"#);
    let client = env.client();
    client.create(request()).await.unwrap();
    env.pass(Duration::from_secs(61));
    client.get("cgt-1").await.unwrap();
    let sent = env.sent();
    let header = |number: usize, name: &str| sent[number].request.headers()[name].clone();
    let mut bearer = HeaderValue::from_str(&format!("Bearer {KEY}")).unwrap();
    bearer.set_sensitive(true);
    assert_eq!((header(0, "authorization"), header(0, "authorization").is_sensitive()), (bearer, true));
    assert_eq!(header(0, "user-agent"), concat!("ark-video/", env!("CARGO_PKG_VERSION")));
    assert_eq!(header(0, "x-client-request-id"), "2026112210153000000000000000000000");
    assert_eq!(header(1, "x-client-request-id"), "2026112210163110000000000000000000");
}

#[tokio::test]
async fn not_sent_says_that_trying_again_is_safe() {
    let env = TestEnv::new(|_, _| {
        Err(SendError::not_sent(SendErrorKind::Connect, "no connection to ark.example (connection refused)"))
    });
    let error = failing(&env).await;
    assert!(matches!(error, Error::NotSent(_)) && error.is_retryable() && !error.is_outcome_unknown());
    assert_eq!(
        error.message(),
        "The request to create the task was not sent: no connection to ark.example (connection refused). Nothing was created and nothing is billed. Check the network, the base URL and the proxy; trying again is safe."
    );
}

#[tokio::test]
async fn a_refusal_carries_the_services_words_and_ids() {
    let error = failing_with(
        400,
        r#"{"error":{"code":"InvalidParameter","message":"The parameter `duration` is not valid. Request id: 02aa","param":"duration","type":"BadRequest"}}"#,
    )
    .await;
    let Error::Api(refused) = &error else { panic!("{error:?}") };
    assert_eq!((refused.class, refused.error.param.as_deref()), (Refusal::Caller, Some("duration")));
    assert_eq!(
        (error.code(), error.status(), error.request_id()),
        (Some("InvalidParameter"), Some(400), Some("02aa"))
    );
    assert_eq!(error.client_request_id(), Some("2026112210153000000000000000000000"));
    assert_eq!((error.task_id(), error.is_retryable(), error.is_outcome_unknown()), (None, false, false));
    let said = error.message();
    assert!(said.starts_with("The service refused to create the task: 400 InvalidParameter: The parameter `duration` is not valid. Request id: 02aa. Nothing was created and nothing is billed."), "{said}");
}

#[tokio::test]
async fn only_a_refusal_because_of_the_pace_may_be_tried_again() {
    let class = |error: &Error| match error {
        Error::Api(refused) => refused.class,
        other => panic!("{other:?}"),
    };
    let throttled =
        failing_with(429, r#"{"error":{"code":"ModelAccountRpmRateLimitExceeded","message":"m"}}"#).await;
    assert_eq!((class(&throttled), throttled.is_retryable()), (Refusal::Throttled, true));
    let quota =
        failing_with(429, r#"{"error":{"code":"QuotaExceeded","message":"free quota is used up"}}"#).await;
    assert_eq!((class(&quota), quota.is_retryable()), (Refusal::Account, false));
    let redirect = failing_with(307, "").await;
    assert_eq!((class(&redirect), redirect.is_retryable()), (Refusal::Misrouted, false));
}

#[tokio::test]
async fn an_unknown_outcome_warns_and_says_where_to_look() {
    let env = TestEnv::new(|_, _| {
        Err(SendError::maybe_sent(
            SendErrorKind::Closed,
            "ark.example closed the connection before it answered",
        ))
    });
    let error = failing(&env).await;
    assert!(error.is_outcome_unknown() && !error.is_retryable());
    assert_eq!(
        error.message(),
        "It is unknown whether the task was created: ark.example closed the connection before it answered. It may exist and may be billed, so do not just send it again. Search the account's tasks for model seedance, created between 2026-11-22T10:15:30Z and 2026-11-22T10:15:30Z (our request id 2026112210153000000000000000000000), or let `reconcile` do it."
    );
}

#[tokio::test]
async fn a_servers_error_is_unknown_with_all_it_said() {
    for (status, body, code) in [
        (
            500,
            r#"{"error":{"code":"InternalServiceError","message":"m. Request id: 02aa"}}"#,
            Some("InternalServiceError"),
        ),
        (502, "<html><title>Bad Gateway</title></html>", None),
        (504, "", None),
        (409, r#"{"error":{"code":"Conflict","message":"m"}}"#, Some("Conflict")),
        (429, r#"{"code":"upstream_error","message":"m"}"#, Some("upstream_error")),
        (429, r#"{"error":{"code":"bad_response","message":"m"}}"#, Some("bad_response")),
        (429, "", None),
        (400, r#"{"error":{"code":"ServerOverloaded","message":"m"}}"#, Some("ServerOverloaded")),
        (403, "<html>blocked</html>", None),
    ] {
        let error = failing_with(status, body).await;
        assert!(matches!(error, Error::OutcomeUnknown(_)) && !error.is_retryable(), "{status}: {error}");
        assert_eq!((error.status(), error.code()), (Some(status), code));
    }
}

#[tokio::test]
async fn the_window_of_an_unknown_outcome_spans_the_wait_and_survives_a_crash() {
    // The transport takes two minutes before it gives up.
    let env = TestEnv::new(|_, _| Err(SendError::maybe_sent(SendErrorKind::Timeout, "no answer in time")));
    let slow = SlowEnv(env.clone());
    let client = Client::builder().api_key(KEY).transport(Arc::new(slow)).clock(env.clone()).build().unwrap();
    let Error::OutcomeUnknown(unknown) = client.create(request()).await.unwrap_err() else { panic!() };
    assert_eq!(unknown.gave_up_at - unknown.sent_at, 120_000);
    let stored = serde_json::to_string(&unknown).unwrap();
    assert_eq!(serde_json::from_str::<ark_video::error::OutcomeUnknown>(&stored).unwrap(), *unknown);
}

#[derive(Debug)]
struct SlowEnv(Arc<TestEnv>);

impl ark_video::transport::Transport for SlowEnv {
    fn send(
        &self,
        endpoint: ark_video::transport::Endpoint,
        request: http::Request<ark_video::transport::RequestBody>,
    ) -> ark_video::transport::BoxFuture<'_, crate::test_env::Answer> {
        self.0.pass(Duration::from_secs(120));
        self.0.send(endpoint, request)
    }

    fn open(
        &self,
        request: http::Request<()>,
        reach: ark_video::download::AddressPolicy,
    ) -> ark_video::transport::BoxFuture<
        '_,
        Result<http::Response<Box<dyn ark_video::transport::AnswerBody>>, SendError>,
    > {
        self.0.open(request, reach)
    }
}

#[tokio::test]
async fn a_success_without_an_id_is_a_bill_to_be_found() {
    let throttled = r#"{"error":{"code":"ModelAccountRpmRateLimitExceeded","message":"m"}}"#;
    for body in
        ["", "{}", r#"{"id":""}"#, r#"{"id":"cgt-"#, "<html>", r#"{"id":".."}"#, r#"{"id":"a/b"}"#, throttled]
    {
        let error = failing_with(200, body).await;
        assert!(
            matches!(error, Error::AcceptedWithoutId(_)) && error.is_outcome_unknown(),
            "{body}: {error}"
        );
        assert!(!error.is_retryable() && error.status() == Some(200));
        assert!(error.message().contains("do not send it again"), "{error}");
    }
    let cut = TestEnv::new(|_, _| {
        Err(SendError::maybe_sent(SendErrorKind::Body, "the answer broke off")
            .answered(200, Some("02aa".to_owned())))
    });
    let error = failing(&cut).await;
    assert!(matches!(error, Error::AcceptedWithoutId(_)), "{error}");
    assert_eq!(error.request_id(), Some("02aa"));
}

#[tokio::test]
async fn the_whole_answer_can_be_had() {
    let env = TestEnv::new(|_, _| answer(200, r#"{"id":"cgt-1","safety_identifier":"u1","later":1}"#));
    let task = env.client().create(request()).await.unwrap();
    let created = task.response().unwrap();
    assert_eq!(
        (created.safety_identifier.as_deref(), created.extra["later"].as_i64()),
        (Some("u1"), Some(1))
    );
}
