//! Modes and counts: which inputs a model takes, and how many.

use super::content_summary::Mode;
use super::pointer::Pointer;
use super::report::Sink;
use super::rules::{Known, Rules};
use crate::catalog::{Cell, Span};
use crate::generated::Field;
use crate::{ContentItem, ImageRole};

fn item(index: usize, rest: &'static str) -> Pointer<'static> {
    Pointer::Entry(Field::Content, index, rest)
}

pub(crate) fn check(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let (scan, family) = (&rules.scan, known.family);
    match rules.mode {
        Mode::Text => {
            let pointer = Pointer::Field(Field::Content);
            let said = rules.supports(
                known,
                &family.text_only,
                false,
                ("text-only", pointer, "a prompt alone"),
                sink,
            );
            said.map(|finding| finding.advice("Add an image, or use a model that makes videos from text."));
        }
        Mode::FirstFrame => {
            let index =
                if scan.first_frames.any() { scan.first_frames.first } else { scan.unroled_images.first };
            let pointer = item(index, "");
            rules.supports(
                known,
                &family.first_frame,
                false,
                ("first-frame", pointer, "a first frame"),
                sink,
            );
        }
        Mode::FirstAndLastFrame => {
            let pointer = item(scan.last_frames.first, "/role");
            let (cell, what) = (&family.first_and_last_frame, "a last frame");
            rules.supports(known, cell, false, ("first-and-last-frame", pointer, what), sink);
        }
        Mode::FromDraft => {
            let pointer = item(scan.drafts.first, "");
            rules.supports(known, &family.draft, false, ("draft", pointer, "drafts"), sink);
        }
        Mode::References | Mode::Unclear => {}
    }
    if scan.references() > 0 {
        references(rules, known, sink);
    }
}

fn references(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let (scan, family) = (&rules.scan, known.family);
    let groups = [
        (scan.reference_images.count, &family.reference_images, "reference-images", "reference images"),
        (scan.videos.count, &family.reference_videos, "reference-videos", "reference videos"),
        (scan.audios.count, &family.reference_audios, "reference-audios", "reference sounds"),
    ];
    let mut over = false;
    for (number, (found, cell, rule, what)) in groups.into_iter().enumerate() {
        let among = |item: &ContentItem| match (number, item) {
            (0, ContentItem::Image(item)) => item.role == Some(ImageRole::ReferenceImage),
            (1, ContentItem::Video(_)) | (2, ContentItem::Audio(_)) => true,
            _ => false,
        };
        over |= count(rules, known, (found, cell, rule, what), among, sink);
    }
    // Where one kind alone is too many, the sum says nothing more.
    if !over {
        let any = |item: &ContentItem| match item {
            ContentItem::Image(item) => item.role == Some(ImageRole::ReferenceImage),
            ContentItem::Video(_) | ContentItem::Audio(_) => true,
            _ => false,
        };
        let group = (scan.references(), &family.reference_items, "reference-items", "reference items in all");
        count(rules, known, group, any, sink);
    }
    let alone = scan.audios.any() && !scan.videos.any() && !scan.images.any();
    if alone && family.reference_audios.value.max > 0 {
        let pointer = item(scan.audios.first, "");
        let (cell, what) = (&family.audio_alone, "a sound as the only reference");
        let said = rules.supports(known, cell, false, ("audio-alone", pointer, what), sink);
        said.map(|finding| finding.advice("Add an image or a video, or use Seedance 2.5."));
    }
}

/// Reports the first item too many.
fn count(
    rules: &Rules<'_>,
    known: &Known<'_>,
    (found, cell, rule, what): (usize, &Cell<Span<u32>>, &'static str, &str),
    among: impl Fn(&ContentItem) -> bool,
    sink: &mut Sink,
) -> bool {
    let most = cell.value.max as usize;
    if found <= most {
        return false;
    }
    let counted = rules.request.content.iter().enumerate().filter(|(_, item)| among(item));
    let index = counted.map(|(index, _)| index).nth(most).unwrap_or_default();
    let message = match most {
        0 => format!("{known} takes no {what}."),
        _ => format!("{known} takes at most {most} {what}; this has {found}."),
    };
    let advice = if most == 0 { "Use a model that has them." } else { "Leave out the rest." };
    sink.push(rule, item(index, ""), message)
        .advice(advice)
        .from(cell)
        .strength(rules.catalog.strength_of(cell));
    true
}

#[cfg(test)]
mod tests {
    use crate::{
        FirstAndLastFrame, ImageToVideo, ReferenceToVideo, TextToVideo, catalog::Catalog, check::Severity,
    };

    fn first(request: crate::CreateTaskRequest) -> Option<(&'static str, String, Severity)> {
        let report = request.check(Catalog::builtin());
        report
            .findings
            .into_iter()
            .find(|f| f.rule != "model-retired")
            .map(|f| (f.rule_name(), f.pointer, f.strength))
    }

    fn images(model: &str, count: usize) -> ReferenceToVideo {
        (0..count)
            .fold(ReferenceToVideo::new(model), |all, n| all.image(format!("https://a.example.com/{n}.png")))
    }

    #[test]
    fn counts_name_the_first_item_too_many() {
        let refused = |rule, pointer: &str| Some((rule, pointer.to_owned(), Severity::Error));
        let model = "doubao-seedance-2-0-260128";
        assert_eq!(first(images(model, 9).build()), None);
        assert_eq!(first(images(model, 10).prompt("x").build()), refused("reference-images", "/content/10"));
        let full = images(model, 9).video("https://a/1").video("https://a/2").video("https://a/3");
        let full = full.audio("https://a/4").audio("https://a/5").audio("https://a/6");
        assert_eq!(first(full.clone().build()), None);
        assert_eq!(
            first(images("doubao-seedance-1-0-pro-250528", 1).build()),
            refused("reference-images", "/content/0")
        );
        assert_eq!(
            first(images("doubao-seedance-2-5-260628", 31).build()).map(|f| f.2),
            Some(Severity::Warning)
        );
    }

    #[test]
    fn modes_that_a_model_lacks() {
        let url = "https://a.example.com/b.png";
        let rule = |request| first(request).map(|found| found.0);
        assert_eq!(
            rule(TextToVideo::new("doubao-seedance-1-0-lite-i2v-250428", "x").build()),
            Some("text-only")
        );
        assert_eq!(
            rule(ImageToVideo::new("doubao-seedance-1-0-lite-t2v-250428", url).build()),
            Some("first-frame")
        );
        let both = FirstAndLastFrame::new("doubao-seedance-1-0-pro-fast-251015", url, url).build();
        assert_eq!(rule(both), Some("first-and-last-frame"));
        let sound = |model| ReferenceToVideo::new(model).audio(url).build();
        assert_eq!(rule(sound("doubao-seedance-2-0-260128")), Some("audio-alone"));
        assert_eq!(rule(sound("doubao-seedance-2-5-260628")), None);
    }
}
