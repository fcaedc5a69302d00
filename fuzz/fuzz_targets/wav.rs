//! RIFF WAVE and RF64: chunks.
#![no_main]

use ark_video_fuzz::{medium, over};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    over(&mut bytes, 0, if data.last().is_some_and(|byte| byte % 2 == 1) { b"RF64" } else { b"RIFF" });
    over(&mut bytes, 8, b"WAVE");
    medium(&bytes);
});
