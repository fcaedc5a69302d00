//! What a sample entry of MP4 or QuickTime is coded with: its four letters, and for `mp4a` the
//! object type inside. Reads no decoder configuration beyond that.

use crate::ProbeError;
use crate::isobmff::{Boxes, Found, name};
use crate::source::Source;

pub(crate) fn video_codec(kind: [u8; 4]) -> String {
    match &kind {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" => "h264",
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "h265",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "prores",
        b"av01" => "av1",
        b"vp08" => "vp8",
        b"vp09" => "vp9",
        b"mp4v" => "mpeg4",
        b"jpeg" | b"mjpa" | b"mjpb" => "mjpeg",
        _ => return four_letters(kind),
    }
    .to_owned()
}

pub(crate) fn audio_codec(source: &mut Source<'_>, entry: &Found) -> Result<String, ProbeError> {
    Ok(match &entry.kind {
        b"mp4a" => match object_type(source, entry)? {
            None | Some(0x40 | 0x66..=0x68) => "aac",
            Some(0x69 | 0x6B) => "mp3",
            Some(0xA5) => "ac3",
            Some(0xA6) => "eac3",
            Some(0xAD) => "opus",
            Some(_) => "mp4a",
        },
        b".mp3" | b"ms\0\x55" => "mp3",
        b"lpcm" | b"sowt" | b"twos" | b"in24" | b"in32" | b"fl32" | b"fl64" | b"raw " | b"NONE" | b"ipcm"
        | b"fpcm" => "pcm",
        b"ac-3" => "ac3",
        b"ec-3" => "eac3",
        b"Opus" => "opus",
        b"fLaC" => "flac",
        _ => return Ok(four_letters(entry.kind)),
    }
    .to_owned())
}

/// The object type in `esds`, which stands in the entry or, in QuickTime, in its `wave`.
fn object_type(source: &mut Source<'_>, entry: &Found) -> Result<Option<u8>, ProbeError> {
    // QuickTime's longer sound descriptions have another version.
    let fields = match entry.be16(source, 8)? {
        0 => 28,
        1 => 44,
        2 => 64,
        _ => return Ok(None),
    };
    let Ok(at) = entry.place(source, fields, 0) else { return Ok(None) };
    let mut boxes = Boxes::between(at, entry.end);
    while let Some(found) = boxes.next(source)? {
        let esds = match &found.kind {
            b"esds" => Some(found),
            b"wave" => Boxes::of(&found).find(source, b"esds")?,
            _ => None,
        };
        if let Some(esds) = esds {
            return descriptor(source, &esds);
        }
    }
    Ok(None)
}

/// Walks from the elementary stream descriptor (3) to the decoder configuration (4), whose first
/// byte it is.
fn descriptor(source: &mut Source<'_>, esds: &Found) -> Result<Option<u8>, ProbeError> {
    let mut offset = 4;
    if esds.byte(source, offset)? != 3 {
        return Ok(None);
    }
    offset = after_length(source, esds, offset + 1)?;
    let flags = esds.byte(source, offset + 2)?;
    offset += 3;
    if flags & 0x80 != 0 {
        offset += 2;
    }
    if flags & 0x40 != 0 {
        offset += 1 + u64::from(esds.byte(source, offset)?);
    }
    if flags & 0x20 != 0 {
        offset += 2;
    }
    if esds.byte(source, offset)? != 4 {
        return Ok(None);
    }
    offset = after_length(source, esds, offset + 1)?;
    esds.byte(source, offset).map(Some)
}

/// Lengths take one to four bytes; the upper bit says that another follows.
fn after_length(source: &mut Source<'_>, esds: &Found, offset: u64) -> Result<u64, ProbeError> {
    for more in 0..3 {
        if esds.byte(source, offset + more)? & 0x80 == 0 {
            return Ok(offset + more + 1);
        }
    }
    Ok(offset + 4)
}

/// Lower case, without the blanks that fill up short names.
fn four_letters(kind: [u8; 4]) -> String {
    name(kind).trim_end().to_ascii_lowercase()
}
