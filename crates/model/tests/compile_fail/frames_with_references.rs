//! A video from frames takes no references.
use ark_video_model::FirstFrame;

fn main() {
    FirstFrame::new("doubao-seedance-2-0-260128", "https://media.example.com/cat.jpg").image("https://media.example.com/dog.jpg");
}
