//! Ranges and words of the top-level fields that hold for every model. What depends on the model is in `checks.rs`.

use ark_video_model::CreateTaskRequest;

use super::{complaint::Complaint, content::shorten, media};
use crate::{catalog::catalog, options::Switches};

/// Everything that is wrong; the service reports one of them.
pub(crate) fn check(request: &CreateTaskRequest, switches: &Switches) -> Vec<Complaint> {
    let limits = &catalog().limits;
    let mut wrong = Vec::new();
    let mut complain = |param: &str, why: String| wrong.push(Complaint::invalid(param, why));

    let mut word = |param: &str, word: Option<&str>, known: bool, all: String| {
        if let (Some(word), false) = (word, known) {
            complain(param, format!("`{}` is not supported, it must be one of {all}", shorten(word)));
        }
    };
    macro_rules! words {
        ($($field:ident: $kind:ty),*) => {$(
            let value = request.$field.as_ref();
            let all = <$kind>::KNOWN.iter().map(<$kind>::as_str).collect::<Vec<_>>().join(", ");
            word(stringify!($field), value.map(<$kind>::as_str), value.is_none_or(<$kind>::is_known), all);
        )*};
    }
    words!(
        ratio: ark_video_model::Ratio,
        service_tier: ark_video_model::ServiceTier,
        output_format: ark_video_model::OutputFormat,
        omni_reference_task_type: ark_video_model::OmniReferenceTaskType
    );
    // `4K` passes at the service as well.
    let resolution = request.resolution.as_ref().map(|resolution| resolution.as_str().to_lowercase());
    let known = resolution.as_deref().is_none_or(|text| ark_video_model::Resolution::from(text).is_known());
    word("resolution", resolution.as_deref(), known, "480p, 720p, 1080p, 4k".to_owned());
    for (at, tool) in request.tools.iter().flatten().enumerate() {
        word(
            &format!("tools[{at}].type"),
            Some(tool.type_.as_str()),
            tool.type_.is_known(),
            "web_search".to_owned(),
        );
    }

    let seeds = if switches.refuses("seed-above-31-bits") { limits.seed_documented } else { limits.seed };
    for (param, value, range) in [
        ("seed", request.seed, seeds),
        ("priority", request.priority, limits.priority),
        ("execution_expires_after", request.execution_expires_after, limits.execution_expires_after),
    ] {
        match value {
            Some(value) if value < range.min => {
                complain(param, format!("it must be greater than or equal to {}", range.min))
            }
            Some(value) if value > range.max => {
                complain(param, format!("it must be less than or equal to {}", range.max))
            }
            _ => {}
        }
    }
    let frames = &limits.frames;
    let fits =
        |count: i64| (frames.min..=frames.max).contains(&count) && (count - frames.min) % frames.step == 0;
    if request.frames.is_some_and(|count| !fits(count)) {
        complain("frames", format!("it must be 25 + 4n, from {} to {}", frames.min, frames.max));
    }
    let longest = limits.safety_identifier_characters;
    if request.safety_identifier.as_ref().is_some_and(|name| name.chars().count() > longest) {
        complain("safety_identifier", format!("it must not be longer than {longest} characters"));
    }
    if request.callback_url.as_ref().is_some_and(|url| !url.is_empty() && !media::is_web(url)) {
        complain("callback_url", "it must be an http or https url".to_owned());
    }
    wrong
}
