//! What all sessions of one server share, and how their answers are made safe to show.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use ark_video::Client;
use ark_video::model::catalog::Catalog;
use ark_video::transport::{Clock, UnixMillis};
use ark_video_batch::Journal;
use serde_json::Value;

use super::error::ToolError;
use super::quotes::Quotes;
use super::roots::Roots;
use super::wallet::Wallet;
use super::worker::Worker;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::model_names::ModelSite;
use crate::{api_failure, escape, secrets};

pub(super) struct Context {
    /// Of this start of the server.
    pub(super) id: String,
    /// `None` without an API key.
    pub(super) client: Option<Client>,
    pub(super) journal: Journal,
    pub(super) catalog: Cow<'static, Catalog>,
    /// The default model.
    pub(super) model: String,
    pub(super) site: ModelSite,
    pub(super) clock: Arc<dyn Clock>,
    /// The command line prefix that reaches the same service.
    pub(super) again: String,
    pub(super) roots: Roots,
    /// Where videos go; below the first root.
    pub(super) videos: PathBuf,
    pub(super) quotes: Quotes,
    /// `None`: nothing can be created.
    pub(super) wallet: Option<Wallet>,
    pub(super) worker: Arc<Worker>,
    /// Keys in use, which are never shown.
    pub(super) keys: Vec<String>,
}

impl Context {
    pub(super) fn client(&self) -> Result<&Client, ToolError> {
        self.client.as_ref().ok_or_else(|| {
            Failure::new(Exit::Configuration, "The server has no API key.")
                .hint("The person has to set ARK_API_KEY and start it again.")
                .into()
        })
    }

    pub(super) fn wallet(&self) -> Result<&Wallet, ToolError> {
        let none = || ToolError::new("no_budget", "Nothing can be created: the server has no budget.");
        self.wallet.as_ref().ok_or_else(none)
    }

    pub(super) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// An error of the client.
    pub(super) fn api_error(&self, error: &ark_video::Error) -> ToolError {
        api_failure::of(error, &self.again).into()
    }

    /// An answer without keys and control characters, each text bounded.
    pub(super) fn shown(&self, value: Value) -> Value {
        match value {
            Value::String(text) => secrets::hidden(&escape::one_line(&text), &self.keys).into_owned().into(),
            Value::Array(items) => items.into_iter().map(|item| self.shown(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (name, self.shown(value))).collect()
            }
            other => other,
        }
    }
}
