//! A last frame needs a first one.
use ark_video_model::FirstAndLastFrame;

fn main() {
    FirstAndLastFrame::new("doubao-seedance-2-0-260128", "https://media.example.com/end.jpg");
}
