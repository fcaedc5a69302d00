//! Renders the files behind a finished task: a real, playable H.264/AAC video and its last frame.
//!
//! Pure functions of a [`VideoSpec`]: no clock, no environment, no files, no sockets, and no codec:
//! the pictures are ours, so they are stored as they are, and only what changes. A host calls this
//! off its async threads, once per file, and keeps the bytes: up to 20 MB for the largest. What was
//! weighed: `docs/decisions/0009-simulator-video-uncompressed.md`.
//!
//! ```
//! use ark_video_simulator::render::{self, StillFormat, VideoSpec};
//!
//! let spec = VideoSpec { width: 160, height: 90, frames: 25, seed: 7, ..VideoSpec::default() };
//! let video = render::video(&spec)?;
//! assert_eq!(&video[4..8], b"ftyp");
//! let last = render::last_frame(&spec, StillFormat::Png)?;
//! assert_eq!(&last[1..4], b"PNG");
//! # Ok::<(), render::RenderError>(())
//! ```

mod bits;
mod container;
mod frame_image;
mod h264;
mod scene;
mod still;
#[cfg(test)]
mod tests;
mod tone;

use scene::Scene;

/// What stands in front of the pictures of every file, so that none is taken for one that was paid
/// for.
const SIMULATED: &str = "simulated by ark-video";

/// What to render. Equal specs give equal bytes (on one machine, with one build of this crate).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VideoSpec {
    /// Picture width in pixels: even, at least 16. Every width of the service's size table is
    /// accepted (create page, 2026-10: 416 to 4398). Default 1280.
    pub width: u32,
    /// Picture height in pixels: even, at least 16. Default 720.
    pub height: u32,
    /// Frames per second, 1 to 120. The service always makes 24, the default.
    pub fps: u32,
    /// Number of frames: at least one, and at most [`MAX_SECONDS`] long. The service makes 24·d+1
    /// for a video of d seconds. Default 121.
    pub frames: u32,
    /// Whether the file has an audio track (AAC-LC, mono, 48 kHz: a quiet tone), as long as the
    /// picture. Default true. Without it the file has the video track alone.
    pub audio: bool,
    /// Chooses colours, shapes, paths and the tone. The file names it in a comment. Default 0.
    pub seed: u64,
    /// The file format. Default [`Container::Mp4`].
    pub container: Container,
}

/// The longest video, in seconds: ten times what the service offers. The limit is ours; it bounds
/// the time and memory that one request can cost.
pub const MAX_SECONDS: u32 = 300;

impl Default for VideoSpec {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            fps: 24,
            frames: 121,
            audio: true,
            seed: 0,
            container: Container::Mp4,
        }
    }
}

/// The file format of a video (`output_format` of a task).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Container {
    /// MP4 (`isom`).
    #[default]
    Mp4,
    /// QuickTime. The same H.264 and AAC streams and the same boxes as MP4, under the `qt  ` brand:
    /// players that read one read the other. The service promises another codec here (contract of
    /// `output_format: mov`); that is not imitated yet.
    Mov,
}

impl Container {
    /// The media type to serve the file with.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
        }
    }

    /// The usual file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
        }
    }
}

/// The image format of a last frame. The vendor's older pages say PNG, the newer ones JPEG (create
/// page, 2026-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StillFormat {
    /// PNG, 8-bit RGB: every pixel as drawn.
    #[default]
    Png,
    /// Baseline JPEG, quality 90.
    Jpeg,
}

impl StillFormat {
    /// The media type to serve the image with.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// The usual file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
        }
    }
}

/// Why nothing was rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The picture size cannot be made.
    #[error("the simulator cannot render a {width}x{height} video: {reason}")]
    Size {
        /// The width that was asked for, in pixels.
        width: u32,
        /// The height that was asked for, in pixels.
        height: u32,
        /// What is wrong with it and what would work.
        reason: &'static str,
    },
    /// The video would be empty or too long.
    #[error(
        "the simulator cannot render {frames} frames at {fps} per second: a video has at least one frame and lasts at most \
         {MAX_SECONDS} seconds"
    )]
    Length {
        /// The number of frames that was asked for.
        frames: u32,
        /// The frame rate that was asked for.
        fps: u32,
    },
    /// The frame rate is out of range.
    #[error(
        "the simulator cannot render {0} frames per second: 1 to 120 are possible, and the service always makes 24"
    )]
    FrameRate(u32),
    /// An encoder failed on input it should take: a bug in this crate or in the encoder.
    #[error(
        "the simulator could not write the {part}: {detail}; this is a bug in the simulator, please report it with the spec"
    )]
    Encoder {
        /// Which part of the file was being written.
        part: &'static str,
        /// What the encoder said.
        detail: String,
    },
}

/// Renders a video, ready to play: H.264 (Constrained Baseline, lossless: what is drawn is what a
/// decoder shows) and, when asked, AAC, with the index before the media so that it plays while it
/// downloads.
///
/// # Errors
///
/// [`RenderError`] when the spec is out of range; nothing panics, whatever the numbers are.
pub fn video(spec: &VideoSpec) -> Result<Vec<u8>, RenderError> {
    check(spec)?;
    let encoded = h264::encode(spec, &Scene::new(spec))?;
    let sound = spec.audio.then(|| tone::encode(spec));
    container::write(spec, &encoded, sound.as_ref())
}

/// Renders the last frame of the video that [`video`] makes of the same spec.
///
/// # Errors
///
/// As [`video`].
pub fn last_frame(spec: &VideoSpec, format: StillFormat) -> Result<Vec<u8>, RenderError> {
    check(spec)?;
    let scene = Scene::new(spec);
    let mut picture = scene.base();
    scene.draw_moving(spec.frames - 1, &mut picture);
    still::encode(&picture, format)
}

fn check(spec: &VideoSpec) -> Result<(), RenderError> {
    let size = |reason| Err(RenderError::Size { width: spec.width, height: spec.height, reason });
    if spec.width < 16 || spec.height < 16 {
        return size("both sides must be at least 16 pixels");
    }
    if !spec.width.is_multiple_of(2) || !spec.height.is_multiple_of(2) {
        return size(
            "H.264 stores colour at half resolution, so both sides must be even (every size of the service is)",
        );
    }
    if !(1..=120).contains(&spec.fps) {
        return Err(RenderError::FrameRate(spec.fps));
    }
    if !(1..=MAX_SECONDS * spec.fps).contains(&spec.frames) {
        return Err(RenderError::Length { frames: spec.frames, fps: spec.fps });
    }
    match h264::level(spec) {
        Some(_) => Ok(()),
        None => size(
            "that is more than H.264 level 5.2 allows at this frame rate (about 9.4 million pixels, no side over 8688)",
        ),
    }
}
