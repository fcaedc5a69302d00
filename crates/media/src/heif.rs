//! HEIC and HEIF: the size of the primary picture, found through its properties. A grid of tiles is
//! one picture here: its size is the grid's, not a tile's.

use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::ProbeError;
use crate::isobmff::{Boxes, Found};
use crate::source::Source;

/// What the brands of `ftyp` say it is, if it is a picture.
pub(crate) fn format_of(major: [u8; 4], compatible: &[[u8; 4]]) -> Option<MediaFormat> {
    let heic = |brand: &[u8; 4]| {
        matches!(brand, b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs")
    };
    let avif = |brand: &[u8; 4]| matches!(brand, b"avif" | b"avis");
    let all = || std::iter::once(&major).chain(compatible);
    match &major {
        b"mif1" | b"msf1" | b"mif2" | b"miaf" => Some(if all().any(heic) {
            MediaFormat::Heic
        } else if all().any(avif) {
            MediaFormat::Other("avif".to_owned())
        } else {
            MediaFormat::Heif
        }),
        major if heic(major) => Some(MediaFormat::Heic),
        major if avif(major) => Some(MediaFormat::Other("avif".to_owned())),
        _ => None,
    }
}

pub(crate) fn facts(source: &mut Source<'_>, format: MediaFormat) -> Result<MediaFacts, ProbeError> {
    source.is_a("heif");
    let len = source.len();
    let Some(meta) = Boxes::between(0, len).find(source, b"meta")? else {
        return Err(source.damaged(len, "it ends without its index (box `meta`)"));
    };
    let (mut primary, mut iprp) = (None, None);
    let mut boxes = Boxes::between(meta.place(source, 4, 0)?, meta.end);
    while let Some(found) = boxes.next(source)? {
        match &found.kind {
            b"pitm" => {
                primary = Some(match found.byte(source, 0)? {
                    0 => found.be16(source, 4)?.into(),
                    _ => found.be32(source, 4)?,
                });
            }
            b"iprp" => iprp = Some(found),
            _ => {}
        }
    }
    let (Some(primary), Some(iprp)) = (primary, iprp) else {
        return Err(
            source.damaged(meta.start, "it names no primary picture (box `pitm`) or no properties (`iprp`)")
        );
    };
    let properties = properties_of(source, &iprp, primary)?;
    let (mut sides, mut cut) = (None, None);
    let mut turned = false;
    if let Some(ipco) = Boxes::of(&iprp).find(source, b"ipco")? {
        let mut boxes = Boxes::of(&ipco);
        let mut number = 0;
        while let Some(found) = boxes.next(source)? {
            number += 1;
            if !properties.contains(&number) {
                continue;
            }
            match &found.kind {
                b"ispe" => sides = Some((found.be32(source, 4)?, found.be32(source, 8)?)),
                // Cut out of a coded picture whose sides had to be even, or whole blocks.
                b"clap" => cut = Some((fraction(source, &found, 0)?, fraction(source, &found, 8)?)),
                b"irot" => turned = found.byte(source, 0)? & 1 == 1,
                _ => {}
            }
        }
    }
    let Some((width, height)) = sides.filter(|(width, height)| *width > 0 && *height > 0) else {
        return Err(source.damaged(iprp.start, "its primary picture has no size (box `ispe`)"));
    };
    let (width, height) = match cut {
        Some((Some(cut_width), Some(cut_height))) => (width.min(cut_width), height.min(cut_height)),
        _ => (width, height),
    };
    let (width, height) = if turned { (height, width) } else { (width, height) };
    let mut facts = MediaFacts::new(MediaKind::Image, format);
    facts.width = Some(width);
    facts.height = Some(height);
    Ok(facts)
}

/// A whole number of pixels written as a fraction; nothing when it is none.
fn fraction(source: &mut Source<'_>, clap: &Found, offset: u64) -> Result<Option<u32>, ProbeError> {
    let (above, below) = (clap.be32(source, offset)?, clap.be32(source, offset + 4)?);
    Ok(above.checked_div(below).filter(|pixels| *pixels > 0))
}

/// The numbers, from 1, of an item's properties: one or more `ipma`, each a list of items with
/// their lists.
fn properties_of(source: &mut Source<'_>, iprp: &Found, item: u32) -> Result<Vec<u16>, ProbeError> {
    let mut boxes = Boxes::of(iprp);
    while let Some(ipma) = boxes.next(source)? {
        if ipma.kind != *b"ipma" {
            continue;
        }
        let (version, wide) = (ipma.byte(source, 0)?, ipma.byte(source, 3)? & 1 == 1);
        let entries = ipma.be32(source, 4)?;
        let mut offset = 8;
        for _ in 0..entries {
            source.step(ipma.body + offset)?;
            let id =
                if version == 0 { ipma.be16(source, offset)?.into() } else { ipma.be32(source, offset)? };
            offset += if version == 0 { 2 } else { 4 };
            let count = u64::from(ipma.byte(source, offset)?);
            offset += 1;
            if id != item {
                offset += if wide { count * 2 } else { count };
                continue;
            }
            // The upper bit says whether the property is essential.
            return (0..count)
                .map(|at| match wide {
                    true => Ok(ipma.be16(source, offset + at * 2)? & 0x7FFF),
                    false => Ok(u16::from(ipma.byte(source, offset + at)? & 0x7F)),
                })
                .collect();
        }
    }
    Ok(Vec::new())
}
