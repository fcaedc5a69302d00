//! Local media that the service can only fetch by URL: uploaded to a store before the create, then
//! named in the request by signed URLs. Sends nothing to the service; the create itself is as ever.
//!
//! ```no_run
//! # async fn run(client: ark_video::Client, store: std::sync::Arc<dyn ark_video::media_store::MediaStore>) -> Result<(), Box<dyn std::error::Error>> {
//! use ark_video::{Attachments, model::ReferenceToVideo};
//!
//! let mut files = Attachments::new();
//! let clip = files.video("clip.mp4", "mp4")?;
//! let request = ReferenceToVideo::new("doubao-seedance-2-0-260128").video(clip).build();
//! let uploads = files.upload(&request, &*store, &|_| {}).await?; // the same bytes only once
//! let task = client.create(&request).files(files).uploads(uploads, store).await?;
//! # Ok(()) }
//! ```

use std::{collections::BTreeMap, time::Duration};

use ark_video_model::CreateTaskRequest;
use ark_video_protocol::body::is_hosted;
pub use ark_video_transport::{
    MediaStore, SignedUrl, StorageError, StorageErrorKind, StoredMedia, UploadProgress,
};
use serde::{Deserialize, Serialize};

use crate::{Attachments, attachments::url_mut};

/// The longest time that a task may take, in seconds: that of one which leaves it open.
const LONGEST_TASK: u64 = 259_200;
/// How much longer a link lives than its task may: clocks differ, and sending takes time.
const MARGIN: u64 = 3600;

/// What was uploaded for a request, by index in its `content`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uploads(BTreeMap<usize, StoredMedia>);

impl Attachments {
    /// Uploads the files of a request that go by URL, one after the other. What the store has is
    /// not sent again. `progress` is given the bytes that are in the store, of all of them.
    ///
    /// # Errors
    /// The first file that the store does not take. Those before it are there, and a later call
    /// continues.
    pub async fn upload(
        &self,
        request: &CreateTaskRequest,
        store: &dyn MediaStore,
        progress: UploadProgress<'_>,
    ) -> Result<Uploads, StorageError> {
        let mut uploads = BTreeMap::new();
        let mut done = 0;
        for (index, url) in hosted_urls(request) {
            let (media_type, source) = self.attached(url).ok_or_else(|| {
                let message = "the request refers to a local file that is not among its attachments";
                StorageError::new(StorageErrorKind::File, message)
            })?;
            let stored = store.put(source.clone(), media_type, &|bytes| progress(done + bytes)).await?;
            done += stored.bytes;
            uploads.insert(index, stored);
        }
        Ok(Uploads(uploads))
    }

    /// The files that [`Attachments::upload`] puts into a store: index in `content`, and how they
    /// are called.
    #[must_use]
    pub fn uploads_of(&self, request: &CreateTaskRequest) -> Vec<(usize, String)> {
        hosted_urls(request).filter_map(|(index, url)| Some((index, self.of(url)?.name()))).collect()
    }

    /// Bytes of the files that [`Attachments::upload`] puts into a store.
    #[must_use]
    pub fn bytes_to_upload(&self, request: &CreateTaskRequest) -> u64 {
        hosted_urls(request).filter_map(|(_, url)| Some(self.of(url)?.length())).sum()
    }
}

fn hosted_urls(request: &CreateTaskRequest) -> impl Iterator<Item = (usize, &str)> {
    let media = request.content.iter().enumerate().filter_map(|(index, item)| Some((index, item.media()?.1)));
    media.filter(|(_, url)| is_hosted(url))
}

impl Uploads {
    /// The request with signed URLs, to be sent now: they live as long as its task may, and an hour
    /// longer. Fails where the store signs no URL that lives so long.
    pub(crate) async fn sign(
        &self,
        request: &CreateTaskRequest,
        store: &dyn MediaStore,
    ) -> Result<CreateTaskRequest, StorageError> {
        let mut signed = request.clone();
        let task = request.execution_expires_after.and_then(|seconds| u64::try_from(seconds).ok());
        let life = Duration::from_secs(task.unwrap_or(LONGEST_TASK).saturating_add(MARGIN));
        for (index, media) in &self.0 {
            let url = store.sign(media, life).await?;
            if let Some(place) = signed.content.get_mut(*index).and_then(url_mut) {
                url.expose().clone_into(place);
            }
        }
        Ok(signed)
    }

    /// The objects, by index in `content`.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &StoredMedia)> {
        self.0.iter().map(|(index, media)| (*index, media))
    }

    /// Whether nothing had to be uploaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that were sent; 0 if all was there.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.values().map(|media| media.sent).sum()
    }
}

#[cfg(test)]
mod tests;
