//! A known word cannot hide in `Other`.
use ark_video_model::{OtherValue, Ratio};

fn main() {
    let _ = Ratio::Other(OtherValue::new("16:9"));
}
