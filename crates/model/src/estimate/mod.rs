//! What a request will cost, as a range with the assumptions behind it. Whole numbers and decimals only: no rounding
//! but at the very end, and that away from the other end of the range.

mod output;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::CreateTaskRequest;
use crate::catalog::{Catalog, Decimal, ModelRules, Price, Site, Span, Text, WhySkipped};
use crate::check::{Facts, Scan};
use output::Output;

/// What a request will cost when it succeeds; a task that fails costs nothing (price page, 2026-10).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// The family whose rules were used; `None` where nothing is known of the model.
    pub family: Option<Text>,
    /// Billed tokens; `None` where nothing is known of the model.
    pub tokens: Option<Span<u64>>,
    /// The list price; `None` where it is not public, or not asked per token.
    pub price: Option<PriceEstimate>,
    /// What the numbers lean on, a sentence each.
    pub assumptions: Vec<String>,
}

/// A range of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PriceEstimate {
    /// At least so much, rounded down to a millionth.
    pub min: Decimal,
    /// At most so much, rounded up to a millionth.
    pub max: Decimal,
    /// `CNY` or `USD`.
    pub currency: Text,
    /// The price of a million tokens, where it depends on what is not known.
    pub per_million_tokens: Span<Decimal>,
}

/// Estimates a request. The site, and with it the currency, is that of the model id unless one is given.
///
/// ```
/// use ark_video_model::{Catalog, Facts, TextToVideo, estimate};
///
/// let request = TextToVideo::new("doubao-seedance-2-0-260128", "A paper boat.").resolution("720p").ratio("16:9").build();
/// let estimate = estimate(&request, Catalog::builtin(), &Facts::new(), None);
/// assert_eq!(estimate.tokens.map(|tokens| (tokens.min, tokens.max)), Some((108_900, 108_900)));
/// assert_eq!(estimate.price.map(|price| price.max.to_string()).as_deref(), Some("5.0094"));
/// ```
pub fn estimate(
    request: &CreateTaskRequest,
    catalog: &Catalog,
    facts: &Facts,
    site: Option<Site>,
) -> Estimate {
    let nothing =
        |why: &str| Estimate { family: None, tokens: None, price: None, assumptions: vec![why.to_owned()] };
    let (name, own_site, public) = match catalog.rules_for(&request.model) {
        ModelRules::Known { model, .. } => (&model.family, model.site, true),
        ModelRules::Skipped { why: WhySkipped::PlanName(plan) } => (&plan.family, plan.site, false),
        ModelRules::Skipped { why: WhySkipped::Endpoint } => {
            return nothing(
                "Which model an endpoint id runs is not known; estimate with the model's own id.",
            );
        }
        _ => return nothing("The catalog does not have this model."),
    };
    let Some(family) = catalog.families.get(name) else {
        return nothing("The catalog does not have this model.");
    };
    let mut notes = Vec::new();
    let request = settled(request, catalog, &mut notes);
    let mode = Scan::of(&request).mode();
    let input = input_video(&request, catalog, family, facts, &mut notes);
    let outputs = output::all(&request, catalog, (name.as_ref(), family), mode, facts, &mut notes);
    if outputs.is_empty() {
        notes.push("The size of the picture is not known.".into());
        return Estimate { family: Some(name.clone()), tokens: None, price: None, assumptions: notes };
    }
    let tokens: Vec<Span<u64>> =
        outputs.iter().map(|output| output.tokens(catalog, input.unwrap_or(ZERO))).collect();
    let site = site.unwrap_or(own_site);
    let tier = request.service_tier.as_ref().map_or("default", |tier| tier.as_str());
    let price = if public {
        let asked = Asked { catalog, site, family: name, input_video: input.is_some(), tier };
        price(&asked, &outputs, &tokens)
    } else {
        notes.push("A plan is not billed by these prices.".into());
        None
    };
    if price.is_none() && public {
        notes.push("The price is not public.".into());
    }
    if request.tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
        notes.push("Searches by the model are not counted.".into());
    }
    let price_date = catalog.prices.iter().filter(|row| row.site == site).map(|row| row.date.as_ref()).max();
    if let (Some(date), true) = (price_date, price.is_some()) {
        notes.push(format!("List prices of {date}; promotions and contracts differ."));
    }
    Estimate { family: Some(name.clone()), tokens: around(&tokens), price, assumptions: notes }
}

const ZERO: Span<u64> = Span { min: 0, max: 0 };

fn around(all: &[Span<u64>]) -> Option<Span<u64>> {
    Some(Span { min: all.iter().map(|span| span.min).min()?, max: all.iter().map(|span| span.max).max()? })
}

/// The request with the settings of its prompt where they count.
fn settled(request: &CreateTaskRequest, catalog: &Catalog, notes: &mut Vec<String>) -> CreateTaskRequest {
    let (mut settled, lifted) = crate::lint::lift(request);
    if lifted.is_empty() {
        return settled;
    }
    notes.push("Settings in the prompt were read as the service would.".into());
    if catalog.answer("prompt-flag-precedence") == Some("flag_wins") {
        // Where the prompt wins, the fields that it speaks of make room first.
        let mut open = request.clone();
        for flag in lifted.iter().filter(|flag| !flag.moved) {
            match flag.field {
                "resolution" => open.resolution = None,
                "ratio" => open.ratio = None,
                "duration" => open.duration = None,
                "frames" => open.frames = None,
                _ => {}
            }
        }
        settled = crate::lint::lift(&open).0;
    }
    settled
}

/// Milliseconds of input video that are billed; `None` without any.
fn input_video(
    request: &CreateTaskRequest,
    catalog: &Catalog,
    family: &crate::Family,
    facts: &Facts,
    notes: &mut Vec<String>,
) -> Option<Span<u64>> {
    let videos =
        request.content.iter().enumerate().filter(|(_, item)| matches!(item, crate::ContentItem::Video(_)));
    let seconds: Vec<Option<f64>> =
        videos.map(|(index, _)| facts.get(index).and_then(|facts| facts.seconds)).collect();
    if seconds.is_empty() {
        return None;
    }
    let known: Vec<f64> = seconds.iter().flatten().copied().collect();
    let unknown = seconds.len() - known.len();
    let mut min: u64 = known.iter().map(|seconds| millis(*seconds, f64::floor)).sum();
    let mut max: u64 = known.iter().map(|seconds| millis(*seconds, f64::ceil)).sum();
    if unknown > 0
        && let Some(limits) = family.input_video_seconds.value
    {
        min += unknown as u64 * millis(limits.each_min, f64::floor);
        let all = max + unknown as u64 * millis(limits.each_max, f64::ceil);
        max = all.min(millis(limits.total_max, f64::ceil)).max(max);
        notes.push(format!(
            "The length of {unknown} reference {} is not known: between {} and {} seconds were assumed, {} in all.",
            if unknown == 1 { "video" } else { "videos" },
            limits.each_min,
            limits.each_max,
            limits.total_max
        ));
    }
    if catalog.answer("video-input-minimum") == Some("four_seconds") {
        let floor = u64::try_from(catalog.billing.input_video_floor_seconds.value).unwrap_or(0) * 1000;
        if min < floor {
            notes.push(format!(
                "Input video counts at least {} seconds; the vendor's table is not public.",
                floor / 1000
            ));
        }
        (min, max) = (min.max(floor), max.max(floor));
    }
    Some(Span { min, max })
}

fn millis(seconds: f64, round: impl Fn(f64) -> f64) -> u64 {
    // A file's seconds are a fraction of its own clock; a millionth decides nothing.
    let exact = seconds * 1000.0;
    let near = exact.round();
    (if (exact - near).abs() < 1e-3 { near } else { round(exact) }).clamp(0.0, 1e12) as u64
}

struct Asked<'a> {
    catalog: &'a Catalog,
    site: Site,
    family: &'a str,
    input_video: bool,
    tier: &'a str,
}

impl Asked<'_> {
    /// The row that fits; of several, the last.
    fn row(&self, output: &Output) -> Option<&Price> {
        self.catalog.prices.iter().rev().find(|row| {
            row.site == self.site
                && row.families.contains(self.family)
                && row.resolution.as_ref().is_none_or(|all| all.contains(&output.resolution))
                && row.input_video == self.input_video
                && row.audio.is_none_or(|audio| audio == output.audio)
                && row.tier == self.tier
        })
    }
}

/// The price over everything that the result may be; `None` if one of the cases has no price.
fn price(asked: &Asked<'_>, outputs: &[Output], tokens: &[Span<u64>]) -> Option<PriceEstimate> {
    let mut all: Option<PriceEstimate> = None;
    for (output, tokens) in outputs.iter().zip(tokens) {
        let row = asked.row(output)?;
        let each = row.per_million_tokens;
        let money = |tokens: u64| u128::from(tokens) * u128::from(each.millionths());
        let exact = |value: u128| Decimal::from_millionths(u64::try_from(value).unwrap_or(u64::MAX));
        let (min, max) = (exact(money(tokens.min) / 1_000_000), exact(money(tokens.max).div_ceil(1_000_000)));
        all = Some(match all {
            None => PriceEstimate {
                min,
                max,
                currency: row.currency.clone(),
                per_million_tokens: Span { min: each, max: each },
            },
            Some(so_far) => PriceEstimate {
                min: so_far.min.min(min),
                max: so_far.max.max(max),
                per_million_tokens: Span {
                    min: so_far.per_million_tokens.min.min(each),
                    max: so_far.per_million_tokens.max.max(each),
                },
                ..so_far
            },
        });
    }
    all
}

/// `a, b or c` of distinct words, for an assumption.
fn either<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: BTreeSet<&str> = words.collect();
    words.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
