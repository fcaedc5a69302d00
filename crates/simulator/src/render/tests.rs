//! The rendered files as others see them: an independent parser, and ffmpeg where it is installed.
//! Without ffmpeg a reader of the few forms that we write checks the pictures.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use ark_video_model::catalog::Pixels;
use mp4::{Mp4Reader, TrackType};
use proptest::prelude::*;

use super::frame_image::Picture;
use super::*;
use crate::catalog::catalog;

/// Every size of the service's table (create page, 2026-10), landscape and square; portrait is the
/// same turned over.
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

fn read(file: &[u8]) -> Mp4Reader<Cursor<&[u8]>> {
    Mp4Reader::read_header(Cursor::new(file), file.len() as u64).expect("another parser reads the file")
}

fn top_level(file: &[u8]) -> Vec<(String, usize)> {
    let (mut at, mut boxes) = (0, Vec::new());
    while at < file.len() {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        boxes.push((String::from_utf8_lossy(&file[at + 4..at + 8]).into_owned(), size));
        at += size;
    }
    assert_eq!(at, file.len(), "the last box ends where the file ends");
    boxes
}

#[test]
fn a_parser_reads_size_rate_length_and_both_tracks() {
    let file = video(&small()).unwrap();
    let names: Vec<String> = top_level(&file).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ftyp", "moov", "mdat"], "the index comes before the media");
    let mut reader = read(&file);
    assert_eq!(reader.major_brand().to_string(), "isom");
    assert_eq!((reader.timescale(), reader.moov.mvhd.duration), (48_000, 97 * 2_000));
    assert_eq!(reader.tracks().len(), 2);

    let picture = &reader.tracks()[&1];
    assert_eq!(picture.track_type().unwrap(), TrackType::Video);
    assert_eq!((picture.width(), picture.height()), (320, 180));
    assert_eq!((picture.timescale(), picture.frame_rate()), (24_000, 24.0));
    assert_eq!((picture.sample_count(), picture.trak.mdia.mdhd.duration), (97, 97_000));
    let keys = &picture.trak.mdia.minf.stbl.stss.as_ref().unwrap().entries;
    assert_eq!(keys, &[1], "a key frame every five seconds");

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
    let file = video(&VideoSpec { audio: false, frames: 25, ..small() }).unwrap();
    assert_eq!(
        read(&file).tracks().values().map(|t| t.track_type().unwrap()).collect::<Vec<_>>(),
        [TrackType::Video]
    );
}

#[test]
fn mov_carries_its_own_brand() {
    let file = video(&VideoSpec { container: Container::Mov, frames: 25, ..small() }).unwrap();
    assert_eq!(&file[4..12], b"ftypqt  ");
    assert_eq!(read(&file).tracks().len(), 2);
}

/// The pictures of a stream, read by the clauses of the standard that our streams use: I_PCM and
/// P_Skip.
fn decoded(video: &h264::EncodedVideo, width: usize, height: usize) -> Vec<Picture> {
    let wide = width.div_ceil(16);
    let blocks = wide * height.div_ceil(16);
    let mut shown = Picture::new(width, height);
    let mut pictures = Vec::new();
    for sample in &video.samples {
        assert_eq!(sample.data[..4], (sample.data.len() as u32 - 4).to_be_bytes());
        let mut bits = Bits::of_nal(&sample.data[4..]);
        assert_eq!(bits.ue(), 0, "first_mb_in_slice");
        let key = match bits.ue() {
            7 => true,
            5 => false,
            other => panic!("slice_type {other}"),
        };
        assert_eq!(key, sample.key);
        assert_eq!(bits.ue(), 0, "pic_parameter_set_id");
        bits.take(8);
        if key {
            bits.ue();
        }
        bits.take(if key { 2 } else { 3 });
        assert_eq!((bits.ue(), bits.ue()), (0, 1), "slice_qp_delta, deblocking off");
        let mut at = 0;
        while at < blocks {
            if !key {
                at += bits.ue() as usize;
                if at == blocks {
                    break;
                }
            }
            assert_eq!(bits.ue(), if key { 25 } else { 30 }, "I_PCM");
            bits.align();
            let mut plane = |samples: &mut [u8], block: usize, width: usize| {
                for y in 0..block {
                    for x in 0..block {
                        let (x, y) = (at % wide * block + x, at / wide * block + y);
                        let sample = bits.take(8) as u8;
                        if x < width && y * width < samples.len() {
                            samples[y * width + x] = sample;
                        }
                    }
                }
            };
            plane(&mut shown.luma, 16, width);
            plane(&mut shown.cb, 8, width / 2);
            plane(&mut shown.cr, 8, width / 2);
            at += 1;
        }
        assert_eq!(bits.take(1), 1, "the stop bit");
        assert!(bits.at.div_ceil(8) == bits.bytes.len(), "nothing behind it");
        let mut picture = Picture::new(width, height);
        picture.copy_from(&shown);
        pictures.push(picture);
    }
    pictures
}

/// Reads bits of a NAL unit, its emulation prevention bytes taken out.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn of_nal(unit: &[u8]) -> Self {
        let (mut bytes, mut zeros) = (Vec::new(), 0);
        for byte in &unit[1..] {
            if zeros >= 2 && *byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            bytes.push(*byte);
        }
        Self { bytes, at: 0 }
    }

    fn take(&mut self, len: usize) -> u32 {
        (0..len).fold(0, |value, _| {
            let bit = self.bytes[self.at / 8] >> (7 - self.at % 8) & 1;
            self.at += 1;
            value << 1 | u32::from(bit)
        })
    }

    fn ue(&mut self) -> u32 {
        let zeros = (0..).find(|_| self.take(1) == 1).unwrap();
        (1 << zeros) - 1 + self.take(zeros)
    }

    fn align(&mut self) {
        while !self.at.is_multiple_of(8) {
            assert_eq!(self.take(1), 0, "pcm_alignment_zero_bit");
        }
    }
}

fn drawn(scene: &Scene, frame: u32) -> Picture {
    let mut picture = scene.base();
    scene.draw_moving(frame, &mut picture);
    picture
}

#[test]
fn every_frame_decodes_to_the_picture_that_was_drawn() {
    for (width, height, fps) in [(320, 180, 24), (98, 34, 24), (16, 16, 5)] {
        let spec = VideoSpec { width, height, fps, frames: 60, seed: 11, ..VideoSpec::default() };
        let scene = Scene::new(&spec);
        let video = h264::encode(&spec, &scene).unwrap();
        let pictures = decoded(&video, width as usize, height as usize);
        assert_eq!(pictures.len(), 60);
        for (i, picture) in (0..).zip(&pictures) {
            assert!(*picture == drawn(&scene, i), "{width}x{height} frame {i}");
        }
    }
}

#[test]
fn the_same_spec_gives_the_same_bytes_and_another_seed_others() {
    let spec = small();
    let file = video(&spec).unwrap();
    assert_eq!(file, video(&spec).unwrap());
    assert_ne!(file, video(&VideoSpec { seed: 1, ..spec }).unwrap());
    for format in [StillFormat::Png, StillFormat::Jpeg] {
        let still = last_frame(&spec, format).unwrap();
        assert_eq!(still, last_frame(&spec, format).unwrap());
        assert_ne!(still, last_frame(&VideoSpec { seed: 1, ..spec }, format).unwrap());
    }
}

#[test]
fn every_size_of_the_service_is_rendered_exactly() {
    // The service's sizes, and the longest sides there can be.
    for (width, height) in SIZES.into_iter().chain([(8688, 16), (16, 8688), (16, 16)]) {
        let spec = VideoSpec { width, height, frames: 2, audio: false, ..VideoSpec::default() };
        let file = video(&spec).unwrap();
        let reader = read(&file);
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
    let drawn = drawn(&Scene::new(&spec), 24);
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
            Ok(file) => {
                let reader = read(&file);
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

/// Runs a tool that must succeed without a message.
fn run(tool: &str, args: &[&str]) -> Vec<u8> {
    let out = Command::new(tool).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.is_empty(), "{tool} {args:?}: {said}");
    out.stdout
}

/// The vendor's own example: 11 s, 720p, 21:9, with sound.
#[test]
#[ignore = "needs ffmpeg and ffprobe: `cargo xtask test` runs it where they are installed"]
fn the_vendors_example_plays_without_a_warning_with_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    for container in [Container::Mp4, Container::Mov] {
        let spec = VideoSpec { width: 1470, height: 630, frames: 265, container, ..VideoSpec::default() };
        let path = folder.path().join(format!("video.{}", container.extension()));
        std::fs::write(&path, video(&spec).unwrap()).unwrap();
        let path = path.to_str().unwrap();
        let shown =
            "stream=codec_name,width,height,r_frame_rate,nb_read_frames,duration,channels:format=duration";
        let seen =
            run("ffprobe", &["-v", "warning", "-count_frames", "-of", "flat", "-show_entries", shown, path]);
        let seen = String::from_utf8(seen).unwrap();
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
        run("ffmpeg", &["-v", "warning", "-xerror", "-i", path, "-f", "null", "-"]);
    }
}

#[test]
#[ignore = "needs ffmpeg and ffprobe: `cargo xtask test` runs it where they are installed"]
fn every_pixel_is_shown_as_it_was_drawn_with_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    for (width, height, frames) in [(854, 480, 265), (416, 960, 30), (98, 34, 200)] {
        let spec = VideoSpec { width, height, frames, seed: 5, ..VideoSpec::default() };
        let path = folder.path().join(format!("{width}.mp4"));
        std::fs::write(&path, video(&spec).unwrap()).unwrap();
        let raw = run(
            "ffmpeg",
            &["-v", "warning", "-i", path.to_str().unwrap(), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"],
        );
        let scene = Scene::new(&spec);
        let size = (width * height * 3 / 2) as usize;
        assert_eq!(raw.len(), size * frames as usize);
        for (i, seen) in (0..).zip(raw.chunks(size)) {
            let picture = drawn(&scene, i);
            let (luma, chroma) = seen.split_at((width * height) as usize);
            let (cb, cr) = chroma.split_at(chroma.len() / 2);
            assert!(luma == picture.luma && cb == picture.cb && cr == picture.cr, "{width}, frame {i}");
        }
    }
}

/// Every size of the catalog with the seconds that its longest video has.
fn sizes_of_the_catalog() -> BTreeMap<(u32, u32), i64> {
    let mut sizes = BTreeMap::new();
    for (name, family) in catalog().families.iter() {
        let offered = |row: &&Pixels| {
            let resolutions = family.resolution.value.as_ref();
            row.families.contains(name) && resolutions.is_some_and(|all| all.contains(&row.resolution))
        };
        for row in catalog().pixels.iter().filter(offered) {
            let longest = sizes.entry((row.width, row.height)).or_insert(0);
            *longest = family.duration.value.max.max(*longest);
        }
    }
    sizes
}

/// A few small ones by default; with `ARK_VIDEO_EVERY_VIDEO` every size at every length from 4 s,
/// mp4 and mov, with and without sound. That is thousands of videos and takes hours; it says how
/// many it has seen. With `ARK_VIDEO_EVERY_VIDEO=longest` only the longest of every size.
#[test]
#[ignore = "needs ffmpeg and ffprobe: `cargo xtask test` runs it where they are installed"]
fn every_video_of_the_catalog_plays_with_ffmpeg() {
    let form = std::env::var_os("ARK_VIDEO_EVERY_VIDEO");
    let every = form.is_some();
    let sizes = sizes_of_the_catalog();
    let longest = sizes.values().copied().max().unwrap();
    let mut specs = Vec::new();
    // The shortest of every size first, so that a run that is stopped has seen all sizes.
    for seconds in 4..=longest {
        let is_wanted = |of_size: i64| seconds == of_size || form.as_deref() != Some("longest".as_ref());
        let has_length = |of_size: i64| seconds <= of_size && is_wanted(of_size);
        for (&(width, height), _) in sizes.iter().filter(|(_, longest)| has_length(**longest)) {
            for (container, audio) in [
                (Container::Mp4, true),
                (Container::Mov, false),
                (Container::Mp4, false),
                (Container::Mov, true),
            ] {
                let frames = 24 * u32::try_from(seconds).unwrap() + 1;
                specs.push(VideoSpec { width, height, frames, audio, container, ..VideoSpec::default() });
            }
        }
    }
    if !every {
        let small = |spec: &VideoSpec| spec.width * spec.height < 500_000;
        specs = specs.into_iter().filter(small).step_by(157).collect();
        assert!(specs.len() > 5, "{} videos are no sample", specs.len());
    }
    let folder = tempfile::tempdir().unwrap();
    let (next, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(spec) = specs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    plays(spec, folder.path());
                    let seen = seen.fetch_add(1, Ordering::Relaxed) + 1;
                    if every && seen.is_multiple_of(100) {
                        eprintln!("{seen} of {} videos play", specs.len());
                    }
                }
            });
        }
    });
    eprintln!("{} videos play", seen.into_inner());
}

/// One video has the size, rate, length and streams that it should have, and all its frames decode
/// without a message.
fn plays(spec: &VideoSpec, folder: &Path) {
    let VideoSpec { width, height, frames, audio, container, .. } = *spec;
    let name = format!("{width}x{height}-{frames}-{audio}.{}", container.extension());
    let path = folder.join(&name);
    std::fs::write(&path, video(spec).unwrap()).unwrap();
    let text = path.to_str().unwrap();
    let shown = "stream=codec_type,width,height,r_frame_rate,nb_read_packets:format=nb_streams,duration";
    let seen = run(
        "ffprobe",
        &["-v", "error", "-count_packets", "-of", "default=nw=1:nk=0", "-show_entries", shown, text],
    );
    let seen = String::from_utf8(seen).unwrap();
    let streams = if audio { 2 } else { 1 };
    let duration = format!("duration={:.6}", f64::from(frames) / 24.0);
    for line in [
        "codec_type=video".to_owned(),
        format!("width={width}"),
        format!("height={height}"),
        "r_frame_rate=24/1".to_owned(),
        format!("nb_read_packets={frames}"),
        format!("nb_streams={streams}"),
        duration,
    ] {
        assert!(seen.lines().any(|found| found == line), "{name}: {line} is not in\n{seen}");
    }
    assert_eq!(seen.contains("codec_type=audio"), audio, "{name}");
    let report = run("ffmpeg", &["-v", "error", "-nostats", "-progress", "-", "-i", text, "-f", "null", "-"]);
    let report = String::from_utf8(report).unwrap();
    let decoded = report.lines().rfind(|line| line.starts_with("frame=")).map(str::to_owned);
    assert_eq!(decoded, Some(format!("frame={frames}")), "{name}");
    std::fs::remove_file(path).unwrap();
}
