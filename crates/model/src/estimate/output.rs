//! What the result may be: every size that is possible, how long, with or without sound.

use super::{either, millis};
use crate::catalog::{Catalog, Decimal, Family, Span, Words};
use crate::check::{Facts, Mode};
use crate::{ContentItem, CreateTaskRequest, OmniReferenceTaskType as TaskType};

/// One thing that the result may be.
pub(super) struct Output {
    pub(super) resolution: String,
    pub(super) audio: bool,
    width: u64,
    height: u64,
    length: Length,
    /// What the tokens are multiplied with, in millionths.
    factor: u64,
}

/// How long the result is.
#[derive(Clone, Copy)]
enum Length {
    Frames(u64),
    Millis(Span<u64>),
}

impl Output {
    /// floor((24 · (input + output seconds) + 1) · width · height / 1024); with frames, these in place of the bracket.
    pub(super) fn tokens(&self, catalog: &Catalog, input: Span<u64>) -> Span<u64> {
        let billing = &catalog.billing;
        let whole = |value: i64| u128::try_from(value).unwrap_or(0);
        let (rate, extra) = (whole(billing.frames_per_second.value), whole(billing.extra_frames.value));
        let per_token = whole(billing.pixels_per_token.value).max(1);
        let count = |input: u64, output: u64| {
            // In thousandths of a frame, so that milliseconds stay exact.
            let frames = match self.length {
                Length::Frames(frames) => u128::from(frames) * 1000 + rate * u128::from(input),
                Length::Millis(_) => rate * (u128::from(input) + u128::from(output)) + extra * 1000,
            };
            let tokens = frames * u128::from(self.width) * u128::from(self.height) / (per_token * 1000);
            u64::try_from(tokens * u128::from(self.factor) / 1_000_000).unwrap_or(u64::MAX)
        };
        let length = match self.length {
            Length::Frames(_) => Span { min: 0, max: 0 },
            Length::Millis(span) => span,
        };
        Span { min: count(input.min, length.min), max: count(input.max, length.max) }
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
    let ratios = ratios(request, family, mode, notes);
    let length = length(request, family, mode, facts, notes);
    let sounds = sounds(request, catalog, family, mode);
    let draft = request.draft == Some(true) && mode != Mode::FromDraft;
    let mut all = Vec::new();
    for resolution in &resolutions {
        for ratio in &ratios {
            let Some(size) = catalog.pixels_of(name, resolution, ratio) else { continue };
            for audio in &sounds {
                let factor = match (family.draft_token_factor.value, draft) {
                    (Some(factors), true) => {
                        if *audio {
                            factors.audio
                        } else {
                            factors.silent
                        }
                    }
                    _ => Decimal::from_millionths(1_000_000),
                };
                all.push(Output {
                    resolution: resolution.clone(),
                    audio: *audio,
                    width: size.width.into(),
                    height: size.height.into(),
                    length,
                    factor: factor.millionths(),
                });
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

fn owned(words: &Option<Words>) -> Vec<String> {
    words.iter().flat_map(Words::iter).map(str::to_owned).collect()
}

fn resolutions(
    request: &CreateTaskRequest,
    family: &Family,
    mode: Mode,
    notes: &mut Vec<String>,
) -> Vec<String> {
    if let Some(resolution) = &request.resolution {
        return vec![resolution.as_str().to_owned()];
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

fn length(
    request: &CreateTaskRequest,
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
    if request.omni_reference_task_type == Some(TaskType::Edit) {
        return edited(request, family, facts, notes).unwrap_or(any);
    }
    let (wanted, said) = match request.duration {
        Some(wanted) => (wanted, true),
        None => (lengths.default, false),
    };
    if wanted == -1 {
        notes.push(format!("The model picks the length: {} to {} seconds.", lengths.min, lengths.max));
        return any;
    }
    if !said {
        notes.push(format!("{wanted} seconds: the model's default."));
    }
    Length::Millis(Span { min: seconds(wanted), max: seconds(wanted) })
}

/// An edit is as long as its source, or up to 0.4 seconds shorter (2.5 tutorial, 2026-10).
fn edited(
    request: &CreateTaskRequest,
    family: &Family,
    facts: &Facts,
    notes: &mut Vec<String>,
) -> Option<Length> {
    const SHORTER: u64 = 400;
    let first = request.content.iter().position(|item| matches!(item, ContentItem::Video(_)));
    if let Some(seconds) = first.and_then(|index| facts.get(index)).and_then(|facts| facts.seconds) {
        notes.push(format!("An edit is as long as its source, {seconds:.1} seconds, or a little shorter."));
        let max = millis(seconds, f64::ceil);
        return Some(Length::Millis(Span { min: max.saturating_sub(SHORTER), max }));
    }
    let source = family.edit_source_seconds.value?;
    notes.push(format!("An edit is as long as its source: {source} seconds."));
    let min = millis(source.min, f64::floor).saturating_sub(SHORTER);
    Some(Length::Millis(Span { min, max: millis(source.max, f64::ceil) }))
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
