//! Limits that do not depend on the model: fields, media, defaults, and how tokens are counted.

use serde::{Deserialize, Serialize};

use super::rows::Format;
use super::table::StringSet;
use super::{AnyCell, Cell, CowStr, Span, StepRange};

/// A struct of cells whose rows can also be asked for by name.
macro_rules! rows {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$doc:meta])* $row:ident: $ty:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $row: $ty,)*
        }

        impl $name {
            /// The names of the rows, in their order.
            pub const ROWS: &'static [&'static str] = &[$(stringify!($row)),*];

            /// The cell of a row by its name, whatever its type.
            pub fn cell(&self, row: &str) -> Option<AnyCell> {
                match row {
                    $(stringify!($row) => Some(AnyCell::from(&self.$row)),)*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use rows;

rows! {
    /// Limits of fields, results and records.
    pub struct RequestLimits {
        /// Largest request body in bytes, base64 inside it included.
        body_bytes: Cell<i64>,
        /// Advised longest prompt in Chinese characters; longer ones pass.
        prompt_chinese_characters: Cell<i64>,
        /// Advised longest prompt in English words; longer ones pass.
        prompt_english_words: Cell<i64>,
        /// Longest `safety_identifier`.
        safety_identifier_characters: Cell<i64>,
        /// Range of `seed`; -1 means random. Above `seed_documented` the switch decides.
        seed: Cell<Span<i64>>,
        /// Range of `seed` on the newest pages.
        seed_documented: Cell<Span<i64>>,
        /// Range of `priority`; larger goes first within one endpoint's queue.
        priority: Cell<Span<i64>>,
        /// Range of `execution_expires_after` in seconds, counted from the creation.
        execution_expires_after: Cell<Span<i64>>,
        /// Numbers that `frames` may hold: from min to max in steps, that is 25 + 4n.
        frames: Cell<StepRange>,
        /// Most images with the role `first_frame`.
        first_frames: Cell<i64>,
        /// Most images with the role `last_frame`.
        last_frames: Cell<i64>,
        /// How long a draft can be turned into a final, in seconds.
        draft_seconds: Cell<i64>,
        /// How long a result link works, in seconds.
        result_url_seconds: Cell<i64>,
        /// How often one result link may be fetched.
        result_url_downloads: Cell<i64>,
        /// How long a task can be read, in seconds from its creation.
        record_seconds: Cell<i64>,
        /// How long a cancelled task can be read, in seconds.
        cancelled_record_seconds: Cell<i64>,
        /// How long the result of an own task may be used as input although it shows a face, in
        /// seconds.
        trusted_own_result_seconds: Cell<i64>,
        /// How far back a list reaches, in seconds.
        list_window_seconds: Cell<i64>,
        /// Range of `page_num` in a list.
        list_page_num: Cell<Span<i64>>,
        /// Range of `page_size` in a list.
        list_page_size: Cell<Span<i64>>,
        /// Most task ids asked for in one list, as we advise it.
        list_task_ids: Cell<i64>,
    }
}

rows! {
    /// What the service assumes for an absent field, where it does not depend on the model. Never
    /// sent in its place.
    pub struct Defaults {
        /// Value when `return_last_frame` is absent.
        return_last_frame: Cell<Option<bool>>,
        /// Value when `service_tier` is absent.
        service_tier: Cell<Option<CowStr>>,
        /// Value when `execution_expires_after` is absent.
        execution_expires_after: Cell<i64>,
        /// Value when `generate_audio` is absent.
        generate_audio: Cell<Option<bool>>,
        /// Value when `draft` is absent.
        draft: Cell<Option<bool>>,
        /// Value when `camera_fixed` is absent.
        camera_fixed: Cell<Option<bool>>,
        /// Value when `watermark` is absent.
        watermark: Cell<Option<bool>>,
        /// Value when `seed` is absent.
        seed: Cell<i64>,
        /// Value when `priority` is absent.
        priority: Cell<i64>,
        /// Value when `output_format` is absent.
        output_format: Cell<Option<CowStr>>,
        /// Value when `omni_reference_task_type` is absent.
        omni_reference_task_type: Cell<Option<CowStr>>,
        /// Value when `page_num` is absent.
        page_num: Cell<i64>,
        /// Value when `page_size` is absent.
        page_size: Cell<i64>,
    }
}

rows! {
    /// How tokens are counted.
    pub struct Billing {
        /// Frames that one second of input video or output counts.
        frames_per_second: Cell<i64>,
        /// Frames added once to the sum of input and output seconds, but not to an extension on 2.5
        /// and not to the smallest charge.
        extra_frames: Cell<i64>,
        /// Pixels that make one token.
        pixels_per_token: Cell<i64>,
        /// Thirds of a second that each second of output counts at least in all, if there is input
        /// video; whole seconds, rounded up.
        input_video_minimum_thirds: Cell<i64>,
        /// By how many percent the pixels of a result may differ from the tables where it has the
        /// proportion of its first frame or source.
        own_proportion_percent: Cell<i64>,
        /// Kinds of input that cost nothing.
        free_inputs: Cell<Option<StringSet>>,
        /// Task states that are billed.
        billed_states: Cell<Option<StringSet>>,
    }
}

/// Limits of input images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImageLimits {
    /// Accepted forms of the address: https, data (base64) and asset (asset://).
    pub url_forms: Cell<Option<StringSet>>,
    /// Accepted file formats.
    pub formats: Vec<Format>,
    /// Width divided by height.
    pub aspect_ratio: Cell<Span<f64>>,
    /// Each side in pixels.
    pub side_pixels: Cell<Span<i64>>,
    /// Largest file in bytes.
    pub max_bytes: Cell<i64>,
}

/// Limits of reference videos; how long they may be is the family's matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct VideoLimits {
    /// Accepted forms of the address: https, data (base64) and asset (asset://).
    pub url_forms: Cell<Option<StringSet>>,
    /// Accepted file formats.
    pub formats: Vec<Format>,
    /// Accepted picture codecs.
    pub codecs: Cell<Option<StringSet>>,
    /// Accepted sound codecs inside mp4.
    pub sound_codecs_mp4: Cell<Option<StringSet>>,
    /// Accepted sound codecs inside mov.
    pub sound_codecs_mov: Cell<Option<StringSet>>,
    /// Width divided by height.
    pub aspect_ratio: Cell<Span<f64>>,
    /// Each side in pixels.
    pub side_pixels: Cell<Span<i64>>,
    /// Width times height in pixels.
    pub area_pixels: Cell<Span<i64>>,
    /// Width times height in pixels, as older pages had it.
    pub area_pixels_older: Cell<Span<i64>>,
    /// Frames per second.
    pub frames_per_second: Cell<Span<f64>>,
    /// Lowest frame rate seen to pass.
    pub frames_per_second_floor: Cell<f64>,
    /// Largest file in bytes.
    pub max_bytes: Cell<i64>,
    /// Largest file in bytes, as older pages had it.
    pub max_bytes_older: Cell<i64>,
    /// Seconds by which a file may exceed its longest length before the service refuses it.
    pub seconds_grace: Cell<f64>,
}

/// Limits of reference sounds; how long they may be is the family's matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AudioLimits {
    /// Accepted forms of the address: https, data (base64) and asset (asset://).
    pub url_forms: Cell<Option<StringSet>>,
    /// Accepted file formats.
    pub formats: Vec<Format>,
    /// Largest file in bytes.
    pub max_bytes: Cell<i64>,
    /// Seconds by which a file may exceed its longest length before the service refuses it.
    pub seconds_grace: Cell<f64>,
}

/// Limits of input media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MediaLimits {
    /// Images.
    pub image: ImageLimits,
    /// Reference videos.
    pub video: VideoLimits,
    /// Reference sounds.
    pub audio: AudioLimits,
}
