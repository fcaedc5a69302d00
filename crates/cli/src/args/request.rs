//! The flags that describe a video: the same for `generate`, `check` and `estimate`. A flag sets
//! the request field of the same name.

use ark_video::model::{OmniReferenceTaskType, OutputFormat, Ratio, Resolution, ServiceTier};
use clap::{Args, ValueHint};

use super::candidates;

// Names of the same flags in arkcli, the SDKs and similar commands; --help does not list them.
const FIRST_FRAME: [&str; 5] = ["first-frame-image", "first-image", "start-frame", "start-image", "first"];
const LAST_FRAME: [&str; 7] =
    ["last-frame-image", "last-image", "end-frame", "end-image", "tail-image", "image-tail", "last"];
const REFERENCE: [&str; 10] = [
    "input",
    "reference",
    "references",
    "reference-image",
    "reference-images",
    "reference-video",
    "reference-videos",
    "reference-audio",
    "reference-audios",
    "image-ref",
];

/// The request.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RequestArgs {
    /// Prompt, or `@FILE`
    ///
    /// `@FILE` reads it from a file, `@-` from standard input.
    #[arg(short, long, value_name = "TEXT|@FILE")]
    pub(crate) prompt: Option<String>,
    /// Model: 2.5, 2.0-fast, mini, … or an id
    ///
    /// A name of the catalog such as 2.5 or mini stands for the site's dated id, which is printed;
    /// a model id or an endpoint id (`ep-…`) is sent as it is. Default: that of the configuration,
    /// else 2.0.
    #[arg(short, long, value_name = "NAME|ID", add = candidates::models(), aliases = ["model-id", "model-name"])]
    pub(crate) model: Option<String>,

    /// Start with this image
    ///
    /// A file, an https URL, or asset://ID.
    #[arg(long, value_name = "IMAGE", help_heading = "Media", value_hint = ValueHint::FilePath, aliases = FIRST_FRAME)]
    pub(crate) first_frame: Option<String>,
    /// End with this image
    ///
    /// Needs a first frame.
    #[arg(long, value_name = "IMAGE", help_heading = "Media", value_hint = ValueHint::FilePath, aliases = LAST_FRAME)]
    pub(crate) last_frame: Option<String>,
    /// Reference image, video or audio; repeatable
    ///
    /// The kind follows from the extension; otherwise write image:X, video:X or audio:X.
    /// first:@FILE, last:@FILE and ref:@FILE work too.
    #[arg(long = "ref", value_name = "MEDIA", help_heading = "Media", value_hint = ValueHint::FilePath, aliases = REFERENCE)]
    pub(crate) references: Vec<String>,
    /// Render the final video of this draft
    ///
    /// Takes no prompt and no other media.
    #[arg(long, value_name = "ID", help_heading = "Media", hide_short_help = true)]
    pub(crate) draft_task: Option<String>,

    /// Duration; -1: the model decides
    ///
    /// In seconds. With -1 the model's choice is billed.
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Video", aliases = ["seconds", "secs", "dur", "length", "video-length"])]
    pub(crate) duration: Option<i64>,
    /// 16:9, 4:3, 1:1, 3:4, 9:16, 21:9 or adaptive
    #[arg(short, long, help_heading = "Video", add = candidates::ratios(), aliases = ["aspect-ratio", "aspectratio", "aspect", "ar", "rt"])]
    pub(crate) ratio: Option<Ratio>,
    /// 480p, 720p, 1080p or 4k
    #[arg(long, help_heading = "Video", add = candidates::resolutions(), aliases = ["rs", "res"])]
    pub(crate) resolution: Option<Resolution>,
    /// Duration in frames, 25 + 4 n (1.0 family)
    #[arg(
        long,
        value_name = "COUNT",
        conflicts_with = "duration",
        help_heading = "Video",
        hide_short_help = true
    )]
    pub(crate) frames: Option<i64>,
    /// Same seed, similar video; -1 for any
    #[arg(long, allow_negative_numbers = true, help_heading = "Video")]
    pub(crate) seed: Option<i64>,
    /// With an audio track, as by default
    #[arg(long, conflicts_with = "no_audio", help_heading = "Video", aliases = ["generate-audio", "with-audio", "enable-audio", "sound"])]
    pub(crate) audio: bool,
    /// Without an audio track
    #[arg(long, help_heading = "Video", aliases = ["mute", "silent", "without-audio", "disable-audio"])]
    pub(crate) no_audio: bool,
    /// AI label in the lower right corner
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Video", aliases = ["wm", "add-watermark"])]
    pub(crate) watermark: Option<bool>,
    /// Fixed camera (1.x)
    #[arg(long, hide_short_help = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Video", aliases = ["camerafixed", "cf", "fixed-camera"])]
    pub(crate) camera_fixed: Option<bool>,
    /// Cheap preview at 480p (2.5, 1.5 pro)
    ///
    /// Its id goes to --draft-task, for the final video.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Video")]
    pub(crate) draft: Option<bool>,
    /// Also save the last frame as an image
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Video")]
    pub(crate) return_last_frame: Option<bool>,
    /// mp4, or mov (2.5)
    #[arg(long, value_name = "FORMAT", help_heading = "Video", hide_short_help = true, add = candidates::formats())]
    pub(crate) output_format: Option<OutputFormat>,
    /// What references are for (2.5): auto, reference, edit or extend
    #[arg(long, value_name = "TYPE", help_heading = "Video", hide_short_help = true, add = candidates::task_types(), alias = "omni-reference-task-type")]
    pub(crate) task_type: Option<OmniReferenceTaskType>,

    /// default, or flex: half price, hours (1.x)
    #[arg(long, help_heading = "Task", add = candidates::tiers(), alias = "service-tier")]
    pub(crate) tier: Option<ServiceTier>,
    /// 0 to 9, larger first, in the queue of the endpoint
    #[arg(long, value_name = "0..9", help_heading = "Task", hide_short_help = true)]
    pub(crate) priority: Option<i64>,
    /// Seconds until an unfinished task expires, 3600 to 259200
    #[arg(
        long,
        value_name = "SECONDS",
        help_heading = "Task",
        hide_short_help = true,
        alias = "execution-expires-after"
    )]
    pub(crate) expires_after: Option<i64>,
    /// URL to which the service reports status changes
    #[arg(long, value_name = "URL", help_heading = "Task", hide_short_help = true, aliases = ["webhook", "webhook-url", "callback", "notify-url"])]
    pub(crate) callback_url: Option<String>,
    /// Hashed name of the end user, at most 64 characters
    #[arg(
        long,
        value_name = "HASH",
        help_heading = "Task",
        hide_short_help = true,
        alias = "safety-identifier"
    )]
    pub(crate) safety_id: Option<String>,
    /// Tools that the model may use: web_search
    #[arg(long, value_name = "TOOL", value_delimiter = ',', help_heading = "Task", hide_short_help = true, add = candidates::tools())]
    pub(crate) tools: Vec<String>,
    /// JSON with more fields of the request
    ///
    /// An object, or `@FILE`, whose fields replace those of the request; null removes a field.
    #[arg(long, value_name = "JSON|@FILE", help_heading = "Task")]
    pub(crate) extra_body: Option<String>,
    /// Move settings in the prompt into fields
    ///
    /// `--rs 720p --dur 5` in the text becomes fields, which the service checks.
    #[arg(long, help_heading = "Checks", hide_short_help = true)]
    pub(crate) lift: bool,
}
