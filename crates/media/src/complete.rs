//! Checks that a video or an image is complete by its structure: boxes that add up to the file, a
//! last chunk, an end marker. Reads headers only; it decodes nothing and does not check that a
//! player accepts it.

use std::io::{Read, Seek};

use ark_video_model::check::MediaKind;

use crate::ProbeError;
use crate::isobmff::{Boxes, name};
use crate::source::Source;

/// What the structure of a file proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Complete {
    /// [`MediaKind::Video`] or [`MediaKind::Image`].
    pub kind: MediaKind,
    /// Whether the structure alone shows that nothing is missing at the end. If not, only a length
    /// that is known from elsewhere does: the last box of a video may run to the end of the file,
    /// and fragments may follow on fragments.
    pub end_is_proven: bool,
}

/// Which boxes a video begins with. Those behind `ftyp` are QuickTime's from before that box.
const FIRST: [&[u8; 4]; 7] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];

/// Checks that the medium in `reader` is an MP4 or QuickTime video whose boxes add up to the file,
/// its index and its media data among them, or a PNG, JPEG or WebP image.
///
/// # Errors
/// [`ProbeError::NotRecognised`]: the first bytes match no format.
/// [`ProbeError::Damaged`]: the first bytes are those of a video, and its boxes do
/// not add up, or something is missing. Also [`ProbeError::Read`], [`ProbeError::Empty`] and
/// [`ProbeError::TooMuch`].
pub fn check_complete(reader: &mut (impl Read + Seek)) -> Result<Complete, ProbeError> {
    let mut source = Source::open(reader)?;
    let mut start = [0; 12];
    let known = source.up_to(0, start.len())?;
    start[..known.len()].copy_from_slice(known);
    let image = |end_is_proven| Ok(Complete { kind: MediaKind::Image, end_is_proven });
    match &start {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => {
            image(ends_with(&mut source, b"IEND\xaeB`\x82")?)
        }
        [0xFF, 0xD8, 0xFF, ..] => image(ends_with(&mut source, b"\xff\xd9")?),
        [b'R', b'I', b'F', b'F', size @ .., b'W', b'E', b'B', b'P'] => {
            let size = u32::from_le_bytes([size[0], size[1], size[2], size[3]]);
            image(u64::from(size) + 8 == source.len())
        }
        [_, _, _, _, kind @ .., _, _, _, _] if FIRST.iter().any(|first| **first == *kind) => {
            video(&mut source)
        }
        _ => Err(ProbeError::NotRecognised { looks_like: None }),
    }
}

fn ends_with(source: &mut Source<'_>, end: &[u8]) -> Result<bool, ProbeError> {
    let at = source.len().saturating_sub(end.len() as u64);
    Ok(source.up_to(at, end.len())? == end)
}

fn video(source: &mut Source<'_>) -> Result<Complete, ProbeError> {
    source.is_a("video");
    let len = source.len();
    let mut boxes = Boxes::between(0, len);
    let (mut has_index, mut has_media, mut is_fragmented) = (false, false, false);
    let (mut is_open, mut last) = (false, [0; 4]);
    while let Some(found) = boxes.next(source)? {
        // Lost bytes read as zeros.
        if !found.kind.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa9)) {
            return Err(
                source.damaged(found.start, format!("`{}` is not the name of a box", name(found.kind)))
            );
        }
        last = found.kind;
        match &last {
            b"moov" => has_index = true,
            b"mdat" => has_media = true,
            b"moof" => (has_media, is_fragmented) = (true, true),
            _ => {}
        }
        is_open = source.be32(found.start)? == 0;
    }
    if boxes.at() != len {
        return Err(
            source.damaged(boxes.at(), format!("its last box does not end where the file ends ({len})"))
        );
    }
    if !has_index {
        return Err(source.damaged(len, "it ends without its index (box `moov`)"));
    }
    if !has_media {
        return Err(source.damaged(len, "it ends without media data (box `mdat`)"));
    }
    // A table of fragments is the last box where there is one.
    let end_is_proven = !is_open && (!is_fragmented || &last == b"mfra");
    Ok(Complete { kind: MediaKind::Video, end_is_proven })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn a_box(name: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        let length = u32::try_from(inside.len() + 8).unwrap();
        [&length.to_be_bytes()[..], name, inside].concat()
    }

    fn long_box(name: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        let length = inside.len() as u64 + 16;
        [&1_u32.to_be_bytes()[..], name, &length.to_be_bytes(), inside].concat()
    }

    fn video() -> Vec<u8> {
        [a_box(b"ftyp", b"isom...."), a_box(b"moov", b"tracks"), long_box(b"mdat", &[7; 50])].concat()
    }

    fn proven(bytes: &[u8]) -> Result<bool, String> {
        let complete = check_complete(&mut Cursor::new(bytes)).map_err(|error| error.to_string())?;
        Ok(complete.end_is_proven)
    }

    #[test]
    fn a_video_is_boxes_from_its_first_byte_to_its_last() {
        let complete = check_complete(&mut Cursor::new(video())).unwrap();
        assert_eq!((complete.kind, complete.end_is_proven), (MediaKind::Video, true));
        let old = [a_box(b"wide", b""), a_box(b"mdat", b"x"), a_box(b"moov", b"")];
        assert_eq!(proven(&old.concat()), Ok(true), "QuickTime without ftyp");
        let to_the_end =
            [&a_box(b"ftyp", b"....")[..], &a_box(b"moov", b""), b"\0\0\0\0mdat, and so on"].concat();
        assert_eq!(proven(&to_the_end), Ok(false), "nothing shows where it ends");
        let mut fragments =
            [a_box(b"ftyp", b"...."), a_box(b"moov", b""), a_box(b"moof", b""), a_box(b"mdat", b"x")]
                .concat();
        assert_eq!(proven(&fragments), Ok(false), "more fragments may follow");
        fragments.extend(a_box(b"mfra", b""));
        assert_eq!(proven(&fragments), Ok(true));
    }

    #[test]
    fn what_is_not_a_complete_video_is_refused_with_the_reason() {
        let video = video();
        for (bytes, reason) in [
            (&b"<html>we are sorry</html>"[..], "not recognised"),
            (&video[1..], "not recognised"),
            (b"\0\0", "not recognised"),
            (b"", "0 bytes"),
            (&video[..video.len() - 1], "claims to end outside"),
            (&video[..20], "does not end where the file ends"),
            (&[&video[..], b"x"].concat(), "does not end where the file ends"),
            (&[&video[..], &[0; 40]].concat(), "is not the name of a box"),
            (&[a_box(b"ftyp", b"...."), a_box(b"mdat", b"")].concat(), "without its index"),
            (&[a_box(b"ftyp", b"...."), a_box(b"moov", b"")].concat(), "without media data"),
            (b"\0\0\0\x07ftyp....", "claims to end outside"),
            (b"\0\0\0\x01ftyp\x7f\xff\xff\xff\xff\xff\xff\xff", "claims to end outside"),
        ] {
            let error = proven(bytes).unwrap_err();
            assert!(error.contains(reason), "{reason}: {error}");
        }
    }

    #[test]
    fn cut_anywhere_a_video_is_not_complete() {
        let video = video();
        for end in 0..video.len() {
            assert!(proven(&video[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn images_are_known_by_their_first_bytes_and_complete_by_their_last() {
        let png = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 20], b"\0\0\0\0IEND\xaeB`\x82"].concat();
        let jpeg = b"\xff\xd8\xff\xe0 and so on \xff\xd9".to_vec();
        let webp = b"RIFF\x0c\0\0\0WEBPVP8 ....".to_vec();
        for (image, cut) in [(png, 1), (jpeg, 1), (webp, 1)] {
            assert_eq!(check_complete(&mut Cursor::new(&image)).unwrap().kind, MediaKind::Image);
            assert_eq!(proven(&image), Ok(true));
            assert_eq!(proven(&image[..image.len() - cut]), Ok(false));
        }
        for other in [&b"GIF89a......"[..], b"RIFF....WAVEfmt ", b"\x89PNG"] {
            assert!(proven(other).is_err());
        }
    }
}
