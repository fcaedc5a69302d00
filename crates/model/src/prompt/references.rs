//! Marks of inputs in a prompt ("图片3", "@Image 3", "[Video 1]"): the nth item of its kind has to be
//! there.

use crate::catalog::cell::Severity;
use crate::check::content_summary::ContentSummary;
use crate::check::report::Sink;

/// The nouns before a number, with the media kind that they refer to.
const CHINESE: &[(&str, usize)] = &[("图片", 0), ("视频", 1), ("音频", 2), ("图", 0)];
const ENGLISH: &[(&str, usize)] = &[("image", 0), ("video", 1), ("audio", 2)];

/// Warns of each mark whose item is missing, once.
pub(crate) fn check(text: &str, index: usize, scan: &ContentSummary, sink: &mut Sink) {
    let counts = [scan.images.count, scan.videos.count, scan.audios.count];
    let mut said: Vec<(usize, usize)> = Vec::new();
    for (start, end) in numbers(text.as_bytes()) {
        if end - start > 3 || !ends_here(&text.as_bytes()[end..]) {
            continue;
        }
        let Some((kind, short)) = kind_before(&text[..start]) else { continue };
        let Ok(number) = text[start..end].parse::<usize>() else { continue };
        let missing = number == 0 || number > counts[kind];
        // "图3" is also a map or a figure; it is a mark where there are pictures to mark.
        if !missing || (short && counts[kind] == 0) || said.contains(&(kind, number)) || said.len() >= 16 {
            continue;
        }
        said.push((kind, number));
        let (name, plural) = [("image", "images"), ("video", "videos"), ("sound", "sounds")][kind];
        let found = counts[kind];
        let message = match found {
            _ if number == 0 => format!("The prompt speaks of {name} 0; they are counted from 1."),
            0 => format!("The prompt speaks of {name} {number}, and there is none."),
            1 => format!("The prompt speaks of {name} {number}, and there is one."),
            _ => format!("The prompt speaks of {name} {number}, and there are {found} {plural}."),
        };
        sink.push("reference-mark", super::pointer(index), message)
            .advice("Add the item, or correct the number: the nth item of a kind is number n.")
            .written_in("D-20", "2026-10")
            .strength(Severity::Warning)
            .silent();
    }
}

/// Runs of digits. Blocks without any are passed over at once.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    const BLOCK: usize = 16;
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            if let Some(block) = bytes.get(at..at + BLOCK)
                && !block.iter().fold(false, |any, byte| any | (byte.wrapping_sub(b'0') < 10))
            {
                at += BLOCK;
                continue;
            }
            let rest = &bytes[at..];
            let block = &rest[..rest.len().min(BLOCK)];
            let Some(first) = block.iter().position(u8::is_ascii_digit) else {
                at += block.len();
                continue;
            };
            let start = at + first;
            let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            at = start + length;
            return Some((start, at));
        }
        None
    })
}

/// Whether the number is a number by itself: not `720p`, not `5.1`, not `16:9`.
fn ends_here(rest: &[u8]) -> bool {
    match rest {
        [next, ..] if next.is_ascii_alphanumeric() => false,
        [b'.' | b':', digit, ..] => !digit.is_ascii_digit(),
        _ => true,
    }
}

/// The kind whose word stands before a number, and whether it is the short one.
fn kind_before(before: &str) -> Option<(usize, bool)> {
    let before = before.strip_suffix(' ').unwrap_or(before);
    let bytes = before.as_bytes();
    match bytes.last()? {
        last if last.is_ascii_alphabetic() => {
            let (word, kind) = ENGLISH.iter().find(|(word, _)| {
                let tail = bytes.len().checked_sub(word.len()).map(|at| &bytes[at..]);
                tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word.as_bytes()))
            })?;
            let free =
                bytes.len() == word.len() || !bytes[bytes.len() - word.len() - 1].is_ascii_alphanumeric();
            free.then_some((*kind, false))
        }
        last if last.is_ascii() => None,
        _ => {
            CHINESE.iter().find(|(word, _)| before.ends_with(word)).map(|(word, kind)| (*kind, *word == "图"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{ReferenceToVideo, TextToVideo, catalog::Catalog};

    /// Marks found missing with two images and one video.
    fn missing(prompt: &str) -> Vec<String> {
        let url = "https://a.example.com/b";
        let request = ReferenceToVideo::new("ep-1").prompt(prompt).image(url).image(url).video(url).build();
        let findings = request.check(Catalog::builtin()).findings;
        assert!(
            findings
                .iter()
                .all(|finding| finding.rule == "reference-mark" && finding.pointer == "/content/0/text")
        );
        findings.into_iter().map(|finding| finding.message.replace("The prompt speaks of ", "")).collect()
    }

    #[test]
    fn each_way_to_write_a_mark() {
        for prompt in [
            "Image 3",
            "@Image 3",
            "[Image 3]",
            "the image 3.",
            "图片3",
            "图片 3",
            "图3",
            "a Image3, b image 3",
        ] {
            assert_eq!(missing(prompt), ["image 3, and there are 2 images."], "{prompt}");
        }
        assert_eq!(missing("Video 2 and 视频2"), ["video 2, and there is one."]);
        assert_eq!(missing("音频1"), ["sound 1, and there is none."]);
        assert_eq!(missing("Image 0"), ["image 0; they are counted from 1."]);
    }

    #[test]
    fn numbers_that_are_no_marks() {
        for prompt in [
            "Image 1 and image 2 like Video 1",
            "图片1、图片2、视频1",
            "video 720p",
            "Audio 5.1",
            "image 16:9",
            "图片2024",
            "pilgrimage 7",
            "2-4 秒",
            "3 images",
            "at 12",
            "",
            "7",
        ] {
            assert_eq!(missing(prompt), [""; 0], "{prompt}");
        }
        let text = TextToVideo::new("ep-1", "A map, 地图3").build();
        assert!(text.check(Catalog::builtin()).is_clean());
    }

    #[test]
    fn marks_far_into_a_text_are_found() {
        for before in 0..70 {
            assert_eq!(missing(&format!("{}图片3", "x".repeat(before))).len(), 1, "{before}");
        }
        assert_eq!(missing(&"图片999 ".repeat(200)).len(), 1);
    }
}
