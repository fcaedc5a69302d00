//! What a request will cost, as a range with the assumptions behind it. Whole numbers and decimals
//! only: no rounding but at the very end, and that away from the other end of the range.

mod bill;
mod input;
mod output;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::CreateTaskRequest;
use crate::catalog::{Catalog, CowStr, Decimal, ModelRules, Price, Site, Span, WhySkipped};
use crate::check::{ContentSummary, Facts};
pub use bill::{Bill, BilledLength};
use output::Output;

/// What a request will cost when it succeeds; a task that fails costs nothing (price page,
/// 2026-10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Estimate {
    /// The family whose rules were used; `None` where nothing is known of the model.
    pub family: Option<CowStr>,
    /// Billed tokens; `None` where nothing is known of the model.
    pub tokens: Option<Span<u64>>,
    /// The list price; `None` where it is not public, or not query per token.
    pub price: Option<PriceEstimate>,
    /// What the numbers lean on, a sentence each.
    pub assumptions: Vec<String>,
}

/// A range of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PriceEstimate {
    /// At least so much, rounded down to a millionth.
    pub min: Decimal,
    /// At most so much, rounded up to a millionth.
    pub max: Decimal,
    /// `CNY` or `USD`.
    pub currency: CowStr,
    /// The price of a million tokens, where it depends on what is not known.
    pub per_million_tokens: Span<Decimal>,
}

/// Estimates a request. The site, and with it the currency, is that of the model id unless one is
/// given.
///
/// ```
/// use ark_video_model::{TextToVideo, catalog::Catalog, check::Facts, estimate::estimate};
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
    let mode = ContentSummary::of(&request).mode();
    let inputs = input::all(&request, catalog, family, mode, facts, &mut notes);
    let outputs = output::all(&request, catalog, (name.as_ref(), family), mode, facts, &mut notes);
    if outputs.is_empty() {
        notes.push("The size of the picture is not known.".into());
        return Estimate { family: Some(name.clone()), tokens: None, price: None, assumptions: notes };
    }
    let cases: Vec<Case<'_>> = outputs
        .iter()
        .flat_map(|output| inputs.iter().map(move |input| (output, input)))
        .map(|(output, input)| Case {
            output,
            input_video: input.is_some(),
            tokens: output.tokens(&catalog.billing, *input),
        })
        .collect();
    if cases.iter().any(|case| case.output.is_smallest_charge(&catalog.billing, &inputs)) {
        notes.push(
            "With input video, a bill counts at least five thirds of the output's seconds in all.".into(),
        );
    }
    let site = site.unwrap_or(own_site);
    let tier = request.service_tier.as_ref().map_or("default", |tier| tier.as_str());
    let price = if public {
        price(&PriceQuery { catalog, site, family: name, tier }, &cases)
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
    Estimate { family: Some(name.clone()), tokens: around(&cases), price, assumptions: notes }
}

/// One thing that the result and its input may be, with what it counts.
struct Case<'a> {
    output: &'a Output,
    input_video: bool,
    tokens: Span<u64>,
}

fn around(cases: &[Case<'_>]) -> Option<Span<u64>> {
    let tokens = || cases.iter().map(|case| case.tokens);
    Some(Span { min: tokens().map(|span| span.min).min()?, max: tokens().map(|span| span.max).max()? })
}

/// The request with the settings of its prompt where they count.
fn settled(request: &CreateTaskRequest, catalog: &Catalog, notes: &mut Vec<String>) -> CreateTaskRequest {
    let (mut settled, lifted) = crate::prompt::extract_prompt_flags(request);
    if lifted.is_empty() {
        return settled;
    }
    notes.push("Settings in the prompt were read as the service would.".into());
    if catalog.answer("prompt-flag-precedence") == Some("flag_wins") {
        // Where the prompt wins, the fields that it speaks of make room first.
        let mut open = request.clone();
        for flag in lifted.iter().filter(|flag| !flag.moved) {
            match &*flag.field {
                "resolution" => open.resolution = None,
                "ratio" => open.ratio = None,
                "duration" => open.duration = None,
                "frames" => open.frames = None,
                _ => {}
            }
        }
        settled = crate::prompt::extract_prompt_flags(&open).0;
    }
    settled
}

fn millis(seconds: f64, round: impl Fn(f64) -> f64) -> u64 {
    // A file's seconds are a fraction of its own clock; a millionth decides nothing.
    let exact = seconds * 1000.0;
    let near = exact.round();
    (if (exact - near).abs() < 1e-3 { near } else { round(exact) }).clamp(0.0, 1e12) as u64
}

struct PriceQuery<'a> {
    catalog: &'a Catalog,
    site: Site,
    family: &'a str,
    tier: &'a str,
}

impl PriceQuery<'_> {
    /// The row that fits; of several, the last.
    fn row(&self, case: &Case<'_>) -> Option<&Price> {
        let output = case.output;
        self.catalog.prices.iter().rev().find(|row| {
            row.site == self.site
                && row.families.contains(self.family)
                && row.resolution.as_ref().is_none_or(|all| all.contains(&output.resolution))
                && row.input_video == case.input_video
                && row.audio.is_none_or(|audio| audio == output.audio)
                && row.tier == self.tier
        })
    }
}

/// The price over everything that the result may be; `None` if one of the cases has no price.
fn price(query: &PriceQuery<'_>, cases: &[Case<'_>]) -> Option<PriceEstimate> {
    let mut all: Option<PriceEstimate> = None;
    for case in cases {
        let (row, tokens) = (query.row(case)?, case.tokens);
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

/// `a, b, c` of distinct values, for an assumption.
fn either<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let values: BTreeSet<&str> = values.collect();
    values.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
