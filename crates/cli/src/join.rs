//! Two videos as one file: their samples one after the other, and nothing encoded again. Refused
//! where size, codecs or clocks differ.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::num::NonZeroU32;
use std::path::Path;

use ark_video::files::Staged;
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::demux::{DemuxError, Input, Mp4FileDemuxer};
use shiguredo_mp4::mux::{Mp4FileMuxer, Mp4FileMuxerOptions, Sample, estimate_maximum_moov_box_size};

use crate::exit::Exit;
use crate::failure::Failure;

/// Largest index of a file that is read, in bytes.
const LARGEST_INDEX: usize = 64 << 20;

/// A file and its samples in the order of their bytes.
struct Movie {
    file: File,
    name: String,
    tracks: Vec<Track>,
    samples: Vec<Sample>,
}

#[derive(PartialEq)]
struct Track {
    kind: TrackKind,
    timescale: NonZeroU32,
    entry: SampleEntry,
}

/// Whether the first video can be joined at all, and the file be written: before anything is paid.
pub(crate) fn check(first: &Path, to: &Path) -> Result<(), Failure> {
    if to.symlink_metadata().is_ok() {
        let message = format!("{} already exists; nothing was sent", to.display());
        return Err(Failure::new(Exit::Output, message).hint("choose another name for --join"));
    }
    Movie::open(first).map(drop)
}

/// Writes both videos as one file.
pub(crate) fn join(first: &Path, second: &Path, to: &Path) -> Result<(), Failure> {
    let (mut first, second) = (Movie::open(first)?, Movie::open(second)?);
    if let Some(why) = first.differs(&second) {
        let message = format!("{} and {} are not joined: {why}", first.name, second.name);
        return Err(Failure::new(Exit::Output, message)
            .hint("both videos are saved; a video editor can join them by encoding them again"));
    }
    first.end_tracks_together();
    let (head, tail) = index(&[&first, &second]).map_err(|why| unjoined(&first.name, &why))?;
    let write = || {
        let mut staged = Staged::beside(to)?;
        staged.write_all(&head)?;
        for movie in [first, second] {
            movie.copy(&mut staged)?;
        }
        staged.write_all(&tail)?;
        staged.place_new(to)
    };
    write().map_err(|error: io::Error| {
        Failure::new(Exit::Output, format!("cannot write {}: {}", to.display(), crate::media::reason(&error)))
    })
}

fn unjoined(name: &str, why: &str) -> Failure {
    Failure::new(Exit::Output, format!("{name} cannot be joined: {why}"))
}

/// What stands before and after the samples of these movies.
fn index(movies: &[&Movie]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let counts: Vec<usize> = movies.iter().map(|movie| movie.samples.len()).collect();
    let reserved = estimate_maximum_moov_box_size(&counts);
    let options = Mp4FileMuxerOptions { reserved_moov_box_size: reserved, ..Mp4FileMuxerOptions::default() };
    let mut muxer = Mp4FileMuxer::with_options(options).map_err(|error| error.to_string())?;
    let mut head = muxer.initial_boxes_bytes().to_vec();
    let mut position = head.len() as u64;
    for sample in movies.iter().flat_map(|movie| &movie.samples) {
        let sample = Sample { data_offset: position, ..sample.clone() };
        muxer.append_sample(&sample).map_err(|error| error.to_string())?;
        position += sample.data_size as u64;
    }
    let mut tail = Vec::new();
    for (offset, bytes) in muxer.finalize().map_err(|error| error.to_string())?.offset_and_bytes_pairs() {
        let place = usize::try_from(offset).ok().and_then(|at| head.get_mut(at..at + bytes.len()));
        match place {
            Some(place) => place.copy_from_slice(bytes),
            None if offset == position => tail.extend_from_slice(bytes),
            None => return Err("its index has no place in the file".to_owned()),
        }
    }
    Ok((head, tail))
}

impl Movie {
    fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let unreadable = |error: io::Error| {
            let why = crate::media::reason(&error);
            Failure::new(Exit::Input, format!("cannot read {name}: {why}"))
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut demuxer = Mp4FileDemuxer::new();
        while let Some(wanted) = demuxer.required_input() {
            let most = wanted.size.unwrap_or(LARGEST_INDEX).min(LARGEST_INDEX);
            file.seek(SeekFrom::Start(wanted.position)).map_err(unreadable)?;
            let mut data = Vec::new();
            (&mut file).take(most as u64).read_to_end(&mut data).map_err(unreadable)?;
            demuxer.handle_input(Input { position: wanted.position, data: &data });
        }
        let (tracks, samples) = samples(&mut demuxer).map_err(|error| {
            unjoined(&name, &format!("its index is not that of a plain MP4 file ({error})"))
        })?;
        if !tracks.iter().any(|track| track.kind == TrackKind::Video) {
            return Err(unjoined(&name, "it has no video track"));
        }
        Ok(Self { file, name, tracks, samples })
    }

    /// Why the streams of another movie cannot follow those of this one.
    fn differs(&self, other: &Self) -> Option<String> {
        let kinds = |movie: &Self| movie.tracks.iter().map(|track| track.kind).collect::<Vec<_>>();
        if kinds(self) != kinds(other) {
            return Some("one of them has sound and the other has not".to_owned());
        }
        let (own, its) = self.tracks.iter().zip(&other.tracks).find(|(own, its)| own != its)?;
        let what = if own.kind == TrackKind::Video { "video" } else { "sound" };
        Some(match (own.entry.video_resolution(), its.entry.video_resolution()) {
            (Some(own), Some(its)) if own != its => {
                format!("their sizes differ ({}x{}, {}x{})", own.0, own.1, its.0, its.1)
            }
            _ if own.timescale != its.timescale => format!("the clocks of their {what} differ"),
            _ => format!("the codecs of their {what}, or their settings, differ"),
        })
    }

    /// Lets all tracks end at once: the last sample of a shorter one lasts longer, so that the
    /// tracks of what follows start together.
    fn end_tracks_together(&mut self) {
        let length = |track: &Track, samples: &[Sample]| -> f64 {
            let own = samples.iter().filter(|sample| sample.track_kind == track.kind);
            own.map(|sample| f64::from(sample.duration)).sum::<f64>() / f64::from(track.timescale.get())
        };
        let lengths: Vec<f64> = self.tracks.iter().map(|track| length(track, &self.samples)).collect();
        let longest = lengths.iter().copied().fold(0.0, f64::max);
        for (track, own) in self.tracks.iter().zip(lengths) {
            let missing = ((longest - own) * f64::from(track.timescale.get())).round() as u32;
            let last = self.samples.iter_mut().rev().find(|sample| sample.track_kind == track.kind);
            last.into_iter().for_each(|last| last.duration = last.duration.saturating_add(missing));
        }
    }

    fn copy(mut self, to: &mut Staged) -> io::Result<()> {
        for sample in &self.samples {
            self.file.seek(SeekFrom::Start(sample.data_offset))?;
            let size = sample.data_size as u64;
            if io::copy(&mut (&mut self.file).take(size), to)? != size {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("{} is cut off", self.name),
                ));
            }
        }
        Ok(())
    }
}

fn samples(demuxer: &mut Mp4FileDemuxer) -> Result<(Vec<Track>, Vec<Sample>), DemuxError> {
    let (mut tracks, mut samples): (Vec<Track>, Vec<Sample>) = (Vec::new(), Vec::new());
    demuxer.tracks()?;
    while let Some(sample) = demuxer.next_sample()? {
        let (kind, timescale) = (sample.track.kind, sample.track.timescale);
        if let Some(entry) = sample.sample_entry
            && !tracks.iter().any(|track| track.kind == kind)
        {
            tracks.push(Track { kind, timescale, entry: entry.clone() });
        }
        samples.push(Sample {
            track_kind: kind,
            sample_entry: sample.sample_entry.cloned(),
            keyframe: sample.keyframe,
            timescale,
            duration: sample.duration,
            composition_time_offset: sample.composition_time_offset,
            data_offset: sample.data_offset,
            data_size: sample.data_size,
        });
    }
    tracks.sort_by_key(|track| track.kind == TrackKind::Audio);
    Ok((tracks, samples))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use ark_video_media::{check_complete, probe_file};
    use ark_video_simulator::render::{VideoSpec, video};

    use super::*;

    fn made(folder: &Path, name: &str, spec: &VideoSpec) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, video(spec).unwrap()).unwrap();
        path
    }

    fn small(frames: u32, seed: u64) -> VideoSpec {
        VideoSpec { width: 320, height: 180, frames, seed, ..VideoSpec::default() }
    }

    #[test]
    fn both_videos_are_in_the_file_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(folder.path(), "a.mp4", &small(25, 1));
        let second = made(folder.path(), "b.mp4", &small(49, 2));
        let to = folder.path().join("both.mp4");
        check(&first, &to).unwrap();
        join(&first, &second, &to).unwrap();
        let [one, two, both] = [&first, &second, &to].map(|path| probe_file(path).unwrap());
        let sum = one.seconds.unwrap() + two.seconds.unwrap();
        // The sound of each is a little longer than its picture.
        assert!((both.seconds.unwrap() - sum).abs() < 0.1, "{both:?}");
        assert_eq!(
            (both.width, both.video_codec, both.audio_codec),
            (one.width, one.video_codec, one.audio_codec)
        );
        assert!(both.doubts.is_empty());
        assert!(check_complete(&mut File::open(&to).unwrap()).unwrap().end_is_proven);
        let movie = Movie::open(&to).unwrap();
        let counts = [&first, &second].map(|path| Movie::open(path).unwrap().samples.len());
        assert_eq!(movie.samples.len(), counts[0] + counts[1]);
        assert!(check(&first, &to).unwrap_err().message.contains("already exists"));
    }

    #[test]
    fn streams_that_differ_are_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(folder.path(), "a.mp4", &small(25, 1));
        for (name, spec, why) in [
            ("size.mp4", VideoSpec { width: 640, ..small(25, 2) }, "their sizes differ (320x180, 640x180)"),
            ("sound.mp4", VideoSpec { audio: false, ..small(25, 2) }, "one of them has sound"),
            ("clock.mp4", VideoSpec { fps: 30, ..small(25, 2) }, "the clocks of their video differ"),
        ] {
            let second = made(folder.path(), name, &spec);
            let to = folder.path().join("both.mp4");
            let failure = join(&first, &second, &to).unwrap_err();
            assert!(failure.message.contains(why), "{}", failure.message);
            assert!(!to.exists());
        }
        for (name, bytes) in [("text.mp4", &b"no video"[..]), ("empty.mp4", b"")] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert!(
                check(&path, &folder.path().join("x.mp4")).unwrap_err().message.contains("cannot be joined")
            );
        }
        let whole = std::fs::read(&first).unwrap();
        let cut = folder.path().join("cut.mp4");
        std::fs::write(&cut, &whole[..whole.len() - 100]).unwrap();
        assert!(join(&cut, &first, &folder.path().join("both.mp4")).is_err());
    }

    #[test]
    #[ignore = "needs ffmpeg"]
    fn another_program_plays_the_whole_file_with_ffmpeg() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(folder.path(), "a.mp4", &small(25, 1));
        let second = made(folder.path(), "b.mp4", &small(49, 2));
        let to = folder.path().join("both.mp4");
        join(&first, &second, &to).unwrap();
        let mut ffmpeg = std::process::Command::new("ffmpeg");
        let output = ffmpeg.args(["-v", "error", "-i"]).arg(&to).args(["-f", "null", "-"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}
