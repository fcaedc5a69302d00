//! What a failure means to us, its answer means to the caller's client.

use ark_video_model::{
    CreateTaskRequest,
    catalog::Catalog,
    check::{Facts, check_json},
};
use bytes::Bytes;
use http::Response;

use super::field_notation;
use crate::{
    ApiError, RequestError, SendError, SendErrorKind, create, gateway,
    outcome::{CreateOutcome, Refusal, of_create},
};

fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).header("x-request-id", "02aa").body(body.to_owned().into()).unwrap()
}

/// What a client may do next: create again, search for a task, or neither.
fn meaning(outcome: &CreateOutcome) -> &'static str {
    match outcome {
        CreateOutcome::Accepted(_) => "a task",
        CreateOutcome::NotSent(_)
        | CreateOutcome::Refused { class: Refusal::Throttled | Refusal::Transient, .. } => "send again",
        CreateOutcome::Refused { class: Refusal::Account, .. } => "the account",
        CreateOutcome::Refused { .. } => "the request",
        CreateOutcome::AcceptedWithoutId(_) | CreateOutcome::Unknown(_) => "perhaps a task",
    }
}

fn results() -> Vec<(Result<Response<Bytes>, SendError>, &'static str)> {
    let send = |stage: fn(SendErrorKind, &str) -> SendError, kind| Err(stage(kind, "the connection broke"));
    let not_sent = |kind| send(|kind, text| SendError::not_sent(kind, text), kind);
    let maybe = |kind| send(|kind, text| SendError::maybe_sent(kind, text), kind);
    let head =
        |status| Err(SendError::maybe_sent(SendErrorKind::Body, "cut").answered(status, Some("02aa".into())));
    vec![
        (Ok(answer(200, r#"{"id":"cgt-1"}"#)), "a task"),
        (Ok(answer(200, r#"{"data":{"task_id":"cgt-1"}}"#)), "a task"),
        (Ok(answer(200, "{}")), "perhaps a task"),
        (Ok(answer(200, "<html>")), "perhaps a task"),
        (Ok(answer(400, r#"{"error":{"code":"InvalidParameter","message":"no"}}"#)), "the request"),
        (Ok(answer(400, r#"{"code":"InvalidParameter","message":"no"}"#)), "the request"),
        (
            Ok(answer(400, r#"{"error":{"code":"InvalidParameter","message":"no"},"id":"cgt-1"}"#)),
            "perhaps a task",
        ),
        (
            Ok(answer(400, r#"{"code":"InvalidParameter","message":"no","task_id":"cgt-1"}"#)),
            "perhaps a task",
        ),
        (Ok(answer(400, r#"{"detail":"no"}"#)), "perhaps a task"),
        (Ok(answer(401, r#"{"error":{"code":"AuthenticationError","message":"no"}}"#)), "the account"),
        (
            Ok(answer(
                200,
                r#"{"ResponseMetadata":{"RequestId":"r","Error":{"Code":"AccessDenied","Message":"no"}}}"#,
            )),
            "the account",
        ),
        (Ok(answer(429, r#"{"error":{"code":"RateLimitExceeded","message":"slower"}}"#)), "send again"),
        (
            Ok(answer(400, r#"{"error":{"code":"ContentSecurityDetectionError","message":"later"}}"#)),
            "send again",
        ),
        (Ok(answer(429, "slow down")), "perhaps a task"),
        (Ok(answer(500, r#"{"error":{"code":"InternalServiceError","message":"no"}}"#)), "perhaps a task"),
        (Ok(answer(302, "")), "the request"),
        (not_sent(SendErrorKind::Dns), "send again"),
        (not_sent(SendErrorKind::Timeout), "send again"),
        (not_sent(SendErrorKind::Invalid), "send again"),
        (maybe(SendErrorKind::Timeout), "perhaps a task"),
        (maybe(SendErrorKind::Closed), "perhaps a task"),
        (maybe(SendErrorKind::Redirected), "perhaps a task"),
        (head(200), "perhaps a task"),
        (head(302), "the request"),
        (head(400), "perhaps a task"),
    ]
}

#[test]
fn a_create_means_the_same_behind_a_gateway() {
    for (result, expected) in results() {
        let name = format!("{result:?}");
        let outcome = of_create(result.clone());
        assert_eq!(meaning(&outcome), expected, "{name}");
        // What cannot be sent is reported as the request's fault: sending it again is safe, and of
        // no use.
        let behind = if name.contains("kind: Invalid") { "the request" } else { expected };

        assert_eq!(meaning(&of_create(Ok(gateway::relay(result)))), behind, "relayed: {name}");
        let encoded =
            outcome.into_result().map_or_else(|error| error.encode(), |created| create::encode(&created));
        assert_eq!(meaning(&of_create(Ok(encoded))), behind, "encoded: {name}");
    }
}

#[test]
fn the_request_id_of_the_service_reaches_the_caller() {
    for (result, _) in results() {
        let has_id = match &result {
            Ok(_) => true,
            Err(error) => error.request_id.is_some(),
        };
        let name = format!("{result:?}");
        let relayed = gateway::relay(result.clone());
        assert_eq!(relayed.headers().get("x-request-id").is_some_and(|id| id == "02aa"), has_id, "{name}");
        if let Err(error) = of_create(result).into_result() {
            assert_eq!(error.encode().headers().contains_key("x-request-id"), has_id, "{name}");
        }
    }
}

#[test]
fn only_what_a_caller_may_see_is_relayed() {
    let mut received = answer(200, r#"{"id": "cgt-1", "odd": 1.10}"#);
    for (name, value) in [
        ("content-type", "application/json"),
        ("retry-after", "3"),
        ("set-cookie", "session=1"),
        ("transfer-encoding", "chunked"),
    ] {
        received.headers_mut().insert(name, value.parse().unwrap());
    }
    let relayed = gateway::relay(Ok(received.clone()));
    assert_eq!(relayed.body(), received.body());
    let mut names: Vec<_> = relayed.headers().keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "retry-after", "x-request-id"]);
}

#[test]
fn findings_and_request_errors_answer_in_the_notation_of_the_service() {
    let body = serde_json::json!({ "model": "doubao-seedance-2-0-260128", "resolution": "9k", "content": [
        { "type": "text", "text": "a boat" },
        { "type": "image_url", "image_url": { "url": "ftp://media.example.com/a.png" }, "role": "first_frame" } ] });
    let request: CreateTaskRequest = serde_json::from_value(body).unwrap();
    let report = request.check(Catalog::builtin());
    let errors: Vec<ApiError> = report.refusals().map(ApiError::from).collect();
    let params: Vec<_> = errors.iter().filter_map(|error| error.param.as_deref()).collect();
    assert_eq!(params, ["content[1].image_url.url", "resolution"]);
    assert!(errors.iter().all(|error| error.status == 400 && error.code.info().is_some()), "{errors:?}");

    let (_, report) = check_json(&serde_json::json!({ "model": "m" }), Catalog::builtin(), &Facts::new());
    let error = ApiError::from(report.refusals().next().unwrap());
    assert_eq!((error.code.as_str(), error.param.as_deref()), ("MissingParameter.content", Some("content")));

    let large = ApiError::from(RequestError::TooLarge { length: 1 << 40 });
    assert_eq!((large.status, large.code.as_str()), (413, "InvalidParameter"));
    assert_eq!(ApiError::from(RequestError::EmptyId).status, 400);

    for (pointer, field) in [
        ("", ""),
        ("/duration", "duration"),
        ("/content/10/image_url/url", "content[10].image_url.url"),
        ("/a~1b/c~0d", "a/b.c~d"),
        ("/7", "7"),
    ] {
        assert_eq!(field_notation(pointer), field, "{pointer}");
    }
}
