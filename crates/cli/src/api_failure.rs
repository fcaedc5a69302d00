//! From the client's errors to exit codes and the commands that help. The sentences are the client's own.

use ark_video::model::ErrorClass;
use ark_video::{Action, DownloadCause, Error, SaveError};

use crate::exit::Exit;
use crate::failure::Failure;

/// What an error of the client means here. `again` is how the user would call this program again.
pub(crate) fn of(error: &Error, again: &str) -> Failure {
    let failure = Failure::new(exit_of(error), sentence(error))
        .code(error.code().unwrap_or_default())
        .request_id(error.request_id())
        .task_id(error.task_id());
    let id = error.task_id().unwrap_or("ID");
    match error {
        Error::OutcomeUnknown(unknown) => {
            failure.hint(format!("look for it: {again} list --model {} --limit 100", unknown.model))
        }
        Error::AcceptedWithoutId(accepted) => {
            failure.hint(format!("look for it: {again} list --model {} --limit 100", accepted.model))
        }
        Error::StillRunning(_) => failure.hint(go_on(again, id)),
        Error::NotPossible(refused) if refused.action == Action::Download => failure.hint(go_on(again, id)),
        Error::Download(_) => failure.hint(format!("{again} download {id} -o FILE")),
        Error::Read(read) if read.call.task_id.is_some() => failure.hint(go_on(again, id)),
        _ => failure,
    }
}

/// How to take up a task again.
pub(crate) fn go_on(again: &str, id: &str) -> String {
    format!("go on with: {again} wait {id} && {again} download {id} -o FILE")
}

fn sentence(error: &Error) -> String {
    error.to_string()
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Config(_) => Exit::Configuration,
        Error::Request(_) => Exit::Request,
        Error::NotSent(_) => Exit::NotSent,
        Error::Refused(refused) => match (refused.error.class(), refused.error.status) {
            (ErrorClass::Throttled, _) | (ErrorClass::Account, 429) => Exit::Throttled,
            _ => Exit::Refused,
        },
        Error::OutcomeUnknown(_) | Error::AcceptedWithoutId(_) => Exit::OutcomeUnknown,
        Error::Read(_) => Exit::Result,
        Error::NotPossible(refused) if refused.action == Action::Download => Exit::StillRunning,
        Error::NotPossible(_) => Exit::Refused,
        Error::TaskEnded(_) => Exit::TaskEnded,
        Error::StillRunning(_) => Exit::StillRunning,
        Error::Download(download) => match &download.cause {
            DownloadCause::Save(
                SaveError::Exists { .. } | SaveError::Folder { .. } | SaveError::File { .. },
            ) => Exit::Output,
            _ => Exit::Result,
        },
        _ => Exit::Internal,
    }
}
