//! Media at, just inside and just outside each limit.

use super::*;
use crate::{ReferenceToVideo, catalog::Catalog, check::Facts};

const MODEL: &str = "doubao-seedance-2-0-260128";

fn said(kind: MediaKind, set: impl FnOnce(&mut MediaFacts)) -> Vec<(&'static str, Severity)> {
    let url = "https://a.example.com/b";
    let request = match kind {
        MediaKind::Image => ReferenceToVideo::new(MODEL).image(url),
        MediaKind::Video => ReferenceToVideo::new(MODEL).video(url),
        MediaKind::Audio => ReferenceToVideo::new(MODEL).audio(url).image(url),
    };
    let format = match kind {
        MediaKind::Image => MediaFormat::Png,
        MediaKind::Video => MediaFormat::Mp4,
        MediaKind::Audio => MediaFormat::Wav,
    };
    let mut facts = MediaFacts::new(kind, format);
    set(&mut facts);
    let report = request.build().check_with(Catalog::builtin(), &Facts::new().with(0, facts));
    assert!(
        report.findings.iter().all(|finding| finding.pointer == format!("/content/0/{kind}_url/url")),
        "{report}"
    );
    report.findings.into_iter().map(|finding| (finding.rule_name(), finding.strength)).collect()
}

fn sized(kind: MediaKind, width: u32, height: u32) -> Vec<(&'static str, Severity)> {
    said(kind, |facts| (facts.width, facts.height) = (Some(width), Some(height)))
}

use Severity::{Error, Warning};

#[test]
fn formats_and_kinds() {
    let format = |kind, format: &str| said(kind, |facts| facts.format = MediaFormat::from(format.to_owned()));
    assert_eq!(format(MediaKind::Image, "webp"), []);
    assert_eq!(format(MediaKind::Image, "heic"), []);
    assert_eq!(format(MediaKind::Image, ""), []);
    assert_eq!(format(MediaKind::Image, "avif"), [("media-format", Error)]);
    assert_eq!(format(MediaKind::Video, "mov"), []);
    assert_eq!(format(MediaKind::Video, "webm"), [("media-format", Error)]);
    assert_eq!(format(MediaKind::Audio, "mp3"), []);
    assert_eq!(format(MediaKind::Audio, "flac"), [("media-format", Error)]);
    assert_eq!(said(MediaKind::Image, |facts| facts.kind = MediaKind::Video), [("media-kind", Error)]);
}

#[test]
fn bytes() {
    let bytes = |kind, bytes| said(kind, |facts| facts.bytes = Some(bytes));
    assert_eq!(bytes(MediaKind::Image, 31_457_279), []);
    assert_eq!(bytes(MediaKind::Image, 31_457_280), [("media-bytes", Error)]);
    assert_eq!(bytes(MediaKind::Video, 52_428_800), []);
    assert_eq!(bytes(MediaKind::Video, 52_428_801), [("media-bytes", Warning)]);
    assert_eq!(bytes(MediaKind::Video, 209_715_201), [("media-bytes", Error)]);
    assert_eq!(bytes(MediaKind::Audio, 15_728_641), [("media-bytes", Error)]);
    assert_eq!(bytes(MediaKind::Audio, u64::MAX), [("media-bytes", Error)]);
}

#[test]
fn a_data_url_may_stand_for_a_file() {
    let check = |files: usize, bytes| {
        let images =
            (0..files).fold(ReferenceToVideo::new(MODEL), |all, _| all.image("data:image/png;base64,AAAA"));
        let facts = (0..files).map(|index| {
            let mut facts = MediaFacts::new(MediaKind::Image, MediaFormat::Png);
            facts.bytes = Some(bytes);
            (index, facts)
        });
        let report = images.build().check_with(Catalog::builtin(), &facts.collect::<Facts>());
        report.findings.into_iter().map(|finding| finding.rule_name()).collect::<Vec<_>>()
    };
    assert_eq!(check(1, 28_000_000), [""; 0]);
    assert_eq!(check(1, 31_457_280), ["media-bytes"]);
    assert_eq!(check(2, 25_000_000), [""; 0], "66.7 million characters of base64 fit into 64 MiB");
    assert_eq!(check(2, 25_200_000), ["body-bytes"]);
}

#[test]
fn sides_and_shapes() {
    assert_eq!(sized(MediaKind::Image, 1920, 1080), []);
    assert_eq!(sized(MediaKind::Image, 300, 301), [("media-sides", Warning)]);
    assert_eq!(sized(MediaKind::Image, 299, 301), [("media-sides", Error)]);
    assert_eq!(sized(MediaKind::Image, 6001, 4000), [("media-sides", Error)]);
    assert_eq!(sized(MediaKind::Image, 1000, 400), [("media-ratio", Warning)]);
    assert_eq!(sized(MediaKind::Image, 1001, 400), [("media-ratio", Error)]);
    assert_eq!(sized(MediaKind::Image, 0, 0), [("media-ratio", Error), ("media-sides", Error)]);
    assert_eq!(sized(MediaKind::Video, 1280, 720), []);
    assert_eq!(sized(MediaKind::Video, 3840, 2160), [("media-area", Warning)]);
    assert_eq!(sized(MediaKind::Video, 400, 400), [("media-area", Error)]);
    assert_eq!(sized(MediaKind::Video, 4096, 2304), [("media-area", Error)]);
}

#[test]
fn rates_and_coding() {
    let rate = |rate| said(MediaKind::Video, |facts| facts.frames_per_second = Some(rate));
    assert_eq!(rate(24.0), []);
    assert_eq!(rate(23.999), []);
    assert_eq!(rate(60.0), []);
    assert_eq!(rate(23.976), [("media-frame-rate", Warning)]);
    assert_eq!(rate(23.5), [("media-frame-rate", Error)]);
    assert_eq!(rate(60.1), [("media-frame-rate", Error)]);
    let coded = |format: &str, video: &str, audio: &str| {
        said(MediaKind::Video, |facts| {
            facts.format = MediaFormat::from(format.to_owned());
            (facts.video_codec, facts.audio_codec) = (Some(video.into()), Some(audio.into()));
        })
    };
    assert_eq!(coded("mp4", "h264", "aac"), []);
    assert_eq!(coded("mov", "h265", "pcm"), []);
    assert_eq!(coded("mp4", "h265", "pcm"), [("media-sound", Error)]);
    assert_eq!(coded("mp4", "av1", "mp3"), [("media-codec", Error)]);
}

#[test]
fn seconds_of_each_and_in_sum() {
    let seconds = |seconds| said(MediaKind::Video, |facts| facts.seconds = Some(seconds));
    assert_eq!(seconds(15.0), []);
    assert_eq!(seconds(15.1), [("media-seconds", Warning)]);
    assert_eq!(seconds(15.3), [("media-seconds", Error)]);
    assert_eq!(seconds(1.9), [("media-seconds", Error)]);
    let request = ReferenceToVideo::new(MODEL).video("https://a/b").video("https://a/c").build();
    let long = |seconds| {
        let mut facts = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
        facts.seconds = Some(seconds);
        facts
    };
    let total = |a, b| {
        let report = request.check_with(Catalog::builtin(), &Facts::new().with(0, long(a)).with(1, long(b)));
        report
            .findings
            .into_iter()
            .map(|finding| (finding.rule_name(), finding.pointer, finding.strength))
            .collect::<Vec<_>>()
    };
    assert_eq!(total(7.0, 8.0), []);
    assert_eq!(total(7.0, 8.1), [("media-seconds-total", "/content/1/video_url/url".to_owned(), Warning)]);
    assert_eq!(total(8.0, 8.0), [("media-seconds-total", "/content/1/video_url/url".to_owned(), Error)]);
}

#[test]
fn facts_of_other_places_are_no_ones_business() {
    let request = ReferenceToVideo::new(MODEL).image("https://a/b").prompt("x").build();
    let mut facts = MediaFacts::new(MediaKind::Video, MediaFormat::Other("webm".into()));
    facts.seconds = Some(99.0);
    let report = request.check_with(Catalog::builtin(), &Facts::new().with(0, facts.clone()).with(7, facts));
    assert!(report.is_clean(), "{report}");
}
