//! A statement with its evidence, and the small values that statements are made of.
//!
//! Read from JSON, whether from the built-in catalog or from what a user puts over it.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::table::StringSet;

/// A text: a constant of the code, or read from a catalog.
pub type CowStr = Cow<'static, str>;

/// How sure a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Confidence {
    /// An official source says so.
    Documented,
    /// Seen in answers of the service.
    Observed,
    /// Our arithmetic or inference.
    Derived,
    /// Sources differ or are silent.
    Uncertain,
}

/// One of the vendor's two sites: keys, models, prices and tasks of one are unknown to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Site {
    /// Volcengine, in China: `doubao-…` ids, prices in CNY.
    Volcengine,
    /// BytePlus, elsewhere: `dreamina-…` and `seedance-…` ids, prices in USD.
    Byteplus,
}

impl Site {
    /// The name as it stands in the catalog.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Volcengine => "volcengine",
            Self::Byteplus => "byteplus",
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How strongly something is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Not at all.
    Off,
    /// Reported, and sent anyway.
    #[serde(rename = "warn")]
    Warning,
    /// Not sent unless the caller insists.
    #[serde(rename = "refuse")]
    Error,
}

impl Severity {
    /// Reads `refuse`, `warn` or `off`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "refuse" => Some(Self::Error),
            "warn" => Some(Self::Warning),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "refuse",
            Self::Warning => "warn",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A value with its evidence: where it is written, when, and how sure it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Cell<T> {
    /// The value. Where it can be `None`: not known if the confidence is uncertain, else the row
    /// does not apply.
    pub value: T,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source, as `YYYY-MM` or `YYYY-MM-DD`.
    pub date: CowStr,
    /// How sure the value is.
    pub confidence: Confidence,
    /// Sites for which the value holds; on others it counts as not known. Empty: all sites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<Site>,
    /// The switch that decides how strongly a request outside the value is reported. `None`: it is
    /// refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<CowStr>,
    /// What a reader should know beside the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
}

impl<T> Cell<T> {
    /// Whether the value is said of this site.
    pub fn holds_on(&self, site: Site) -> bool {
        self.sites.is_empty() || self.sites.contains(&site)
    }
}

/// Smallest and largest value, both accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Span<T> {
    /// The smallest.
    pub min: T,
    /// The largest.
    pub max: T,
}

impl<T> Span<T> {
    /// From the smallest to the largest value.
    pub const fn new(min: T, max: T) -> Self {
        Self { min, max }
    }
}

impl<T: PartialOrd> Span<T> {
    /// Whether the value lies between the ends or on one of them.
    pub fn contains(&self, value: &T) -> bool {
        self.min <= *value && *value <= self.max
    }
}

impl<T: fmt::Display + PartialEq> fmt::Display for Span<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            return self.min.fmt(f);
        }
        write!(f, "{} to {}", self.min, self.max)
    }
}

/// Accepted lengths in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DurationRule {
    /// The shortest.
    pub min: i64,
    /// The longest.
    pub max: i64,
    /// Whether -1 (the model picks) is accepted; `None` when that is not known, and then the cell's
    /// switch decides.
    pub auto: Option<bool>,
    /// The length when the field is absent; -1: the model picks.
    pub default: i64,
}

/// Accepted frame counts: from `min` to `max` in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StepRange {
    /// The smallest.
    pub min: i64,
    /// The largest.
    pub max: i64,
    /// The distance between accepted counts.
    pub step: i64,
}

impl StepRange {
    /// Whether the count is one of them.
    pub fn contains(&self, count: i64) -> bool {
        (self.min..=self.max).contains(&count) && (count - self.min) % self.step.max(1) == 0
    }
}

/// What the tokens of a draft are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Factors {
    /// With a sound track.
    pub audio: super::Decimal,
    /// Without one.
    pub silent: super::Decimal,
}

/// Lengths of reference media, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InputSeconds {
    /// The shortest that one file may be.
    pub each_min: f64,
    /// The longest that one file may be.
    pub each_max: f64,
    /// The longest that all files of the kind may be together.
    pub total_max: f64,
}

/// An open question of the sources, with the default answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OpenQuestion {
    /// What is not known.
    pub question: CowStr,
    /// The answer that is assumed; one of [`values`](Self::values).
    pub default: CowStr,
    /// The answers to choose from. `refuse`, `warn` and `off` are strengths of a finding.
    pub values: StringSet,
    /// The parts that ask it: `check`, `estimate`, `client`, `simulator`.
    pub used_by: StringSet,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure it is; a switch is `Uncertain` by nature.
    pub confidence: Confidence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_25_plus_4_n() {
        let steps = StepRange { min: 29, max: 289, step: 4 };
        assert!(steps.contains(29) && steps.contains(57) && steps.contains(289));
        assert!(!steps.contains(25) && !steps.contains(30) && !steps.contains(293));
    }

    #[test]
    fn a_cell_holds_where_it_says() {
        let json = r#"{"value":true,"source":"D","date":"2026-10","confidence":"documented","sites":["volcengine"]}"#;
        let mut cell: Cell<bool> = serde_json::from_str(json).expect("reads");
        assert!(cell.holds_on(Site::Volcengine) && !cell.holds_on(Site::Byteplus));
        cell.sites.clear();
        assert!(cell.holds_on(Site::Byteplus));
    }

    #[test]
    fn a_cell_is_read_and_written_alike() {
        let json = r#"{"value":{"min":4,"max":15},"source":"D-20","date":"2026-10","confidence":"documented","sites":["byteplus"],"switch":"s"}"#;
        let cell: Cell<Span<i64>> = serde_json::from_str(json).expect("reads");
        assert_eq!(serde_json::to_string(&cell).expect("writes"), json);
        assert_eq!(cell.value.to_string(), "4 to 15");
    }
}
