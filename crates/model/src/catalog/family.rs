//! The capability matrix of one model family: one cell for each row, so that every statement has
//! its own evidence.

use serde::{Deserialize, Serialize};

use super::limits::rows;
use super::table::{Map, StringSet};
use super::{AnyCell, Cell, CowStr, DurationRule, Factors, InputSeconds, Span};

rows! {
    /// What one family of models can do.
    pub struct Family {
        /// A prompt alone makes a video (text to video).
        text_only: Cell<Option<bool>>,
        /// One image as first frame, with the role `first_frame` or none.
        first_frame: Cell<Option<bool>>,
        /// Two images as first and last frame, both with their role.
        first_and_last_frame: Cell<Option<bool>>,
        /// How many items with the role `reference_image`; max 0 means none at all.
        reference_images: Cell<Span<u32>>,
        /// How many items with the role `reference_video`; max 0 means none at all.
        reference_videos: Cell<Span<u32>>,
        /// How many items with the role `reference_audio`; max 0 means none at all.
        reference_audios: Cell<Span<u32>>,
        /// Audio may be the only kind of reference.
        audio_alone: Cell<Option<bool>>,
        /// How many reference items of all kinds together; max 0 means no reference mode.
        reference_items: Cell<Span<u32>>,
        /// Can edit or extend a reference video, by field (2.5) or by prompt (2.0 family).
        edit_extend: Cell<Option<bool>>,
        /// `draft: true` makes a cheap preview, and a `draft_task` item makes the final from it.
        draft: Cell<Option<bool>>,
        /// Resolutions of a draft; checked in place of `resolution` when `draft` is true.
        draft_resolution: Cell<Option<StringSet>>,
        /// What the tokens of a draft are multiplied with, by sound track.
        draft_token_factor: Cell<Option<Factors>>,
        /// Resolutions of a final made from a draft; checked in place of `resolution` when the
        /// request has a `draft_task` item. The first one is the default.
        final_resolution: Cell<Option<StringSet>>,
        /// Fields that a final made from a draft may set; they fall back to their defaults, not to
        /// the draft's values.
        final_settable: Cell<Option<StringSet>>,
        /// Fields that a final takes from its draft and must not send, besides text and media.
        final_inherited: Cell<Option<StringSet>>,
        /// `callback_url` is accepted.
        callback_url: Cell<Option<bool>>,
        /// `return_last_frame` is accepted.
        return_last_frame: Cell<Option<bool>>,
        /// `return_last_frame` may be true together with `draft: true`.
        return_last_frame_in_draft: Cell<Option<bool>>,
        /// `service_tier: flex` (offline, half price) is accepted.
        service_tier_flex: Cell<Option<bool>>,
        /// `service_tier: flex` may go together with `draft: true`.
        service_tier_flex_in_draft: Cell<Option<bool>>,
        /// `execution_expires_after` is accepted.
        execution_expires_after: Cell<Option<bool>>,
        /// Fewer seconds than the documented range of `execution_expires_after` begins with are
        /// refused.
        execution_expires_after_floor: Cell<Option<bool>>,
        /// `generate_audio` is accepted: the model makes a sound track.
        generate_audio: Cell<Option<bool>>,
        /// `camera_fixed` is accepted.
        camera_fixed: Cell<Option<bool>>,
        /// `camera_fixed` may go together with reference images.
        camera_fixed_with_reference_images: Cell<Option<bool>>,
        /// `watermark` is accepted.
        watermark: Cell<Option<bool>>,
        /// `seed` is accepted.
        seed: Cell<Option<bool>>,
        /// Resolutions of a normal request.
        resolution: Cell<Option<StringSet>>,
        /// The resolution when the field is absent.
        resolution_default: Cell<Option<CowStr>>,
        /// Resolutions when the request has reference images; checked in place of `resolution`.
        resolution_with_reference_images: Cell<Option<StringSet>>,
        /// Fixed ratios; `adaptive` is in the rows that follow.
        ratio: Cell<Option<StringSet>>,
        /// `ratio: adaptive` is accepted in text to video.
        ratio_adaptive_text: Cell<Option<bool>>,
        /// `ratio: adaptive` is accepted with first or last frames.
        ratio_adaptive_image: Cell<Option<bool>>,
        /// `ratio: adaptive` is accepted with reference items.
        ratio_adaptive_references: Cell<Option<bool>>,
        /// With first or last frames the ratio must be `adaptive` or absent.
        ratio_adaptive_required_in_frame_mode: Cell<Option<bool>>,
        /// The ratio in text to video when the field is absent.
        ratio_default_text: Cell<Option<CowStr>>,
        /// The ratio with first or last frames when the field is absent.
        ratio_default_image: Cell<Option<CowStr>>,
        /// The ratio with reference items when the field is absent.
        ratio_default_references: Cell<Option<CowStr>>,
        /// Seconds: smallest and largest whole number, whether -1 (the model picks) is accepted
        /// (null: not known), and the default.
        duration: Cell<DurationRule>,
        /// `frames` is accepted; the numbers it may hold are in limits.frames.
        frames: Cell<Option<bool>>,
        /// `tools: [{"type":"web_search"}]` is accepted.
        tools_web_search: Cell<Option<bool>>,
        /// `safety_identifier` is accepted.
        safety_identifier: Cell<Option<bool>>,
        /// `priority` is accepted.
        priority: Cell<Option<bool>>,
        /// `output_format: mov` is accepted.
        output_format_mov: Cell<Option<bool>>,
        /// Values of `omni_reference_task_type`; an empty list means the field does not exist here.
        omni_reference_task_type: Cell<Option<StringSet>>,
        /// Seconds of the reference videos: each one, and all together.
        input_video_seconds: Cell<Option<InputSeconds>>,
        /// Seconds of the reference audios: each one, and all together.
        input_audio_seconds: Cell<Option<InputSeconds>>,
        /// Seconds of the video that a declared edit starts from.
        edit_source_seconds: Cell<Option<Span<f64>>>,
        /// Frames per second of the result.
        frames_per_second: Cell<i64>,
        /// Bits per colour channel of the result, by resolution: 8 is H.264, 10 is HEVC.
        bit_depth: Cell<Map<u8>>,
    }
}

impl Family {
    /// The ratio of its list that a picture of this size has, such as `16:9`; rounding to even
    /// pixels is allowed for. `None` where it has none of them.
    #[must_use]
    pub fn ratio_of(&self, width: u32, height: u32) -> Option<&str> {
        /// The sizes of the tables are up to 0.1 % off their ratio.
        const ROUNDING: f64 = 0.002;
        let own = f64::from(width) / f64::from(height.max(1));
        self.ratio.value.as_ref()?.iter().find(|ratio| {
            let sides = ratio.split_once(':').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
            sides.is_some_and(|(across, up): (f64, f64)| (own * up / across - 1.0).abs() < ROUNDING)
        })
    }
}
