//! What the status page shows beside a task: its prompt, its request without media, the faults that
//! fired. Kept for the newest tasks, and only where a page is served; never in a snapshot.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::faults::{Effect, FaultPoint};

/// Tasks of which it is kept.
const KEPT: usize = 1_000;
/// A larger request is not parsed again for the page, in bytes.
const PARSED: usize = 1 << 20;
/// Longer texts in a request are cut, in characters: media, above all.
const TEXT: usize = 400;
/// Faults that are listed for one task.
const FAULTS: usize = 20;

/// What is kept of one task. No `Debug`: it holds a prompt.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Details {
    prompt: String,
    request: Value,
    /// Such as `create: status`, in the order in which they fired.
    faults: Vec<String>,
}

/// The newest tasks, by their place in the ledger; `None` where no page is served.
#[derive(Default)]
pub(crate) struct Recent(Option<BTreeMap<u32, Details>>);

impl Recent {
    /// Keeps details from now on.
    pub(crate) fn keep(&mut self) {
        self.0.get_or_insert_default();
    }

    /// An empty one that keeps what this one keeps.
    pub(crate) fn emptied(&self) -> Self {
        Self(self.0.as_ref().map(|_| BTreeMap::new()))
    }

    pub(crate) fn get(&self, place: u32) -> Option<&Details> {
        self.0.as_ref()?.get(&place)
    }

    /// A task was accepted.
    pub(crate) fn add(&mut self, place: u32, prompt: Option<&str>, body: &Bytes) {
        let Some(kept) = &mut self.0 else { return };
        let mut request = match body.len() {
            0..=PARSED => serde_json::from_slice(body).unwrap_or_default(),
            large => Value::String(format!("{large} bytes")),
        };
        shorten(&mut request);
        kept.insert(place, Details { prompt: cut(prompt.unwrap_or_default()), request, faults: Vec::new() });
        if kept.len() > KEPT {
            kept.pop_first();
        }
    }

    /// A fault fired in a call about this task.
    pub(crate) fn fault(&mut self, place: u32, at: FaultPoint, effect: &Effect) {
        let details = self.0.as_mut().and_then(|kept| kept.get_mut(&place));
        let Some(details) = details.filter(|details| details.faults.len() < FAULTS) else { return };
        details.faults.push(format!("{}: {}", at.name(), effect.name()));
    }
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().nth(TEXT).is_some() => *text = cut(text),
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
