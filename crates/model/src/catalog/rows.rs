//! The catalog's lists: models, names that are none, picture sizes, prices, rates.

use serde::{Deserialize, Serialize};

use super::table::Words;
use super::{Confidence, Decimal, Site, Text};

/// A document or observation that rows lean on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Source {
    /// What it is.
    pub title: Text,
    /// Who says it, for example `official document` or `third party`.
    pub kind: Text,
    /// Date of the version that was read.
    pub date: Text,
}

/// Whether a model is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Model {
    /// The id for the `model` field.
    pub id: Text,
    /// The site that has it.
    pub site: Site,
    /// A key of [`Catalog::families`](super::Catalog::families).
    pub family: Text,
    /// The id without its version; alone it is not accepted.
    pub name: Text,
    /// The version at the end of the id, usually a date.
    pub version: Text,
    /// Whether it is in use.
    pub status: Availability,
    /// Day from which the status holds, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_date: Option<Text>,
    /// The family that the vendor names in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<Text>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: Text,
    /// Date of the source.
    pub date: Text,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A dotted name of a subscription plan; it works on plan base URLs only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlanName {
    /// The name for the `model` field.
    pub name: Text,
    /// The site that has the plan.
    pub site: Site,
    /// The family that the name suggests.
    pub family: Text,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: Text,
    /// Date of the source.
    pub date: Text,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A wrong id that circulates: never suggested, and corrected when met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NeverOffer {
    /// The wrong id.
    pub id: Text,
    /// The right one.
    pub instead: Text,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: Text,
    /// Date of the source.
    pub date: Text,
    /// How sure it is.
    pub confidence: Confidence,
}

/// Width and height of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pixels {
    /// Size class.
    pub resolution: Text,
    /// Families with this size.
    pub families: Words,
    /// A fixed ratio.
    pub ratio: Text,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The switch that decides in place of this row where the row is in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Text>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: Text,
    /// Date of the source.
    pub date: Text,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A list price. Promotions and contracts differ: lay your own over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Price {
    /// Where it is asked.
    pub site: Site,
    /// `CNY` or `USD`.
    pub currency: Text,
    /// Families with this price.
    pub families: Words,
    /// Resolutions with this price; `None`: all.
    #[serde(default)]
    pub resolution: Option<Words>,
    /// Whether the request has a reference video.
    pub input_video: bool,
    /// Whether the result has a sound track; `None`: it makes no difference.
    #[serde(default)]
    pub audio: Option<bool>,
    /// `default` or `flex`.
    pub tier: Text,
    /// Price of a million tokens.
    pub per_million_tokens: Decimal,
    /// The switch that decides in place of this row where the row is in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Text>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: Text,
    /// Date of the source.
    pub date: Text,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A limit on how often or how much. A condition that is `None` means any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rate {
    /// `create`, `get`, `list` or `delete`.
    pub operation: Text,
    /// Families that it holds for.
    #[serde(default)]
    pub families: Option<Words>,
    /// Resolutions that it holds for.
    #[serde(default)]
    pub resolution: Option<Words>,
    /// `company` or `personal`.
    #[serde(default)]
    pub account: Option<Text>,
    /// `default` or `flex`.
    #[serde(default)]
    pub tier: Option<Text>,
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
    pub note: Option<Text>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: Text,
    /// Date of the source.
    pub date: Text,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A file format that the service reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Format {
    /// Short name.
    pub name: Text,
    /// Media type.
    pub mime: Text,
    /// The word after `data:<kind>/` in a base64 address; `None`: there is no base64 form.
    #[serde(default)]
    pub data_url: Option<Text>,
    /// Families that read it; `None`: all that take the kind.
    #[serde(default)]
    pub families: Option<Words>,
    /// The switch that decides for families that are not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Text>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// A key of [`Catalog::sources`](super::Catalog::sources).
    pub source: Text,
    /// Date of the source.
    pub date: Text,
    /// How sure it is.
    pub confidence: Confidence,
}
