//! Turns a scene into H.264 samples (Constrained Baseline) without an encoder: what changes is
//! stored as it is (I_PCM), what does not is skipped, so decoded frames equal what was drawn, bit
//! for bit.
//!
//! Knows nothing of the container beyond its sample form (NAL units behind four length bytes,
//! parameter sets apart). Clause numbers are those of rec. ITU-T H.264.

use super::bits::BitWriter;
use super::frame_image::{Blocks, Picture};
use super::scene::Scene;
use super::{RenderError, VideoSpec};

/// A key frame stores every pixel, so there are few: every five seconds up to full HD, one above.
const KEY_SECONDS: u32 = 5;
const FULL_HD: u64 = 1920 * 1088;
/// `log2_max_frame_num`.
const FRAME_NUM_BITS: u8 = 8;
/// `mb_type` of I_PCM in an I slice (table 7-11); five more in a P slice (7.3.5).
const I_PCM: u32 = 25;

/// One access unit, as a container stores it.
pub(super) struct Sample {
    pub(super) data: Vec<u8>,
    pub(super) key: bool,
}

/// An encoded video: parameter sets and one sample per frame.
pub(super) struct EncodedVideo {
    pub(super) sps: Vec<u8>,
    pub(super) pps: Vec<u8>,
    pub(super) samples: Vec<Sample>,
}

/// The lowest H.264 level that carries the spec (table A-1), or nothing if none does.
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

/// Encodes all frames.
pub(super) fn encode(spec: &VideoSpec, scene: &Scene) -> Result<EncodedVideo, RenderError> {
    let level = level(spec)
        .ok_or(RenderError::Encoder { part: "picture (H.264)", detail: "no level fits".to_owned() })?;
    let (width, height) = (spec.width as usize, spec.height as usize);
    let base = scene.base();
    let mut current = Picture::new(width, height);
    // What a decoder shows: the frame before.
    let mut shown = Picture::new(width, height);
    let mut samples = Vec::with_capacity(spec.frames as usize);
    let mut since_key = 0;
    let mut before = Vec::new();
    for frame in 0..spec.frames {
        let key = is_key(spec, frame);
        let unit = if key {
            since_key = 0;
            current.copy_from(&base);
            scene.draw_moving(frame, &mut current);
            shown.copy_from(&current);
            key_slice(&current, samples.len())
        } else {
            since_key += 1;
            let mut touched = scene.moving(frame);
            touched.retain(|blocks| !before.contains(blocks));
            touched.extend(before);
            for blocks in &touched {
                current.copy_blocks(&base, blocks);
            }
            scene.draw_moving(frame, &mut current);
            changed_slice(&current, &mut shown, &touched, since_key)
        };
        before = scene.moving(frame);
        samples.push(Sample { data: behind_its_length(unit)?, key });
    }
    Ok(EncodedVideo { sps: sps(spec, level), pps: pps(), samples })
}

fn is_key(spec: &VideoSpec, frame: u32) -> bool {
    let large = u64::from(spec.width) * u64::from(spec.height) > FULL_HD;
    // A key frame for the last second alone would double the file of a five-second video.
    let worth = spec.frames - frame > spec.fps;
    frame == 0 || (!large && worth && frame.is_multiple_of(KEY_SECONDS * spec.fps))
}

/// 7.3.2.1.1.
fn sps(spec: &VideoSpec, level: u8) -> Vec<u8> {
    let mut w = BitWriter::nal(0x67);
    w.bits(66, 8); // Baseline,
    w.bits(0b1100_0000, 8); // constrained.
    w.bits(level.into(), 8);
    w.ue(0); // seq_parameter_set_id
    w.ue(u32::from(FRAME_NUM_BITS) - 4);
    w.ue(2); // pic_order_cnt_type: output order is decoding order
    w.ue(1); // max_num_ref_frames
    w.bits(0, 1); // gaps_in_frame_num_value_allowed_flag
    let (wide, high) = (spec.width.div_ceil(16), spec.height.div_ceil(16));
    w.ue(wide - 1);
    w.ue(high - 1);
    w.bits(0b11, 2); // frame_mbs_only_flag, direct_8x8_inference_flag
    w.bits(1, 1); // Cropping, in units of two pixels.
    w.ue(0);
    w.ue((wide * 16 - spec.width) / 2);
    w.ue(0);
    w.ue((high * 16 - spec.height) / 2);
    w.bits(1, 1); // VUI (E.1.1)
    w.bits(0b00, 2); // no aspect_ratio_info, no overscan_info
    w.bits(1, 1); // video_signal_type:
    w.bits(5, 3); // unspecified format,
    w.bits(0, 1); // limited range,
    w.bits(1, 1);
    (0..3).for_each(|_| w.bits(1, 8)); // BT.709 primaries, transfer and matrix.
    w.bits(0, 1); // no chroma_loc_info
    w.bits(1, 1); // timing_info: two ticks a frame
    w.bits(1, 32);
    w.bits(spec.fps * 2, 32);
    w.bits(1, 1);
    w.bits(0b000, 3); // no HRD parameters, no pic_struct
    w.bits(1, 1); // bitstream_restriction:
    w.bits(1, 1);
    w.ue(0); // max_bytes_per_pic_denom and max_bits_per_mb_denom: no bound
    w.ue(0);
    w.ue(0); // vectors: none
    w.ue(0);
    w.ue(0); // max_num_reorder_frames
    w.ue(1); // max_dec_frame_buffering
    w.finish_nal()
}

/// 7.3.2.2.
fn pps() -> Vec<u8> {
    let mut w = BitWriter::nal(0x68);
    w.ue(0); // pic_parameter_set_id
    w.ue(0); // seq_parameter_set_id
    w.bits(0b00, 2); // CAVLC, no bottom_field_pic_order
    w.ue(0); // one slice group
    w.ue(0); // one reference picture
    w.ue(0);
    w.bits(0b000, 3); // no weighted prediction
    (0..3).for_each(|_| w.ue(0)); // quantizers: unused
    w.bits(0b100, 3); // deblocking_filter_control_present_flag
    w.finish_nal()
}

/// 7.3.3.
fn slice_header(w: &mut BitWriter, slice_type: u32, frame_num: u32, key: Option<u32>) {
    w.ue(0); // first_mb_in_slice
    w.ue(slice_type);
    w.ue(0); // pic_parameter_set_id
    w.bits(frame_num % (1 << FRAME_NUM_BITS), FRAME_NUM_BITS);
    match key {
        Some(idr_pic_id) => {
            w.ue(idr_pic_id);
            w.bits(0b00, 2); // no_output_of_prior_pics_flag, long_term_reference_flag
        }
        None => w.bits(0b000, 3), // default references, sliding window
    }
    w.ue(0); // slice_qp_delta
    w.ue(1); // disable_deblocking_filter_idc: pixels stay as they are
}

fn key_slice(picture: &Picture, keys_before: usize) -> Vec<u8> {
    let mut w = BitWriter::nal(0x65);
    // Two key frames in a row never have one id, and it has sixteen bits.
    slice_header(&mut w, 7, 0, Some((keys_before & 0xffff) as u32));
    for (x, y) in picture.all_blocks().each() {
        pcm(&mut w, I_PCM, picture, x, y);
    }
    w.finish_nal()
}

/// A P slice: of the blocks that were touched, those that differ from what is shown.
fn changed_slice(current: &Picture, shown: &mut Picture, touched: &[Blocks], since_key: u32) -> Vec<u8> {
    // Raster order; touched areas overlap.
    let mut changed: Vec<(usize, usize)> = touched.iter().flat_map(Blocks::each).collect();
    changed.sort_unstable_by_key(|&(x, y)| (y, x));
    changed.dedup();
    changed.retain(|&(x, y)| !current.same_block(shown, x, y));
    let wide = current.width.div_ceil(16);
    let blocks = (wide * current.height.div_ceil(16)) as u32;
    let mut w = BitWriter::nal(0x61);
    slice_header(&mut w, 5, since_key, None);
    let mut next = 0;
    for (x, y) in changed {
        let at = (y * wide + x) as u32;
        w.ue(at - next); // mb_skip_run
        pcm(&mut w, I_PCM + 5, current, x, y);
        shown.copy_blocks(current, &Blocks::one(x, y));
        next = at + 1;
    }
    if next < blocks {
        w.ue(blocks - next);
    }
    w.finish_nal()
}

fn pcm(w: &mut BitWriter, mb_type: u32, picture: &Picture, x: usize, y: usize) {
    w.ue(mb_type);
    w.align();
    picture.block_rows(x, y, |row| w.pixels(row));
}

fn behind_its_length(unit: Vec<u8>) -> Result<Vec<u8>, RenderError> {
    let length = u32::try_from(unit.len()).map_err(|_| RenderError::Encoder {
        part: "picture (H.264)",
        detail: "a frame is over 4 GB".to_owned(),
    })?;
    let mut data = Vec::with_capacity(unit.len() + 4);
    data.extend(length.to_be_bytes());
    data.extend(unit);
    Ok(data)
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

    #[test]
    fn key_frames_come_every_five_seconds_up_to_full_hd_and_never_for_a_short_end() {
        let keys = |width, height, frames| -> Vec<u32> {
            let spec = VideoSpec { width, height, frames, ..VideoSpec::default() };
            (0..frames).filter(|frame| is_key(&spec, *frame)).collect()
        };
        assert_eq!(keys(1280, 720, 97), [0]);
        assert_eq!(keys(1280, 720, 121), [0]);
        assert_eq!(keys(1920, 1088, 361), [0, 120, 240]);
        assert_eq!(keys(3840, 2160, 361), [0]);
    }
}
