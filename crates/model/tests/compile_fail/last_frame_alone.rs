//! A last frame needs a first one.
use ark_video_model::TextToVideo;

fn main() {
    TextToVideo::new("doubao-seedance-2-0-260128", "The bud opens.").last_frame("https://media.example.com/end.jpg");
}
