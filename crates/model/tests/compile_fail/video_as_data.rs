//! A video has no base64 form.
use ark_video_model::VideoSource;

fn main() {
    VideoSource::data("mp4", b"....");
}
