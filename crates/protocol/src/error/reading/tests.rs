//! Every form of error that was seen or documented, and what is made of it.

use ark_video_model::{ErrorCode, error_code::ErrorClass};
use http::{HeaderValue, StatusCode};
use proptest::prelude::*;

use super::*;

fn read(status: u16, body: &str) -> ApiError {
    let mut answer = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    ApiError::from_answer(&answer)
}

#[test]
fn the_nested_envelope_gives_everything_and_its_id_stands_at_the_end_of_the_message() {
    let error = read(
        400,
        r#"{"error":{"code":"InvalidParameter","message":"The parameter `content[1].image_url.url` specified in the request is not valid: resource download failed. Request id: 0217953138880000ffff0001","param":"content[1].image_url.url","type":"BadRequest"}}"#,
    );
    assert_eq!(
        (error.status, error.code.as_str(), error.envelope),
        (400, "InvalidParameter", EnvelopeKind::Nested)
    );
    assert_eq!(error.param.as_deref(), Some("content[1].image_url.url"));
    assert_eq!(error.kind.as_deref(), Some("BadRequest"));
    assert_eq!(error.request_id.as_deref(), Some("0217953138880000ffff0001"));
    assert_eq!(error.class(), ErrorClass::CallerMistake);
    assert!(error.is_from_vendor());
    assert_eq!(error.to_string().matches("0217953138880000ffff0001").count(), 1, "{error}");
}

#[test]
fn the_flat_and_the_management_envelope_are_the_vendors_too() {
    let flat = read(409, r#"{"code":"InvalidAction.RunningTaskDeletion","message":"Cannot delete task."}"#);
    assert_eq!((flat.envelope, flat.class()), (EnvelopeKind::Flat, ErrorClass::Conflict));
    assert!(flat.is_from_vendor());
    let management = read(
        200,
        r#"{"ResponseMetadata":{"RequestId":"20261122x","Error":{"Code":"AccessDenied","Message":"no"}}}"#,
    );
    assert_eq!((management.envelope, management.code.as_str()), (EnvelopeKind::Management, "AccessDenied"));
    assert_eq!(management.request_id.as_deref(), Some("20261122x"));
    assert_eq!(management.class(), ErrorClass::Account);
}

#[test]
fn a_detail_is_a_text_or_a_list_of_findings_and_never_the_vendors() {
    let text = read(401, r#"{"detail":"Not authenticated"}"#);
    assert_eq!((text.envelope, text.message.as_str()), (EnvelopeKind::Detail, "Not authenticated"));
    let list =
        read(422, r#"{"detail":[{"loc":["body","model"],"msg":"field required","type":"missing"},"odd"]}"#);
    assert_eq!(list.message, "body.model: field required; odd");
    assert!(!text.is_from_vendor() && !list.is_from_vendor());
}

#[test]
fn what_is_not_the_services_format_is_described_and_not_repeated() {
    let page = read(502, "<html><head><title>502 Bad\n Gateway</title></head><body>secret</body></html>");
    assert_eq!(page.envelope, EnvelopeKind::NotJson);
    assert!(page.message.contains("\"502 Bad Gateway\"") && !page.message.contains("secret"), "{page}");
    assert_eq!(page.class(), ErrorClass::Server);
    assert_eq!(read(500, "").message, "the answer is empty");
    assert!(!read(403, "denied, your key is k").to_string().contains("your key"));
    assert_eq!(read(400, "[1]").envelope, EnvelopeKind::Other);
    assert_eq!(read(400, r#"{"error":"bad key"}"#).message, "bad key");
}

#[test]
fn a_bare_number_or_an_empty_text_is_no_code_of_the_vendors() {
    for body in [
        r#"{"code":401,"message":"x"}"#,
        r#"{"message":"no Route matched"}"#,
        r#"{"error":{"message":"x","code":null}}"#,
        r#"{"error":{"message":"x","code":""}}"#,
    ] {
        assert!(!read(400, body).is_from_vendor(), "{body}");
    }
}

#[test]
fn one_code_can_mean_two_things_and_the_text_decides() {
    let quota = |message| {
        read(429, &format!(r#"{{"error":{{"code":"QuotaExceeded","message":"{message}"}}}}"#)).class()
    };
    assert_eq!(quota("The number of queued tasks has reached the limit."), ErrorClass::Throttled);
    assert_eq!(quota("The free quota has been used up."), ErrorClass::Account);
}

#[test]
fn the_header_names_the_request_before_the_message_does() {
    let mut answer =
        Response::new(Bytes::from_static(br#"{"error":{"code":"X","message":"y. Request id: 02aa"}}"#));
    answer.headers_mut().insert(REQUEST_ID, HeaderValue::from_static("02bb"));
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
    let error = ApiError::from_answer(&answer);
    assert_eq!(error.request_id.as_deref(), Some("02bb"));
    assert_eq!(error.retry_after, Some(RetryAfter::Seconds(7)));
}

#[test]
fn a_message_of_megabytes_is_cut_at_a_character() {
    let error = read(400, &format!(r#"{{"error":{{"code":"X","message":"a{}"}}}}"#, "é".repeat(9000)));
    assert!(error.message.len() <= MESSAGE_LIMIT && error.message.ends_with('é'));
}

#[test]
fn a_message_whose_lower_case_is_longer_does_not_break_the_search_for_its_id() {
    let error = read(400, r#"{"error":{"code":"X","message":"İİİİ Request id: 0217"}}"#);
    assert_eq!(error.request_id.as_deref(), Some("0217"));
    let error = read(400, r#"{"error":{"code":"X","message":"Request id: a b c"}}"#);
    assert_eq!(error.request_id, None);
}

proptest! {
    #[test]
    fn what_the_server_half_writes_the_client_half_reads(
        status in 400_u16..600,
        code in "[A-Z][A-Za-z.]{0,20}",
        message in "[a-zA-Z`\"\\\\é. ]{1,40}",
        param in proptest::option::of("[a-z\\[\\]0-9.]{1,20}"),
        id in proptest::option::of("[0-9a-f]{10,20}"),
        form in 0..4_usize,
    ) {
        use EnvelopeKind::{Detail, Flat, Management, Nested};
        let form = [Nested, Flat, Management, Detail][form];
        let mut error = ApiError::new(status, code.as_str(), message).envelope(form);
        error.request_id = id;
        match form {
            Nested => { error.param = param; error.kind = Some("BadRequest".to_owned()); }
            Detail => error.code = ErrorCode::from(""),
            _ => {}
        }
        prop_assert_eq!(ApiError::from_answer(&error.encode()), error);
    }

    #[test]
    fn no_body_is_too_odd_to_become_an_error(status in 100_u16..1000, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut answer = Response::new(Bytes::from(body));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        let error = ApiError::from_answer(&answer);
        prop_assert_eq!(error.status, status);
        prop_assert!(!error.to_string().is_empty());
    }
}
