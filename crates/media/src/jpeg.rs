//! JPEG: walks the segments to the frame header, taking the orientation from EXIF on the way. Never
//! enters the scan.

use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::ProbeError;
use crate::source::Source;
use crate::tiff;

pub(crate) fn facts(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    source.is_a("jpeg");
    let mut at = 2;
    let mut on_its_side = false;
    loop {
        source.step(at)?;
        let [prefix, marker] = source.array(at)?;
        match (prefix, marker) {
            // Fill bytes before a marker are legal; stray bytes are not, and every decoder skips
            // them.
            (0xFF, 0xFF) | (0..=0xFE, _) => at += 1,
            (0xFF, 0x00 | 0x01 | 0xD0..=0xD8) => at += 2,
            (0xFF, 0xD9 | 0xDA) => {
                return Err(source.damaged(at, "its picture begins without a frame header"));
            }
            (0xFF, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) => break,
            (0xFF, marker) => {
                let len = u64::from(source.be16(at + 2)?);
                if len < 2 {
                    return Err(source.damaged(at + 2, format!("a segment claims a length of {len} bytes")));
                }
                if marker == 0xE1 && len >= 16 && source.array(at + 4)? == *b"Exif\0\0" {
                    // Damaged EXIF is common and harmless: then nothing is known of the
                    // orientation.
                    on_its_side = tiff::directory(source, at + 10, at + 2 + len)
                        .is_ok_and(|directory| directory.lies_on_its_side());
                }
                at += 2 + len;
            }
        }
    }
    let (height, width) = (source.be16(at + 5)?, source.be16(at + 7)?);
    if width == 0 || height == 0 {
        return Err(source.damaged(at + 5, format!("its frame header says {width}x{height} pixels")));
    }
    let (width, height) = if on_its_side { (height, width) } else { (width, height) };
    let mut facts = MediaFacts::new(MediaKind::Image, MediaFormat::Jpeg);
    facts.width = Some(width.into());
    facts.height = Some(height.into());
    Ok(facts)
}
