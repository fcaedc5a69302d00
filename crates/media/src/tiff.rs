//! The first directory of a TIFF, which is also the form of EXIF in a JPEG: sides and orientation.

use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::ProbeError;
use crate::source::Source;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const ORIENTATION: u16 = 274;

/// More entries than any camera writes; a directory can claim 65535.
const MOST_ENTRIES: u16 = 1024;

/// The first directory; the rest is not read.
#[derive(Default)]
pub(crate) struct Directory {
    width: Option<u32>,
    height: Option<u32>,
    orientation: Option<u32>,
}

impl Directory {
    /// Whether width and height change places when shown.
    pub(crate) fn lies_on_its_side(&self) -> bool {
        matches!(self.orientation, Some(5..=8))
    }
}

pub(crate) fn facts(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    source.is_a("tiff");
    let end = source.len();
    let directory = directory(source, 0, end)?;
    let mut facts = MediaFacts::new(MediaKind::Image, MediaFormat::Tiff);
    let above_zero = |side: &u32| *side > 0;
    let sides = (directory.width.filter(above_zero), directory.height.filter(above_zero));
    let (Some(width), Some(height)) = sides else {
        return Err(source.damaged(4, "its first directory names no width and height"));
    };
    let sides = if directory.lies_on_its_side() { (height, width) } else { (width, height) };
    facts.width = Some(sides.0);
    facts.height = Some(sides.1);
    Ok(facts)
}

/// Reads the first directory of the TIFF that lies from `begin` to `end`.
pub(crate) fn directory(source: &mut Source<'_>, begin: u64, end: u64) -> Result<Directory, ProbeError> {
    let little = match &source.array(begin)? {
        b"II\x2a\0" => true,
        b"MM\0\x2a" => false,
        _ => return Err(source.damaged(begin, "it begins with neither `II*` nor `MM*`")),
    };
    let read16 = |bytes: [u8; 2]| if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
    let read32 = |bytes: [u8; 4]| if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    let mut at = begin + u64::from(read32(source.array(begin + 4)?));
    let count = read16(source.array(at)?);
    if count > MOST_ENTRIES {
        return Err(source.damaged(at, format!("its first directory claims {count} entries")));
    }
    let mut found = Directory::default();
    at += 2;
    for _ in 0..count {
        source.step(at)?;
        if at + 12 > end {
            return Err(source.damaged(at, "its first directory reaches over its end"));
        }
        let [a, b, kind_a, kind_b, _, _, _, _, value @ ..] = source.array::<12>(at)?;
        let value = match read16([kind_a, kind_b]) {
            1 => Some(u32::from(value[0])),
            3 => Some(u32::from(read16([value[0], value[1]]))),
            4 => Some(read32(value)),
            _ => None,
        };
        match read16([a, b]) {
            WIDTH => found.width = value,
            HEIGHT => found.height = value,
            ORIENTATION => found.orientation = value,
            _ => {}
        }
        at += 12;
    }
    Ok(found)
}
