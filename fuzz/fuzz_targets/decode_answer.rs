//! Answers from any JSON, each as every answer there is: what decodes comes back the same.
#![no_main]

use ark_video_fuzz::comes_back;
use ark_video_model::{CreateTaskResponse, ModelList, Task, TaskList};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    comes_back::<Task>(data);
    comes_back::<TaskList>(data);
    comes_back::<CreateTaskResponse>(data);
    comes_back::<ModelList>(data);
});
