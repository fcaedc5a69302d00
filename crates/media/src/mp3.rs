//! MPEG audio: the first frame behind any tags, its frame count where an encoder left one (Xing,
//! Info, VBRI), else the frames themselves, one header each. Only a stream too long for that is
//! taken at its bytes, if its rate is constant; in free format, or where the frames stop making
//! sense, the length is not known.

use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::ProbeError;
use crate::source::Source;

/// How far behind the tags the first frame may stand.
const MOST_JUNK: u64 = 64 * 1024;

/// How many frames are counted, one read each: 39 seconds at 44.1 kHz, more than any model takes.
const MOST_FRAMES: u32 = 1500;

/// What may follow the last frame, beside `TAG` of ID3v1: APE, Lyrics3, padding.
const ENDS: [[u8; 4]; 3] = [*b"APET", *b"LYRI", [0; 4]];

/// One frame's header.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    /// Version 1, layer and sample rate: these stay the same in a stream.
    stream: (u8, u8, u32),
    mono: bool,
    /// Kilobits a second; zero in free format.
    kbits: u32,
    padded: bool,
}

const LAYER_1: [u32; 15] = [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
const LAYER_2: [u32; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const LAYER_3: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const LOW_1: [u32; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
const LOW_2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

impl Frame {
    fn read([a, b, c, d]: [u8; 4]) -> Option<Self> {
        if a != 0xFF || b & 0xE0 != 0xE0 {
            return None;
        }
        let version = match (b >> 3) & 3 {
            0 => 25,
            2 => 2,
            3 => 1,
            _ => return None,
        };
        let layer = 4 - ((b >> 1) & 3);
        let table = match (layer, version) {
            (4, _) => return None,
            (1, 1) => LAYER_1,
            (2, 1) => LAYER_2,
            (3, 1) => LAYER_3,
            (1, _) => LOW_1,
            _ => LOW_2,
        };
        let kbits = *table.get(usize::from(c >> 4))?;
        let rate = *[44_100, 48_000, 32_000].get(usize::from((c >> 2) & 3))?;
        let rate = match version {
            1 => rate,
            2 => rate / 2,
            _ => rate / 4,
        };
        Some(Self { stream: (version, layer, rate), mono: d >> 6 == 3, kbits, padded: c & 2 != 0 })
    }

    fn samples(&self) -> u32 {
        match self.stream {
            (_, 1, _) => 384,
            (version, 3, _) if version != 1 => 576,
            _ => 1152,
        }
    }

    /// Bytes up to the next frame; nothing in free format.
    fn len(&self) -> Option<u64> {
        let (_, layer, rate) = self.stream;
        let padding = u32::from(self.padded);
        let len = match layer {
            1 => (12_000 * self.kbits / rate + padding) * 4,
            _ => self.samples() / 8 * 1000 * self.kbits / rate + padding,
        };
        (self.kbits > 0).then_some(len.into())
    }

    /// Where a Xing header stands, counted from the frame.
    fn side(&self) -> u64 {
        match (self.stream.0, self.mono) {
            (1, false) => 36,
            (1, true) | (_, false) => 21,
            _ => 13,
        }
    }
}

/// The facts, or nothing when it is no MPEG audio.
pub(crate) fn facts(source: &mut Source<'_>) -> Result<Option<MediaFacts>, ProbeError> {
    let begin = after_tags(source)?;
    let tagged = begin > 0;
    if tagged {
        source.is_a("mp3");
    }
    let Some((at, frame)) = first_frame(source, begin, tagged)? else {
        if tagged {
            return Err(
                source.damaged(begin.min(source.len()), "no frame of MPEG audio follows its tag (ID3)")
            );
        }
        return Ok(None);
    };
    let format = match frame.stream.1 {
        1 => MediaFormat::Other("mp1".to_owned()),
        2 => MediaFormat::Other("mp2".to_owned()),
        _ => MediaFormat::Mp3,
    };
    source.is_a("mp3");
    let mut facts = MediaFacts::new(MediaKind::Audio, format);
    facts.audio_codec = Some(facts.format.as_str().to_owned());
    let rate = f64::from(frame.stream.2);
    let of_frames = |frames| f64::from(frames) * f64::from(frame.samples()) / rate;
    facts.seconds = match counted(source, at, &frame)? {
        Some(frames) => Some(of_frames(frames)),
        None => match walk(source, at, &frame)? {
            Walk::Ended { frames } => Some(of_frames(frames)),
            Walk::Constant => by_bytes(source, at, &frame)?,
            Walk::Unclear => None,
        },
    };
    Ok(Some(facts))
}

/// The first byte behind the ID3v2 tags at the start.
fn after_tags(source: &mut Source<'_>) -> Result<u64, ProbeError> {
    let mut at = 0;
    while source.len().saturating_sub(at) >= 10 {
        source.step(at)?;
        let [b'I', b'D', b'3', _, _, flags, a, b, c, d] = source.array(at)? else { break };
        // Seven bits of each byte count.
        let len = [a, b, c, d].iter().fold(0, |len, byte| len << 7 | u64::from(byte & 0x7F));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        at += 10 + len + footer;
    }
    Ok(at)
}

/// The first place where a frame is followed by its like. Behind a tag some junk is forgiven;
/// without one only zeros are, because two frames can be found in any long enough file.
fn first_frame(
    source: &mut Source<'_>,
    begin: u64,
    tagged: bool,
) -> Result<Option<(u64, Frame)>, ProbeError> {
    let mut at = begin;
    while source.len().saturating_sub(at) >= 4 && at - begin < MOST_JUNK {
        let head = source.array(at)?;
        // A free-format frame is recognised only by finding the next one, which is worth it at the
        // expected offset alone.
        if let Some(frame) = Frame::read(head).filter(|frame| frame.kbits > 0 || at == begin)
            && follows(source, at, &frame)?
        {
            return Ok(Some((at, frame)));
        }
        if !tagged && head[0] != 0 {
            return Ok(None);
        }
        at += 1;
    }
    Ok(None)
}

/// Whether another frame of the stream comes after this one, or nothing does. The next frame in
/// free format is looked for where the slowest and the fastest stream could have it.
fn follows(source: &mut Source<'_>, at: u64, frame: &Frame) -> Result<bool, ProbeError> {
    let is_next = |source: &mut Source<'_>, at| {
        Ok(Frame::read(source.array(at)?).is_some_and(|next| next.stream == frame.stream && next.kbits == 0))
    };
    let Some(len) = frame.len() else {
        for next in at + 24..at + 2880 {
            if next + 4 > source.len() {
                return Ok(false);
            }
            if is_next(source, next)? {
                return Ok(true);
            }
        }
        return Ok(false);
    };
    let next = at + len.max(4);
    if next + 4 > source.len() {
        return Ok(next <= source.len());
    }
    let head = source.array(next)?;
    Ok(is_end(head) || Frame::read(head).is_some_and(|next| next.stream == frame.stream))
}

/// The number of frames an encoder wrote into the first one.
fn counted(source: &mut Source<'_>, at: u64, frame: &Frame) -> Result<Option<u32>, ProbeError> {
    let xing = at + frame.side();
    let name = source.up_to(xing, 4)?;
    if name == b"Xing" || name == b"Info" {
        let has_frames = source.byte(xing + 7)? & 1 == 1;
        return Ok(if has_frames { Some(source.be32(xing + 8)?).filter(|frames| *frames > 0) } else { None });
    }
    let vbri = at + 36;
    if source.up_to(vbri, 18)?.starts_with(b"VBRI") {
        return source.be32(vbri + 14).map(|frames| Some(frames).filter(|frames| *frames > 0));
    }
    Ok(None)
}

/// The duration from the frames, without a frame count in the header.
enum Walk {
    Ended {
        frames: u32,
    },
    /// Not at its end yet, and all of one rate.
    Constant,
    Unclear,
}

fn walk(source: &mut Source<'_>, at: u64, first: &Frame) -> Result<Walk, ProbeError> {
    let (mut at, mut frame, mut constant) = (at, *first, true);
    for frames in 1..=MOST_FRAMES {
        source.step(at)?;
        let Some(len) = frame.len() else { return Ok(Walk::Unclear) };
        at += len.max(4);
        if source.len().saturating_sub(at) < 4 {
            return Ok(Walk::Ended { frames });
        }
        let head = source.array(at)?;
        frame = match Frame::read(head) {
            Some(next) if next.stream == first.stream => next,
            _ if is_end(head) => return Ok(Walk::Ended { frames }),
            _ => return Ok(Walk::Unclear),
        };
        constant &= frame.kbits == first.kbits;
    }
    Ok(if constant { Walk::Constant } else { Walk::Unclear })
}

fn is_end(head: [u8; 4]) -> bool {
    head.starts_with(b"TAG") || ENDS.contains(&head)
}

#[allow(clippy::cast_precision_loss)]
fn by_bytes(source: &mut Source<'_>, at: u64, frame: &Frame) -> Result<Option<f64>, ProbeError> {
    let mut end = source.len();
    if end - at >= 128 && source.array(end - 128)? == *b"TAG" {
        end -= 128;
    }
    if end - at >= 32 && source.array(end - 32)? == *b"APETAGEX" {
        // The size counts the footer, but not a header, which is as long.
        let size = u64::from(source.le32(end - 20)?);
        let header = if source.le32(end - 12)? >> 31 == 1 { 32 } else { 0 };
        end = end.saturating_sub(size + header).max(at);
    }
    Ok((frame.kbits > 0).then(|| (end - at) as f64 * 8.0 / (f64::from(frame.kbits) * 1000.0)))
}
