//! A request from any JSON: what decodes comes back the same.
#![no_main]

use ark_video_fuzz::comes_back;
use ark_video_model::CreateTaskRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    comes_back::<CreateTaskRequest>(data);
});
