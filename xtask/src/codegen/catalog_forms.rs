//! The rows of the catalog and the form of each: what `schema/models.json` may hold, and must.

/// The form of a cell's value, as the types in `crates/model/src/catalog` have it.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Flag,
    Count,
    Words,
    Text,
    Integer,
    Number,
    Integers,
    Numbers,
    PerhapsNumbers,
    Lengths,
    Steps,
    Factors,
    Seconds,
    Depths,
}

pub(super) type Rows = &'static [(&'static str, Form)];

pub(super) const FAMILY: Rows = &[
    ("text_only", Form::Flag),
    ("first_frame", Form::Flag),
    ("first_and_last_frame", Form::Flag),
    ("reference_images", Form::Count),
    ("reference_videos", Form::Count),
    ("reference_audios", Form::Count),
    ("audio_alone", Form::Flag),
    ("reference_items", Form::Count),
    ("edit_extend", Form::Flag),
    ("draft", Form::Flag),
    ("draft_resolution", Form::Words),
    ("draft_token_factor", Form::Factors),
    ("final_resolution", Form::Words),
    ("final_settable", Form::Words),
    ("final_inherited", Form::Words),
    ("callback_url", Form::Flag),
    ("return_last_frame", Form::Flag),
    ("return_last_frame_in_draft", Form::Flag),
    ("service_tier_flex", Form::Flag),
    ("service_tier_flex_in_draft", Form::Flag),
    ("execution_expires_after", Form::Flag),
    ("execution_expires_after_floor", Form::Flag),
    ("generate_audio", Form::Flag),
    ("camera_fixed", Form::Flag),
    ("camera_fixed_with_reference_images", Form::Flag),
    ("watermark", Form::Flag),
    ("seed", Form::Flag),
    ("resolution", Form::Words),
    ("resolution_default", Form::Text),
    ("resolution_with_reference_images", Form::Words),
    ("ratio", Form::Words),
    ("ratio_adaptive_text", Form::Flag),
    ("ratio_adaptive_image", Form::Flag),
    ("ratio_adaptive_references", Form::Flag),
    ("ratio_adaptive_required_in_frame_mode", Form::Flag),
    ("ratio_default_text", Form::Text),
    ("ratio_default_image", Form::Text),
    ("ratio_default_references", Form::Text),
    ("duration", Form::Lengths),
    ("frames", Form::Flag),
    ("tools_web_search", Form::Flag),
    ("safety_identifier", Form::Flag),
    ("priority", Form::Flag),
    ("output_format_mov", Form::Flag),
    ("omni_reference_task_type", Form::Words),
    ("input_video_seconds", Form::Seconds),
    ("input_audio_seconds", Form::Seconds),
    ("edit_source_seconds", Form::PerhapsNumbers),
    ("frames_per_second", Form::Integer),
    ("bit_depth", Form::Depths),
];

pub(super) const LIMITS: Rows = &[
    ("body_bytes", Form::Integer),
    ("prompt_chinese_characters", Form::Integer),
    ("prompt_english_words", Form::Integer),
    ("safety_identifier_characters", Form::Integer),
    ("seed", Form::Integers),
    ("seed_documented", Form::Integers),
    ("priority", Form::Integers),
    ("execution_expires_after", Form::Integers),
    ("frames", Form::Steps),
    ("first_frames", Form::Integer),
    ("last_frames", Form::Integer),
    ("draft_seconds", Form::Integer),
    ("result_url_seconds", Form::Integer),
    ("result_url_downloads", Form::Integer),
    ("record_seconds", Form::Integer),
    ("cancelled_record_seconds", Form::Integer),
    ("trusted_own_result_seconds", Form::Integer),
    ("list_window_seconds", Form::Integer),
    ("list_page_num", Form::Integers),
    ("list_page_size", Form::Integers),
    ("list_task_ids", Form::Integer),
];

pub(super) const DEFAULTS: Rows = &[
    ("return_last_frame", Form::Flag),
    ("service_tier", Form::Text),
    ("execution_expires_after", Form::Integer),
    ("generate_audio", Form::Flag),
    ("draft", Form::Flag),
    ("camera_fixed", Form::Flag),
    ("watermark", Form::Flag),
    ("seed", Form::Integer),
    ("priority", Form::Integer),
    ("output_format", Form::Text),
    ("omni_reference_task_type", Form::Text),
    ("page_num", Form::Integer),
    ("page_size", Form::Integer),
];

pub(super) const BILLING: Rows = &[
    ("frames_per_second", Form::Integer),
    ("extra_frames", Form::Integer),
    ("pixels_per_token", Form::Integer),
    ("input_video_minimum_thirds", Form::Integer),
    ("own_proportion_percent", Form::Integer),
    ("free_inputs", Form::Words),
    ("billed_states", Form::Words),
];

pub(super) const IMAGE: Rows = &[
    ("url_forms", Form::Words),
    ("aspect_ratio", Form::Numbers),
    ("side_pixels", Form::Integers),
    ("max_bytes", Form::Integer),
];

pub(super) const VIDEO: Rows = &[
    ("url_forms", Form::Words),
    ("codecs", Form::Words),
    ("sound_codecs_mp4", Form::Words),
    ("sound_codecs_mov", Form::Words),
    ("aspect_ratio", Form::Numbers),
    ("side_pixels", Form::Integers),
    ("area_pixels", Form::Integers),
    ("area_pixels_older", Form::Integers),
    ("frames_per_second", Form::Numbers),
    ("frames_per_second_floor", Form::Number),
    ("max_bytes", Form::Integer),
    ("max_bytes_older", Form::Integer),
    ("seconds_grace", Form::Number),
];

pub(super) const AUDIO: Rows =
    &[("url_forms", Form::Words), ("max_bytes", Form::Integer), ("seconds_grace", Form::Number)];

/// The form of a member of a row of a list.
#[derive(Clone, Copy)]
pub(super) enum Member {
    Text,
    PerhapsText,
    Site,
    Status,
    Confidence,
    Flag,
    PerhapsFlag,
    Words,
    PerhapsWords,
    Pixels,
    Decimal,
    PerhapsCount,
}

pub(super) type Members = &'static [(&'static str, Member)];

pub(super) const SOURCE: Members = &[("title", Member::Text), ("kind", Member::Text), ("date", Member::Text)];

pub(super) const MODEL: Members = &[
    ("id", Member::Text),
    ("site", Member::Site),
    ("family", Member::Text),
    ("name", Member::Text),
    ("version", Member::Text),
    ("status", Member::Status),
    ("status_date", Member::PerhapsText),
    ("replaced_by", Member::PerhapsText),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

pub(super) const PLAN: Members = &[
    ("name", Member::Text),
    ("site", Member::Site),
    ("family", Member::Text),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

pub(super) const NEVER: Members = &[
    ("id", Member::Text),
    ("instead", Member::Text),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

pub(super) const PIXELS: Members = &[
    ("resolution", Member::Text),
    ("families", Member::Words),
    ("ratio", Member::Text),
    ("width", Member::Pixels),
    ("height", Member::Pixels),
    ("switch", Member::PerhapsText),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

pub(super) const PRICE: Members = &[
    ("site", Member::Site),
    ("currency", Member::Text),
    ("families", Member::Words),
    ("resolution", Member::PerhapsWords),
    ("input_video", Member::Flag),
    ("audio", Member::PerhapsFlag),
    ("tier", Member::Text),
    ("per_million_tokens", Member::Decimal),
    ("switch", Member::PerhapsText),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

pub(super) const RATE: Members = &[
    ("operation", Member::Text),
    ("families", Member::PerhapsWords),
    ("resolution", Member::PerhapsWords),
    ("account", Member::PerhapsText),
    ("tier", Member::PerhapsText),
    ("per_minute", Member::PerhapsCount),
    ("per_second", Member::PerhapsCount),
    ("concurrent", Member::PerhapsCount),
    ("tokens_per_day", Member::PerhapsCount),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

pub(super) const FORMAT: Members = &[
    ("name", Member::Text),
    ("mime", Member::Text),
    ("data_url", Member::PerhapsText),
    ("families", Member::PerhapsWords),
    ("switch", Member::PerhapsText),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

pub(super) const SWITCH: Members = &[
    ("question", Member::Text),
    ("default", Member::Text),
    ("values", Member::Words),
    ("used_by", Member::Words),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];
