//! The rendered files as others see them: an independent parser, an independent decoder, and ffmpeg where it is installed.

use std::io::Cursor;
use std::process::Command;

use mp4::{Mp4Reader, TrackType};
use proptest::prelude::*;
use rusty_h264_decoder::Decoder;

use super::*;

/// Every size of the service's table (create page, 2026-10), landscape and square; portrait is the same turned over.
const SIZES: [(u32, u32); 30] = [
    (854, 480),
    (752, 560),
    (640, 640),
    (560, 752),
    (480, 854),
    (992, 432),
    (864, 496),
    (496, 864),
    (864, 480),
    (736, 544),
    (960, 416),
    (1280, 720),
    (1112, 834),
    (960, 960),
    (1470, 630),
    (1248, 704),
    (1120, 832),
    (1504, 640),
    (1920, 1080),
    (1664, 1248),
    (1440, 1440),
    (2206, 946),
    (1920, 1088),
    (2176, 928),
    (3840, 2160),
    (3326, 2494),
    (2880, 2880),
    (2494, 3326),
    (2160, 3840),
    (4398, 1886),
];

fn small() -> VideoSpec {
    VideoSpec { width: 320, height: 180, frames: 97, ..VideoSpec::default() }
}

fn read(film: &[u8]) -> Mp4Reader<Cursor<&[u8]>> {
    Mp4Reader::read_header(Cursor::new(film), film.len() as u64).expect("another parser reads the file")
}

fn top_level(film: &[u8]) -> Vec<(String, usize)> {
    let (mut at, mut boxes) = (0, Vec::new());
    while at < film.len() {
        let size = u32::from_be_bytes(film[at..at + 4].try_into().unwrap()) as usize;
        boxes.push((String::from_utf8_lossy(&film[at + 4..at + 8]).into_owned(), size));
        at += size;
    }
    assert_eq!(at, film.len(), "the last box ends where the file ends");
    boxes
}

fn has_tool(name: &str) -> bool {
    let found = Command::new(name).arg("-version").output().is_ok_and(|out| out.status.success());
    if !found {
        eprintln!("SKIPPED the check with {name}: it is not installed here (Debian: apt-get install ffmpeg)");
    }
    found
}

#[test]
fn a_parser_reads_size_rate_length_and_both_tracks() {
    let film = video(&small()).unwrap();
    let names: Vec<String> = top_level(&film).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ftyp", "moov", "mdat"], "the index comes before the media");
    let mut reader = read(&film);
    assert_eq!(reader.major_brand().to_string(), "isom");
    assert_eq!((reader.timescale(), reader.moov.mvhd.duration), (48_000, 97 * 2_000));
    assert_eq!(reader.tracks().len(), 2);

    let picture = &reader.tracks()[&1];
    assert_eq!(picture.track_type().unwrap(), TrackType::Video);
    assert_eq!((picture.width(), picture.height()), (320, 180));
    assert_eq!((picture.timescale(), picture.frame_rate()), (24_000, 24.0));
    assert_eq!((picture.sample_count(), picture.trak.mdia.mdhd.duration), (97, 97_000));
    let keys = &picture.trak.mdia.minf.stbl.stss.as_ref().unwrap().entries;
    assert_eq!(keys, &[1, 49, 97], "a key frame every two seconds");

    let sound = &reader.tracks()[&2];
    assert_eq!(sound.track_type().unwrap(), TrackType::Audio);
    assert_eq!(sound.trak.tkhd.duration, 97 * 2_000, "as long as the picture");
    let edit = &sound.trak.edts.as_ref().unwrap().elst.as_ref().unwrap().entries[0];
    assert_eq!((edit.segment_duration, edit.media_time), (97 * 2_000, 1_024));
    assert!(sound.trak.mdia.mdhd.duration >= 97 * 2_000 + 1_024, "enough sound to fill the edit");

    for (track, count) in [(1, 97), (2, reader.sample_count(2).unwrap())] {
        for sample in 1..=count {
            assert!(!reader.read_sample(track, sample).unwrap().unwrap().bytes.is_empty());
        }
    }
}

#[test]
fn without_sound_there_is_one_track() {
    let film = video(&VideoSpec { audio: false, frames: 25, ..small() }).unwrap();
    assert_eq!(
        read(&film).tracks().values().map(|t| t.track_type().unwrap()).collect::<Vec<_>>(),
        [TrackType::Video]
    );
}

#[test]
fn mov_carries_its_own_brand() {
    let film = video(&VideoSpec { container: Container::Mov, frames: 25, ..small() }).unwrap();
    assert_eq!(&film[4..12], b"ftypqt  ");
    assert_eq!(read(&film).tracks().len(), 2);
}

/// Decodes with another decoder and compares with what was drawn, first to last.
#[test]
fn every_frame_decodes_to_the_picture_that_was_drawn() {
    for (width, height) in [(320, 180), (98, 34)] {
        let spec = VideoSpec { width, height, frames: 60, seed: 11, ..VideoSpec::default() };
        let scene = Scene::new(&spec);
        let film = h264::encode(&spec, &scene).unwrap();
        let mut stream = Vec::new();
        for part in [&film.sps, &film.pps] {
            stream.extend([0, 0, 0, 1]);
            stream.extend(part);
        }
        for sample in &film.samples {
            // One NAL unit per sample: the length becomes a start code.
            assert_eq!(sample.data[..4], (sample.data.len() as u32 - 4).to_be_bytes());
            stream.extend([0, 0, 0, 1]);
            stream.extend(&sample.data[4..]);
        }
        let frames = Decoder::new().decode_stream(&stream).unwrap();
        assert_eq!(frames.len(), 60);
        let mut picture = Picture::new(width as usize, height as usize);
        for (i, frame) in (0..).zip(&frames) {
            scene.draw(i, &mut picture);
            assert_eq!((frame.width, frame.height), (picture.width, picture.height));
            let error: f64 = frame
                .y
                .iter()
                .zip(&picture.luma)
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum::<f64>()
                / picture.luma.len() as f64;
            assert!(error < 30.0, "{width}x{height} frame {i}: mean squared error {error}");
        }
    }
}

#[test]
fn the_same_spec_gives_the_same_bytes_and_another_seed_others() {
    let spec = small();
    let film = video(&spec).unwrap();
    assert_eq!(film, video(&spec).unwrap());
    assert_ne!(film, video(&VideoSpec { seed: 1, ..spec }).unwrap());
    for format in [StillFormat::Png, StillFormat::Jpeg] {
        let still = last_frame(&spec, format).unwrap();
        assert_eq!(still, last_frame(&spec, format).unwrap());
        assert_ne!(still, last_frame(&VideoSpec { seed: 1, ..spec }, format).unwrap());
    }
}

#[test]
fn large_films_share_their_picture_and_are_different_files() {
    let first = VideoSpec { width: 2400, height: 900, frames: 2, audio: false, ..VideoSpec::default() };
    let second = VideoSpec { seed: 1, audio: true, ..first };
    assert_eq!(first.picture(), second.picture());
    assert_ne!(video(&first).unwrap(), video(&VideoSpec { seed: 1, ..first }).unwrap());
    let picture = encode_picture(&first).unwrap();
    assert_eq!(assemble(&second, &picture).unwrap(), video(&second).unwrap());
    let still = |spec| last_frame(spec, StillFormat::Jpeg).unwrap();
    assert_eq!(still(&first), still(&second), "the last frame is that of the film");
    assert_ne!(small().picture(), VideoSpec { seed: 1, ..small() }.picture());
}

#[test]
fn every_size_of_the_service_is_rendered_exactly() {
    // The service's sizes, and the longest sides there can be.
    for (width, height) in SIZES.into_iter().chain([(8688, 16), (16, 8688), (16, 16)]) {
        let spec = VideoSpec { width, height, frames: 2, audio: false, ..VideoSpec::default() };
        let film = video(&spec).unwrap();
        let reader = read(&film);
        let track = &reader.tracks()[&1];
        assert_eq!((u32::from(track.width()), u32::from(track.height())), (width, height));
        assert_eq!(track.sample_count(), 2);
    }
}

#[test]
fn the_last_frame_is_an_image_of_the_films_size() {
    let spec = VideoSpec { width: 298, height: 126, frames: 25, ..VideoSpec::default() };
    let png = last_frame(&spec, StillFormat::Png).unwrap();
    let mut reader = png::Decoder::new(Cursor::new(&png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height, info.color_type), (298, 126, png::ColorType::Rgb));
    let mut drawn = Picture::new(298, 126);
    Scene::new(&spec).draw(24, &mut drawn);
    assert_eq!(pixels[..3], drawn.pixel(0, 0).to_rgb());
    assert_eq!(pixels[pixels.len() - 3..], drawn.pixel(297, 125).to_rgb());

    let jpeg = last_frame(&spec, StillFormat::Jpeg).unwrap();
    assert_eq!((&jpeg[..3], &jpeg[jpeg.len() - 2..]), (&b"\xff\xd8\xff"[..], &b"\xff\xd9"[..]));
    let frame = jpeg.windows(2).position(|w| w == b"\xff\xc0").expect("a baseline JPEG");
    assert_eq!(jpeg[frame + 5..frame + 9], [0, 126, 1, 42]);
}

#[test]
fn what_cannot_be_rendered_is_refused_with_a_sentence() {
    let refused = |spec: VideoSpec| {
        let error = video(&spec).unwrap_err();
        assert_eq!(last_frame(&spec, StillFormat::Png).unwrap_err(), error);
        error.to_string()
    };
    let base = VideoSpec::default();
    for (width, height) in
        [(0, 0), (0, 720), (1280, 0), (14, 14), (1281, 720), (1280, u32::MAX), (u32::MAX - 1, 2)]
    {
        let text = refused(VideoSpec { width, height, ..base });
        assert!(
            text.starts_with(&format!("the simulator cannot render a {width}x{height} video: ")),
            "{text}"
        );
    }
    for (frames, fps) in [(0, 24), (7_201, 24), (u32::MAX, 120)] {
        let text = refused(VideoSpec { frames, fps, ..base });
        assert!(text.contains(&format!("cannot render {frames} frames at {fps} per second")), "{text}");
    }
    for fps in [0, 121, u32::MAX] {
        assert!(
            refused(VideoSpec { fps, ..base }).contains(&format!("cannot render {fps} frames per second"))
        );
    }
}

/// Mostly sides that can be rendered, some that cannot.
fn side() -> impl Strategy<Value = u32> {
    prop_oneof![4 => (8..130_u32).prop_map(|half| half * 2), 1 => 0..40_u32, 1 => any::<u32>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_spec_gives_a_film_or_a_refusal(
        width in side(), height in side(), fps in 0..130_u32, frames in 0..9_u32,
        audio: bool, seed: u64,
    ) {
        let spec = VideoSpec { width, height, fps, frames, audio, seed, ..VideoSpec::default() };
        match video(&spec) {
            Ok(film) => {
                let reader = read(&film);
                prop_assert_eq!(reader.tracks().len(), 1 + usize::from(audio));
                prop_assert_eq!(reader.sample_count(1).unwrap(), frames);
                last_frame(&spec, StillFormat::Png).unwrap();
            }
            Err(error) => prop_assert!(
                !matches!(error, RenderError::Encoder { .. }) && last_frame(&spec, StillFormat::Png).is_err(),
                "{}", error
            ),
        }
    }
}

/// The vendor's own example: 11 s, 720p, 21:9, with sound.
#[test]
fn ffmpeg_plays_the_vendors_example_without_a_warning() {
    if !has_tool("ffprobe") || !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for container in [Container::Mp4, Container::Mov] {
        let spec = VideoSpec { width: 1470, height: 630, frames: 265, container, ..VideoSpec::default() };
        let path = folder.path().join(format!("film.{}", container.extension()));
        std::fs::write(&path, video(&spec).unwrap()).unwrap();
        let run = |tool: &str, args: &[&str], last: &[&str]| {
            let out = Command::new(tool).args(args).arg(&path).args(last).output().unwrap();
            assert!(
                out.status.success() && out.stderr.is_empty(),
                "{tool}: {}",
                String::from_utf8_lossy(&out.stderr)
            );
            String::from_utf8(out.stdout).unwrap()
        };
        let shown =
            "stream=codec_name,width,height,r_frame_rate,nb_read_frames,duration,channels:format=duration";
        let seen =
            run("ffprobe", &["-v", "warning", "-count_frames", "-of", "flat", "-show_entries", shown], &[]);
        for line in [
            "streams.stream.0.codec_name=\"h264\"",
            "streams.stream.0.width=1470",
            "streams.stream.0.height=630",
            "streams.stream.0.r_frame_rate=\"24/1\"",
            "streams.stream.0.duration=\"11.041667\"",
            "streams.stream.0.nb_read_frames=\"265\"",
            "streams.stream.1.codec_name=\"aac\"",
            "streams.stream.1.channels=1",
            "format.duration=\"11.041667\"",
        ] {
            assert!(seen.lines().any(|l| l == line), "{line} is not in\n{seen}");
        }
        assert!(!seen.contains("stream.2"));
        run("ffmpeg", &["-v", "warning", "-xerror", "-i"], &["-f", "null", "-"]);
    }
}
