//! MPEG audio: tags, frames, counts.
#![no_main]

use ark_video_fuzz::{medium, over};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    match data.last().map(|byte| byte % 4) {
        Some(0) => over(&mut bytes, 0, b"ID3\x04\0\0\0\0"),
        Some(1) => over(&mut bytes, 0, b"\xff\xfb"),
        _ => {}
    }
    medium(&bytes);
});
