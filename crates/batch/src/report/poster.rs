//! A poster for a film: its first key frame as a small JPEG. Reads no more of the file than the index and that frame; a film
//! that cannot be decoded here (HEVC, a cut file) has no poster, which is no error.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::catch_unwind;
use std::path::Path;

use jpeg_encoder::{ColorType, Encoder};
use rusty_h264_decoder::Decoder;
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};

/// Longest side of a poster, in pixels.
const SIDE: usize = 480;
/// Quality of the JPEG, of 100.
const QUALITY: u8 = 70;
/// The most that is read at once: an index or a frame beyond it belongs to no film of this service.
const MOST: usize = 32 << 20;

/// The poster of a film as a JPEG, if there can be one.
pub(super) fn poster(film: &Path) -> Option<Vec<u8>> {
    let film = film.to_owned();
    // The decoder is made for what encoders write; what a damaged file does to it must not end a report.
    catch_unwind(move || {
        let mut file = File::open(&film).ok()?;
        let stream = key_frame(&mut file)?;
        let frame = Decoder::new().decode(&stream).ok()??;
        jpeg(frame.width, frame.height, [&frame.y, &frame.u, &frame.v])
    })
    .ok()
    .flatten()
}

/// The first key frame with its parameter sets, each unit behind a start code.
fn key_frame(file: &mut File) -> Option<Vec<u8>> {
    let mut demuxer = Mp4FileDemuxer::new();
    while let Some(wanted) = demuxer.required_input() {
        let data = read(file, wanted.position, wanted.size.unwrap_or(MOST))?;
        demuxer.handle_input(Input { position: wanted.position, data: &data });
    }
    loop {
        let sample = demuxer.next_sample().ok()??;
        if sample.track.kind != TrackKind::Video || !sample.keyframe {
            continue;
        }
        let SampleEntry::Avc1(entry) = sample.sample_entry? else { return None };
        let config = &entry.avcc_box;
        let prefix = usize::from(config.length_size_minus_one.get()) + 1;
        let mut stream = Vec::new();
        for unit in config.sps_list.iter().chain(&config.pps_list) {
            append(&mut stream, unit);
        }
        let data = read(file, sample.data_offset, sample.data_size)?;
        let mut rest = &data[..];
        while let Some((length, after)) = rest.split_at_checked(prefix) {
            let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            let (unit, after) = after.split_at_checked(length)?;
            append(&mut stream, unit);
            rest = after;
        }
        return Some(stream);
    }
}

fn append(stream: &mut Vec<u8>, unit: &[u8]) {
    stream.extend([0, 0, 0, 1]);
    stream.extend(unit);
}

/// So many bytes from there, or what the file has of them.
fn read(file: &mut File, position: u64, size: usize) -> Option<Vec<u8>> {
    if size > MOST {
        return None;
    }
    file.seek(SeekFrom::Start(position)).ok()?;
    let mut data = Vec::new();
    file.take(size as u64).read_to_end(&mut data).ok()?;
    Some(data)
}

/// The frame, made smaller by leaving pixels out.
fn jpeg(wide: usize, high: usize, [luma, blue, red]: [&[u8]; 3]) -> Option<Vec<u8>> {
    let step = wide.max(high).div_ceil(SIDE).max(1);
    let (width, height) = (wide / step, high / step);
    let half = wide / 2;
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in (0..height).map(|y| y * step) {
        for x in (0..width).map(|x| x * step) {
            let chroma = (y / 2) * half + (x / 2).min(half.saturating_sub(1));
            pixels.extend(full_range(*luma.get(y * wide + x)?, *blue.get(chroma)?, *red.get(chroma)?));
        }
    }
    let mut jpeg = Vec::new();
    let size = |side: usize| u16::try_from(side).ok();
    Encoder::new(&mut jpeg, QUALITY).encode(&pixels, size(width)?, size(height)?, ColorType::Ycbcr).ok()?;
    Some(jpeg)
}

/// Films keep luma in 16 to 235 and chroma in 16 to 240, JPEG in 0 to 255.
fn full_range(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let stretch = |value: u8, from: i32, span: i32, middle: i32| {
        let wide = (i32::from(value) - from) * 255 / span + middle;
        u8::try_from(wide.clamp(0, 255)).unwrap_or(0)
    };
    [stretch(luma, 16, 219, 0), stretch(blue, 128, 224, 128), stretch(red, 128, 224, 128)]
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ark_video_simulator::render::{VideoSpec, video};

    use super::*;

    fn poster_of(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        poster(file.path())
    }

    #[test]
    fn the_first_frame_becomes_a_small_jpeg() {
        let film =
            video(&VideoSpec { width: 1280, height: 720, frames: 25, ..VideoSpec::default() }).unwrap();
        let jpeg = poster_of(&film).expect("a film of the simulator has a poster");
        assert_eq!(&jpeg[..3], b"\xff\xd8\xff");
        let frame = jpeg.windows(2).position(|two| two == b"\xff\xc0").expect("a baseline JPEG");
        let side = |at: usize| u16::from_be_bytes([jpeg[frame + at], jpeg[frame + at + 1]]);
        assert_eq!((side(7), side(5)), (426, 240), "1280x720 in steps of three");
        assert!(jpeg.len() < 64 << 10, "{}", jpeg.len());
    }

    #[test]
    fn what_is_no_film_has_no_poster() {
        let film = video(&VideoSpec { width: 320, height: 180, frames: 25, ..VideoSpec::default() }).unwrap();
        assert_eq!(poster_of(b""), None);
        assert_eq!(poster_of(b"<html>not a film</html>"), None);
        assert_eq!(poster_of(&film[..film.len() / 8]), None, "cut within the index");
        assert_eq!(poster(Path::new("/nowhere/at/all.mp4")), None);
    }
}
