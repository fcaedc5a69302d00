//! What the result may be: every size that is possible, how long, with or without sound.

use super::bill::{Bill, BilledLength};
use super::input::{self, Input};
use super::{either, millis};
use crate::catalog::{Billing, Catalog, Decimal, Family, Span, StringSet};
use crate::check::{Facts, Mode};
use crate::{ContentItem, CreateTaskRequest, OmniReferenceTaskType as TaskType, Ratio};

/// One thing that the result may be.
pub(super) struct Output {
    pub(super) resolution: String,
    pub(super) audio: bool,
    /// Width times height.
    pixels: Span<u64>,
    length: Length,
    /// What the tokens are multiplied with.
    share: Decimal,
}

/// How long the result is.
#[derive(Clone, Copy)]
enum Length {
    Frames(u64),
    Millis(Span<u64>),
}

impl Output {
    /// What it is billed with this input. Each end of every range counts towards the same end of
    /// the result.
    pub(super) fn tokens(&self, billing: &Billing, input: Option<Input>) -> Span<u64> {
        let (shortest, longest) = match self.length {
            Length::Frames(frames) => (BilledLength::Frames(frames), BilledLength::Frames(frames)),
            Length::Millis(span) => (BilledLength::Millis(span.min), BilledLength::Millis(span.max)),
        };
        let (mut min, mut max) = (Bill::new(self.pixels.min, shortest), Bill::new(self.pixels.max, longest));
        if let Some(input) = input {
            min = min.input(input.seconds.min, input.extra_frame.min);
            max = max.input(input.seconds.max, input.extra_frame.max);
        }
        Span { min: min.share(self.share).tokens(billing), max: max.share(self.share).tokens(billing) }
    }

    /// Whether the smallest charge decides an end of the range.
    pub(super) fn is_smallest_charge(&self, billing: &Billing, inputs: &[Option<Input>]) -> bool {
        let Length::Millis(length) = self.length else { return false };
        let thirds = u64::try_from(billing.input_video_minimum_thirds.value).unwrap_or(0);
        let decides =
            |input: u64, output: u64| output.saturating_mul(thirds).div_ceil(3000) > input + output / 1000;
        inputs
            .iter()
            .flatten()
            .any(|input| decides(input.seconds.min, length.min) || decides(input.seconds.max, length.max))
    }
}

/// Everything that the result may be.
pub(super) fn all(
    request: &CreateTaskRequest,
    catalog: &Catalog,
    (name, family): (&str, &Family),
    mode: Mode,
    facts: &Facts,
    notes: &mut Vec<String>,
) -> Vec<Output> {
    let resolutions = resolutions(request, family, mode, notes);
    let source = source_ratio(request, family, mode, facts);
    let ratios = match &source {
        Some(ratio) => vec![ratio.clone()],
        None => ratios(request, family, mode, notes),
    };
    let length = length(request, catalog, family, mode, facts, notes);
    let margin = match source {
        Some(_) => 0,
        None => margin(request, catalog, family, mode, notes),
    };
    let sounds = sounds(request, catalog, family, mode);
    let draft = request.draft == Some(true) && mode != Mode::FromDraft;
    let mut all = Vec::new();
    for resolution in &resolutions {
        for ratio in &ratios {
            let Some(size) = catalog.pixels_of(name, resolution, ratio) else { continue };
            for audio in &sounds {
                let share = match (family.draft_token_factor.value, draft) {
                    (Some(factors), true) => {
                        if *audio {
                            factors.audio
                        } else {
                            factors.silent
                        }
                    }
                    _ => Decimal::from_millionths(1_000_000),
                };
                let pixels = u64::from(size.width) * u64::from(size.height);
                let pixels = Span {
                    min: pixels * (100 - margin) / 100,
                    max: pixels.saturating_mul(100 + margin) / 100,
                };
                all.push(Output { resolution: resolution.clone(), audio: *audio, pixels, length, share });
            }
        }
    }
    if let (Some(factors), true) = (family.draft_token_factor.value, draft) {
        let factor = if sounds.contains(&true) { factors.audio } else { factors.silent };
        if factor.millionths() != 1_000_000 {
            notes.push(format!("A draft counts {factor} of the tokens."));
        }
    }
    all
}

fn owned(values: &Option<StringSet>) -> Vec<String> {
    values.iter().flat_map(StringSet::iter).map(str::to_owned).collect()
}

fn resolutions(
    request: &CreateTaskRequest,
    family: &Family,
    mode: Mode,
    notes: &mut Vec<String>,
) -> Vec<String> {
    if let Some(resolution) = &request.resolution {
        // The service takes it in any case.
        return vec![resolution.as_str().to_lowercase()];
    }
    let (list, what) = match mode {
        Mode::FromDraft => {
            (owned(&family.final_resolution.value).into_iter().take(1).collect(), "a final's default")
        }
        _ if request.draft == Some(true) => (owned(&family.draft_resolution.value), "a draft's"),
        _ => (
            family.resolution_default.value.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "the model's default",
        ),
    };
    if list.is_empty() {
        let all = owned(&family.resolution.value);
        notes.push(format!("The resolution is not known: {}.", either(all.iter().map(String::as_str))));
        return all;
    }
    notes.push(format!("Resolution {}: {what}.", either(list.iter().map(String::as_str))));
    list
}

fn ratios(request: &CreateTaskRequest, family: &Family, mode: Mode, notes: &mut Vec<String>) -> Vec<String> {
    let all = owned(&family.ratio.value);
    let default = match mode {
        Mode::Text => &family.ratio_default_text,
        Mode::FirstFrame | Mode::FirstAndLastFrame => &family.ratio_default_image,
        _ => &family.ratio_default_references,
    };
    let wanted = match (&request.ratio, mode) {
        (_, Mode::FromDraft) => None,
        (Some(ratio), _) => Some(ratio.as_str()),
        (None, _) => default.value.as_deref(),
    };
    let wanted = wanted.filter(|_| !frame_decides(family, mode));
    match wanted.filter(|ratio| all.iter().any(|known| known == ratio)) {
        Some(ratio) => {
            if request.ratio.is_none() {
                notes.push(format!("Ratio {ratio}: the model's default."));
            }
            vec![ratio.to_owned()]
        }
        None => {
            let who = if mode == Mode::FromDraft {
                "The draft decides the ratio"
            } else {
                "The service picks the ratio"
            };
            notes.push(format!("{who}; the sizes of all ratios were counted."));
            all
        }
    }
}

/// The ratio of the source of a declared edit or extension, if it is one of the model's: the result
/// then has a size of the table.
fn source_ratio(request: &CreateTaskRequest, family: &Family, mode: Mode, facts: &Facts) -> Option<String> {
    let declared = matches!(&request.omni_reference_task_type, Some(TaskType::Edit | TaskType::Extend));
    if mode != Mode::References || !declared || input::reads_task_type(family) != Some(true) {
        return None;
    }
    let mut videos =
        request.content.iter().enumerate().filter(|(_, item)| matches!(item, ContentItem::Video(_)));
    let (at, _) = videos.next().filter(|_| videos.next().is_none())?;
    let (width, height) = facts.get(at).and_then(|facts| facts.width.zip(facts.height))?;
    family.ratio_of(width, height).map(str::to_owned)
}

/// On 2.5 the first frame decides the ratio, whatever the request says.
fn frame_decides(family: &Family, mode: Mode) -> bool {
    matches!(mode, Mode::FirstFrame | Mode::FirstAndLastFrame)
        && family.ratio_adaptive_required_in_frame_mode.value == Some(true)
}

/// By how many percent the pixels may differ from the table: where 2.5 follows a frame or a source,
/// the result has the proportion of that, with about the pixels of a row.
fn margin(
    request: &CreateTaskRequest,
    catalog: &Catalog,
    family: &Family,
    mode: Mode,
    notes: &mut Vec<String>,
) -> u64 {
    let follows = family.ratio_adaptive_required_in_frame_mode.value == Some(true);
    let free = match mode {
        Mode::Text | Mode::Unclear => false,
        Mode::FirstFrame | Mode::FirstAndLastFrame | Mode::FromDraft => true,
        Mode::References => request.ratio.as_ref().is_none_or(|ratio| *ratio == Ratio::Adaptive),
    };
    let percent = u64::try_from(catalog.billing.own_proportion_percent.value).unwrap_or(0).min(100);
    if !(follows && free) || percent == 0 {
        return 0;
    }
    notes.push(format!("The result may have a proportion of its own: {percent} % more or fewer pixels."));
    percent
}

fn length(
    request: &CreateTaskRequest,
    catalog: &Catalog,
    family: &Family,
    mode: Mode,
    facts: &Facts,
    notes: &mut Vec<String>,
) -> Length {
    let lengths = family.duration.value;
    let seconds = |seconds: i64| u64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
    let any = Length::Millis(Span { min: seconds(lengths.min), max: seconds(lengths.max) });
    if mode == Mode::FromDraft {
        notes.push(format!("The draft decides the length: {} to {} seconds.", lengths.min, lengths.max));
        return any;
    }
    if let Some(frames) = request.frames {
        return Length::Frames(u64::try_from(frames).unwrap_or(0));
    }
    let video = || request.content.iter().any(|item| matches!(item, ContentItem::Video(_)));
    let reads =
        if mode == Mode::References && video() { input::reads_task_type(family) } else { Some(false) };
    let edit = || edited(request, catalog, family, facts);
    let declared = request.omni_reference_task_type == Some(TaskType::Edit);
    if declared && reads == Some(true) {
        let Some(source) = edit() else { return any };
        let text = format!("{} to {}", tenths(source.min), tenths(source.max));
        notes.push(format!("An edit is as long as its source or a little shorter: {text} seconds."));
        return Length::Millis(source);
    }
    let (wanted, said) = match request.duration {
        Some(wanted) => (wanted, true),
        None => (lengths.default, false),
    };
    if wanted == -1 {
        notes.push(format!("The model picks the length: {} to {} seconds.", lengths.min, lengths.max));
        let undeclared = matches!(request.omni_reference_task_type, None | Some(TaskType::Auto));
        let possible = declared || undeclared;
        // What the service reads as an edit is as long as its source.
        return match edit().filter(|_| possible && reads != Some(false)) {
            Some(source) => Length::Millis(Span {
                min: seconds(lengths.min).min(source.min),
                max: seconds(lengths.max).max(source.max),
            }),
            None => any,
        };
    }
    if !said {
        notes.push(format!("{wanted} seconds: the model's default."));
    }
    Length::Millis(Span { min: seconds(wanted), max: seconds(wanted) })
}

/// An edit is as long as the video that the service picks as its source, or up to 0.4 seconds
/// shorter (2.5 tutorial, 2026-10); whether a part of a second is billed is not known.
fn edited(
    request: &CreateTaskRequest,
    catalog: &Catalog,
    family: &Family,
    facts: &Facts,
) -> Option<Span<u64>> {
    const SHORTER: u64 = 400;
    let allowed = family.edit_source_seconds.value?;
    let grace = input::grace(catalog);
    let all =
        Span { min: millis(allowed.min - grace, f64::floor), max: millis(allowed.max + grace, f64::ceil) };
    let videos = request.content.iter().enumerate().filter(|(_, item)| matches!(item, ContentItem::Video(_)));
    let lengths = videos.map(|(index, _)| match facts.get(index).and_then(|facts| facts.seconds) {
        Some(seconds) => Span { min: millis(seconds, f64::floor), max: millis(seconds, f64::ceil) },
        None => all,
    });
    let source = lengths.reduce(|a, b| Span { min: a.min.min(b.min), max: a.max.max(b.max) }).unwrap_or(all);
    Some(Span { min: source.min.saturating_sub(SHORTER) / 1000 * 1000, max: source.max })
}

fn tenths(millis: u64) -> String {
    format!("{}.{}", millis / 1000, millis % 1000 / 100)
}

/// Whether there is a sound track; both where a draft decides.
fn sounds(request: &CreateTaskRequest, catalog: &Catalog, family: &Family, mode: Mode) -> Vec<bool> {
    if family.generate_audio.value != Some(true) {
        return vec![false];
    }
    match (mode, request.generate_audio) {
        (Mode::FromDraft, _) => vec![true, false],
        (_, Some(audio)) => vec![audio],
        (_, None) => vec![catalog.defaults.generate_audio.value.unwrap_or(true)],
    }
}
