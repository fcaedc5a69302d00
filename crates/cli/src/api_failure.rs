//! Maps the client's errors to exit codes and hints. The messages are the client's own.

use ark_video::model::error_code::ErrorClass;
use ark_video::transport::Endpoint;
use ark_video::{
    Error, UnresolvedCreate,
    error::{Action, DownloadCause, Refusal, Refused, SaveError, SendErrorKind},
};

use crate::escape;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::names::Names;

/// Converts an error of the client. `again` is the command line prefix that reaches the same
/// service.
pub(crate) fn of(error: &Error, again: &str) -> Failure {
    let message = match error {
        Error::Api(refused) => refusal(refused),
        _ => error.message(),
    };
    let failure = Failure::new(exit_of(error), escape::one_line(&message))
        .code(error.code().unwrap_or_default())
        .request_id(error.request_id())
        .task_id(error.task_id());
    let id = error.task_id().unwrap_or("ID");
    let failure = match error {
        Error::Api(refused) => failure.hint(first_sentence(refused.error.advice())),
        _ => failure,
    };
    match error {
        Error::OutcomeUnknown(unknown) => lost(failure, &unknown.search, unknown.sent_at, again),
        Error::AcceptedWithoutId(accepted) => lost(failure, &accepted.search, accepted.sent_at, again),
        Error::StillRunning(_) => failure.hint(go_on(again, id)),
        Error::NotPossible(refused) if refused.action == Action::Download => failure.hint(go_on(again, id)),
        Error::Api(refused) if refused.error.status == 404 && refused.error.code.as_str().is_empty() => failure
            .hint("the base URL may lack its path, which is /api/v3 with most services: `ark-video config` shows it"),
        Error::NotSent(sent) if sent.cause.kind == SendErrorKind::Proxy => unbilled(failure),
        Error::NotSent(sent) if sent.cause.kind == SendErrorKind::Tls => unbilled(failure)
            .hint("name a company's own authority with --ca-cert FILE, ca_cert in the configuration, or SSL_CERT_FILE"),
        Error::Download(_) => failure.hint(format!("{again} download {} -o FILE", escape::id(id))),
        Error::Read(read) if read.call.task_id.is_some() => failure.hint(go_on(again, id)),
        _ => failure,
    }
}

/// A message about a create says so itself.
fn unbilled(failure: Failure) -> Failure {
    let is_said = failure.message.contains("nothing is billed");
    failure.hint(if is_said { "" } else { "nothing was created and nothing is billed" })
}

/// A create that may have made a task: how to search for it.
fn lost(failure: Failure, unknown: &UnresolvedCreate, sent_at: i64, again: &str) -> Failure {
    let since = jiff::Timestamp::from_millisecond(sent_at).unwrap_or_default();
    let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
    let model = escape::quoted(&unknown.model);
    failure
        .reconcile(Some(unknown))
        .hint(format!("search for the task: {again} reconcile --since {since} --model {model}"))
}

/// As [`of`], with paths such as `content[3]` explained by the flag or file that they came from.
pub(crate) fn named(error: &Error, again: &str, names: &Names) -> Failure {
    let param = error.api_error().and_then(|error| error.param.as_deref());
    explained(of(error, again), param, names)
}

/// The same for an existing failure, such as that of a failed task.
pub(crate) fn explained(mut failure: Failure, param: Option<&str>, names: &Names) -> Failure {
    let subject = names.subject(&failure.message).map(str::to_owned);
    let param = param.filter(|param| !param.is_empty()).or(subject.as_deref());
    failure.message = names.explain(&failure.message, param);
    let origin = param.and_then(|param| names.of_path(param));
    let failure = match &origin {
        Some(origin) if !failure.message.contains(origin.as_str()) => {
            failure.hint(format!("this is about {origin}"))
        }
        _ => failure,
    };
    failure.about(param, origin)
}

/// How to resume waiting for a task.
pub(crate) fn go_on(again: &str, id: &str) -> String {
    let id = escape::id(id);
    format!("continue with: {again} wait {id} && {again} download {id} -o FILE")
}

/// A refusal in two short sentences; what to do is a hint.
fn refusal(refused: &Refused) -> String {
    let answer = &refused.error;
    // `Task … is running and cannot be cancelled; it will finish and be billed`
    if refused.call.endpoint == Endpoint::Delete && answer.class() == ErrorClass::Conflict {
        return refused.to_string();
    }
    let code = match answer.code.as_str() {
        "" => String::new(),
        code => format!(" {code}"),
    };
    // The id is shown by itself.
    let reason =
        answer.message.split(" Request id: ").next().unwrap_or_default().trim().trim_end_matches('.');
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let billing = match refused.call.endpoint {
        Endpoint::Create => ". Nothing was created, nothing is billed",
        _ => "",
    };
    format!("refused to {} ({}{code}){reason}{billing}", refused.call, answer.status)
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Config(_) => Exit::Configuration,
        Error::Request(_) | Error::InvalidRequest(_) => Exit::Request,
        Error::NotSent(_) => Exit::NotSent,
        Error::Api(refused) => match (refused.class, refused.error.status) {
            (_, 401) => Exit::Authentication,
            (Refusal::Throttled | Refusal::Transient, _) | (Refusal::Account, 429) => Exit::Throttled,
            _ => Exit::Refused,
        },
        Error::OutcomeUnknown(_) | Error::AcceptedWithoutId(_) => Exit::OutcomeUnknown,
        Error::Read(_) => Exit::Result,
        Error::NotPossible(refused) if refused.action == Action::Download => Exit::StillRunning,
        Error::NotPossible(_) => Exit::Refused,
        Error::TaskEnded(_) => Exit::TaskEnded,
        Error::StillRunning(_) => Exit::StillRunning,
        Error::Download(download) => match &download.cause {
            DownloadCause::Save(error)
                if error.is_disk_full() || matches!(error, SaveError::NoSpace { .. }) =>
            {
                Exit::DiskFull
            }
            DownloadCause::Save(
                SaveError::Exists { .. }
                | SaveError::Folder { .. }
                | SaveError::Foreign { .. }
                | SaveError::InUse { .. }
                | SaveError::File { .. },
            ) => Exit::Output,
            _ => Exit::Result,
        },
        _ => Exit::Internal,
    }
}
