//! Media that the service objects to, by the host of its address: nothing is fetched or looked at,
//! so a test says what it wants.
//!
//! The hosts are under `.example`, which nobody can own; the table is in the guide.

use ark_video_model::ContentItem;

use super::violation::{Checked, Violation};
use crate::faults::effects::message_of;

/// What an address stands for.
enum Verdict {
    Unreachable,
    Face,
    Sensitive,
    Copyright,
}

fn verdict(url: &str) -> Option<Verdict> {
    if let Some(asset) = url.strip_prefix("asset://") {
        return asset.starts_with("missing").then_some(Verdict::Unreachable);
    }
    let host = url.split_once("://")?.1.split(['/', '?', '#', ':']).next()?.to_ascii_lowercase();
    let is = |name: &str| host == name || host.strip_suffix(name).is_some_and(|front| front.ends_with('.'));
    [
        ("unreachable.example", Verdict::Unreachable),
        ("face.example", Verdict::Face),
        ("sensitive.example", Verdict::Sensitive),
        ("copyright.example", Verdict::Copyright),
    ]
    .into_iter()
    .find_map(|(name, verdict)| is(name).then_some(verdict))
}

/// Refuses the first item whose media the service would refuse. Faces are named all together (live
/// answers, 2026-08).
pub(crate) fn check(items: &[ContentItem]) -> Checked<()> {
    let found: Vec<_> = items
        .iter()
        .enumerate()
        .filter_map(|(at, item)| {
            let (member, kind, url) = match item {
                ContentItem::Image(image) => ("image_url", "Image", &image.image_url.url),
                ContentItem::Video(video) => ("video_url", "Video", &video.video_url.url),
                ContentItem::Audio(audio) => ("audio_url", "Audio", &audio.audio_url.url),
                _ => return None,
            };
            Some((at, member, kind, url, verdict(url)?))
        })
        .collect();
    let Some((at, member, kind, url, first)) = found.first() else { return Ok(()) };
    let what = match first {
        Verdict::Unreachable => {
            let why = if url.starts_with("asset://") {
                "the asset is not found"
            } else {
                "resource download failed"
            };
            return Err(Violation::invalid(format!("content[{at}].{member}.url"), why));
        }
        // The service detects faces in images only.
        Verdict::Face if *kind != "Audio" => ".PrivacyInformation",
        Verdict::Copyright => ".PolicyViolation",
        Verdict::Face | Verdict::Sensitive => "",
    };
    let code = format!("Input{kind}SensitiveContentDetected{what}");
    let message = if what == ".PrivacyInformation" {
        let faces: Vec<String> = found
            .iter()
            .filter(|(.., other, _, verdict)| other == kind && matches!(verdict, Verdict::Face))
            .map(|(at, ..)| format!("'content[{at}]'"))
            .collect();
        let kind = kind.to_lowercase();
        format!("The request failed because the input {kind} {} may contain real person.", faces.join(" "))
    } else {
        message_of(&code, "")
    };
    Err(Violation::new(400, code, message).param(format!("content[{at}]")))
}
