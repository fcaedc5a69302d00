//! Pictures whose sides stand at a fixed place near the start: PNG, GIF, BMP, WebP.

use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::ProbeError;
use crate::source::Source;

pub(crate) fn png(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    source.is_a("png");
    // Files that Xcode has rewritten have one chunk of Apple's before the header.
    let at = if source.array(12)? == *b"CgBI" { 24 } else { 8 };
    if source.array(at + 4)? != *b"IHDR" {
        return Err(source.damaged(at + 4, "its first chunk is not the header (IHDR)"));
    }
    let (width, height) = (source.be32(at + 8)?, source.be32(at + 12)?);
    picture(source, MediaFormat::Png, at + 8, width, height)
}

pub(crate) fn gif(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    source.is_a("gif");
    let (width, height) = (source.le16(6)?, source.le16(8)?);
    picture(source, MediaFormat::Gif, 6, width.into(), height.into())
}

pub(crate) fn bmp(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    source.is_a("bmp");
    if source.le32(14)? == 12 {
        let (width, height) = (source.le16(18)?, source.le16(20)?);
        return picture(source, MediaFormat::Bmp, 18, width.into(), height.into());
    }
    // A negative height means that the rows are stored from the top.
    let (width, height) = (source.array(18)?, source.array(22)?);
    let width = u32::try_from(i32::from_le_bytes(width)).unwrap_or(0);
    picture(source, MediaFormat::Bmp, 18, width, i32::from_le_bytes(height).unsigned_abs())
}

/// Whether the bytes from byte 14 on begin a BMP header of one of the sizes in use: `BM` alone is
/// too little to go by.
pub(crate) fn is_bmp_header(size: u32) -> bool {
    matches!(size, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)
}

pub(crate) fn webp(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    source.is_a("webp");
    let (at, width, height) = match &source.array(12)? {
        b"VP8X" => {
            let [a, b, c, d, e, f] = source.array(24)?;
            (24, u32::from_le_bytes([a, b, c, 0]) + 1, u32::from_le_bytes([d, e, f, 0]) + 1)
        }
        b"VP8L" => {
            if source.byte(20)? != 0x2F {
                return Err(source.damaged(20, "its lossless picture does not begin with 0x2f"));
            }
            let bits = source.le32(21)?;
            (21, (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
        }
        b"VP8 " => {
            if source.array(23)? != [0x9D, 0x01, 0x2A] {
                return Err(source.damaged(23, "its picture does not begin with a key frame"));
            }
            let (width, height) = (source.le16(26)?, source.le16(28)?);
            // The two upper bits ask for scaling and are no part of the size.
            (26, u32::from(width & 0x3FFF), u32::from(height & 0x3FFF))
        }
        _ => return Err(source.damaged(12, "its first chunk is none of VP8, VP8L and VP8X")),
    };
    picture(source, MediaFormat::Webp, at, width, height)
}

fn picture(
    source: &Source<'_>,
    format: MediaFormat,
    at: u64,
    width: u32,
    height: u32,
) -> Result<MediaFacts, ProbeError> {
    if width == 0 || height == 0 {
        return Err(source.damaged(at, format!("its header says {width}x{height} pixels")));
    }
    let mut facts = MediaFacts::new(MediaKind::Image, format);
    facts.width = Some(width);
    facts.height = Some(height);
    Ok(facts)
}
