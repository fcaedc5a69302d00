//! MP4, QuickTime and HEIF: boxes in boxes.
#![no_main]

use ark_video_fuzz::{medium, over};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    over(&mut bytes, 4, if data.last().is_some_and(|byte| byte % 8 == 7) { b"moov" } else { b"ftyp" });
    medium(&bytes);
});
