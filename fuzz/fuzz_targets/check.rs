//! Checks of any JSON with any media facts: the same report twice, each finding with a place that
//! exists and a sentence that repeats no prompt.
#![no_main]

use ark_video_model::{
    ContentItem,
    catalog::Catalog,
    check::{Facts, MediaFacts, MediaFormat, MediaKind, check_json},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Facts out of the bytes themselves, so that plain JSON files serve as seeds. Nobody promises
/// sensible numbers.
fn facts(data: &[u8]) -> Facts {
    let mut seed =
        data.iter().fold(7_u64, |seed, byte| seed.wrapping_mul(0x100_0000_01B3) ^ u64::from(*byte));
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed >> 16
    };
    let mut all = Facts::new();
    for index in 0..next() % 5 {
        let kind = [MediaKind::Image, MediaKind::Video, MediaKind::Audio][(next() % 3) as usize];
        let format =
            [MediaFormat::Png, MediaFormat::Mp4, MediaFormat::Wav, MediaFormat::Other("avif".into())];
        let mut one = MediaFacts::new(kind, format[(next() % 4) as usize].clone());
        one.bytes = Some(next());
        one.width = Some(next() as u32 % 9000);
        one.height = Some(next() as u32 % 9000);
        one.seconds = Some(f64::from_bits(next() << 16));
        one.frames_per_second = Some((next() % 90) as f64);
        one.video_codec = Some("h264".into());
        all.insert(index as usize, one);
    }
    all
}

/// The member, or the object or list that lacks it.
fn exists(body: &Value, pointer: &str) -> bool {
    let parent = pointer.rfind('/').map_or("", |end| &pointer[..end]);
    body.pointer(pointer).is_some() || body.pointer(parent).is_some()
}

fuzz_target!(|data: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(data) else { return };
    let facts = facts(data);
    let catalog = Catalog::builtin();
    let (request, report) = check_json(&body, catalog, &facts);
    assert_eq!(report, check_json(&body, catalog, &facts).1);
    let shown = report.to_string();
    assert!(!serde_json::to_string(&report).expect("a report is JSON").is_empty());
    for finding in &report.findings {
        assert!(exists(&body, &finding.pointer), "{finding}");
        assert!(!finding.message.is_empty() && !finding.rule.is_empty());
    }
    let Some(request) = request else {
        assert!(report.is_refused());
        return;
    };
    for item in &request.content {
        if let ContentItem::Text(item) = item {
            assert!(item.text.len() < 80 || !shown.contains(&item.text), "a finding repeats the prompt");
        }
    }
    assert_eq!(request.check_with(catalog, &facts), request.check_with(catalog, &facts));
});
