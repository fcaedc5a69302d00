//! The prompt linter on any text, with nought to three pictures beside it, and what `lift` makes of
//! the settings in it.
#![no_main]

use ark_video_model::{
    CreateTaskRequest,
    catalog::Catalog,
    prompt::{PromptFlags, extract_prompt_flags, lint_prompt},
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut content = vec![json!({ "type": "text", "text": text })];
    for _ in 0..first % 4 {
        let image = json!({ "url": "https://h/a.png" });
        content.push(json!({ "type": "image_url", "role": "reference_image", "image_url": image }));
    }
    let model = ["doubao-seedance-2-0-260128", "doubao-seedance-1-0-pro-250528", "ep-20260101-abcde"];
    let body = json!({ "model": model[usize::from(first / 4 % 3)], "content": content });
    let request: CreateTaskRequest = serde_json::from_value(body).expect("a request");
    let report = request.check(Catalog::builtin());
    assert_eq!(report, request.check(Catalog::builtin()));
    assert_eq!(lint_prompt(text), lint_prompt(text));
    for flag in PromptFlags::read(text).flags {
        assert!(text.contains(flag.text) && flag.value.is_none_or(|value| text.contains(value)));
    }
    let (lifted, _) = extract_prompt_flags(&request);
    let (twice, again) = extract_prompt_flags(&lifted);
    assert!(
        twice == lifted && again.iter().all(|setting| !setting.moved),
        "what can be moved is moved at once"
    );
    assert!(text.len() < 80 || !report.to_string().contains(text), "a finding repeats the prompt");
});
