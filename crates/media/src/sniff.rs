//! Detects the media format by the first bytes and dispatches to its reader. File names are not
//! used.

use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};
use infer::MatcherType;

use crate::isobmff::Boxes;
use crate::source::{MOST_AT_ONCE, Source};
use crate::{ProbeError, heif, images, jpeg, movie, mp3, tiff, wav};

/// More brands than any file lists.
const MOST_BRANDS: usize = 64;

pub(crate) fn facts(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    let mut facts = by_format(source)?;
    facts.bytes = Some(source.len());
    Ok(facts)
}

fn by_format(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    let mut start = [0; 18];
    let known = source.up_to(0, 18)?;
    start[..known.len()].copy_from_slice(known);
    let bmp_header = u32::from_le_bytes([start[14], start[15], start[16], start[17]]);
    match &start {
        [0xFF, 0xD8, 0xFF, ..] => jpeg::facts(source),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => images::png(source),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => images::gif(source),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => images::webp(source),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'B', b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => wav::facts(source),
        [b'I', b'I', 0x2A, 0, ..] | [b'M', b'M', 0, 0x2A, ..] => tiff::facts(source),
        [b'B', b'M', ..] if images::is_bmp_header(bmp_header) => images::bmp(source),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => by_brand(source),
        // QuickTime from before `ftyp`.
        [_, _, _, _, b'm', b'o', b'o', b'v', ..]
        | [_, _, _, _, b'm', b'd', b'a', b't', ..]
        | [_, _, _, _, b'w', b'i', b'd', b'e', ..]
        | [_, _, _, _, b'f', b'r', b'e', b'e', ..]
        | [_, _, _, _, b's', b'k', b'i', b'p', ..]
        | [_, _, _, _, b'p', b'n', b'o', b't', ..] => movie::facts(source, MediaFormat::Mov),
        _ => match mp3::facts(source)? {
            Some(facts) => Ok(facts),
            None => something_else(source),
        },
    }
}

fn by_brand(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    source.is_a("mp4");
    let len = source.len();
    let Some(ftyp) = Boxes::between(0, len).next(source)? else {
        return Err(source.damaged(0, "its first box has no end"));
    };
    let major = ftyp.be32(source, 0)?.to_be_bytes();
    let mut compatible = Vec::new();
    let mut offset = 8;
    while compatible.len() < MOST_BRANDS
        && let Ok(at) = ftyp.place(source, offset, 4)
    {
        compatible.push(source.array(at)?);
        offset += 4;
    }
    match heif::format_of(major, &compatible) {
        Some(format) => heif::facts(source, format),
        None if major == *b"crx " => {
            Ok(MediaFacts::new(MediaKind::Image, MediaFormat::Other("cr3".to_owned())))
        }
        None => movie::facts(source, movie::format_of(major)),
    }
}

/// Formats that the service does not take: their name is all that is wanted.
fn something_else(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    let start = source.up_to(0, MOST_AT_ONCE)?;
    if let Some(text) = text_like(start) {
        return Err(ProbeError::NotRecognised { looks_like: Some(text) });
    }
    let Some(found) = infer::get(start) else {
        return Err(ProbeError::NotRecognised { looks_like: None });
    };
    let kind = match found.matcher_type() {
        MatcherType::Image => MediaKind::Image,
        MatcherType::Video => MediaKind::Video,
        MatcherType::Audio => MediaKind::Audio,
        _ => return Err(ProbeError::NotRecognised { looks_like: Some(found.extension()) }),
    };
    let name = found.extension();
    // Checked above: only their first bytes are there.
    if matches!(MediaFormat::from(name.to_owned()), MediaFormat::Other(_)) {
        Ok(MediaFacts::new(kind, MediaFormat::Other(name.to_owned())))
    } else {
        Err(ProbeError::NotRecognised { looks_like: None })
    }
}

/// What replaces a media file after a failed download, checkout or copy.
fn text_like(start: &[u8]) -> Option<&'static str> {
    if start.iter().all(|byte| *byte == 0) {
        return Some("a file of zeros");
    }
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    let begins =
        |word: &str| start.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
    let holds = |word: &[u8]| start.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    Some(match () {
        () if begins("version https://git-lfs.github.com/spec") => "a Git LFS pointer",
        () if begins("<!doctype html") || begins("<html") => "a web page",
        () if begins("<svg") || begins("<!doctype svg") || (begins("<?xml") && holds(b"<svg")) => {
            "an SVG drawing"
        }
        () if begins("<?xml") || begins("<error>") => "XML, as storages write their errors",
        () if begins("{\"") || begins("{\n") || begins("{\r") => "JSON",
        () => return None,
    })
}
