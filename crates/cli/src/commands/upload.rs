//! The upload before a create: local files that go by URL, into the user's bucket.

use ark_video::model::CreateTaskRequest;
use ark_video::{Attachments, media_store::Uploads};

use crate::failure::Failure;
use crate::progress::Progress;
use crate::session::{Session, interrupted};
use crate::storage::{Store, failure};
use crate::summary;

/// Uploads the local files of a request that go by URL. After Ctrl-C the same command continues.
pub(crate) async fn upload(
    session: &mut Session,
    store: &Store,
    request: &CreateTaskRequest,
    files: &Attachments,
) -> Result<Uploads, Failure> {
    let total = files.bytes_to_upload(request);
    let uploaded = {
        let progress = Progress::saving(&session.output, "upload");
        let report = |bytes| progress.uploaded(bytes, total);
        tokio::select! {
            uploaded = files.upload(request, &**store, &report) => uploaded.map_err(|error| failure(&error)),
            () = session.interrupts.next() => {
                Err(interrupted().hint("nothing was sent to the service; the same command resumes the upload"))
            }
        }
    }?;
    for (_, media) in uploaded.iter() {
        let how = if media.sent > 0 { "uploaded to" } else { "is already in the storage:" };
        session.output.note(format_args!("{} {how} {}", summary::bytes(media.bytes), media.object));
    }
    Ok(uploaded)
}
