//! JSON of `models`.

use ark_video::model::{
    ModelInfo,
    catalog::{DurationRule, Model, StringSet, Why},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Money;

/// The list price of a model for text-to-video in the default tier with the default audio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ListPrice {
    /// A second of 720p, 16:9.
    pub(crate) per_second_720p: Money,
    pub(crate) per_million_tokens: Money,
    /// Date of the price list.
    pub(crate) date: String,
}

/// `models`: a model of the service, with the catalog's price.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ServiceModel<'a> {
    #[serde(flatten)]
    pub(crate) model: &'a ModelInfo,
    /// `null`: unknown.
    pub(crate) price: Option<ListPrice>,
}

/// `models`: the models of the service.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ServiceModels<'a> {
    pub(crate) data: Vec<ServiceModel<'a>>,
    /// Fields of the service that this version does not know.
    #[serde(flatten)]
    pub(crate) extra: &'a Map<String, Value>,
}

/// `models --offline`: the models of the catalog.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct CatalogModels<'a> {
    /// Date of the catalog.
    pub(crate) edition: &'a str,
    pub(crate) models: Vec<CatalogModel<'a>>,
}

/// `models --offline`: a model of the catalog.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct CatalogModel<'a> {
    #[serde(flatten)]
    pub(crate) model: &'a Model,
    pub(crate) resolutions: Option<&'a StringSet>,
    pub(crate) ratios: Option<&'a StringSet>,
    pub(crate) duration: Option<&'a DurationRule>,
    /// `null`: unknown.
    pub(crate) price: Option<ListPrice>,
}

/// `models --why`: a row of the catalog with its evidence.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct CatalogRow<'a> {
    /// The family; `null` for a limit of all families.
    pub(crate) family: Option<&'a str>,
    pub(crate) row: &'a str,
    /// Whether the requested value is among those of the row; `null` if a row was requested.
    pub(crate) takes: Option<bool>,
    #[serde(flatten)]
    #[cfg_attr(feature = "schemars", schemars(with = "Map<String, Value>"))]
    pub(crate) why: Why<'a>,
}
