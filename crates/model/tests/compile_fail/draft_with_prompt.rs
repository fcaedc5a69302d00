//! The final of a draft has the draft's prompt.
use ark_video_model::FromDraft;

fn main() {
    FromDraft::new("doubao-seedance-2-5-260628", "cgt-20261120101500-k3x9p").prompt("Another one.");
}
