//! Prompts for common jobs.

use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

use super::error::ToolError;

/// Name, description, arguments, text. `{name}` stands for an argument.
const PROMPTS: [(&str, &str, &[&str], &str); 3] = [
    (
        "make_video",
        "Make a video from a description",
        &["description"],
        "Make a video of the following. Call `models` and `estimate` first and choose the cheapest model that fits, \
         then `quote`, tell me the price, and after my word `confirm` and `wait`.\n\nDescription:\n{description}",
    ),
    (
        "animate_image",
        "Animate an image",
        &["image", "motion"],
        "Make a video that starts with the image {image} as first_frame. Quote it, tell me the price, and after my word \
         confirm and wait.\n\nMotion:\n{motion}",
    ),
    (
        "recover",
        "Find what earlier sessions left",
        &[],
        "Call `list` and `reconcile`. Report each task that is not settled: what is known of it, what it may cost, and \
         where its video is. Create nothing.",
    ),
];

pub(super) fn all() -> Vec<Prompt> {
    let argument = |name: &&str| PromptArgument::new(*name).with_required(true);
    let prompt = |(name, text, arguments, _): &(&str, &str, &[&str], &str)| {
        Prompt::new(*name, Some(*text), Some(arguments.iter().map(argument).collect()))
    };
    PROMPTS.iter().map(prompt).collect()
}

pub(super) fn get(name: &str, arguments: &JsonObject) -> Result<GetPromptResult, ToolError> {
    let known = PROMPTS.iter().find(|(known, ..)| *known == name);
    let (.., names, text) = known.ok_or_else(|| ToolError::usage("There is no such prompt."))?;
    let mut filled = (*text).to_owned();
    for name in *names {
        let value = arguments.get(*name).and_then(Value::as_str);
        let value = value.ok_or_else(|| ToolError::usage(format!("The argument `{name}` is missing.")))?;
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, filled)]))
}
