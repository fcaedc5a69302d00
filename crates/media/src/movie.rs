//! MP4 and QuickTime: the tracks of `moov`, wherever it stands. The media data (`mdat`) is skipped,
//! never read.

use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};

use crate::ProbeError;
use crate::isobmff::{Boxes, Found, name};
use crate::sample_entry;
use crate::source::Source;

/// More tracks than any video has.
const MOST_TRACKS: usize = 64;

/// What one track says.
#[derive(Default)]
struct Track {
    handler: [u8; 4],
    enabled: bool,
    /// Shown lying on its side: by 90 or 270 degrees.
    turned: bool,
    /// Of the track header: the fallback when the sample entry has none.
    shown: (u32, u32),
    coded: (u32, u32),
    codec: Option<String>,
    seconds: Option<f64>,
    samples: Option<u32>,
    /// What its samples last, each by itself.
    sampled: Option<f64>,
    /// Shows only parts of itself, so that it may be longer than the whole.
    edited: bool,
}

/// The video format of a major brand; `None` for other kinds of files.
pub(crate) fn format_of(brand: [u8; 4]) -> MediaFormat {
    match &brand {
        b"qt  " => MediaFormat::Mov,
        [b'3', b'g', ..] => MediaFormat::Other("3gp".to_owned()),
        b"M4A " | b"M4B " | b"M4P " => MediaFormat::Other("m4a".to_owned()),
        _ => MediaFormat::Mp4,
    }
}

pub(crate) fn facts(source: &mut Source<'_>, format: MediaFormat) -> Result<MediaFacts, ProbeError> {
    source.is_a(if format == MediaFormat::Mov { "mov" } else { "mp4" });
    let moov = moov(source)?;
    let mut tracks: Vec<Track> = Vec::new();
    let (mut seconds, mut fragmented, mut whole) = (None, false, None);
    let mut timescale = 0;
    let mut boxes = Boxes::of(&moov);
    while let Some(found) = boxes.next(source)? {
        match &found.kind {
            b"mvhd" => {
                let (scale, duration) = timing(source, &found)?;
                timescale = scale;
                seconds = in_seconds(duration, scale);
            }
            b"mvex" => {
                fragmented = true;
                if let Some(mehd) = Boxes::of(&found).find(source, b"mehd")? {
                    whole = Some(match mehd.byte(source, 0)? {
                        0 => mehd.be32(source, 4)?.into(),
                        _ => mehd.be64(source, 4)?,
                    });
                }
            }
            b"trak" if tracks.len() < MOST_TRACKS => tracks.push(track(source, &found)?),
            b"cmov" => {
                return Err(
                    source.damaged(found.start, "its index is compressed (`cmov`), which is not supported")
                );
            }
            _ => {}
        }
    }
    let longest = tracks.iter().filter_map(|track| track.seconds).reduce(f64::max);
    let picture = pick(&tracks, *b"vide");
    let sound = pick(&tracks, *b"soun");
    let kind = if picture.is_none() && sound.is_some() { MediaKind::Audio } else { MediaKind::Video };
    let mut facts = MediaFacts::new(kind, format);
    // In a fragmented video, `mvhd` and the tracks cover only what comes before the first fragment.
    facts.seconds =
        if fragmented { whole.and_then(|whole| in_seconds(whole, timescale)) } else { seconds.or(longest) };
    if let Some(track) = picture {
        let (width, height) = if track.coded.0 > 0 && track.coded.1 > 0 { track.coded } else { track.shown };
        let (width, height) = if track.turned { (height, width) } else { (width, height) };
        facts.width = Some(width).filter(|side| *side > 0);
        facts.height = Some(height).filter(|side| *side > 0);
        facts.frames_per_second = rate(track);
        facts.video_codec.clone_from(&track.codec);
    }
    facts.audio_codec = sound.and_then(|track| track.codec.clone());
    let shown = [picture, sound].into_iter().flatten();
    let contradiction = shown
        .filter(|_| !fragmented)
        .find_map(|track| contradiction(track, seconds.filter(|_| longest.is_some())));
    if let Some(doubt) = contradiction {
        (facts.seconds, facts.frames_per_second) = (None, None);
        facts.doubts.push(doubt);
    } else if facts.seconds.is_none() {
        let form = if fragmented { "it is fragmented and" } else { "it" };
        facts.doubts.push(format!("{form} does not say how long it is"));
    }
    Ok(facts)
}

/// Lengths that no rounding explains; a track may end a little before the whole.
fn contradiction(track: &Track, whole: Option<f64>) -> Option<String> {
    let differ = |a: f64, b: f64| (a - b).abs() > 0.5_f64.max(a.max(b) * 0.1);
    let own = track.seconds?;
    match (track.sampled, whole) {
        (Some(sampled), _) if differ(own, sampled) => {
            Some(format!("a track claims {own:.1} s, and its samples last {sampled:.1} s"))
        }
        (_, Some(whole))
            if track.handler == *b"vide" && !track.edited && differ(own, whole) && own > whole =>
        {
            Some(format!("a track claims {own:.1} s, and the whole {whole:.1} s"))
        }
        _ => None,
    }
}

/// The first enabled track of a kind, or the first.
fn pick(tracks: &[Track], handler: [u8; 4]) -> Option<&Track> {
    let mut of_kind = tracks.iter().filter(|track| track.handler == handler);
    let first = of_kind.clone().next();
    of_kind.find(|track| track.enabled).or(first)
}

fn rate(track: &Track) -> Option<f64> {
    let samples = track.samples.filter(|samples| *samples > 0)?;
    let rate = f64::from(samples) / track.seconds?;
    rate.is_finite().then_some(rate)
}

fn moov(source: &mut Source<'_>) -> Result<Found, ProbeError> {
    let len = source.len();
    let mut boxes = Boxes::between(0, len);
    loop {
        match boxes.next(source)? {
            Some(found) if found.kind == *b"moov" => return Ok(found),
            Some(_) => {}
            None => return Err(source.damaged(len, "it ends without its index (box `moov`)")),
        }
    }
}

fn track(source: &mut Source<'_>, trak: &Found) -> Result<Track, ProbeError> {
    let mut track = Track::default();
    let mut boxes = Boxes::of(trak);
    while let Some(found) = boxes.next(source)? {
        match &found.kind {
            b"tkhd" => header(source, &found, &mut track)?,
            b"mdia" => media(source, &found, &mut track)?,
            b"edts" => track.edited = true,
            _ => {}
        }
    }
    Ok(track)
}

/// `tkhd`: flags, then two times, the number, the duration, and at the end a matrix and two sides
/// as 16.16.
fn header(source: &mut Source<'_>, tkhd: &Found, track: &mut Track) -> Result<(), ProbeError> {
    let [version, flags] = [tkhd.byte(source, 0)?, tkhd.byte(source, 3)?];
    track.enabled = flags & 1 == 1;
    let matrix = if version == 0 { 40 } else { 52 };
    let a = tkhd.be32(source, matrix)?;
    let b = tkhd.be32(source, matrix + 4)?;
    let c = tkhd.be32(source, matrix + 12)?;
    let d = tkhd.be32(source, matrix + 16)?;
    track.turned = a == 0 && d == 0 && b != 0 && c != 0;
    track.shown = (tkhd.be32(source, matrix + 36)? >> 16, tkhd.be32(source, matrix + 40)? >> 16);
    Ok(())
}

fn media(source: &mut Source<'_>, mdia: &Found, track: &mut Track) -> Result<(), ProbeError> {
    // What `stsd` means depends on `hdlr`, which may come after it.
    let (mut stbl, mut units) = (None, 0);
    let mut boxes = Boxes::of(mdia);
    while let Some(found) = boxes.next(source)? {
        match &found.kind {
            b"mdhd" => {
                let (scale, duration) = timing(source, &found)?;
                track.seconds = in_seconds(duration, scale);
                units = scale;
            }
            b"hdlr" => track.handler = found.be32(source, 8)?.to_be_bytes(),
            b"minf" => stbl = Boxes::of(&found).find(source, b"stbl")?,
            _ => {}
        }
    }
    let Some(stbl) = stbl else { return Ok(()) };
    let mut boxes = Boxes::of(&stbl);
    while let Some(found) = boxes.next(source)? {
        match &found.kind {
            b"stsd" => {
                // After version, flags and the number of entries; the first one speaks for all.
                let at = found.place(source, 8, 0)?;
                let Some(entry) = Boxes::between(at, found.end).next(source)? else { continue };
                match &track.handler {
                    b"vide" => {
                        track.codec = Some(sample_entry::video_codec(entry.kind));
                        track.coded = (entry.be16(source, 24)?.into(), entry.be16(source, 26)?.into());
                    }
                    b"soun" => track.codec = Some(sample_entry::audio_codec(source, &entry)?),
                    _ => {}
                }
            }
            b"stts" => track.sampled = ticks(source, &found)?.and_then(|ticks| in_seconds(ticks, units)),
            b"stsz" | b"stz2" => track.samples = Some(found.be32(source, 8)?),
            _ => {}
        }
    }
    Ok(())
}

/// What all samples last together, in the track's units; nothing where each frame has a length of
/// its own.
fn ticks(source: &mut Source<'_>, stts: &Found) -> Result<Option<u64>, ProbeError> {
    const MOST_RUNS: u32 = 2048;
    let runs = stts.be32(source, 4)?;
    if runs > MOST_RUNS {
        return Ok(None);
    }
    let mut all = 0_u64;
    for run in 0..u64::from(runs) {
        let count = stts.be32(source, 8 + run * 8)?;
        let each = stts.be32(source, 12 + run * 8)?;
        all = all.saturating_add(u64::from(count) * u64::from(each));
    }
    Ok(Some(all))
}

/// Units a second and their number, of `mvhd` and `mdhd`: two times, the scale and the duration, in
/// 4 or 8 bytes.
fn timing(source: &mut Source<'_>, header: &Found) -> Result<(u32, u64), ProbeError> {
    Ok(match header.byte(source, 0)? {
        0 => match (header.be32(source, 12)?, header.be32(source, 16)?) {
            (scale, u32::MAX) => (scale, u64::MAX),
            (scale, duration) => (scale, duration.into()),
        },
        1 => (header.be32(source, 20)?, header.be64(source, 24)?),
        version => {
            let wrong = format!("box `{}` has the unknown version {version}", name(header.kind));
            return Err(source.damaged(header.start, wrong));
        }
    })
}

/// Nothing, where the duration is given as unknown (zero or all ones).
#[allow(clippy::cast_precision_loss)]
fn in_seconds(duration: u64, scale: u32) -> Option<f64> {
    (duration > 0 && duration < u64::MAX && scale > 0).then(|| duration as f64 / f64::from(scale))
}
