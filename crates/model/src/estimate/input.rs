//! How much input video a request has: every length that is possible, and whether the result has a
//! frame of its own.

use super::millis;
use crate::catalog::{Catalog, Family, Span};
use crate::check::{Facts, Mode};
use crate::{ContentItem, CreateTaskRequest, OmniReferenceTaskType as TaskType};

/// What is billed of the input video.
#[derive(Clone, Copy)]
pub(super) struct Input {
    /// Whole seconds of all videos together.
    pub(super) seconds: Span<u64>,
    /// Whether the result has a frame of its own at its start, at least and at most.
    pub(super) extra_frame: Span<bool>,
}

/// The seconds that the service lets pass beside its limits, both ways.
pub(super) fn grace(catalog: &Catalog) -> f64 {
    catalog.media.video.seconds_grace.value
}

/// Whether the service reads a prompt with a reference video as a reference, an edit or an
/// extension; `None` where that is not documented.
pub(super) fn reads_task_type(family: &Family) -> Option<bool> {
    family.omni_reference_task_type.value.as_ref().map(|values| values.contains(TaskType::Edit.as_str()))
}

/// Every case of input video: with `None` there is none.
pub(super) fn all(
    request: &CreateTaskRequest,
    catalog: &Catalog,
    family: &Family,
    mode: Mode,
    facts: &Facts,
    notes: &mut Vec<String>,
) -> Vec<Option<Input>> {
    if mode == Mode::FromDraft {
        let Some(limits) = family.input_video_seconds.value else { return vec![None] };
        notes.push("The draft decides whether there is input video, and how long it is.".into());
        let seconds = Span {
            min: whole(millis(limits.each_min - grace(catalog), f64::floor)),
            max: whole(millis(limits.total_max + grace(catalog), f64::ceil)),
        };
        let any = Input { seconds, extra_frame: Span { min: false, max: true } };
        return vec![None, Some(any)];
    }
    let videos: Vec<Option<f64>> = request
        .content
        .iter()
        .enumerate()
        .filter(|(_, item)| matches!(item, ContentItem::Video(_)))
        .map(|(index, _)| facts.get(index).and_then(|facts| facts.seconds))
        .collect();
    if videos.is_empty() {
        return vec![None];
    }
    let edit = request.omni_reference_task_type == Some(TaskType::Edit);
    let seconds = seconds(&videos, edit, catalog, family, notes);
    vec![Some(Input { seconds, extra_frame: extra_frame(request, family, notes) })]
}

/// Whole seconds of all clips: whether each is rounded down or their sum, both are counted.
fn seconds(
    videos: &[Option<f64>],
    edit: bool,
    catalog: &Catalog,
    family: &Family,
    notes: &mut Vec<String>,
) -> Span<u64> {
    let known: Vec<u64> = videos.iter().flatten().map(|seconds| millis(*seconds, f64::floor)).collect();
    let unknown = videos.len() - known.len();
    let sum: u64 = known.iter().sum();
    let mut min: u64 = known.iter().copied().map(whole).sum();
    let mut max = whole(sum);
    if min < max {
        notes.push(
            "Whether each reference video is rounded down to whole seconds, or all together, is not known."
                .into(),
        );
    }
    if unknown > 0
        && let Some(limits) = family.input_video_seconds.value
    {
        let grace = grace(catalog);
        let source = family.edit_source_seconds.value.filter(|_| edit && videos.len() == 1);
        let shortest = source.map_or(limits.each_min, |source| source.min);
        let count = unknown as u64;
        min += count * whole(millis(shortest - grace, f64::floor));
        let most = sum + count * millis(limits.each_max + grace, f64::ceil);
        max = whole(most.min(millis(limits.total_max + grace, f64::ceil)).max(sum));
        notes.push(format!(
            "The length of {unknown} reference {} is not known: between {shortest} and {} seconds were assumed, {} in all.",
            if unknown == 1 { "video" } else { "videos" },
            limits.each_max,
            limits.total_max
        ));
    }
    Span { min, max: max.max(min) }
}

fn whole(millis: u64) -> u64 {
    millis / 1000
}

/// An extension has no frame of its own, as it starts with the last one of its source. Where the
/// service itself decides what a request is, both are possible.
fn extra_frame(request: &CreateTaskRequest, family: &Family, notes: &mut Vec<String>) -> Span<bool> {
    let always = |extra| Span { min: extra, max: extra };
    match (reads_task_type(family), &request.omni_reference_task_type) {
        (Some(false), _) => always(true),
        (_, Some(TaskType::Extend)) => always(false),
        (_, Some(TaskType::Edit | TaskType::Reference)) => always(true),
        _ => {
            notes.push("The task type is not declared; an extension counts one frame less.".into());
            Span { min: false, max: true }
        }
    }
}
