//! The ledger: what was accepted, what ran, what the real service would have charged, and what
//! nobody ever came for.
//!
//! It outlives the tasks, which are forgotten after seven days. Only counts and ids are kept, no
//! prompt.

use std::{collections::BTreeMap, fmt, sync::Arc};

use ark_video_protocol::UnixMillis;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::{price::Price, task::State};

/// One bill: a task that succeeded. Nothing else is charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Bill {
    /// The task.
    pub task_id: String,
    /// Model id with its date; for an endpoint id, the model behind it.
    pub model: String,
    /// Billed tokens, as in the task's `usage`.
    pub tokens: i64,
    /// What they cost by the public price list of 2026-10; `None` where the list has no price.
    pub price: Option<Price>,
    /// `X-Client-Request-Id` of the create, where it had one. The vendor's runtimes send a new one
    /// with every attempt.
    pub client_request_id: Option<String>,
    /// 16 hexadecimal digits that equal requests share: two bills with one hash are one intent paid
    /// twice, unless the same video was wanted twice.
    pub request_hash: String,
    /// When it was charged.
    pub at: UnixMillis,
}

/// What became of one accepted create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// The task.
    pub task_id: String,
    /// Model id with its date.
    pub model: String,
    /// `queued`, `running`, or how it ended.
    pub status: &'static str,
    /// As in [`Bill::request_hash`].
    pub request_hash: String,
    /// As in [`Bill::client_request_id`].
    pub client_request_id: Option<String>,
    /// When it was accepted.
    pub accepted_at: UnixMillis,
    /// When it began to run.
    pub started_at: Option<UnixMillis>,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
    /// Tokens that were billed; 0 for what was not.
    pub tokens: i64,
    /// What they cost.
    pub price: Option<Price>,
    /// How often its state was reported, by a get, a list or a callback.
    #[serde(rename = "looks")]
    pub polls: u32,
    /// Whether its terminal status was reported to a client.
    pub end_seen: bool,
    /// How often its video was requested from its link, in whole or in part.
    pub downloads: u32,
    /// Whether every byte of its video was sent to a client.
    pub delivered: bool,
    /// Whether its record was deleted after it succeeded.
    pub deleted: bool,
}

/// Creates that ask for the very same thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Intent {
    /// As in [`Bill::request_hash`].
    pub request_hash: String,
    /// Its tasks, oldest first.
    pub task_ids: Vec<String>,
    /// How many of them were billed.
    pub bills: usize,
}

/// A rate that was exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Exceeded {
    /// `create`, `get`, `list` or `delete`.
    pub operation: &'static str,
    /// The code of the refusals.
    pub code: &'static str,
    /// How many calls were refused.
    pub count: u64,
}

/// Everything since the start, or since the last reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Tasks that were accepted.
    pub accepted: usize,
    /// Tasks that began to run.
    pub ran: usize,
    /// Tasks that were billed.
    pub billed: usize,
    /// All billed tokens.
    pub tokens: i64,
    /// What they cost, one sum for each currency.
    pub price: Vec<Price>,
    /// Distinct requests, those with most bills first.
    pub intents: Vec<Intent>,
    /// Rates that were exceeded.
    pub exceeded: Vec<Exceeded>,
    /// Billed tasks whose terminal status was never reported.
    pub never_seen: Vec<String>,
    /// Billed tasks whose video never reached a client as a whole.
    pub never_downloaded: Vec<String>,
    /// Of those, the ones whose record a client deleted: paid, and without a way back to the video.
    pub deleted_before_download: Vec<String>,
    /// One entry for each accepted create, oldest first.
    pub entries: Vec<Entry>,
}

impl Ledger {
    /// The intents that were billed more than once.
    pub fn doubles(&self) -> impl Iterator<Item = &Intent> {
        self.intents.iter().filter(|intent| intent.bills > 1)
    }

    /// Bills beyond the first of each intent: three bills for one action are two too many.
    #[must_use]
    pub fn surplus_bills(&self) -> usize {
        self.intents.iter().map(|intent| intent.bills.saturating_sub(1)).sum()
    }
}

/// An entry as it is kept: small, since there may be a hundred thousand. A snapshot holds it as it
/// is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) task_id: Arc<str>,
    /// A part of the catalog: a snapshot has it beside the line.
    #[serde(skip)]
    pub(crate) model: &'static str,
    pub(crate) hash: u64,
    pub(crate) client_request_id: Option<Box<str>>,
    pub(crate) state: State,
    pub(crate) accepted: i64,
    pub(crate) started: Option<i64>,
    pub(crate) ended: Option<i64>,
    pub(crate) tokens: i64,
    pub(crate) price: Option<Price>,
    #[serde(rename = "looks")]
    pub(crate) polls: u32,
    pub(crate) end_seen: bool,
    pub(crate) downloads: u32,
    /// How many bytes of the video were sent, from its start on without a gap.
    pub(crate) sent: u32,
    pub(crate) delivered: bool,
    pub(crate) deleted: bool,
}

impl Line {
    fn hash(&self) -> String {
        format!("{:016x}", self.hash)
    }

    fn is_billed(&self) -> bool {
        self.state == State::Succeeded
    }

    fn bill(&self) -> Option<Bill> {
        Some(Bill {
            task_id: self.task_id.to_string(),
            model: self.model.to_owned(),
            tokens: self.tokens,
            price: self.price,
            client_request_id: self.client_request_id.as_deref().map(str::to_owned),
            request_hash: self.hash(),
            at: self.ended.filter(|_| self.is_billed())?,
        })
    }

    fn entry(&self) -> Entry {
        Entry {
            task_id: self.task_id.to_string(),
            model: self.model.to_owned(),
            status: self.state.word(),
            request_hash: self.hash(),
            client_request_id: self.client_request_id.as_deref().map(str::to_owned),
            accepted_at: self.accepted,
            started_at: self.started,
            ended_at: self.ended,
            tokens: self.tokens,
            price: self.price,
            polls: self.polls,
            end_seen: self.end_seen,
            downloads: self.downloads,
            delivered: self.delivered,
            deleted: self.deleted,
        }
    }
}

/// The ledger as it is kept. A line is found by its place, which never changes.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) all: Vec<Line>,
    pub(crate) exceeded: BTreeMap<(&'static str, &'static str), u64>,
    /// The places of the billed ones, in the order of billing.
    pub(crate) billed: Vec<u32>,
}

impl Lines {
    /// The place that the next line gets.
    pub(crate) fn next(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn line(&mut self, place: u32) -> Option<&mut Line> {
        self.all.get_mut(usize::try_from(place).ok()?)
    }

    pub(crate) fn entry(&self, place: u32) -> Option<Entry> {
        self.all.get(usize::try_from(place).ok()?).map(Line::entry)
    }

    /// The state of a task was reported to a client.
    pub(crate) fn reported(&mut self, place: u32) {
        if let Some(line) = self.line(place) {
            line.polls = line.polls.saturating_add(1);
            line.end_seen |= line.state.status().is_terminal();
        }
    }

    /// A client acknowledged the callback that reported the end of a task.
    pub(crate) fn end_acknowledged(&mut self, task_id: &str) {
        if let Some(line) = self.all.iter_mut().rev().find(|line| &*line.task_id == task_id) {
            line.end_seen = true;
        }
    }

    /// Bytes `start..end` of a video of `total` bytes were sent.
    pub(crate) fn sent(&mut self, place: u32, start: usize, end: usize, total: usize) {
        let Some(line) = self.line(place) else { return };
        if start <= line.sent as usize {
            line.sent = line.sent.max(u32::try_from(end).unwrap_or(u32::MAX));
        }
        line.delivered |= line.sent as usize >= total;
    }

    pub(crate) fn exceed(&mut self, operation: &'static str, code: &'static str) {
        *self.exceeded.entry((operation, code)).or_default() += 1;
    }

    pub(crate) fn bills(&self) -> Vec<Bill> {
        let lines = self.billed.iter().filter_map(|place| self.all.get(usize::try_from(*place).ok()?));
        lines.filter_map(Line::bill).collect()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        let mut intents: BTreeMap<u64, Intent> = BTreeMap::new();
        for line in &self.all {
            let new = || Intent { request_hash: line.hash(), task_ids: Vec::new(), bills: 0 };
            let intent = intents.entry(line.hash).or_insert_with(new);
            intent.task_ids.push(line.task_id.to_string());
            intent.bills += usize::from(line.is_billed());
        }
        let mut intents: Vec<Intent> = intents.into_values().collect();
        intents.sort_by_key(|intent| std::cmp::Reverse((intent.bills, intent.task_ids.len())));
        let billed = || self.all.iter().filter(|line| line.is_billed());
        let ids = |without: fn(&Line) -> bool| {
            billed().filter(|line| without(line)).map(|line| line.task_id.to_string()).collect()
        };
        Ledger {
            accepted: self.all.len(),
            ran: self.all.iter().filter(|line| line.started.is_some()).count(),
            billed: billed().count(),
            tokens: billed().map(|line| line.tokens).sum(),
            price: Price::sums(billed().filter_map(|line| line.price)),
            intents,
            exceeded: self
                .exceeded
                .iter()
                .map(|((operation, code), count)| Exceeded { operation, code, count: *count })
                .collect(),
            never_seen: ids(|line| !line.end_seen),
            never_downloaded: ids(|line| !line.delivered),
            deleted_before_download: ids(|line| line.deleted && !line.delivered),
            entries: self.all.iter().map(Line::entry).collect(),
        }
    }
}

/// A hash of a request's JSON that does not depend on the order of fields or on spaces; fields
/// that are `null` count as absent, as they do for the service. What is not JSON has the hash 0.
pub(crate) fn hash(body: &[u8]) -> u64 {
    let Ok(text) = str::from_utf8(body) else { return 0 };
    serde_json::from_str(text).map_or(0, |Hashed(hash)| hash.unwrap_or(0))
}

/// The hash of a JSON value, read without building the value: bodies may have megabytes. `None` is
/// `null`.
struct Hashed(Option<u64>);

/// Where the hash of a kind of value starts, so that `1` and `"1"` differ.
const START: [u64; 5] = [
    0xcbf2_9ce4_8422_2325,
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xd6e8_feb8_6659_fd93,
];

/// One step of a hash like FNV-1a, 64 bits at a time: small, portable, and good enough to
/// distinguish requests.
fn mix(hash: u64, bits: u64) -> u64 {
    let mixed = (hash ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

pub(crate) fn mix_text(text: &str) -> u64 {
    let (chunks, rest) = text.as_bytes().as_chunks::<8>();
    let hash = chunks.iter().fold(START[0], |hash, chunk| mix(hash, u64::from_le_bytes(*chunk)));
    let hash = rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)));
    mix(hash, text.len() as u64)
}

/// A field's name, hashed.
struct Name(u64);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(mix_text(name)))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

impl<'de> Deserialize<'de> for Hashed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HashReader)
    }
}

struct HashReader;

impl<'de> Visitor<'de> for HashReader {
    type Value = Hashed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Hashed, E> {
        Ok(Hashed(None))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Hashed, E> {
        Ok(Hashed(Some(mix(START[1], value.into()))))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Hashed, E> {
        Ok(Hashed(Some(mix(START[2], value))))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Hashed, E> {
        Ok(Hashed(Some(mix(START[2], value.cast_unsigned()))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Hashed, E> {
        Ok(Hashed(Some(mix(START[2], value.to_bits()))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Hashed, E> {
        Ok(Hashed(Some(mix_text(value))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Hashed, A::Error> {
        let mut hash = START[3];
        while let Some(Hashed(item)) = items.next_element()? {
            hash = mix(hash, item.unwrap_or(1));
        }
        Ok(Hashed(Some(hash)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Hashed, A::Error> {
        let mut sum = 0_u64;
        while let Some((Name(name), Hashed(value))) = members.next_entry()? {
            if let Some(value) = value {
                // A sum has no order.
                sum = sum.wrapping_add(mix(name, value));
            }
        }
        Ok(Hashed(Some(mix(START[4], sum))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_requests_have_one_hash() {
        let of = |text: &str| hash(text.as_bytes());
        let first = of(r#"{"model":"m","content":[{"type":"text","text":"a"}],"seed":null}"#);
        assert_eq!(first, of(r#"{ "content": [ { "text": "a", "type": "text" } ], "model": "m" }"#));
        for other in [
            r#"{"model":"m","content":[{"type":"text","text":"b"}]}"#,
            r#"{"model":"m","content":[{"type":"text","text":"a"}],"seed":1}"#,
            r#"{"model":"m","content":[{"type":"text","text":"a"}],"seed":"1"}"#,
            r#"{"model":"m","content":[]}"#,
            r#"{"model":"content","m":[{"type":"text","text":"a"}]}"#,
            r#"{"model":"m","content":[{"type":"a","text":"text"}]}"#,
            r#"{"model":"m","content":[{"type":"text"},{"text":"a"}]}"#,
            "no JSON",
        ] {
            assert_ne!(first, of(other), "{other}");
        }
    }
}
