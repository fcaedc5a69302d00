//! Every error in one table: its chain and its message say nothing twice, and its JSON holds what a
//! caller needs.

use std::{collections::BTreeSet, io, path::PathBuf, time::Duration};

use ark_video_model::{CreateTaskRequest, Task};
use ark_video_protocol::{
    ApiError, BaseUrl, Endpoint, RequestError, UnixMillis,
    download::DownloadRefusal,
    outcome::{CreateOutcome, Refusal, UnknownReason, of_create},
    reconcile::{ClockOffsets, Correlation, UnresolvedCreate},
};
use ark_video_transport::{SaveError, SendError, SendErrorKind};
use http::Response;
use serde_json::{Value, json};

use super::*;
use crate::Output;

const SENT: UnixMillis = 1_795_342_530_000;

fn request() -> CreateTaskRequest {
    serde_json::from_value(json!({"model": "m", "content": [{"type": "text", "text": "secret prompt"}]}))
        .unwrap()
}

fn task(status: &str, error: Value) -> Box<Task> {
    Box::new(serde_json::from_value(json!({"id": "cgt-1", "status": status, "error": error})).unwrap())
}

fn call(endpoint: Endpoint) -> Call {
    let id = matches!(endpoint, Endpoint::Get | Endpoint::Delete).then_some("cgt-1");
    Call::new(endpoint, id, "ours-1".to_owned())
}

fn search() -> UnresolvedCreate {
    UnresolvedCreate::of_send(&request(), Correlation::default(), SENT, SENT + 9, &ClockOffsets::default())
}

fn api(status: u16, code: &str) -> ApiError {
    ApiError::new(status, code, "The service's own sentence.").request_id("theirs-1")
}

fn save_errors() -> Vec<SaveError> {
    let path = || PathBuf::from("boat.mp4");
    let refusals = [
        DownloadRefusal::Link { why: "it has no host" },
        DownloadRefusal::DeadLink { status: 403 },
        DownloadRefusal::Status { status: 500 },
        DownloadRefusal::TooManyRedirects,
        DownloadRefusal::NotMedia { content_type: "text/html".into() },
        DownloadRefusal::Empty,
        DownloadRefusal::TooLarge { length: 2, max_bytes: 1 },
        DownloadRefusal::WrongLength { length: 2, got: 1 },
        DownloadRefusal::ChecksumMismatch,
        DownloadRefusal::UnexpectedContent { what: "video", why: "it is a page".into() },
        DownloadRefusal::Incomplete { why: "nothing in it shows where it ends".into() },
        DownloadRefusal::Changed,
        DownloadRefusal::TooManyRanges,
    ];
    let mut errors: Vec<SaveError> = refusals.map(SaveError::from).into();
    errors.extend([
        SaveError::Exists { path: path() },
        SaveError::Folder { path: path() },
        SaveError::Foreign { path: path(), why: "another start".into() },
        SaveError::InUse { path: path() },
        SaveError::NoSpace { path: path(), needed: 2, available: 1 },
        SaveError::Stopped { path: path() },
        SaveError::File { action: "created", path: path(), source: io::Error::other("the disk is on fire") },
        SendError::maybe_sent(SendErrorKind::Closed, "h closed the connection").into(),
    ]);
    errors
}

/// One of each, in each endpoint and state that has a text of its own.
fn every_error() -> Vec<Error> {
    let send = || SendError::not_sent(SendErrorKind::Connect, "no connection to h (refused)");
    let CreateOutcome::AcceptedWithoutId(unread) = of_create(Ok(Response::new("{}".into()))) else {
        panic!()
    };
    let mut errors: Vec<Error> = vec![
        ConfigError::NoKey { looked_in: &crate::environment::KEY_VARIABLES }.into(),
        ConfigError::BadKey.into(),
        ConfigError::Header { name: "host".into(), reason: "the client sets it itself" }.into(),
        ConfigError::BaseUrl(BaseUrl::parse("ftp://h").unwrap_err()).into(),
        ConfigError::UnknownRegion { region: "mars".into() }.into(),
        RequestError::EmptyId.into(),
        RequestError::DotId("..".into()).into(),
        RequestError::Address { length: 9, reason: "too long".into() }.into(),
        RequestError::Body("a number".into()).into(),
        RequestError::TooLarge { length: 9 }.into(),
        RequestError::NotAttached.into(),
        RequestError::NotUploaded.into(),
        RequestError::NotSigned("a URL of s3://b can be valid for at most 7 days".into()).into(),
        Error::Store(io::Error::other("permission denied")),
        Error::InvalidRequest(Box::new(request().check(ark_video_model::catalog::Catalog::builtin()))),
        Error::OutcomeUnknown(Box::new(OutcomeUnknown::new(
            search(),
            &UnknownReason::Answer(api(500, "InternalServiceError")),
            call(Endpoint::Create),
            SENT,
            SENT + 9,
        ))),
        Error::OutcomeUnknown(Box::new(OutcomeUnknown::new(
            search(),
            &UnknownReason::NoAnswer(SendError::maybe_sent(
                SendErrorKind::Timeout,
                "no answer from h in time",
            )),
            call(Endpoint::Create),
            SENT,
            SENT + 9,
        ))),
        Error::AcceptedWithoutId(Box::new(AcceptedWithoutId::new(
            search(),
            unread,
            call(Endpoint::Create),
            SENT,
            SENT + 9,
        ))),
    ];
    for status in ["queued", "running", "succeeded", "cancelled", "later"] {
        for action in [Action::Cancel, Action::Forget, Action::Download] {
            errors.push(Error::NotPossible(NotPossible { action, task: task(status, Value::Null) }));
        }
    }
    let failure = json!({"code": "OutputVideoSensitiveContentDetected", "message": "It was blocked."});
    for (status, error) in [("failed", failure), ("expired", Value::Null), ("cancelled", Value::Null)] {
        errors.push(Error::TaskEnded(TaskEnded { task: task(status, error) }));
    }
    for task in [None, Some(task("running", Value::Null))] {
        for trouble in [None, Some("no connection to h".to_owned())] {
            let (task_id, task, elapsed) = ("cgt-1".to_owned(), task.clone(), Duration::from_secs(9));
            errors.push(Error::StillRunning(StillRunning { task_id, task, elapsed, trouble }));
        }
    }
    for endpoint in [Endpoint::Create, Endpoint::Get, Endpoint::List, Endpoint::Delete, Endpoint::Models] {
        errors.push(Error::NotSent(Box::new(NotSent { call: call(endpoint), cause: send() })));
        for (status, code) in
            [(400, "InvalidParameter"), (404, "ResourceNotFound"), (401, ""), (409, ""), (500, "")]
        {
            let (class, error) = (Refusal::Caller, api(status, code));
            errors.push(Error::Api(Box::new(Refused { call: call(endpoint), class, error: error.clone() })));
            let cause = ReadCause::Answer(error);
            errors.push(Error::Read(Box::new(ReadError { call: call(endpoint), tries: 3, cause })));
        }
        let cause = ReadCause::Send(send());
        errors.push(Error::Read(Box::new(ReadError { call: call(endpoint), tries: 1, cause })));
    }
    let mut causes: Vec<DownloadCause> = save_errors().into_iter().map(DownloadCause::from).collect();
    causes.push(DownloadCause::OtherTask("cgt-2".into()));
    for output in [Output::Video, Output::LastFrame, Output::File] {
        causes.push(DownloadCause::NoLink { output, request_id: Some("theirs-1".into()) });
    }
    errors.extend(causes.into_iter().map(|cause| {
        let (task_id, link_expires_at) = ("cgt-1".to_owned(), Some(SENT));
        Error::Download(Box::new(DownloadError { task_id, link_expires_at, cause }))
    }));
    errors
}

/// The parts of a text that a reader takes for one statement each.
fn sentences(text: &str) -> Vec<String> {
    let parts = text.split(['.', ';', '\n']).flat_map(|part| part.split(": "));
    let parts = parts.map(|part| part.trim().to_lowercase());
    parts.filter(|part| part.split(' ').count() > 2).collect()
}

#[test]
fn no_error_says_anything_twice() {
    for error in every_error() {
        for text in [chain(&error), error.message()] {
            let sentences = sentences(&text);
            let distinct: BTreeSet<_> = sentences.iter().collect();
            assert_eq!(distinct.len(), sentences.len(), "{text}");
            assert!(!text.contains("secret") && !text.contains(".. "), "{text}");
        }
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert!(source.is_none_or(|source| !error.to_string().contains(&source)), "{error}");
    }
}

#[test]
fn each_error_says_what_failed_and_ends_as_a_sentence() {
    for error in every_error() {
        assert!(error.message().ends_with(['.', '!', '?']), "{}", error.message());
        let advice = error.advice();
        assert!(advice.is_empty() || advice.ends_with(['.', '!', '?']), "{advice}");
    }
}

#[test]
fn an_error_is_one_object_in_json() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    for error in every_error() {
        shared(&error);
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(json["kind"], error.kind());
        assert_eq!(json["task_id"].as_str(), error.task_id());
        assert_eq!(json["reconcile"].is_object(), error.is_outcome_unknown());
        assert!(!json.to_string().contains("secret"), "{json}");
    }
}
