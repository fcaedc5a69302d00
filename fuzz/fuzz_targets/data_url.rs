//! Data URLs: as text that nobody checked, and as the base64 of any bytes, of which the same is
//! said as of the bytes.
#![no_main]

use ark_video_media::{probe_bytes, probe_data_url};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        for url in [text.to_owned(), format!("data:image/png;base64,{text}")] {
            if let Err(error) = probe_data_url(&url) {
                assert!(error.to_string().len() < 300, "{error}");
            }
        }
    }
    let url = format!("data:;base64,{}", STANDARD.encode(data));
    match (probe_bytes(data), probe_data_url(&url)) {
        (Ok(of_bytes), Ok(of_url)) => assert_eq!(of_bytes, of_url),
        (Err(of_bytes), Err(of_url)) => assert_eq!(of_bytes.to_string(), of_url.to_string()),
        (of_bytes, of_url) => panic!("{of_bytes:?} of the bytes and {of_url:?} of the URL"),
    }
});
