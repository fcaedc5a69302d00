//! JSON of the commands that check and estimate requests.

use std::borrow::Cow;

use ark_video::model::catalog::Span;
use ark_video::model::check::{Finding, MediaFacts};
use serde::Serialize;
use serde_json::Value;

use super::{EstimateJson, MoneyRange};

/// `estimate`: a request.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct EstimateDocument<'a> {
    pub(crate) file: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) estimate: EstimateJson<'a>,
}

/// `estimate --all-models`: a request with every model of the site, cheapest first.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Comparison<'a> {
    pub(crate) file: Option<&'a str>,
    pub(crate) models: Vec<ComparedModel<'a>>,
}

/// A request with one of the models.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ComparedModel<'a> {
    pub(crate) model: &'a str,
    /// Whether the checks accept the request for this model.
    pub(crate) accepted: bool,
    /// Why not.
    pub(crate) reasons: Vec<String>,
    /// `null` where it is not accepted.
    pub(crate) tokens: Option<Span<u64>>,
    /// `null` where it is not accepted, or the price is unknown.
    pub(crate) cost: Option<MoneyRange>,
}

/// `check`: the report of a request; every field is always present.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct CheckDocument<'a> {
    pub(crate) file: Option<&'a str>,
    /// Whether it would not be sent.
    pub(crate) refused: bool,
    pub(crate) findings: &'a [LocatedFinding],
    pub(crate) notes: &'a [Remark],
    pub(crate) media: &'a [Medium],
}

/// A finding and its location.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct LocatedFinding {
    #[serde(flatten)]
    pub(crate) finding: Finding,
    /// The flag or the file: `--ref hero.mov`.
    pub(crate) origin: String,
}

/// A note that is not a finding of a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Remark {
    pub(crate) id: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<String>,
    pub(crate) message: String,
}

/// The facts of a media file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Medium {
    /// Index in `content`.
    pub(crate) index: usize,
    pub(crate) origin: String,
    #[serde(flatten)]
    pub(crate) facts: MediaFacts,
}

/// `generate --dry-run`: what would be sent.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct DryRun<'a> {
    pub(crate) report: CheckDocument<'a>,
    /// Of all videos together.
    pub(crate) estimate: EstimateJson<'a>,
    /// How many videos the estimate is for.
    pub(crate) videos: usize,
    pub(crate) body_bytes: u64,
    /// The exact body of the first request. Written piece by piece, after the other fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
}
