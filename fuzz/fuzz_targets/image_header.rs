//! Pictures with a plain header: PNG, JPEG with EXIF, GIF, BMP, TIFF, WebP. The last byte says
//! which.
#![no_main]

use ark_video_fuzz::{medium, over};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    match data.last().map(|byte| byte % 8) {
        Some(0) => over(&mut bytes, 0, b"\x89PNG\r\n\x1a\n"),
        Some(1) => over(&mut bytes, 0, b"\xff\xd8\xff"),
        Some(2) => over(&mut bytes, 0, b"GIF89a"),
        Some(3) => over(&mut bytes, 0, b"BM"),
        Some(4) => over(&mut bytes, 0, b"II\x2a\0"),
        Some(5) => over(&mut bytes, 0, b"MM\0\x2a"),
        Some(6) => {
            over(&mut bytes, 0, b"RIFF");
            over(&mut bytes, 8, b"WEBP");
        }
        _ => {}
    }
    medium(&bytes);
});
