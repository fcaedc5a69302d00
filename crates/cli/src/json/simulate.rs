//! JSON of `simulate`.

use ark_video_simulator::{Exceeded, Intent, Price};
use serde::Serialize;

/// `simulate`: the simulator is ready.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct SimulatorReady<'a> {
    pub(crate) ready: bool,
    pub(crate) base_url: &'a str,
    pub(crate) api_key: &'a str,
    pub(crate) control_url: Option<&'a str>,
    pub(crate) seed: u64,
}

/// `simulate --audit`: what a client would have been billed.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct AuditReport<'a> {
    /// `null`: a signal ended it.
    pub(crate) command_exit_code: Option<i32>,
    pub(crate) accepted: usize,
    pub(crate) ran: usize,
    pub(crate) billed: usize,
    pub(crate) tokens: i64,
    /// One amount for each currency.
    #[cfg_attr(feature = "schemars", schemars(with = "Vec<super::Money>"))]
    pub(crate) price: &'a [Price],
    /// Distinct requests, with their bills.
    #[cfg_attr(feature = "schemars", schemars(with = "Vec<serde_json::Value>"))]
    pub(crate) intents: &'a [Intent],
    /// Requests that were billed more than once.
    pub(crate) double_bills: usize,
    pub(crate) surplus_bills: usize,
    #[cfg_attr(feature = "schemars", schemars(with = "Vec<serde_json::Value>"))]
    pub(crate) rates_exceeded: &'a [Exceeded],
    /// Ids of billed tasks whose end was never polled.
    pub(crate) never_fetched: &'a [String],
    pub(crate) never_downloaded: &'a [String],
    pub(crate) deleted_before_download: &'a [String],
}
