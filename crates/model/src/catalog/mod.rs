//! The catalog: which models there are, what each can do, what it costs, and how sure we are of
//! each statement.
//!
//! The built-in one is a copy of `schema/models.json`, read at its first use. It is data: no rule
//! of the checks knows a model by name. A newer file, or a few cells, can be put over it.

pub(crate) mod cell;
mod decimal;
mod family;
mod limits;
mod lookup;
mod overlay;
mod rows;
mod table;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use cell::Severity;

pub use cell::{
    Cell, Confidence, CowStr, DurationRule, Factors, InputSeconds, OpenQuestion, Site, Span, StepRange,
};
pub use decimal::{Decimal, NotDecimal};
pub use family::Family;
pub use limits::{AudioLimits, Billing, Defaults, ImageLimits, MediaLimits, RequestLimits, VideoLimits};
pub(crate) use lookup::almost;
pub use lookup::{ModelRules, WhySkipped};
pub use overlay::CatalogError;
pub use rows::{Availability, Format, MisspelledId, Model, Pixels, PlanName, Price, Rate, Source};
pub use table::{Map, StringSet};

/// Everything that is known of the models.
///
/// ```
/// use ark_video_model::catalog::Catalog;
///
/// let catalog = Catalog::builtin();
/// let family = catalog.family_of("doubao-seedance-2-0-fast-260128").expect("is known");
/// let resolution = &family.resolution;
/// assert_eq!(resolution.value.as_ref().map(ToString::to_string).as_deref(), Some("480p or 720p"));
/// assert_eq!(resolution.date, "2026-10");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Catalog {
    /// Day on which the whole of it was last gone through.
    pub edition: CowStr,
    /// The documents and observations that the rows lean on, by short name.
    pub sources: Map<Source>,
    /// The capability matrix, by short family name.
    pub families: Map<Family>,
    /// Known model ids of both sites. An id that is not here is unknown, not wrong.
    pub models: Vec<Model>,
    /// Dotted names of subscription plans.
    pub plan_names: Vec<PlanName>,
    /// Wrong ids that circulate.
    pub never_offer: Vec<MisspelledId>,
    /// Picture sizes of results. Of rows that fit, the last counts.
    pub pixels: Vec<Pixels>,
    /// List prices. Of rows that fit, the last counts; none means that the price is not public.
    pub prices: Vec<Price>,
    /// Rate and concurrency limits.
    pub rates: Vec<Rate>,
    /// Limits of input media.
    pub media: MediaLimits,
    /// Limits that do not depend on the model.
    pub limits: RequestLimits,
    /// What the service assumes for an absent field.
    pub defaults: Defaults,
    /// How tokens are counted.
    pub billing: Billing,
    /// What sources leave open, with the answers that are assumed.
    pub switches: Map<OpenQuestion>,
}

impl Catalog {
    /// The catalog that this version was made with. The first call reads it, which takes a
    /// millisecond or two.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
            serde_json::from_str(include_str!("../generated/models.json"))
                .expect("a test reads the same text")
        });
        &BUILTIN
    }

    /// Width and height in pixels of a result.
    pub fn pixels_of(&self, family: &str, resolution: &str, ratio: &str) -> Option<&Pixels> {
        let fits = |row: &&Pixels| {
            row.resolution == resolution && row.ratio == ratio && row.families.contains(family)
        };
        self.pixels.iter().rev().find(fits)
    }

    /// The answer that is assumed for a switch.
    pub fn answer(&self, switch: &str) -> Option<&str> {
        self.switches.get(switch).map(|switch| switch.default.as_ref())
    }

    /// How strongly a switch wants its doubt reported; a warning if it does not say.
    pub fn strength(&self, switch: &str) -> Severity {
        self.answer(switch).and_then(Severity::parse).unwrap_or(Severity::Warning)
    }

    /// How strongly a request outside a cell's value is reported: what its switch says, or refused.
    pub fn strength_of<T>(&self, cell: &Cell<T>) -> Severity {
        cell.switch.as_deref().map_or(Severity::Error, |switch| self.strength(switch))
    }

    /// A cell of the matrix by the names of its family and row, with its source as text.
    ///
    /// ```
    /// # use ark_video_model::catalog::Catalog;
    /// let why = Catalog::builtin().why("2.0", "duration").expect("is there");
    /// assert_eq!(why.cell.value["max"], 15);
    /// assert!(why.source.is_some_and(|source| source.title.contains("2.0 series")));
    /// ```
    pub fn why(&self, family: &str, row: &str) -> Option<Why<'_>> {
        let cell = self.families.get(family)?.cell(row)?;
        Some(self.explained(cell))
    }

    /// A limit that does not depend on the model, by its name, with its source as text.
    pub fn why_limit(&self, row: &str) -> Option<Why<'_>> {
        self.limits.cell(row).map(|cell| self.explained(cell))
    }

    fn explained(&self, cell: AnyCell) -> Why<'_> {
        let source = self.sources.get(&cell.source);
        let switch = cell.switch.as_deref().and_then(|switch| self.switches.get(switch));
        Why { cell, source, switch }
    }
}

/// A cell and what stands behind it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Why<'a> {
    /// The cell.
    pub cell: AnyCell,
    /// The document or observation.
    pub source: Option<&'a Source>,
    /// The doubt that is left, with the answer that is assumed.
    pub switch: Option<&'a OpenQuestion>,
}

/// A cell whatever the type of its value, for showing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AnyCell {
    /// The value as JSON.
    pub value: Value,
    /// A key of [`Catalog::sources`].
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure the value is.
    pub confidence: Confidence,
    /// Sites for which the value holds; empty: all.
    pub sites: Vec<Site>,
    /// The switch that decides how strongly a request outside the value is reported.
    pub switch: Option<CowStr>,
    /// What a reader should know beside the value.
    pub note: Option<CowStr>,
}

impl<T: Serialize> From<&Cell<T>> for AnyCell {
    fn from(cell: &Cell<T>) -> Self {
        Self {
            value: serde_json::to_value(&cell.value).unwrap_or_default(),
            source: cell.source.clone(),
            date: cell.date.clone(),
            confidence: cell.confidence,
            sites: cell.sites.clone(),
            switch: cell.switch.clone(),
            note: cell.note.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that the types lack stops the reading, and one that the file lacks is written here as
    /// null.
    #[test]
    fn the_builtin_catalog_is_written_as_the_file_stands() {
        fn differences(pointer: &str, read: &Value, file: &Value, found: &mut Vec<String>) {
            match (read, file) {
                (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
                    for (name, value) in a {
                        differences(&format!("{pointer}/{name}"), value, &b[name], found);
                    }
                }
                (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                    for (index, (a, b)) in a.iter().zip(b).enumerate() {
                        differences(&format!("{pointer}/{index}"), a, b, found);
                    }
                }
                // 24 and 24.0 are one number.
                (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
                _ if read == file => {}
                _ => found.push(format!("{pointer}: {read} for {file}")),
            }
        }
        let file = serde_json::from_str(include_str!("../generated/models.json")).expect("JSON");
        let read = serde_json::to_value(Catalog::builtin()).expect("writes");
        let mut found = Vec::new();
        differences("", &read, &file, &mut found);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn every_family_has_the_pixels_it_offers() {
        let catalog = Catalog::builtin();
        for (name, family) in catalog.families.iter() {
            for resolution in family.resolution.value.iter().flat_map(StringSet::iter) {
                for ratio in family.ratio.value.iter().flat_map(StringSet::iter) {
                    assert!(
                        catalog.pixels_of(name, resolution, ratio).is_some(),
                        "{name} {resolution} {ratio}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_row_can_be_asked_for() {
        let catalog = Catalog::builtin();
        for (family, _) in catalog.families.iter() {
            for row in Family::ROWS {
                let why = catalog.why(family, row).unwrap_or_else(|| panic!("{family} {row}"));
                assert!(
                    why.source.is_some() && why.cell.switch.is_some() == why.switch.is_some(),
                    "{family} {row}"
                );
            }
        }
        assert!(RequestLimits::ROWS.iter().all(|row| catalog.why_limit(row).is_some()));
        assert!(catalog.why("2.0", "no_such_row").is_none());
    }
}
