//! Every kind of answer and failure, with one expected class for a create, a question and a delete.

use ark_video_model::ErrorCode;
use bytes::Bytes;
use http::{Response, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::{SendStage, outcome};

fn answer(status: u16, body: &str) -> ApiError {
    let mut answer = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    ApiError::from_answer(&answer)
}

fn nested(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"m","param":"","type":"X"}}}}"#)
}

fn flat(code: &str) -> String {
    format!(r#"{{"code":"{code}","message":"m"}}"#)
}

fn management(code: &str) -> String {
    format!(r#"{{"ResponseMetadata":{{"RequestId":"r","Error":{{"Code":"{code}","Message":"m"}}}}}}"#)
}

const PACE: &str = "RateLimitExceeded.EndpointRPMExceeded";
const HTML: &str = "<html><title>waf</title>";
const NEW_API: &str =
    r#"{"error":{"code":"bad_response_status_code","message":"upstream EOF","type":"new_api_error"}}"#;

/// A create, a question and a delete.
const ENDPOINTS: [Endpoint; 3] = [Endpoint::Create, Endpoint::Get, Endpoint::Delete];

#[test]
fn each_kind_of_answer_has_one_class() {
    use Class::{Account as A, MaybeDone as M, Permanent as P, Throttled as T, Transient as R};
    let queue =
        r#"{"error":{"code":"QuotaExceeded","message":"The number of queued tasks has reached the limit."}}"#;
    let table: Vec<(&str, u16, String, [Class; 3])> = vec![
        // 429: only a code of the table, under 429, in the vendor's envelope, is throttling.
        ("429 of the table", 429, nested(PACE), [T, T, T]),
        ("429 of a family of the table", 429, nested("RateLimitExceeded.FromTheFuture"), [T, T, T]),
        ("429 overloaded", 429, nested("ServerOverloaded"), [T, T, T]),
        ("429 full queue", 429, queue.to_owned(), [T, T, T]),
        ("429 no quota", 429, nested("QuotaExceeded"), [A, A, A]),
        ("429 spending limit", 429, nested("SetLimitExceeded"), [A, A, A]),
        ("429 of the table, flat", 429, flat(PACE), [M, T, T]),
        ("429 of the table, management", 429, management(PACE), [M, T, T]),
        ("429 flat gateway code", 429, flat("upstream_error"), [M, R, M]),
        ("429 nested unknown code", 429, NEW_API.to_owned(), [M, R, M]),
        ("429 nested code of our future", 429, nested("FromTheFuture"), [M, R, M]),
        ("429 tabled code of another status", 429, nested("InvalidParameter"), [M, R, M]),
        ("429 server's code", 429, nested("InternalServiceError"), [M, R, M]),
        ("429 bare", 429, String::new(), [M, R, M]),
        ("429 HTML", 429, HTML.to_owned(), [M, R, M]),
        ("429 detail", 429, r#"{"detail":"slow down"}"#.to_owned(), [M, R, M]),
        ("429 error as text", 429, r#"{"error":"slow down"}"#.to_owned(), [M, R, M]),
        ("429 number as code", 429, r#"{"error":{"code":429,"message":"m"}}"#.to_owned(), [M, R, M]),
        ("429 message without code", 429, r#"{"message":"slow down"}"#.to_owned(), [M, R, M]),
        ("429 empty object", 429, "{}".to_owned(), [M, R, M]),
        ("429 cut JSON", 429, r#"{"error":{"code":"Rate"#.to_owned(), [M, R, M]),
        ("429 plain text", 429, "Too Many Requests".to_owned(), [M, R, M]),
        // A word for "slower" under another status.
        ("400 overloaded", 400, nested("ServerOverloaded"), [M, R, M]),
        ("400 throttled", 400, nested(PACE), [M, R, M]),
        ("403 throttled", 403, nested(PACE), [M, R, M]),
        ("503 throttled", 503, nested(PACE), [M, R, M]),
        ("400 its own failure, tabled so", 400, nested("ContentSecurityDetectionError"), [R, R, R]),
        ("400 its own failure, flat", 400, flat("ContentSecurityDetectionError"), [M, R, R]),
        ("429 its own failure", 429, nested("ContentSecurityDetectionError"), [M, R, M]),
        // A success without a result.
        ("200 throttled", 200, nested(PACE), [M, R, M]),
        ("200 throttled, management", 200, management(PACE), [M, R, M]),
        ("200 refused, nested", 200, nested("InvalidParameter"), [M, P, P]),
        ("200 refused, management", 200, management("InvalidParameter"), [P, P, P]),
        ("200 account, management", 200, management("AccessDenied"), [A, A, A]),
        ("200 unknown code, management", 200, management("FromTheFuture"), [M, R, M]),
        ("200 server, management", 200, management("InternalServiceError"), [M, R, M]),
        ("200 HTML", 200, HTML.to_owned(), [M, R, M]),
        ("200 empty", 200, String::new(), [M, R, M]),
        ("204", 204, String::new(), [M, R, M]),
        // Refusals.
        ("400 caller", 400, nested("InvalidParameter"), [P, P, P]),
        ("400 caller, flat", 400, flat("InvalidParameter"), [P, P, P]),
        ("400 moderation", 400, nested("InputTextSensitiveContentDetected"), [P, P, P]),
        ("400 unknown code", 400, nested("FromTheFuture"), [P, P, P]),
        ("400 server's code", 400, nested("InternalServiceError"), [M, R, M]),
        ("400 HTML", 400, HTML.to_owned(), [M, P, P]),
        ("400 bare", 400, String::new(), [M, P, P]),
        ("401", 401, nested("AuthenticationError"), [A, A, A]),
        ("401 unknown code", 401, nested("FromTheFuture"), [A, A, A]),
        ("401 HTML", 401, HTML.to_owned(), [M, A, A]),
        ("402", 402, nested("InvalidParameter"), [P, P, P]),
        ("403", 403, nested("AccountOverdueError"), [A, A, A]),
        ("403 HTML", 403, HTML.to_owned(), [M, A, A]),
        ("404 model", 404, nested("ModelNotOpen"), [A, A, A]),
        ("404 model's name", 404, nested("InvalidEndpointOrModel.NotFound"), [P, P, P]),
        ("404 nothing there", 404, nested("ResourceNotFound"), [A, P, P]),
        ("404 HTML", 404, HTML.to_owned(), [M, P, P]),
        ("407 HTML", 407, HTML.to_owned(), [M, P, P]),
        ("408", 408, nested("InvalidParameter"), [M, R, M]),
        ("409 running", 409, nested("InvalidAction.RunningTaskDeletion"), [M, P, P]),
        ("409 bare", 409, String::new(), [M, P, P]),
        ("413 HTML", 413, HTML.to_owned(), [M, P, P]),
        ("425", 425, nested("FromTheFuture"), [M, R, M]),
        ("451", 451, nested("InvalidParameter"), [P, P, P]),
        ("499", 499, nested("InvalidParameter"), [M, R, M]),
        // Redirects are not followed; other 3xx are nobody's refusal of a create.
        ("301", 301, String::new(), [P, P, P]),
        ("302", 302, nested(PACE), [P, P, P]),
        ("307", 307, String::new(), [P, P, P]),
        ("308", 308, String::new(), [P, P, P]),
        ("300", 300, String::new(), [M, P, P]),
        ("303", 303, String::new(), [M, P, P]),
        ("304", 304, String::new(), [M, P, P]),
        // Trouble of servers.
        ("500", 500, nested("InternalServiceError"), [M, R, M]),
        ("500 with a rejection code", 500, nested("InvalidParameter"), [M, R, M]),
        ("500 with an account code", 500, nested("AccountOverdueError"), [M, R, M]),
        ("502 HTML", 502, HTML.to_owned(), [M, R, M]),
        ("503 bare", 503, String::new(), [M, R, M]),
        ("504", 504, String::new(), [M, R, M]),
        ("529", 529, nested("ServerOverloaded"), [M, R, M]),
        ("101", 101, String::new(), [M, R, M]),
        ("600", 600, String::new(), [M, R, M]),
        ("999", 999, String::new(), [M, R, M]),
    ];
    for (name, status, body, expected) in table {
        let error = answer(status, &body);
        let classes = ENDPOINTS.map(|endpoint| classify(&Failure::answer(endpoint, &error)));
        assert_eq!(classes, expected, "{name}");
        for (same, as_one) in [(Endpoint::List, 1), (Endpoint::Models, 1)] {
            assert_eq!(classify(&Failure::answer(same, &error)), expected[as_one], "{name} {same:?}");
        }
        // Throttling by anyone reduces the request rate.
        let slower = Failure::answer(Endpoint::Create, &error).is_too_many_requests();
        assert_eq!(slower, status == 429 && expected[0] != Class::Account, "{name}");
    }
}

#[test]
fn each_kind_of_failure_to_send_has_one_class() {
    use Class::{MaybeDone as M, NotSent as N, Permanent as P, Transient as R};
    use SendErrorKind as Kind;
    let none: Option<u16> = None;
    for (stage, kind, status, expected) in [
        (SendStage::NotSent, Kind::Dns, none, [N, N, N]),
        (SendStage::NotSent, Kind::Connect, none, [N, N, N]),
        (SendStage::NotSent, Kind::Tls, none, [N, N, N]),
        (SendStage::NotSent, Kind::Timeout, none, [N, N, N]),
        (SendStage::NotSent, Kind::Other, none, [N, N, N]),
        (SendStage::NotSent, Kind::Invalid, none, [P, P, P]),
        (SendStage::NotSent, Kind::Connect, Some(500), [M, R, M]),
        (SendStage::MaybeSent, Kind::Timeout, none, [M, R, M]),
        (SendStage::MaybeSent, Kind::Closed, none, [M, R, M]),
        (SendStage::MaybeSent, Kind::Body, Some(200), [M, R, M]),
        (SendStage::MaybeSent, Kind::Body, Some(400), [M, R, M]),
        (SendStage::MaybeSent, Kind::Body, Some(429), [M, R, M]),
        (SendStage::MaybeSent, Kind::Body, Some(307), [P, P, P]),
        (SendStage::MaybeSent, Kind::TooLarge, Some(200), [M, R, M]),
        (SendStage::MaybeSent, Kind::Invalid, none, [M, P, M]),
        (SendStage::MaybeSent, Kind::Redirected, none, [M, P, M]),
    ] {
        let error = SendError { status, ..SendError::new(stage, kind, "m") };
        let classes = ENDPOINTS.map(|endpoint| classify(&Failure::send(endpoint, &error)));
        assert_eq!(classes, expected, "{stage:?} {kind:?} {status:?}");
    }
}

#[test]
fn an_answer_about_another_task_stays_wrong_however_often_it_is_asked_for() {
    let error = ApiError::of_other("cgt-1", "CGT-1").unwrap();
    for endpoint in [Endpoint::Get, Endpoint::List] {
        assert_eq!(classify(&Failure::answer(endpoint, &error)), Class::Permanent);
    }
}

fn any_answer() -> impl Strategy<Value = ApiError> {
    let codes =
        ["", "429", "QuotaExceeded", PACE, "InternalServiceError", "InvalidParameter.x", "FromTheFuture"];
    let code = || prop::sample::select(codes.to_vec());
    let body = prop_oneof![
        code().prop_map(nested),
        code().prop_map(flat),
        code().prop_map(management),
        Just(r#"{"detail":"x"}"#.to_owned()),
        ".{0,30}",
    ];
    (100_u16..1000, body).prop_map(|(status, body)| answer(status, &body))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_create_goes_out_again_only_after_the_table_and_its_status_in_the_vendors_envelope(error in any_answer()) {
        if matches!(classify(&Failure::answer(Endpoint::Create, &error)), Class::Throttled | Class::Transient) {
            let info = ErrorCode::from(error.code.as_str()).info();
            prop_assert!(info.is_some_and(|info| info.http.contains(&error.status) && !info.may_have_acted));
            prop_assert_eq!(error.envelope, EnvelopeKind::Nested);
        }
    }

    #[test]
    fn the_outcome_of_a_create_and_its_class_say_the_same(error in any_answer()) {
        use outcome::{CreateOutcome, Refusal};
        let class = classify(&Failure::answer(Endpoint::Create, &error));
        let said = match outcome::of_create(Ok(error.encode())) {
            CreateOutcome::Refused { class: Refusal::Throttled, .. } => Class::Throttled,
            CreateOutcome::Refused { class: Refusal::Transient, .. } => Class::Transient,
            CreateOutcome::Refused { class: Refusal::Account, .. } => Class::Account,
            CreateOutcome::Refused { .. } => Class::Permanent,
            _ => Class::MaybeDone,
        };
        // What cannot be a status of HTTP is written as 500, and an id is none of an error's.
        if (100..=999).contains(&error.status) {
            prop_assert_eq!(said, class);
        }
    }

    #[test]
    fn a_question_is_never_in_doubt(error in any_answer()) {
        for endpoint in [Endpoint::Get, Endpoint::List, Endpoint::Models] {
            prop_assert_ne!(classify(&Failure::answer(endpoint, &error)), Class::MaybeDone);
        }
    }
}
