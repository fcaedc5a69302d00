//! Summary of a request's content items: the number of each kind, the position of the first of
//! each, the mode they make.

use serde::{Deserialize, Serialize};

use crate::{AudioRole, ContentItem, CreateTaskRequest, ImageRole, VideoRole};

/// What a request asks for, derived from its items alone. The service has five modes and mixes
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// A prompt alone.
    Text,
    /// One image as first frame.
    FirstFrame,
    /// A first and a last frame.
    FirstAndLastFrame,
    /// Reference images, videos and sounds.
    References,
    /// The final of a draft.
    FromDraft,
    /// Items that make no mode.
    Unclear,
}

impl Mode {
    /// Whether frames decide how the video begins.
    pub fn has_frames(self) -> bool {
        matches!(self, Self::FirstFrame | Self::FirstAndLastFrame)
    }
}

/// Items of one kind: how many, and the first two.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) count: usize,
    pub(crate) first: usize,
    pub(crate) second: usize,
}

impl Tally {
    fn add(&mut self, index: usize) {
        match self.count {
            0 => self.first = index,
            1 => self.second = index,
            _ => {}
        }
        self.count += 1;
    }

    pub(crate) fn any(self) -> bool {
        self.count > 0
    }
}

/// The items of a request, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ContentSummary {
    pub(crate) texts: Tally,
    pub(crate) images: Tally,
    pub(crate) first_frames: Tally,
    pub(crate) last_frames: Tally,
    pub(crate) reference_images: Tally,
    /// Images that say no role.
    pub(crate) unroled_images: Tally,
    pub(crate) videos: Tally,
    pub(crate) audios: Tally,
    pub(crate) unroled_videos: Tally,
    pub(crate) unroled_audios: Tally,
    pub(crate) drafts: Tally,
    /// Bytes of the texts that can be long: prompts and addresses.
    pub(crate) bytes: usize,
}

impl ContentSummary {
    pub(crate) fn of(request: &CreateTaskRequest) -> Self {
        let mut scan = Self::default();
        for (index, item) in request.content.iter().enumerate() {
            scan.add(index, item);
        }
        scan
    }

    fn add(&mut self, index: usize, item: &ContentItem) {
        match item {
            ContentItem::Text(item) => {
                self.texts.add(index);
                self.bytes += item.text.len();
            }
            ContentItem::Image(item) => {
                self.bytes += item.image_url.url.len();
                self.images.add(index);
                match &item.role {
                    None => self.unroled_images.add(index),
                    Some(ImageRole::FirstFrame) => self.first_frames.add(index),
                    Some(ImageRole::LastFrame) => self.last_frames.add(index),
                    Some(ImageRole::ReferenceImage) => self.reference_images.add(index),
                    Some(_) => {}
                }
            }
            ContentItem::Video(item) => {
                self.bytes += item.video_url.url.len();
                self.videos.add(index);
                if item.role.is_none() {
                    self.unroled_videos.add(index);
                }
            }
            ContentItem::Audio(item) => {
                self.bytes += item.audio_url.url.len();
                self.audios.add(index);
                if item.role.is_none() {
                    self.unroled_audios.add(index);
                }
            }
            ContentItem::DraftTask(_) => self.drafts.add(index),
            ContentItem::Other(_) => {}
        }
    }

    /// Reference items of all kinds.
    pub(crate) fn references(&self) -> usize {
        self.reference_images.count + self.videos.count + self.audios.count
    }

    pub(crate) fn has_media(&self) -> bool {
        self.images.any() || self.videos.any() || self.audios.any()
    }

    pub(crate) fn mode(&self) -> Mode {
        let frames = self.first_frames.any() || self.last_frames.any();
        let references = self.references() > 0;
        match (self.drafts.any(), frames, references) {
            (true, false, false) => Mode::FromDraft,
            (false, true, false) if self.last_frames.any() => Mode::FirstAndLastFrame,
            (false, true, false) => Mode::FirstFrame,
            (false, false, true) if !self.unroled_images.any() => Mode::References,
            (false, false, false) if self.unroled_images.count == 1 && self.images.count == 1 => {
                Mode::FirstFrame
            }
            (false, false, false) if !self.has_media() && self.texts.any() => Mode::Text,
            _ => Mode::Unclear,
        }
    }
}

/// What an item's role says of the mode: frames, references, or nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Frames,
    References,
}

/// The side that an item's role takes; with `bare`, a single image without a role is a first frame.
pub(crate) fn side(item: &ContentItem, bare: bool) -> Option<Side> {
    match item {
        ContentItem::Image(item) => match &item.role {
            Some(ImageRole::FirstFrame | ImageRole::LastFrame) => Some(Side::Frames),
            Some(ImageRole::ReferenceImage) => Some(Side::References),
            None if bare => Some(Side::Frames),
            _ => None,
        },
        ContentItem::Video(item) => match &item.role {
            Some(VideoRole::ReferenceVideo) => Some(Side::References),
            None if bare => Some(Side::References),
            _ => None,
        },
        ContentItem::Audio(item) => match &item.role {
            Some(AudioRole::ReferenceAudio) => Some(Side::References),
            None if bare => Some(Side::References),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DraftToVideo, FirstAndLastFrame, ImageToVideo, ReferenceToVideo, TextToVideo};

    #[test]
    fn items_make_a_mode() {
        let mode = |request: CreateTaskRequest| ContentSummary::of(&request).mode();
        assert_eq!(mode(TextToVideo::new("m", "x").build()), Mode::Text);
        assert_eq!(mode(ImageToVideo::new("m", "https://a/b").build()), Mode::FirstFrame);
        assert_eq!(
            mode(FirstAndLastFrame::new("m", "https://a/b", "https://a/c").build()),
            Mode::FirstAndLastFrame
        );
        assert_eq!(mode(ReferenceToVideo::new("m").audio("https://a/b").build()), Mode::References);
        assert_eq!(mode(DraftToVideo::new("m", "cgt-1").build()), Mode::FromDraft);
        assert_eq!(mode(ReferenceToVideo::new("m").build()), Mode::Unclear);
        let mut bare = ImageToVideo::new("m", "https://a/b").build();
        if let ContentItem::Image(image) = &mut bare.content[0] {
            image.role = None;
        }
        assert_eq!(mode(bare.clone()), Mode::FirstFrame);
        bare.content.push(bare.content[0].clone());
        assert_eq!(mode(bare), Mode::Unclear);
    }
}
