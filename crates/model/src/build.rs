//! Builders, one per mode of the API. What the service refuses to mix cannot be written: a video
//! from frames has no method for references, a final from a draft has none for a prompt.
//!
//! Everything that is not known yet goes through [`CreateTaskRequest`] itself, which is open.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    AudioContent, AudioRole, AudioSource, ContentItem, CreateTaskRequest, DraftTaskContent, DraftTaskRef,
    ImageContent, ImageRole, ImageSource, OmniReferenceTaskType, OutputFormat, Ratio, Resolution,
    ServiceTier, TextContent, Tool, ToolType, VideoContent, VideoRole, VideoSource,
};

/// A video from a prompt alone.
///
/// ```
/// # use ark_video_model::TextToVideo;
/// let request = TextToVideo::new("doubao-seedance-2-0-260128", "A paper boat drifts down a gutter.")
///     .resolution("480p")
///     .generate_audio(false)
///     .build();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TextToVideo(CreateTaskRequest);

/// A video that starts with an image.
///
/// References do not go with frames; this does not compile:
///
/// ```compile_fail
/// # use ark_video_model::ImageToVideo;
/// ImageToVideo::new("doubao-seedance-2-0-260128", "https://media.example.com/cat.jpg").image("https://media.example.com/dog.jpg");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ImageToVideo(CreateTaskRequest);

/// A video that starts with one image and ends with another, or with the same one for a loop.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstAndLastFrame(CreateTaskRequest);

/// A video after reference images, videos and sounds. Add at least one; on the 2.0 family a sound
/// needs an image or a video beside it. Prompts speak of "Image 1" or "Video 2": the nth of its
/// kind, in the order of adding.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceToVideo(CreateTaskRequest);

/// The final video of a draft that has succeeded, at most 7 days old, by the same model.
///
/// Prompt, media, ratio, length, seed and sound are the draft's own and cannot be sent again; this
/// does not compile:
///
/// ```compile_fail
/// # use ark_video_model::DraftToVideo;
/// DraftToVideo::new("doubao-seedance-2-5-260628", "cgt-20261120101500-k3x9p").duration(5);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DraftToVideo(CreateTaskRequest);

impl TextToVideo {
    /// Starts from the model (id or endpoint id) and the prompt.
    pub fn new(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self(CreateTaskRequest::new(model, vec![TextContent::new(prompt).into()]))
    }
}

impl ImageToVideo {
    /// Starts from the model and the first frame.
    pub fn new(model: impl Into<String>, first: impl Into<ImageSource>) -> Self {
        Self(CreateTaskRequest::new(model, vec![image(first, ImageRole::FirstFrame)]))
    }
}

impl FirstAndLastFrame {
    /// Starts from the model and both frames.
    pub fn new(
        model: impl Into<String>,
        first: impl Into<ImageSource>,
        last: impl Into<ImageSource>,
    ) -> Self {
        Self(CreateTaskRequest::new(
            model,
            vec![image(first, ImageRole::FirstFrame), image(last, ImageRole::LastFrame)],
        ))
    }
}

impl ReferenceToVideo {
    /// Starts from the model, without any reference yet.
    pub fn new(model: impl Into<String>) -> Self {
        Self(CreateTaskRequest::new(model, Vec::new()))
    }

    /// Adds an image: up to 30 on 2.5, 9 on the 2.0 family.
    #[must_use]
    pub fn image(mut self, source: impl Into<ImageSource>) -> Self {
        self.0.content.push(image(source, ImageRole::ReferenceImage));
        self
    }

    /// Adds a video: up to 10 on 2.5, 3 on the 2.0 family. Its seconds are billed with the
    /// output's.
    ///
    /// ```compile_fail
    /// # use ark_video_model::{ReferenceToVideo, VideoSource};
    /// // A video has no base64 form.
    /// ReferenceToVideo::new("doubao-seedance-2-0-260128").video(VideoSource::data("mp4", b""));
    /// ```
    #[must_use]
    pub fn video(mut self, source: impl Into<VideoSource>) -> Self {
        self.0.content.push(VideoContent::new(source.into()).role(VideoRole::ReferenceVideo).into());
        self
    }

    /// Adds a sound: up to 10 on 2.5, 3 on the 2.0 family.
    #[must_use]
    pub fn audio(mut self, source: impl Into<AudioSource>) -> Self {
        self.0.content.push(AudioContent::new(source.into()).role(AudioRole::ReferenceAudio).into());
        self
    }

    /// What the references are for (2.5): to take from, to edit, or to go on from.
    #[must_use]
    pub fn omni_reference_task_type(mut self, value: impl Into<OmniReferenceTaskType>) -> Self {
        self.0.omni_reference_task_type = Some(value.into());
        self
    }
}

impl DraftToVideo {
    /// Starts from the model that made the draft and the draft's task id.
    pub fn new(model: impl Into<String>, draft: impl Into<String>) -> Self {
        Self(CreateTaskRequest::new(model, vec![DraftTaskContent::new(DraftTaskRef::new(draft)).into()]))
    }
}

fn image(source: impl Into<ImageSource>, role: ImageRole) -> ContentItem {
    ImageContent::new(source.into()).role(role).into()
}

/// Puts the prompt first, where readers expect it.
fn set_prompt(request: &mut CreateTaskRequest, prompt: String) {
    request.content.retain(|item| !matches!(item, ContentItem::Text(_)));
    request.content.insert(0, TextContent::new(prompt).into());
}

/// One chainable setter that passes on to the field of the same name.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $ty:ty),* $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: impl Into<$ty>) -> Self {
            self.0.$name = Some($name.into());
            self
        })*
    };
}

/// What every request may say.
macro_rules! common {
    ($($builder:ident),*) => {
        $(impl $builder {
            setters! {
                /// `480p`, `720p`, `1080p` or `4k`, as the model allows.
                resolution: Resolution,
                /// An AI label in the lower right corner.
                watermark: bool,
                /// Deliver the last frame as an image too.
                return_last_frame: bool,
                /// `default`, or `flex`: half the price, hours of waiting, 1.x only.
                service_tier: ServiceTier,
                /// Seconds until an unfinished task expires, 3600 to 259200.
                execution_expires_after: i64,
                /// Where the service reports changes of state. Unsigned: use a secret path.
                callback_url: String,
                /// A hashed name of the end user, at most 64 characters.
                safety_identifier: String,
                /// 0 to 9 within the endpoint's queue.
                priority: i64,
                /// `mp4`, or on 2.5 `mov`.
                output_format: OutputFormat,
            }

            /// A member that this version has no method for. It replaces nothing that has one.
            #[must_use]
            pub fn extra(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
                self.0.extra.insert(name.into(), value.into());
                self
            }

            /// The request.
            pub fn build(self) -> CreateTaskRequest {
                self.0
            }
        }

        impl From<$builder> for CreateTaskRequest {
            fn from(builder: $builder) -> Self {
                builder.0
            }
        })*
    };
}

/// A copy. What takes `impl Into<Arc<CreateTaskRequest>>` copies a reference and shares the rest.
impl From<&CreateTaskRequest> for Arc<CreateTaskRequest> {
    fn from(request: &CreateTaskRequest) -> Self {
        Self::new(request.clone())
    }
}

/// What a draft settles, and every other request says for itself.
macro_rules! shaped {
    ($($builder:ident),*) => {
        $(impl $builder {
            setters! {
                /// Width to height, or `adaptive`.
                ratio: Ratio,
                /// Whole seconds, or -1: the model decides, and what it decides is billed.
                duration: i64,
                /// Length in frames, 25 + 4 n (1.0 family).
                frames: i64,
                /// Same seed, similar video.
                seed: i64,
                /// With an audio track, which is the service's default.
                generate_audio: bool,
                /// Keep the camera still (1.x).
                camera_fixed: bool,
                /// A preview at 480p, for [`DraftToVideo`].
                draft: bool,
            }

            /// Lets the model search the web before it plans the shots (2.x, Volcengine).
            #[must_use]
            pub fn web_search(mut self) -> Self {
                self.0.tools.get_or_insert_default().push(Tool::new(ToolType::WebSearch));
                self
            }
        })*
    };
}

/// A prompt beside the media.
macro_rules! prompted {
    ($($builder:ident),*) => {
        $(impl $builder {
            /// What should happen. About 500 Chinese characters or 1000 English words at most are
            /// advised.
            #[must_use]
            pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
                set_prompt(&mut self.0, prompt.into());
                self
            }
        })*
    };
}

common!(TextToVideo, ImageToVideo, FirstAndLastFrame, ReferenceToVideo, DraftToVideo);
shaped!(TextToVideo, ImageToVideo, FirstAndLastFrame, ReferenceToVideo);
prompted!(ImageToVideo, FirstAndLastFrame, ReferenceToVideo);
