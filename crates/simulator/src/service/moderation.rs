//! Media that the service objects to, by the host of its address: nothing is fetched or looked at, so a test says what it wants.
//!
//! The hosts are under `.example`, which nobody can own; the table is in the guide.

use ark_video_model::ContentItem;

use super::complaint::{Checked, Complaint};

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

/// Refuses the first item whose media the service would refuse.
pub(crate) fn check(items: &[ContentItem]) -> Checked<()> {
    for (at, item) in items.iter().enumerate() {
        let (member, kind, url) = match item {
            ContentItem::Image(image) => ("image_url", "Image", &image.image_url.url),
            ContentItem::Video(video) => ("video_url", "Video", &video.video_url.url),
            ContentItem::Audio(audio) => ("audio_url", "Audio", &audio.audio_url.url),
            _ => continue,
        };
        let Some(verdict) = verdict(url) else { continue };
        let param = format!("content[{at}].{member}.url");
        let small = kind.to_lowercase();
        let (code, message) = match verdict {
            Verdict::Unreachable if url.starts_with("asset://") => {
                return Err(Complaint::invalid(param, "the asset is not found"));
            }
            Verdict::Unreachable => return Err(Complaint::invalid(param, "resource download failed")),
            // The service looks for faces in pictures only.
            Verdict::Face if kind != "Audio" => (
                format!("Input{kind}SensitiveContentDetected.PrivacyInformation"),
                format!("the input {small} may contain a real person"),
            ),
            Verdict::Copyright => (
                format!("Input{kind}SensitiveContentDetected.PolicyViolation"),
                format!("the input {small} may be related to copyright restrictions"),
            ),
            Verdict::Face | Verdict::Sensitive => (
                format!("Input{kind}SensitiveContentDetected"),
                format!("the input {small} may contain sensitive information"),
            ),
        };
        return Err(Complaint::new(400, code, format!("The request failed because {message}.")).param(param));
    }
    Ok(())
}
