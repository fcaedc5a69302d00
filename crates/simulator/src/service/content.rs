//! The items of a request, sorted out. What does not fit together was refused before, by
//! `checks.rs`.

use ark_video_model::check::Facts;
pub(crate) use ark_video_model::check::Mode;
use ark_video_model::{ContentItem, CreateTaskRequest, ImageRole};

/// The service's short name of a mode, as its messages have it.
pub(crate) fn short(mode: Mode) -> &'static str {
    match mode {
        Mode::FirstFrame => "i2v",
        Mode::FirstAndLastFrame => "flf2v",
        Mode::References => "r2v",
        Mode::FromDraft => "draft2v",
        _ => "t2v",
    }
}

/// The items of a request by kind.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) mode: Mode,
    pub(crate) prompt: Option<&'a str>,
    /// How many reference videos there are.
    pub(crate) videos: usize,
    /// The image that decides the ratio, when it is `adaptive`: first frame, or first reference
    /// image.
    pub(crate) leading_image: Option<&'a str>,
    pub(crate) draft: Option<&'a str>,
    /// What is known of its media.
    pub(crate) facts: &'a Facts,
}

/// Sorts the items.
pub(crate) fn read<'a>(request: &'a CreateTaskRequest, facts: &'a Facts) -> Content<'a> {
    let mut content =
        Content { mode: request.mode(), prompt: None, videos: 0, leading_image: None, draft: None, facts };
    for item in &request.content {
        match item {
            ContentItem::Text(text) => content.prompt = content.prompt.or(Some(&text.text)),
            ContentItem::Image(image) if image.role != Some(ImageRole::LastFrame) => {
                content.leading_image = content.leading_image.or(Some(&image.image_url.url));
            }
            ContentItem::Video(_) => content.videos += 1,
            ContentItem::DraftTask(draft) => content.draft = content.draft.or(Some(&draft.draft_task.id)),
            _ => {}
        }
    }
    content
}

/// The start of a text that a client sent, fit for a message.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().filter(|character| !character.is_control() && *character != '`').take(40).collect()
}
