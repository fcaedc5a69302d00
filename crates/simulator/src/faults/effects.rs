//! What each fault does: it replaces a response, changes one, or changes a task as it is shown.
//! Pure; faults of the connection are returned to the host as a [`ConnectionFault`].

use ark_video_model::ErrorCode;
use ark_video_protocol::EnvelopeKind;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{Effect, Envelope, LinkForm};
use crate::service::{
    reply::{ConnectionFault, FileFault, Reply},
    violation::Violation,
};

/// The status that belongs to a vendor code; `None` for codes that only failed tasks have.
pub(crate) fn status_of(code: &str) -> Option<u16> {
    let info = ErrorCode::from(code).info()?;
    info.http.first().copied()
}

/// The service's text for a code, with what the request names.
pub(crate) fn message_of(code: &str, named: &str) -> String {
    let named = |default: &'static str| if named.is_empty() { default } else { named };
    let text = ErrorCode::from(code).info().map_or("The request failed.", |info| info.wire);
    text.replace("{model}", named("doubao-seedance-2-0"))
        .replace("{id}", named("cgt-20261122101530-a1b2c"))
        .replace("{param}", named("content"))
}

/// A vendor code that fits a status.
fn code_of(status: u16) -> &'static str {
    match status {
        401 => "AuthenticationError",
        403 => "AccessDenied",
        404 => "ResourceNotFound",
        409 => "InvalidAction.RunningTaskDeletion",
        429 => "ModelAccountRpmRateLimitExceeded",
        500.. => "InternalServiceError",
        _ => "InvalidParameter",
    }
}

/// What an effect answers without anything being done. `None`: the request is carried out first.
pub(crate) fn instead(effect: &Effect, file: bool, request_id: &str) -> Option<Reply> {
    let cut = |fault| Some(Reply::faulty(fault, None));
    match effect {
        Effect::DropBeforeAccept { reset } => cut(ConnectionFault::Close { reset: *reset }),
        Effect::HangBeforeAccept { seconds } => {
            cut(ConnectionFault::Silence { millis: seconds.saturating_mul(1000) })
        }
        Effect::Status { accepted: false, .. }
        | Effect::Refuse { .. }
        | Effect::Html502 { accepted: false }
        | Effect::Redirect { .. } => Some(Reply::Answer(error(effect, request_id)?)),
        Effect::Vanish => Some(Reply::Answer(envelope(
            404,
            "ResourceNotFound",
            "The specified resource is not found.",
            Envelope::Nested,
            request_id,
        ))),
        Effect::DeadLink if file => Some(Reply::Answer(crate::service::files::refused(
            403,
            "AccessDenied",
            "Request has expired.",
            request_id,
        ))),
        Effect::Early400 if file => Some(Reply::Answer(crate::service::files::refused(
            400,
            "ExpiredToken",
            "The link cannot be used.",
            request_id,
        ))),
        _ => None,
    }
}

/// The error that an effect stands for.
fn error(effect: &Effect, request_id: &str) -> Option<Response<Bytes>> {
    Some(match effect {
        Effect::Status { status, code, message, envelope: form, retry_after, .. } => {
            let code = code.as_deref().unwrap_or(code_of(*status));
            let message = message.clone().unwrap_or_else(|| message_of(code, ""));
            let mut answer = envelope(*status, code, &message, *form, request_id);
            if let Some(wait) = retry_after.as_deref().and_then(|wait| HeaderValue::from_str(wait).ok()) {
                answer.headers_mut().insert(header::RETRY_AFTER, wait);
            }
            answer
        }
        Effect::Refuse { code, message } => {
            let message = message.clone().unwrap_or_else(|| message_of(code, ""));
            envelope(status_of(code).unwrap_or(400), code, &message, Envelope::Nested, request_id)
        }
        Effect::Html502 { .. } => envelope(502, "", "", Envelope::Html, request_id),
        Effect::Redirect { status, to } => {
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::TEMPORARY_REDIRECT);
            if let Ok(to) = HeaderValue::from_str(to) {
                answer.headers_mut().insert(header::LOCATION, to);
            }
            answer
        }
        _ => return None,
    })
}

/// An error in one of the forms that are met in the wild.
fn envelope(status: u16, code: &str, message: &str, form: Envelope, request_id: &str) -> Response<Bytes> {
    let error = Violation::new(status, code.to_owned(), message);
    let (media, body) = match form {
        Envelope::Nested => return error.answer(request_id),
        Envelope::Flat => return error.answer_in(EnvelopeKind::Flat, request_id),
        Envelope::Management => return error.answer_in(EnvelopeKind::Management, request_id),
        Envelope::Detail => return error.answer_in(EnvelopeKind::Detail, request_id),
        Envelope::Html => (
            "text/html",
            format!(
                "<html>\r\n<head><title>{status} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>{status} Bad Gateway</h1></center>\r\n\
                 <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
            ),
        ),
        Envelope::Empty => ("text/plain", String::new()),
    };
    let mut answer = error.answer(request_id).map(|_| Bytes::from(body));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    answer
}

/// What an effect makes of the right answer, after the request was carried out.
pub(crate) fn afterwards(effect: &Effect, mut reply: Reply, request_id: &str) -> Reply {
    match effect {
        Effect::AcceptThenDrop { reset } => Reply::faulty(ConnectionFault::Close { reset: *reset }, None),
        Effect::HangAfterAccept { seconds } => {
            Reply::faulty(ConnectionFault::Silence { millis: seconds.saturating_mul(1000) }, None)
        }
        Effect::Delay { millis } => Reply::faulty(ConnectionFault::Delay { millis: *millis }, Some(reply)),
        Effect::SlowDrip { bytes, millis, head } => {
            Reply::faulty(ConnectionFault::Drip { bytes: *bytes, millis: *millis, head: *head }, Some(reply))
        }
        Effect::HalfAnswer | Effect::HalfDownload => Reply::faulty(ConnectionFault::Half, Some(reply)),
        Effect::WrongLength { by } => Reply::faulty(ConnectionFault::Length { by: *by }, Some(reply)),
        Effect::Garbage => Reply::faulty(
            ConnectionFault::Raw(Bytes::from_static(b"\x16\x03\x01\x00\xa5\x01garbage\r\n\r\n")),
            None,
        ),
        Effect::HalfHead => Reply::faulty(ConnectionFault::Raw(Bytes::from_static(b"HTTP/1.1 20")), None),
        Effect::Status { accepted: true, .. } | Effect::Html502 { accepted: true } => {
            error(effect, request_id).map_or(reply, Reply::Answer)
        }
        Effect::NoLength { chunked, missing } => {
            Reply::faulty(ConnectionFault::NoLength { chunked: *chunked, missing: *missing }, Some(reply))
        }
        Effect::ShiftedRest if !reply.is_range() => Reply::faulty(ConnectionFault::Half, Some(reply)),
        Effect::ChangedFile
        | Effect::NoRanges
        | Effect::MediaType { .. }
        | Effect::Gzip
        | Effect::WholeRange
        | Effect::ShiftedRest
        | Effect::EmptyFile => {
            if let (Reply::Render(job), Some(fault)) = (&mut reply, file_fault(effect, request_id)) {
                job.apply_fault(fault);
            }
            reply
        }
        _ => match reply {
            Reply::Answer(answer) => Reply::Answer(answer_with(effect, answer)),
            other => other,
        },
    }
}

/// What an effect makes of a file.
fn file_fault(effect: &Effect, request_id: &str) -> Option<FileFault> {
    Some(match effect {
        Effect::ChangedFile => FileFault::Changed(request_id.into()),
        Effect::NoRanges => FileFault::NoRanges,
        Effect::MediaType { media_type } => FileFault::MediaType(media_type.as_str().into()),
        Effect::Gzip => FileFault::Gzip,
        Effect::WholeRange => FileFault::WholeRange,
        Effect::ShiftedRest => FileFault::Shifted,
        Effect::EmptyFile => FileFault::Empty,
        _ => return None,
    })
}

/// Effects on an answer of JSON.
fn answer_with(effect: &Effect, answer: Response<Bytes>) -> Response<Bytes> {
    let (mut head, body) = answer.into_parts();
    let edit = |change: &mut dyn FnMut(&mut Map<String, Value>)| match serde_json::from_slice(&body) {
        Ok(Value::Object(mut object)) => {
            change(&mut object);
            Bytes::from(Value::Object(object).to_string())
        }
        _ => body.clone(),
    };
    let ok = head.status.is_success();
    let body = match effect {
        Effect::WrongContentType => {
            head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            body
        }
        Effect::HugeAnswer { bytes } => match body.strip_prefix(b"{") {
            Some(rest) => {
                let comma = if rest.starts_with(b"}") { "" } else { "," };
                let padding = "x".repeat(*bytes);
                Bytes::from([format!("{{\"padding\":\"{padding}\"{comma}").as_bytes(), rest].concat())
            }
            None => body,
        },
        Effect::EmptyAnswer => {
            head.status = StatusCode::OK;
            Bytes::new()
        }
        Effect::CutJson => body.slice(..body.len() / 2),
        Effect::EmptyId if ok => edit(&mut |created| drop(created.insert("id".to_owned(), "".into()))),
        Effect::NoId if ok => edit(&mut |created| drop(created.remove("id"))),
        Effect::ExtraFields if ok => edit(&mut |object| {
            object.insert("x_new_member".to_owned(), json!({ "nested": [1, "two", null] }));
            for task in tasks(object) {
                task.insert("x_new_member".to_owned(), json!({ "nested": [1, "two", null] }));
            }
        }),
        Effect::FlatError if !ok => edit(&mut |object| {
            if let Some(Value::Object(error)) = object.remove("error") {
                *object = error.into_iter().filter(|(name, _)| name == "code" || name == "message").collect();
            }
        }),
        Effect::NullItems if ok => edit(&mut |list| drop(list.insert("items".to_owned(), Value::Null))),
        _ if ok => edit(&mut |object| {
            if object.contains_key("items") {
                tasks(object).for_each(|task| task_with(effect, task));
            } else {
                task_with(effect, object);
            }
        }),
        _ => body,
    };
    Response::from_parts(head, body)
}

fn tasks(list: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Effects on a task as it is shown.
pub(crate) fn task_with(effect: &Effect, task: &mut Map<String, Value>) {
    match effect {
        Effect::UnknownStatus { status } => drop(task.insert("status".to_owned(), status.as_str().into())),
        Effect::StringTimes => {
            for name in ["created_at", "updated_at"] {
                if let Some(time) = task.get_mut(name) {
                    *time = time.to_string().into();
                }
            }
        }
        Effect::FloatNumbers => {
            for name in ["duration", "seed", "framespersecond", "created_at", "updated_at", "priority"] {
                if let Some(number) = task.get_mut(name)
                    && let Some(float) = number.as_i64().map(|whole| whole as f64)
                {
                    *number = json!(float);
                }
            }
        }
        Effect::FailureReason => {
            if let Some(error) = task.remove("error") {
                task.insert("failure_reason".to_owned(), error);
            }
        }
        Effect::TextError => {
            if let Some(error) = task.get_mut("error")
                && let Some(message) = error.get("message").cloned()
            {
                *error = message;
            }
        }
        Effect::NoLink { form } if task.get("content").is_some_and(Value::is_object) => {
            let content = match form {
                LinkForm::NoContent => {
                    task.remove("content");
                    return;
                }
                LinkForm::Null => Value::Null,
                LinkForm::Number => json!({ "video_url": 5 }),
                LinkForm::Empty => json!({ "video_url": "" }),
            };
            task.insert("content".to_owned(), content);
        }
        Effect::ExtraFields => {
            drop(task.insert("x_new_member".to_owned(), json!({ "nested": [1, "two", null] })))
        }
        _ => {}
    }
}
