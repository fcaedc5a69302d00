//! What the typed API refuses to combine: each pair of examples differs in one call, with which it
//! does not compile. Read by rustdoc alone (`cargo test --doc`); holds no code.

/// A video has no base64 form.
/// ```
/// ark_video_model::VideoSource::url("https://media.example.com/cat.mp4");
/// ```
/// ```compile_fail,E0599
/// ark_video_model::VideoSource::data("mp4", b"....");
/// ```
struct VideoAsData;

/// A last frame needs a first one.
/// ```
/// use ark_video_model::TextToVideo;
/// let _ = TextToVideo::new("doubao-seedance-2-0-260128", "The bud opens.").return_last_frame(true);
/// ```
/// ```compile_fail,E0599
/// use ark_video_model::TextToVideo;
/// let _ = TextToVideo::new("doubao-seedance-2-0-260128", "The bud opens.")
///     .last_frame("https://media.example.com/end.jpg");
/// ```
struct LastFrameAlone;

/// A known value cannot hide in `Other`.
/// ```
/// let _ = ark_video_model::Ratio::from("16:9");
/// ```
/// ```compile_fail,E0624
/// let _ = ark_video_model::Ratio::Other(ark_video_model::OtherValue::new("16:9"));
/// ```
struct KnownValueInOther;

/// A video from frames takes no references.
/// ```
/// use ark_video_model::ImageToVideo;
/// let _ = ImageToVideo::new("doubao-seedance-2-0-260128", "https://media.example.com/cat.jpg")
///     .prompt("The cat turns its head.");
/// ```
/// ```compile_fail,E0599
/// use ark_video_model::ImageToVideo;
/// let _ = ImageToVideo::new("doubao-seedance-2-0-260128", "https://media.example.com/cat.jpg")
///     .image("https://media.example.com/dog.jpg");
/// ```
struct FramesWithReferences;

/// The final of a draft has the draft's prompt and length.
/// ```
/// use ark_video_model::DraftToVideo;
/// let _ = DraftToVideo::new("doubao-seedance-2-5-260628", "cgt-20261120101500-k3x9p").watermark(false);
/// ```
/// ```compile_fail,E0599
/// use ark_video_model::DraftToVideo;
/// let _ = DraftToVideo::new("doubao-seedance-2-5-260628", "cgt-20261120101500-k3x9p").prompt("Another one.");
/// ```
/// ```compile_fail,E0599
/// use ark_video_model::DraftToVideo;
/// let _ = DraftToVideo::new("doubao-seedance-2-5-260628", "cgt-20261120101500-k3x9p").duration(5);
/// ```
struct DraftWithPromptOrDuration;
