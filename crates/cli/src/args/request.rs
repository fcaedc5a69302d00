//! The flags that describe a video: the same for `generate`, `check` and `estimate`. A flag sets
//! the request field of the same name.

use ark_video::model::{OmniReferenceTaskType, OutputFormat, Ratio, Resolution, ServiceTier};
use clap::Args;

/// The request.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RequestArgs {
    /// The prompt, or `@FILE` to read it from a file (`@-`: standard input)
    #[arg(short, long, value_name = "TEXT|@FILE")]
    pub(crate) prompt: Option<String>,
    /// Model id or endpoint id [default: from the configuration, else Seedance 2.0 of the site]
    #[arg(short, long, value_name = "ID")]
    pub(crate) model: Option<String>,

    /// Start with this image: a file, an https URL, or asset://ID
    #[arg(long, value_name = "IMAGE", help_heading = "Media")]
    pub(crate) first_frame: Option<String>,
    /// End with this image; needs a first frame
    #[arg(long, value_name = "IMAGE", help_heading = "Media")]
    pub(crate) last_frame: Option<String>,
    /// Reference image, video or audio; repeat for more. The kind follows from the extension;
    /// otherwise write image:X, video:X or audio:X. first:@FILE, last:@FILE and ref:@FILE work too
    #[arg(long = "ref", value_name = "MEDIA", help_heading = "Media")]
    pub(crate) references: Vec<String>,
    /// Render the final video of this draft; takes no prompt and no other media
    #[arg(long, value_name = "ID", help_heading = "Media")]
    pub(crate) draft_task: Option<String>,

    /// Duration in seconds; -1: the model decides, and its choice is billed
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = "Video")]
    pub(crate) duration: Option<i64>,
    /// Aspect ratio: 16:9, 4:3, 1:1, 3:4, 9:16, 21:9 or adaptive
    #[arg(short, long, help_heading = "Video")]
    pub(crate) ratio: Option<Ratio>,
    /// 480p, 720p, 1080p or 4k
    #[arg(long, help_heading = "Video")]
    pub(crate) resolution: Option<Resolution>,
    /// Duration in frames, 25 + 4 n (1.0 family)
    #[arg(long, value_name = "COUNT", conflicts_with = "duration", help_heading = "Video")]
    pub(crate) frames: Option<i64>,
    /// Same seed, similar video; -1 for any
    #[arg(long, allow_negative_numbers = true, help_heading = "Video")]
    pub(crate) seed: Option<i64>,
    /// With an audio track (the service's default)
    #[arg(long, conflicts_with = "no_audio", help_heading = "Video")]
    pub(crate) audio: bool,
    /// Without an audio track
    #[arg(long, help_heading = "Video")]
    pub(crate) no_audio: bool,
    /// An AI label in the lower right corner
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Video")]
    pub(crate) watermark: Option<bool>,
    /// Fixed camera (1.x)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Video")]
    pub(crate) camera_fixed: Option<bool>,
    /// A cheap preview at 480p, for --draft-task (2.5, 1.5 pro)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Video")]
    pub(crate) draft: Option<bool>,
    /// Also save the last frame as an image, beside the video
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Video")]
    pub(crate) return_last_frame: Option<bool>,
    /// mp4, or mov (2.5)
    #[arg(long, value_name = "FORMAT", help_heading = "Video")]
    pub(crate) output_format: Option<OutputFormat>,
    /// What references are for (2.5): auto, reference, edit or extend
    #[arg(long, value_name = "TYPE", help_heading = "Video")]
    pub(crate) task_type: Option<OmniReferenceTaskType>,

    /// default, or flex: half the price, takes hours (1.x)
    #[arg(long, help_heading = "Task")]
    pub(crate) tier: Option<ServiceTier>,
    /// 0 to 9, larger first, in the queue of the endpoint
    #[arg(long, value_name = "0..9", help_heading = "Task")]
    pub(crate) priority: Option<i64>,
    /// Seconds until an unfinished task expires, 3600 to 259200
    #[arg(long, value_name = "SECONDS", help_heading = "Task")]
    pub(crate) expires_after: Option<i64>,
    /// URL to which the service reports status changes
    #[arg(long, value_name = "URL", help_heading = "Task")]
    pub(crate) callback_url: Option<String>,
    /// Hashed name of the end user, at most 64 characters
    #[arg(long, value_name = "HASH", help_heading = "Task")]
    pub(crate) safety_id: Option<String>,
    /// Tools that the model may use: web_search
    #[arg(long, value_name = "TOOL", value_delimiter = ',', help_heading = "Task")]
    pub(crate) tools: Vec<String>,
    /// A JSON object, or `@FILE`, whose fields replace those of the request; null removes a field
    #[arg(long, value_name = "JSON|@FILE", help_heading = "Task")]
    pub(crate) extra_body: Option<String>,
    /// Move settings from the prompt (`--rs 720p --dur 5`) into the fields, where the service
    /// checks them
    #[arg(long, help_heading = "Checks")]
    pub(crate) lift: bool,
}
