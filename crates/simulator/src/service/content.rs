//! The rules of `content` that hold for every model: item shapes, roles, what may stand beside what, and the forms of URLs.
//!
//! The outcome is a [`Content`]: the mode, and where each kind of item stands. Counts and modes per model are in `checks.rs`.

use ark_video_model::{AudioRole, ContentItem, ImageRole, VideoRole};

use super::{
    complaint::{Checked, Complaint},
    media,
};

/// What a request asks for, as its items say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Text,
    FirstFrame,
    FirstAndLastFrame,
    References,
    FromDraft,
}

impl Mode {
    /// The service's short name, as its messages have it.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Text => "t2v",
            Self::FirstFrame => "i2v",
            Self::FirstAndLastFrame => "flf2v",
            Self::References => "r2v",
            Self::FromDraft => "draft2v",
        }
    }

    pub(crate) fn has_frames(self) -> bool {
        matches!(self, Self::FirstFrame | Self::FirstAndLastFrame)
    }
}

/// The items of a request, sorted out. Numbers are places in `content`.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) mode: Mode,
    pub(crate) prompt: Option<&'a str>,
    pub(crate) images: Vec<usize>,
    pub(crate) videos: Vec<usize>,
    pub(crate) audios: Vec<usize>,
    /// The image that decides the ratio, when it is `adaptive`: first frame, or first reference image.
    pub(crate) leading_image: Option<&'a str>,
    pub(crate) draft: Option<&'a str>,
}

/// Reads the items and refuses what no model takes. The first thing wrong, in the order of the items, is reported.
pub(crate) fn read(items: &[ContentItem]) -> Checked<Content<'_>> {
    if items.is_empty() {
        return Err(Complaint::invalid("content", "it must have at least one item"));
    }
    let mut sorted = sort(items)?;
    for (at, item) in items.iter().enumerate() {
        media::check(at, item)?;
    }
    sorted.mode = mode(items, &sorted)?;
    Ok(sorted)
}

fn sort(items: &[ContentItem]) -> Checked<Content<'_>> {
    let mut sorted = Content {
        mode: Mode::Text,
        prompt: None,
        images: Vec::new(),
        videos: Vec::new(),
        audios: Vec::new(),
        leading_image: None,
        draft: None,
    };
    for (at, item) in items.iter().enumerate() {
        match item {
            ContentItem::Text(_) if sorted.prompt.is_some() => {
                return Err(Complaint::invalid(
                    format!("content[{at}]"),
                    "expected at most one text content but got 2 instead",
                ));
            }
            ContentItem::Text(text) => sorted.prompt = Some(&text.text),
            ContentItem::Image(image) => {
                sorted.images.push(at);
                let leads = !matches!(image.role, Some(ImageRole::LastFrame));
                if leads && sorted.leading_image.is_none() {
                    sorted.leading_image = Some(&image.image_url.url);
                }
            }
            ContentItem::Video(_) => sorted.videos.push(at),
            ContentItem::Audio(_) => sorted.audios.push(at),
            ContentItem::DraftTask(draft) => {
                if items.len() > 1 {
                    let other = usize::from(at == 0);
                    let why = "draft_task content cannot be mixed with any other content";
                    return Err(Complaint::invalid(format!("content[{other}]"), why));
                }
                if draft.draft_task.id.is_empty() {
                    return Err(Complaint::invalid(
                        format!("content[{at}].draft_task.id"),
                        "it must not be empty",
                    ));
                }
                sorted.draft = Some(&draft.draft_task.id);
            }
            other => {
                let kind = if let ContentItem::Other(other) = other { other.kind() } else { "this" };
                let known = "text, image_url, video_url, audio_url, draft_task";
                let why = format!("`{}` is not supported, it must be one of {known}", shorten(kind));
                return Err(Complaint::invalid(format!("content[{at}].type"), why));
            }
        }
    }
    Ok(sorted)
}

/// Which mode the items make up, or why they make up none.
fn mode(items: &[ContentItem], sorted: &Content<'_>) -> Checked<Mode> {
    if sorted.draft.is_some() {
        return Ok(Mode::FromDraft);
    }
    let role = |at: usize| format!("content[{at}].role");
    let alone = sorted.images.len() == 1;
    let (mut first, mut last, mut references) = (Vec::new(), Vec::new(), Vec::new());
    for (at, item) in items.iter().enumerate() {
        match item {
            ContentItem::Image(image) => match &image.role {
                None if alone => first.push(at),
                None => {
                    return Err(Complaint::invalid(role(at), "role must be specified for image contents"));
                }
                Some(ImageRole::FirstFrame) => first.push(at),
                Some(ImageRole::LastFrame) => last.push(at),
                Some(ImageRole::ReferenceImage) => references.push(at),
                Some(_) => {
                    return Err(Complaint::invalid(role(at), "invalid role specified for image content"));
                }
            },
            ContentItem::Video(_) | ContentItem::Audio(_) => references.push(at),
            _ => {}
        }
    }
    for (frames, name) in [(&first, "first"), (&last, "last")] {
        if let Some(second) = frames.get(1) {
            let why =
                format!("expected at most one {name} frame image content but got {} instead", frames.len());
            return Err(Complaint::invalid(role(*second), why));
        }
    }
    let frame = first.first().into_iter().chain(last.first()).min();
    if let (Some(frame), Some(reference)) = (frame, references.first()) {
        let misfit = *frame.max(reference);
        let why = "first/last frame content cannot be mixed with reference media content";
        return Err(Complaint::invalid(role(misfit), why));
    }
    if let (true, Some(last)) = (first.is_empty(), last.first()) {
        let why = "last frame image content cannot be mixed with first frame or reference image content, and it needs a first frame";
        return Err(Complaint::invalid(role(*last), why));
    }
    for (at, item) in items.iter().enumerate() {
        match item {
            ContentItem::Video(video) if video.role != Some(VideoRole::ReferenceVideo) => {
                return Err(Complaint::invalid(
                    role(at),
                    "reference media mode requires video role to be reference_video",
                ));
            }
            ContentItem::Audio(audio) if audio.role != Some(AudioRole::ReferenceAudio) => {
                return Err(Complaint::invalid(
                    role(at),
                    "reference media mode requires audio role to be reference_audio",
                ));
            }
            _ => {}
        }
    }
    Ok(match (first.is_empty(), last.is_empty(), references.is_empty()) {
        (_, _, false) => Mode::References,
        (false, true, true) => Mode::FirstFrame,
        (false, false, true) => Mode::FirstAndLastFrame,
        _ => {
            if sorted.prompt.is_none_or(|prompt| prompt.trim().is_empty()) {
                let at = items.iter().position(|item| matches!(item, ContentItem::Text(_))).unwrap_or(0);
                return Err(Complaint::invalid(
                    format!("content[{at}].text"),
                    "it must not be empty when there is no media",
                ));
            }
            Mode::Text
        }
    })
}

/// The start of a text that a client sent, fit for a message.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().filter(|character| !character.is_control() && *character != '`').take(40).collect()
}
