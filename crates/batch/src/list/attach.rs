//! From a planned job to the request that is sent: local files, which must not have changed since
//! the list was read, and what the job before delivered. Opens files, sends nothing.

use std::sync::Arc;

use ark_video::model::CreateTaskRequest;
use ark_video::{Attachments, transport::FileSource};
use ark_video_media::{MediaOrigin, MediaRole, ResolvedMedia};
use serde::Deserialize as _;
use serde_json::Value;

use super::hash::{sha256_of_file, url_of};
use crate::{Link, Planned};

/// What stands in a planned request where the job before delivers something: its last frame, its
/// video or its task id.
pub(super) const LINKED: &str = "ark-video-batch:after";

/// Why a planned job cannot be sent. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotReady {
    #[error(
        "{file} is not what it was when the list was read: {why}; nothing was sent; put it back, or run the batch again with the list as it is now"
    )]
    Changed { file: String, why: String },
    #[error("what the job before should deliver ({what}) is not there; nothing was sent")]
    Missing { what: &'static str },
    #[error("the journal's request cannot be read as one; nothing was sent")]
    Unreadable,
}

/// The request with its files. `before` is what the job before delivered, where the job follows
/// one: the address of its last frame or video, or the id of the draft's task. With `hosts`, what
/// does not fit inline goes through a store.
///
/// # Errors
/// See [`NotReady`].
pub(crate) fn attach(
    planned: &Planned,
    before: Option<&str>,
    hosts: bool,
) -> Result<(CreateTaskRequest, Attachments), NotReady> {
    let mut body = planned.request.clone();
    if let Some(after) = &planned.after {
        let what = match after.link {
            Link::LastFrame => "its last frame",
            Link::Draft => "the id of the draft's task",
            Link::Extend => "its video",
        };
        let before = before.filter(|given| !given.is_empty()).ok_or(NotReady::Missing { what })?;
        let items = body.get_mut("content").and_then(Value::as_array_mut);
        let place =
            items.into_iter().flatten().filter_map(place_of).find(|place| place.as_str() == Some(LINKED));
        *place.ok_or(NotReady::Unreadable)? = Value::from(before);
    }
    let mut files = Attachments::new();
    for input in &planned.inputs {
        let changed = |why: String| NotReady::Changed { file: input.path.display().to_string(), why };
        // Opened before it is hashed: what changes afterwards breaks the sending off.
        let source = FileSource::new(&input.path).map_err(|error| changed(error.to_string()))?;
        let (bytes, sha256) = sha256_of_file(&input.path).map_err(|error| changed(error.to_string()))?;
        if bytes != input.bytes || sha256 != input.sha256 {
            return Err(changed(format!("its {bytes} bytes are others than its {} bytes then", input.bytes)));
        }
        let medium = ResolvedMedia::of_file(&input.path, MediaRole::Reference)
            .map_err(|error| changed(error.to_string()))?;
        let MediaOrigin::File { media_type, .. } = medium.origin else {
            return Err(NotReady::Unreadable);
        };
        let item = body.get_mut("content").and_then(|content| content.get_mut(input.content));
        *item.and_then(url_of).ok_or(NotReady::Unreadable)? =
            Value::from(files.source(&media_type, Arc::new(source)));
    }
    let mut request = CreateTaskRequest::deserialize(&body).map_err(|_| NotReady::Unreadable)?;
    if hosts {
        files.host(&mut request);
    }
    Ok((request, files))
}

/// Where an item has its address, or the id of its draft.
pub(super) fn place_of(item: &mut Value) -> Option<&mut Value> {
    if item.get("type").and_then(Value::as_str) == Some("draft_task") {
        return item.get_mut("draft_task")?.get_mut("id");
    }
    url_of(item)
}
