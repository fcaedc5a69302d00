//! The catalog's lists: models, names that are none, picture sizes, prices, rates.

use serde::{Deserialize, Serialize};

use super::table::StringSet;
use super::{Confidence, CowStr, Decimal, Site};

/// A document or observation that rows lean on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Source {
    /// What it is.
    pub title: CowStr,
    /// Who says it, for example `official document` or `third party`.
    pub kind: CowStr,
    /// Date of the version that was read.
    pub date: CowStr,
}

/// Whether a model is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Availability {
    /// In use.
    Current,
    /// For chosen accounts.
    AllowList,
    /// Its end was announced.
    Retiring,
    /// Switched off.
    Retired,
}

/// A model id of one site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Model {
    /// The id for the `model` field.
    pub id: CowStr,
    /// The site that has it.
    pub site: Site,
    /// A key of [`Catalog::families`](super::Catalog::families).
    pub family: CowStr,
    /// The id without its version; alone it is not accepted.
    pub name: CowStr,
    /// The version at the end of the id, usually a date.
    pub version: CowStr,
    /// Whether it is in use.
    pub status: Availability,
    /// Day from which the status holds, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_date: Option<CowStr>,
    /// The family that the vendor names in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<CowStr>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A dotted name of a subscription plan; it works on plan base URLs only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlanName {
    /// The name for the `model` field.
    pub name: CowStr,
    /// The site that has the plan.
    pub site: Site,
    /// The family that the name suggests.
    pub family: CowStr,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A wrong id that circulates: never suggested, and corrected when met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MisspelledId {
    /// The wrong id.
    pub id: CowStr,
    /// The right one.
    pub instead: CowStr,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure it is.
    pub confidence: Confidence,
}

/// Width and height of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pixels {
    /// Size class.
    pub resolution: CowStr,
    /// Families with this size.
    pub families: StringSet,
    /// A fixed ratio.
    pub ratio: CowStr,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The switch that decides in place of this row where the row is in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<CowStr>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A list price. Promotions and contracts differ: lay your own over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Price {
    /// Where it is asked.
    pub site: Site,
    /// `CNY` or `USD`.
    pub currency: CowStr,
    /// Families with this price.
    pub families: StringSet,
    /// Resolutions with this price; `None`: all.
    #[serde(default)]
    pub resolution: Option<StringSet>,
    /// Whether the request has a reference video.
    pub input_video: bool,
    /// Whether the result has a sound track; `None`: it makes no difference.
    #[serde(default)]
    pub audio: Option<bool>,
    /// `default` or `flex`.
    pub tier: CowStr,
    /// Price of a million tokens.
    pub per_million_tokens: Decimal,
    /// The switch that decides in place of this row where the row is in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<CowStr>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A limit on how often or how much. A condition that is `None` means any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rate {
    /// `create`, `get`, `list` or `delete`.
    pub operation: CowStr,
    /// Families that it holds for.
    #[serde(default)]
    pub families: Option<StringSet>,
    /// Resolutions that it holds for.
    #[serde(default)]
    pub resolution: Option<StringSet>,
    /// `company` or `personal`.
    #[serde(default)]
    pub account: Option<CowStr>,
    /// `default` or `flex`.
    #[serde(default)]
    pub tier: Option<CowStr>,
    /// Requests in a minute.
    #[serde(default)]
    pub per_minute: Option<u64>,
    /// Requests in a second.
    #[serde(default)]
    pub per_second: Option<u64>,
    /// Tasks that run at a time; more wait as `queued`.
    #[serde(default)]
    pub concurrent: Option<u64>,
    /// Tokens in a day.
    #[serde(default)]
    pub tokens_per_day: Option<u64>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A file format that the service reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Format {
    /// Short name.
    pub name: CowStr,
    /// Media type.
    pub mime: CowStr,
    /// The word after `data:<kind>/` in a base64 address; `None`: there is no base64 form.
    #[serde(default)]
    pub data_url: Option<CowStr>,
    /// Families that read it; `None`: all that take the kind.
    #[serde(default)]
    pub families: Option<StringSet>,
    /// The switch that decides for families that are not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<CowStr>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<CowStr>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: CowStr,
    /// Date of the source.
    pub date: CowStr,
    /// How sure it is.
    pub confidence: Confidence,
}
