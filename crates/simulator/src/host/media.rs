//! What is behind the media URLs of a create, as a hook of the user's measures it. Fetches nothing
//! itself.

use std::{future::Future, pin::Pin, sync::Arc};

use ark_video_model::{
    CreateTaskRequest,
    check::{MediaFacts, MediaKind},
};

/// The facts of a medium behind a URL; `None` where they are not known.
pub(crate) type Measuring = Pin<Box<dyn Future<Output = Option<MediaFacts>> + Send>>;
/// Measures what is behind a URL.
pub(crate) type MediaHook = Arc<dyn Fn(String, MediaKind) -> Measuring + Send + Sync>;

/// What the hook says of the media of a body; nothing where it is no create.
pub(crate) async fn measure(hook: &MediaHook, body: &[u8]) -> Vec<(String, MediaFacts)> {
    let Ok(request) = serde_json::from_slice::<CreateTaskRequest>(body) else { return Vec::new() };
    let mut measured = Vec::new();
    for (kind, url) in request.content.iter().filter_map(|item| item.media()) {
        let is_web = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        if is_web && let Some(facts) = hook(url.to_owned(), kind).await {
            measured.push((url.to_owned(), facts));
        }
    }
    measured
}
