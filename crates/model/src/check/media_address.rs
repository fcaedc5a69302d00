//! The address of one media item of a request, and where it is written.

use super::MediaKind;
use super::pointer::Pointer;
use crate::generated::Field;

/// The address of one item.
pub(crate) struct Address<'a> {
    pub(crate) index: usize,
    pub(crate) kind: MediaKind,
    pub(crate) url: &'a str,
}

impl Address<'_> {
    pub(crate) fn pointer(&self) -> Pointer<'static> {
        let rest = match self.kind {
            MediaKind::Image => "/image_url/url",
            MediaKind::Video => "/video_url/url",
            MediaKind::Audio => "/audio_url/url",
        };
        Pointer::Entry(Field::Content, self.index, rest)
    }
}

pub(crate) fn article(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "an image",
        MediaKind::Video => "a video",
        MediaKind::Audio => "a sound",
    }
}
