//! Turns a scene into H.264 samples: two-second groups that stand alone, encoded side by side on all cores.
//!
//! Knows nothing of the container beyond its sample form (NAL units behind four length bytes, parameter sets apart).

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rusty_h264_common::YuvPlanes;
use rusty_h264_common::nal::split_annex_b;
use rusty_h264_encoder::{Encoder, EncoderConfig};

use super::picture::Picture;
use super::scene::Scene;
use super::{RenderError, VideoSpec};

/// Constant quantizer: clean gradients at about 2 Mbit/s for 720p. Above full HD the pixels are too small for the eye to
/// mind a coarser one, and files stay under 10 Mbit/s.
const fn quantizer(spec: &VideoSpec) -> u8 {
    if spec.shares_picture() { 28 } else { 24 }
}

/// One access unit, as a container stores it.
pub(crate) struct Sample {
    pub(super) data: Vec<u8>,
    pub(super) key: bool,
}

/// An encoded film: parameter sets and one sample per frame.
pub(crate) struct Film {
    pub(super) sps: Vec<u8>,
    pub(super) pps: Vec<u8>,
    pub(super) samples: Vec<Sample>,
}

/// The lowest H.264 level that carries the spec (rec. H.264 table A-1), or nothing if none does.
pub(super) fn level(spec: &VideoSpec) -> Option<u8> {
    /// Level, macroblocks per frame, macroblocks per second.
    const LEVELS: [(u8, u64, u64); 8] = [
        (30, 1_620, 40_500),
        (31, 3_600, 108_000),
        (32, 5_120, 216_000),
        (40, 8_192, 245_760),
        (42, 8_704, 522_240),
        (50, 22_080, 589_824),
        (51, 36_864, 983_040),
        (52, 36_864, 2_073_600),
    ];
    let (wide, high) = (u64::from(spec.width.div_ceil(16)), u64::from(spec.height.div_ceil(16)));
    let blocks = wide * high;
    let fits = |&&(_, frame, rate): &&(u8, u64, u64)| {
        blocks <= frame
            && blocks * u64::from(spec.fps) <= rate
            && wide.max(high) * wide.max(high) <= frame * 8
    };
    LEVELS.iter().find(fits).map(|&(level, ..)| level)
}

/// Encodes all frames. Every group is encoded from scratch, so the bytes do not depend on the number of threads.
pub(super) fn encode(spec: &VideoSpec, scene: &Scene) -> Result<Film, RenderError> {
    let group = 2 * spec.fps;
    let groups: Vec<Range<u32>> =
        (0..spec.frames.div_ceil(group)).map(|i| i * group..((i + 1) * group).min(spec.frames)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut picture = Picture::new(spec.width as usize, spec.height as usize);
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(frames) = groups.get(at) else { break done };
            done.push((at, encode_group(spec, scene, frames.clone(), &mut picture)));
        }
    };
    let helpers = thread::available_parallelism().map_or(1, NonZero::get).min(groups.len()) - 1;
    let mut parts = thread::scope(|scope| {
        // A thread that cannot be started is no loss: this one does its share.
        let handles: Vec<_> =
            (0..helpers).filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut parts = work();
        for handle in handles {
            match handle.join() {
                Ok(more) => parts.extend(more),
                Err(_) => parts.push((0, Err(fault("the encoder stopped in the middle of a group")))),
            }
        }
        parts
    });
    parts.sort_by_key(|&(at, _)| at);
    let mut film = Film { sps: Vec::new(), pps: Vec::new(), samples: Vec::new() };
    for (_, part) in parts {
        let Film { sps, pps, samples } = part?;
        film.sps = sps;
        film.pps = pps;
        film.samples.extend(samples);
    }
    if film.samples.len() != spec.frames as usize {
        return Err(fault(format!("{} frames came out instead of {}", film.samples.len(), spec.frames)));
    }
    Ok(film)
}

fn encode_group(
    spec: &VideoSpec,
    scene: &Scene,
    frames: Range<u32>,
    picture: &mut Picture,
) -> Result<Film, RenderError> {
    let (width, height) = (picture.width, picture.height);
    let mut config = EncoderConfig::baseline(width, height);
    config.level_idc = level(spec).ok_or_else(|| fault("no level fits"))?;
    config.qp = quantizer(spec);
    config.framerate = spec.fps as f32;
    config.gop_size = frames.end - frames.start;
    config.min_keyint = config.gop_size;
    let mut encoder = Encoder::new(config).map_err(|e| fault(format!("{e:?}")))?;
    let mut film = Film { sps: Vec::new(), pps: Vec::new(), samples: Vec::new() };
    for frame in frames {
        scene.draw(frame, picture);
        let planes = YuvPlanes::new(width, height, &picture.luma, &picture.cb, &picture.cr, width, width / 2)
            .ok_or_else(|| fault("the picture does not have the size it says"))?;
        let unit = encoder.encode_planes(&planes).map_err(|e| fault(format!("{e:?}")))?;
        film.push(&unit)?;
    }
    if !film.samples.first().is_some_and(|s| s.key) || film.sps.len() < 4 || film.pps.is_empty() {
        return Err(fault("a group does not begin with a key frame and its parameter sets"));
    }
    Ok(film)
}

impl Film {
    /// Bytes that it takes in memory, about.
    pub(crate) fn size(&self) -> usize {
        self.samples.iter().map(|sample| sample.data.capacity()).sum()
    }

    /// Takes in one Annex B access unit.
    fn push(&mut self, unit: &[u8]) -> Result<(), RenderError> {
        let mut sample = Sample { data: Vec::with_capacity(unit.len()), key: false };
        for nal in split_annex_b(unit) {
            match nal.first().map(|header| header & 0x1f) {
                Some(7) => self.sps = nal.to_vec(),
                Some(8) => self.pps = nal.to_vec(),
                Some(kind @ (1 | 5)) => {
                    sample.key |= kind == 5;
                    let length = u32::try_from(nal.len()).map_err(|_| fault("a frame is over 4 GB"))?;
                    sample.data.extend_from_slice(&length.to_be_bytes());
                    sample.data.extend_from_slice(nal);
                }
                _ => {}
            }
        }
        if sample.data.is_empty() {
            return Err(fault("a frame came out empty"));
        }
        self.samples.push(sample);
        Ok(())
    }
}

fn fault(detail: impl Into<String>) -> RenderError {
    RenderError::Encoder { part: "picture (H.264)", detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_size_and_rate() {
        let level = |width, height, fps| level(&VideoSpec { width, height, fps, ..VideoSpec::default() });
        assert_eq!(level(854, 480, 24), Some(30));
        assert_eq!(level(864, 496, 24), Some(31));
        assert_eq!(level(1470, 630, 24), Some(32));
        assert_eq!(level(1920, 1080, 24), Some(40));
        assert_eq!(level(4398, 1886, 24), Some(51));
        assert_eq!(level(3840, 2160, 60), Some(52));
        assert_eq!(level(3840, 2160, 120), None);
        assert_eq!(level(8800, 16, 24), None);
    }
}
