//! What an accepted request comes to: size, length, seed, sound, bill, and whether it will fail.
//! Decided once, at create.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use ark_video_model::{
    ContentItem, CreateTaskRequest, OmniReferenceTaskType as TaskType, OutputFormat, Ratio, Resolution,
    catalog::{Cell, StringSet},
    check::Facts,
    estimate::{Bill, BilledLength},
};

use super::{
    checks,
    content::{Content, Mode},
    intent, media,
    random::Random,
    wording,
};
use crate::{
    catalog::Model,
    options::Options,
    render::{Container, VideoSpec},
};

/// Seconds of video that a draft from elsewhere is taken to have.
const ASSUMED_DRAFT_SECONDS: i64 = 5;

/// How a task will end and what it will show then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) resolution: Resolution,
    pub(crate) ratio: Ratio,
    /// Output seconds, rounded down.
    pub(crate) seconds: i64,
    /// Set when the request gave `frames`; the task then has no `duration`.
    pub(crate) frames: Option<i64>,
    pub(crate) seed: i64,
    /// As asked, or by default; `None` for models that know no sound.
    pub(crate) generate_audio: Option<bool>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    #[serde(with = "container")]
    pub(crate) container: Container,
    pub(crate) tokens: i64,
    /// Seconds of input video; drafts hand them on to the final.
    pub(crate) input_seconds: i64,
    /// Whether it extends its input video, and so has no frame of its own at the seam.
    #[serde(default)]
    pub(crate) extends: bool,
    pub(crate) web_searches: Option<i64>,
    /// Code and message, when the task will fail. Boxed, as that is rare.
    pub(crate) failure: Option<Box<(Cow<'static, str>, String)>>,
}

/// A container by its file extension.
mod container {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::render::Container;

    pub(super) fn serialize<S: Serializer>(container: &Container, serializer: S) -> Result<S::Ok, S::Error> {
        container.extension().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Container, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mov = text == Container::Mov.extension();
        Ok(if mov { Container::Mov } else { Container::Mp4 })
    }
}

impl Plan {
    /// What to render.
    pub(crate) fn video_spec(&self) -> VideoSpec {
        let frames = u32::try_from(self.total_frames()).unwrap_or(1);
        let seed = self.seed.unsigned_abs();
        let audio = self.generate_audio.unwrap_or(false);
        VideoSpec {
            width: self.width,
            height: self.height,
            frames,
            audio,
            seed,
            container: self.container,
            ..VideoSpec::default()
        }
    }

    fn total_frames(&self) -> i64 {
        self.frames.unwrap_or(FRAMES_PER_SECOND * self.seconds + 1)
    }
}

const FRAMES_PER_SECOND: i64 = 24;
/// Decides everything. `inherited` is the plan of the draft that a final is made from, where it is
/// known; `notes` takes what was assumed.
pub(crate) fn make(
    request: &CreateTaskRequest,
    content: &Content<'_>,
    model: Model,
    inherited: Option<&Plan>,
    options: &Options,
    random: &mut Random,
    notes: &mut Vec<String>,
) -> Plan {
    let family = model.family;
    let intent = task_type(request, content, model);
    let resolution = resolution(request, content.mode, model);
    let ratio = match inherited {
        Some(draft) => draft.ratio.clone(),
        // An edit or an extension is as wide as its source.
        None if matches!(intent, Some(TaskType::Edit | TaskType::Extend)) => {
            source_ratio(request, content.facts, model).unwrap_or_else(|| {
                let ratio = &options.assumed_video_ratio;
                notes.push(format!(
                    "assumed that video 1 has the ratio {ratio}, which decides that of the result"
                ));
                ratio.as_str().into()
            })
        }
        None => ratio(request, content, model),
    };
    let of_table = |resolution: &Resolution, ratio: &str| {
        let table = |family: &str| {
            options.catalog.pixels_of(family, resolution.as_str(), ratio).map(|row| (row.width, row.height))
        };
        table(&model.entry.family).or_else(|| table("2.5"))
    };
    let listed = of_table(&resolution, ratio.as_str());
    let wide = || of_table(&resolution, "16:9").unwrap_or((1280, 720));
    // The proportion of the first frame, as far as the row with the closest ratio does not have it.
    let own = match inherited {
        Some(draft) => {
            let row = of_table(&draft.resolution, draft.ratio.as_str());
            row.map(|_| (draft.width, draft.height)).filter(|size| row != Some(*size))
        }
        None if content_decides(content, model) => content.leading_image.and_then(media::image_size),
        None => None,
    };
    let listed = match (listed, own) {
        (Some(row), Some((width, height))) => {
            same_area(row, f64::from(width) / f64::from(height)).or(Some(row))
        }
        (row, _) => row,
    };
    // What no table has is billed as the wide picture is: so were the edits whose usage is known.
    let (billed_width, billed_height) = listed.unwrap_or_else(wide);
    let (width, height) =
        listed.or_else(|| same_area(wide(), quotient(ratio.as_str())?)).unwrap_or_else(wide);
    let inputs = input_seconds(request, content.facts, model, options, notes);
    // Whole seconds of all together: a hair less than whole is whole.
    let together = (inputs.iter().sum::<f64>() + 1e-6) as i64;
    let input_seconds = inherited.map_or(together, |draft| draft.input_seconds);
    let frames = request
        .frames
        .filter(|_| content.mode != Mode::FromDraft)
        .or(inherited.and_then(|draft| draft.frames));
    let seconds = match (frames, inherited, request.duration.unwrap_or(family.duration.value.default)) {
        (Some(frames), ..) => frames / FRAMES_PER_SECOND,
        (None, Some(draft), _) => draft.seconds,
        (None, None, _) if content.mode == Mode::FromDraft => ASSUMED_DRAFT_SECONDS,
        // The output of an edit is as long as its source.
        (None, None, -1) if intent == Some(TaskType::Edit) => {
            inputs.first().map_or(family.duration.value.min, |seconds| *seconds as i64)
        }
        (None, None, -1) => random.between(family.duration.value.min, family.duration.value.max),
        (None, None, seconds) => seconds,
    };
    let seed = match (inherited, request.seed) {
        (Some(draft), _) => draft.seed,
        (None, Some(seed)) if seed >= 0 => seed,
        _ => random.seed(),
    };
    let sound = inherited.map_or(request.generate_audio, |draft| draft.generate_audio).unwrap_or(true);
    let generate_audio = (family.generate_audio.value != Some(false)).then_some(sound);
    let extends = inherited.map_or(intent == Some(TaskType::Extend), |draft| draft.extends);
    let length = match frames {
        Some(frames) => BilledLength::Frames(frames.unsigned_abs()),
        None => BilledLength::Millis(seconds.unsigned_abs().saturating_mul(1000)),
    };
    let mut bill = Bill::new(u64::from(billed_width) * u64::from(billed_height), length);
    if input_seconds > 0 {
        bill = bill.input(input_seconds.unsigned_abs(), !extends);
    }
    if let (Some(true), Some(factor)) = (request.draft, &family.draft_token_factor.value) {
        bill = bill.share(if sound { factor.audio } else { factor.silent });
    }
    let tokens = i64::try_from(bill.tokens(&options.catalog.billing)).unwrap_or(i64::MAX);
    let searching = request.tools.as_ref().is_some_and(|tools| !tools.is_empty());
    let web_searches = searching.then(|| random.between(0, 2));
    let container =
        if request.output_format == Some(OutputFormat::Mov) { Container::Mov } else { Container::Mp4 };
    let failure = failure(request, content, model, intent, &inputs)
        .map(|(code, message)| Box::new((code.into(), message)));
    Plan {
        resolution,
        ratio,
        seconds,
        frames,
        seed,
        generate_audio,
        width,
        height,
        container,
        tokens,
        input_seconds,
        extends,
        web_searches,
        failure,
    }
}

fn resolution(request: &CreateTaskRequest, mode: Mode, model: Model) -> Resolution {
    let family = model.family;
    let first =
        |all: &Cell<Option<StringSet>>| all.value.as_ref().and_then(StringSet::first).map(Resolution::from);
    let requested = request.resolution.as_ref().map(|resolution| resolution.as_str().to_lowercase().into());
    requested
        .or_else(|| if mode == Mode::FromDraft { first(&family.final_resolution) } else { None })
        .or_else(|| if request.draft == Some(true) { first(&family.draft_resolution) } else { None })
        .or_else(|| family.resolution_default.value.as_deref().map(Resolution::from))
        .or_else(|| first(&family.resolution))
        .unwrap_or_else(|| "720p".into())
}

/// The ratio that comes out: as asked, else that of the leading image where its size is known, else
/// wide.
fn ratio(request: &CreateTaskRequest, content: &Content<'_>, model: Model) -> Ratio {
    let family = model.family;
    let default = match content.mode {
        Mode::References => family.ratio_default_references.value.as_deref(),
        Mode::FirstFrame | Mode::FirstAndLastFrame => family.ratio_default_image.value.as_deref(),
        _ => family.ratio_default_text.value.as_deref(),
    };
    match request.ratio.as_ref().map(Ratio::as_str).or(default) {
        Some(fixed) if fixed != "adaptive" && !content_decides(content, model) => fixed.into(),
        _ => content
            .leading_image
            .and_then(media::image_size)
            .zip(family.ratio.value.as_ref())
            .map_or("16:9", |(size, all)| nearest(size, all))
            .into(),
    }
}

/// `5:4` as a number.
fn quotient(ratio: &str) -> Option<f64> {
    let (across, up) = ratio.split_once(':')?;
    Some(across.parse::<f64>().ok()? / up.parse::<f64>().ok()?)
}

/// Even sides of a proportion that no table has, with about as many pixels as another size: the
/// width first, then the height that is left. So measured two paid results of 2.5.
fn same_area((width, height): (u32, u32), proportion: f64) -> Option<(u32, u32)> {
    if !(0.1..=10.0).contains(&proportion) {
        return None;
    }
    let area = f64::from(width) * f64::from(height);
    // A float of this size becomes a integer without loss; `as` stops at the ends of the
    // range.
    let even = |side: f64| ((side / 2.0).round() as u32).max(8) * 2;
    let width = even((area * proportion).sqrt());
    Some((width, even(area / f64::from(width))))
}

/// On 2.5 the first frame decides, whatever the request says.
fn content_decides(content: &Content<'_>, model: Model) -> bool {
    content.mode.has_frames() && model.family.ratio_adaptive_required_in_frame_mode.value == Some(true)
}

/// The ratio of `all` that is closest to a size, by factor.
fn nearest((width, height): (u32, u32), all: &StringSet) -> &str {
    let actual = f64::from(width) / f64::from(height);
    let distance = |text: &&str| quotient(text).map_or(f64::INFINITY, |ratio| (ratio / actual).ln().abs());
    all.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or("16:9")
}

/// The ratio of the first reference video where it was measured: by its name if the model has one.
fn source_ratio(request: &CreateTaskRequest, facts: &Facts, model: Model) -> Option<Ratio> {
    let (at, _) = videos(request).next()?;
    let facts = facts.get(at)?;
    let (width, height) = facts.width.zip(facts.height)?;
    let own = || {
        let divisor = (1..=width.min(height)).rev().find(|by| width % by == 0 && height % by == 0)?;
        Some(format!("{}:{}", width / divisor, height / divisor).as_str().into())
    };
    model.family.ratio_of(width, height).map(Into::into).or_else(own)
}

fn videos(request: &CreateTaskRequest) -> impl Iterator<Item = (usize, &ContentItem)> {
    request.content.iter().enumerate().filter(|(_, item)| matches!(item, ContentItem::Video(_)))
}

/// The seconds of each reference video: as measured, else assumed, and cut so that all together are
/// not longer than the model takes.
fn input_seconds(
    request: &CreateTaskRequest,
    facts: &Facts,
    model: Model,
    options: &Options,
    notes: &mut Vec<String>,
) -> Vec<f64> {
    let count = videos(request).count();
    let (Some(range), Ok(whole @ 1..)) = (&model.family.input_video_seconds.value, i64::try_from(count))
    else {
        return Vec::new();
    };
    // Whole seconds, in every document.
    let [least, most, total] =
        [range.each_min, range.each_max, range.total_max].map(|seconds| seconds as i64);
    let requested = i64::from(options.assumed_video_seconds).clamp(least, most);
    let each = requested.min((total / whole).max(1));
    let of = |(number, (at, _)): (usize, (usize, &ContentItem))| {
        facts.get(at).and_then(|facts| facts.seconds).unwrap_or_else(|| {
            notes.push(format!(
                "assumed {each} s for video {number}, which is a link that the simulator does not fetch; the real length counts in the real bill"
            ));
            each as f64
        })
    };
    (1..).zip(videos(request)).map(of).collect()
}

/// The task type of a request with a reference video on 2.5: as declared, else by the phrases of
/// the prompt.
fn task_type(request: &CreateTaskRequest, content: &Content<'_>, model: Model) -> Option<TaskType> {
    if content.videos == 0 || !checks::reads_task_type(model) {
        return None;
    }
    match &request.omni_reference_task_type {
        Some(declared) if *declared != TaskType::Auto => Some(declared.clone()),
        _ => intent::read(content.prompt.unwrap_or_default()),
    }
}

/// What goes wrong after the task was accepted.
fn failure(
    request: &CreateTaskRequest,
    content: &Content<'_>,
    model: Model,
    task: Option<TaskType>,
    inputs: &[f64],
) -> Option<(&'static str, String)> {
    let fixed = request.ratio.as_ref().is_some_and(|ratio| *ratio != Ratio::Adaptive);
    let invalid = |param: &str, why: String| {
        format!("The parameter `{param}` specified in the request is not valid: {why}.")
    };
    if fixed && content_decides(content, model) {
        return Some(("InvalidParameter.TaskTypeConstraint", wording::FRAME_DECIDES.into()));
    }
    let task = task?;
    let declared = request.omni_reference_task_type.as_ref().filter(|declared| **declared != TaskType::Auto);
    if declared.is_some() {
        let requested = intent::read(content.prompt.unwrap_or_default());
        if task != TaskType::Reference && requested.as_ref().is_some_and(|requested| *requested != task) {
            let why = format!("the prompt does not ask for task type {task}");
            return Some(("InvalidParameter.TaskTypeMismatch", invalid("omni_reference_task_type", why)));
        }
    }
    let edit = task == TaskType::Edit;
    let mut issues: Vec<(&str, String)> = Vec::new();
    if fixed && task != TaskType::Reference {
        issues.push(("ratio", "`ratio` must be adaptive".into()));
    }
    if edit && request.duration.is_some_and(|duration| duration != -1) {
        issues.push(("duration", "`duration` must be -1".into()));
    }
    if let Some(range) = model.family.edit_source_seconds.value.filter(|_| edit)
        && !inputs.iter().any(|seconds| range.contains(seconds))
    {
        issues.push(("content", format!("the input video must have {range} seconds")));
    }
    let (param, _) = issues.first()?;
    Some(("InvalidParameter.TaskTypeConstraint", wording::task_type_message(param, edit, &issues)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_outside_the_tables_has_the_same_area() {
        let of = |size, ratio: &str| same_area(size, quotient(ratio)?);
        assert_eq!(of((854, 480), "5:4"), Some((716, 572)));
        assert_eq!(of((854, 480), "keep"), None);
        assert_eq!(of((854, 480), "1:0"), None);
        // The two results whose first frames are known.
        assert_eq!(of((560, 752), "769:1163"), Some((528, 798)));
        assert_eq!(of((834, 1112), "611:917"), Some((786, 1180)));
    }

    #[test]
    fn a_size_has_one_closest_ratio() {
        let all: StringSet = serde_json::from_str(r#"["16:9","4:3","1:1","3:4","9:16","21:9"]"#).unwrap();
        for (size, expected) in
            [((300, 400), "3:4"), ((1080, 1920), "9:16"), ((999, 1000), "1:1"), ((5000, 300), "21:9")]
        {
            assert_eq!(nearest(size, &all), expected);
        }
    }
}
