//! Files as ffmpeg writes them, against what ffprobe says of them. Where an encoder is missing, so
//! is its comparison, and the test reports it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ark_video_media::probe_file;
use ark_video_model::check::{MediaFacts, MediaKind};

/// Notes what was left out, for people and for the summary of CI.
fn skip(what: &str, because: &str) {
    let line = format!("skipped: {what}, because {because}");
    println!("{line}");
    if let Some(log) = std::env::var_os("ARK_VIDEO_SKIPPED_LOG") {
        let file = OpenOptions::new().append(true).create(true).open(log);
        file.and_then(|mut file| writeln!(file, "{line}")).unwrap();
    }
}

/// Makes one file, or reports ffmpeg's error.
fn try_make(folder: &Path, name: &str, arguments: &str) -> Result<PathBuf, String> {
    let path = folder.join(name);
    let made = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if made.status.success() { Ok(path) } else { Err(String::from_utf8_lossy(&made.stderr).into_owned()) }
}

/// Makes one file; `None`, and a line about it, when this ffmpeg lacks the encoder.
fn make(folder: &Path, name: &str, arguments: &str) -> Option<PathBuf> {
    match try_make(folder, name, arguments) {
        Ok(path) => Some(path),
        Err(said) if said.contains("Unknown encoder") => {
            skip(name, said.lines().next().unwrap_or_default());
            None
        }
        Err(said) => panic!("{name}: {said}"),
    }
}

/// What ffprobe says, by its flat names (`streams.stream.0.width`).
struct Probe(String);

impl Probe {
    fn of(path: &Path) -> Self {
        let arguments = ["-v", "error", "-of", "flat", "-show_format", "-show_streams"];
        let said = Command::new("ffprobe").args(arguments).arg(path).output().unwrap();
        Self(String::from_utf8(said.stdout).unwrap())
    }

    fn value(&self, name: &str) -> Option<String> {
        let text = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        let text = text.trim_matches('"');
        (text != "N/A").then(|| text.to_owned())
    }

    /// Of the first stream of that type (`video`).
    fn of_stream(&self, kind: &str, key: &str) -> Option<String> {
        let number = (0..9).find(|number| {
            self.value(&format!("streams.stream.{number}.codec_type")).as_deref() == Some(kind)
        })?;
        self.value(&format!("streams.stream.{number}.{key}"))
    }
}

fn number(text: Option<String>) -> Option<f64> {
    let text = text?;
    let (above, below) = text.split_once('/').unwrap_or((&text, "1"));
    let value = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    value.is_finite().then_some(value)
}

#[track_caller]
fn near(ours: Option<f64>, theirs: Option<f64>, within: f64, name: &str) {
    let both = ours.zip(theirs);
    assert!(both.is_some_and(|(a, b)| (a - b).abs() <= within), "{name}: {ours:?} and by ffprobe {theirs:?}");
}

fn codec(theirs: Option<String>) -> Option<String> {
    theirs.map(|name| match name.as_str() {
        "hevc" => "h265".to_owned(),
        name if name.starts_with("pcm_") => "pcm".to_owned(),
        name if name.starts_with("adpcm_") => "adpcm".to_owned(),
        name => name.to_owned(),
    })
}

/// Compares everything that both say; `turned` when ffprobe gives the sides as stored.
fn compare(path: &Path, format: &str, turned: bool) -> MediaFacts {
    let name = path.file_name().unwrap().to_string_lossy();
    let facts = probe_file(path).unwrap();
    let theirs = Probe::of(path);
    assert_eq!(facts.format.as_str(), format, "{name}");
    assert_eq!(facts.bytes, Some(std::fs::metadata(path).unwrap().len()), "{name}");
    if facts.kind != MediaKind::Audio {
        let side = |key| theirs.of_stream("video", key).and_then(|text| text.parse().ok());
        let (width, height): (Option<u32>, Option<u32>) = (side("width"), side("height"));
        let shown = if turned { (height, width) } else { (width, height) };
        assert_eq!((facts.width, facts.height), shown, "{name}");
    }
    if facts.kind == MediaKind::Video {
        assert_eq!(facts.video_codec, codec(theirs.of_stream("video", "codec_name")), "{name}");
        near(facts.frames_per_second, number(theirs.of_stream("video", "avg_frame_rate")), 0.01, &name);
    }
    if facts.kind != MediaKind::Image {
        assert_eq!(facts.audio_codec, codec(theirs.of_stream("audio", "codec_name")), "{name}");
        near(facts.seconds, number(theirs.value("format.duration")), 0.06, &name);
    }
    facts
}

const PICTURE: &str = "-f lavfi -i testsrc2=size=640x360:rate=24";
const SOUND: &str = "-f lavfi -i sine=frequency=440:sample_rate=44100";

#[test]
#[ignore = "needs ffmpeg and ffprobe: `cargo xtask test` runs it where they are installed"]
fn videos_match_ffprobe_with_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codecs) in [
        ("end.mp4", "-c:v libx264 -preset ultrafast -c:a aac"),
        ("start.mp4", "-c:v libx264 -preset ultrafast -c:a libmp3lame -movflags +faststart"),
        ("hev1.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=none -an"),
        ("hvc1.mov", "-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 -c:a pcm_s24le"),
        ("prores.mov", "-c:v prores -c:a pcm_s16be"),
        ("aac.mov", "-c:v libx264 -preset ultrafast -c:a aac"),
        ("mpeg4.mp4", "-c:v mpeg4 -c:a ac3"),
        ("ntsc.mp4", "-c:v libx264 -preset ultrafast -r 30000/1001 -c:a aac"),
        ("b-frames.mp4", "-c:v libx264 -preset medium -bf 3 -an"),
        ("uneven.mp4", "-c:v libx264 -preset ultrafast -vf select='not(eq(mod(n\\,5)\\,3))' -vsync vfr -an"),
    ] {
        let arguments = format!("{PICTURE} {SOUND} -t 2.5 -pix_fmt yuv420p {codecs}");
        let arguments =
            if name == "prores.mov" { arguments.replace("yuv420p", "yuv422p10le") } else { arguments };
        if let Some(path) = make(folder.path(), name, &arguments) {
            compare(&path, path.extension().unwrap().to_str().unwrap(), false);
        }
    }
    let Some(plain) = make(
        folder.path(),
        "plain.mp4",
        &format!("{PICTURE} -t 1 -pix_fmt yuv420p -c:v libx264 -preset ultrafast"),
    ) else {
        return;
    };
    let plain = plain.display().to_string();
    // ffmpeg up to 5 takes the angle as metadata of the output, later ones as an option of the
    // input.
    let turned = try_make(folder.path(), "turned.mp4", &format!("-display_rotation:v 90 -i {plain} -c copy"))
        .or_else(|_| {
            try_make(folder.path(), "turned.mp4", &format!("-i {plain} -c copy -metadata:s:v rotate=90"))
        })
        .unwrap();
    let facts = compare(&turned, "mp4", true);
    assert_eq!((facts.width, facts.height), (Some(360), Some(640)));
    let fragmented = format!("-i {plain} -c copy -movflags frag_keyframe+empty_moov");
    if let Some(path) = make(folder.path(), "fragmented.mp4", &fragmented) {
        let facts = probe_file(&path).unwrap();
        assert_eq!((facts.width, facts.seconds, facts.frames_per_second), (Some(640), None, None));
    }
}

#[test]
#[ignore = "needs ffmpeg and ffprobe: `cargo xtask test` runs it where they are installed"]
fn audio_files_match_ffprobe_with_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codecs) in [
        ("vbr.mp3", "-c:a libmp3lame -q:a 4"),
        ("cbr.mp3", "-c:a libmp3lame -b:a 128k"),
        ("uncounted-vbr.mp3", "-c:a libmp3lame -q:a 4 -write_xing 0"),
        ("uncounted.mp3", "-c:a libmp3lame -b:a 128k -write_xing 0 -id3v2_version 0"),
        ("low.mp3", "-c:a libmp3lame -ar 16000 -ac 1 -b:a 32k"),
        ("old-tag.mp3", "-c:a libmp3lame -b:a 64k -write_xing 0 -write_id3v1 1 -metadata title=x"),
        ("plain.wav", "-c:a pcm_s16le"),
        ("float.wav", "-c:a pcm_f32le -ac 6"),
        ("adpcm.wav", "-c:a adpcm_ima_wav"),
        ("long.wav", "-c:a pcm_s24le -rf64 always"),
        ("tagged.wav", "-c:a pcm_s16le -metadata title=odd"),
    ] {
        if let Some(path) = make(folder.path(), name, &format!("{SOUND} -t 7.3 {codecs}")) {
            if name == "uncounted-vbr.mp3" {
                // ffprobe guesses from the first frames; the frames themselves know better.
                near(probe_file(&path).unwrap().seconds, Some(7.3), 0.06, name);
                continue;
            }
            compare(&path, path.extension().unwrap().to_str().unwrap(), false);
        }
    }
}

#[test]
#[ignore = "needs ffmpeg and ffprobe: `cargo xtask test` runs it where they are installed"]
fn images_match_ffprobe_with_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format, codecs) in [
        ("a.png", "png", ""),
        ("a.jpg", "jpeg", ""),
        ("a.bmp", "bmp", ""),
        ("a.gif", "gif", ""),
        ("a.tiff", "tiff", ""),
        ("lossy.webp", "webp", "-c:v libwebp"),
        ("lossless.webp", "webp", "-c:v libwebp -lossless 1"),
    ] {
        if let Some(path) = make(folder.path(), name, &format!("{PICTURE} -frames:v 1 {codecs}")) {
            compare(&path, format, false);
        }
    }
}
