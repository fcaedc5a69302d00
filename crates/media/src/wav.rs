//! RIFF WAVE and its 64-bit form: the format and the length of the data. Samples are never read.

use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::ProbeError;
use crate::source::Source;

/// What chunk `fmt ` says.
struct Format {
    tag: u16,
    rate: u32,
    bytes_a_second: u32,
    block: u16,
}

pub(crate) fn facts(source: &mut Source<'_>) -> Result<MediaFacts, ProbeError> {
    source.is_a("wav");
    let end = source.len();
    let (mut format, mut long, mut fact, mut data) = (None, None, None, None);
    let mut at: u64 = 12;
    while end.saturating_sub(at) >= 8 {
        source.step(at)?;
        let kind: [u8; 4] = source.array(at)?;
        let size = source.le32(at + 4)?;
        let body = at + 8;
        let mut len = u64::from(size);
        match &kind {
            b"ds64" => long = Some(source.le64(body + 8)?),
            b"fmt " => format = Some(format_at(source, body, size)?),
            b"fact" => fact = Some(source.le32(body)?),
            b"data" => {
                // Written to a pipe, the length is not known: then the data goes to the end.
                len = match (size, long) {
                    (u32::MAX, Some(long)) => long,
                    (0 | u32::MAX, _) => u64::MAX,
                    _ => len,
                };
                data = Some(len.min(end - body.min(end)));
            }
            _ => {}
        }
        if format.is_some() && data.is_some() {
            break;
        }
        // Chunks begin at even places.
        at = body.saturating_add(len).saturating_add(len & 1);
    }
    let Some(format) = format else {
        return Err(source.damaged(at.min(end), "it ends without its format (chunk `fmt `)"));
    };
    let Some(data) = data else {
        return Err(source.damaged(at.min(end), "it ends without its samples (chunk `data`)"));
    };
    let mut facts = MediaFacts::new(MediaKind::Audio, MediaFormat::Wav);
    facts.seconds = seconds(&format, data, fact);
    facts.audio_codec = Some(codec(format.tag));
    Ok(facts)
}

fn format_at(source: &mut Source<'_>, body: u64, size: u32) -> Result<Format, ProbeError> {
    if size < 16 {
        return Err(source.damaged(body, format!("its format (chunk `fmt `) has {size} bytes instead of 16")));
    }
    let mut tag = source.le16(body)?;
    if tag == 0xFFFE && size >= 40 {
        // The extensible form: the tag is the beginning of a GUID.
        tag = source.le16(body + 24)?;
    }
    Ok(Format {
        tag,
        rate: source.le32(body + 4)?,
        bytes_a_second: source.le32(body + 8)?,
        block: source.le16(body + 12)?,
    })
}

#[allow(clippy::cast_precision_loss)]
fn seconds(format: &Format, data: u64, fact: Option<u32>) -> Option<f64> {
    let plain = matches!(format.tag, 1 | 3 | 6 | 7);
    if plain && format.block > 0 && format.rate > 0 {
        return Some((data / u64::from(format.block)) as f64 / f64::from(format.rate));
    }
    match fact.filter(|samples| !plain && *samples > 0 && *samples < u32::MAX && format.rate > 0) {
        Some(samples) => Some(f64::from(samples) / f64::from(format.rate)),
        None => (format.bytes_a_second > 0).then(|| data as f64 / f64::from(format.bytes_a_second)),
    }
}

fn codec(tag: u16) -> String {
    match tag {
        1 | 3 => "pcm".to_owned(),
        2 | 0x11 => "adpcm".to_owned(),
        6 => "alaw".to_owned(),
        7 => "ulaw".to_owned(),
        0x55 => "mp3".to_owned(),
        0xFF | 0x1610 => "aac".to_owned(),
        tag => format!("{tag:#06x}"),
    }
}
