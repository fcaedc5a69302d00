//! The shapes of frames against each other and against the ratio: the service crops what does not
//! fit, and bills.

use super::content_summary::Mode;
use super::pointer::Pointer;
use super::report::Sink;
use super::rules::Rules;
use crate::check::Severity;
use crate::generated::Field;

/// How far two shapes may be apart, as a share: the service's own sizes miss their ratio by up to
/// 2.5 %.
const APART: f64 = 0.04;

pub(crate) fn check(rules: &Rules<'_>, sink: &mut Sink) {
    if !rules.mode.has_frames() {
        return;
    }
    let scan = &rules.scan;
    let first = if scan.first_frames.any() { scan.first_frames.first } else { scan.unroled_images.first };
    let Some((width, height)) = size(rules, first) else { return };
    if rules.mode == Mode::FirstAndLastFrame
        && let Some((last_width, last_height)) = size(rules, scan.last_frames.first)
        && differ(quotient(width, height), quotient(last_width, last_height))
    {
        let pointer = Pointer::Entry(Field::Content, scan.last_frames.first, "/image_url/url");
        let message = format!(
            "The last frame is {last_width}x{last_height} and the first {width}x{height}: the service follows the first and crops the last."
        );
        sink.push("frames-shape", pointer, message)
            .advice("Crop both to the same shape.")
            .strength(Severity::Warning)
            .silent();
    }
    let pointer = Pointer::Field(Field::Ratio);
    if let Some(ratio) = &rules.request.ratio
        && let Some((across, up)) = ratio.as_str().split_once(':')
        && let (Ok(across), Ok(up)) = (across.parse::<u32>(), up.parse::<u32>())
        && differ(quotient(width, height), quotient(across, up))
        && !sink.has(pointer)
    {
        let message = format!("The first frame is {width}x{height}: made into {across}:{up}, it is cropped.");
        sink.push("ratio-against-frame", pointer, message)
            .advice("Set `adaptive` to keep its shape, or crop it yourself.")
            .strength(Severity::Warning)
            .silent();
    }
}

fn size(rules: &Rules<'_>, index: usize) -> Option<(u32, u32)> {
    let facts = rules.facts.get(index)?;
    facts.width.zip(facts.height).filter(|(width, height)| *width > 0 && *height > 0)
}

fn quotient(width: u32, height: u32) -> f64 {
    f64::from(width) / f64::from(height)
}

fn differ(a: f64, b: f64) -> bool {
    (a / b).ln().abs() > APART
}

#[cfg(test)]
mod tests {
    use crate::{
        FirstAndLastFrame, ImageToVideo,
        catalog::Catalog,
        check::{Facts, MediaFacts, MediaFormat, MediaKind},
    };

    const URL: &str = "https://a.example.com/b.png";

    fn image((width, height): (u32, u32)) -> MediaFacts {
        let mut facts = MediaFacts::new(MediaKind::Image, MediaFormat::Png);
        (facts.width, facts.height) = (Some(width), Some(height));
        facts
    }

    #[test]
    fn frames_are_held_against_each_other_and_the_ratio() {
        let (wide, tall) = ((1280, 720), (720, 1280));
        for (model, ratio, first, last, expected) in [
            ("doubao-seedance-2-0-260128", None, wide, Some(tall), &["frames-shape"][..]),
            ("doubao-seedance-2-0-260128", None, wide, Some((1920, 1080)), &[]),
            ("doubao-seedance-2-0-260128", None, (864, 496), Some((1920, 1080)), &[]),
            ("doubao-seedance-2-0-260128", Some("9:16"), wide, None, &["ratio-against-frame"]),
            ("doubao-seedance-2-0-260128", Some("16:9"), wide, None, &[]),
            ("doubao-seedance-2-0-260128", Some("16:9"), (864, 496), None, &[]),
            ("doubao-seedance-2-0-260128", Some("adaptive"), tall, None, &[]),
            (
                "doubao-seedance-2-0-260128",
                Some("16:9"),
                tall,
                Some(wide),
                &["frames-shape", "ratio-against-frame"],
            ),
            ("doubao-seedance-2-5-260628", Some("9:16"), wide, None, &["ratio-with-frames"]),
            ("ep-1", Some("9:16"), wide, None, &["ratio-against-frame"]),
        ] {
            let mut request = match last {
                Some(_) => FirstAndLastFrame::new(model, URL, URL).build(),
                None => ImageToVideo::new(model, URL).build(),
            };
            request.ratio = ratio.map(Into::into);
            let facts: Facts = [Some(first), last].into_iter().flatten().map(image).enumerate().collect();
            let report = request.check_with(Catalog::builtin(), &facts);
            let found: Vec<_> = report.findings.iter().map(|finding| finding.rule_name()).collect();
            assert_eq!(found, expected, "{model} {ratio:?} {first:?} {last:?}");
        }
    }
}
