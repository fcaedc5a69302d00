//! How a [`Service`](crate::Service) behaves: its key, its times, and the switches for what the documents leave open.
//!
//! Data only; nothing is read from the environment here.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::catalog::catalog;

/// How a [`Service`](crate::Service) behaves. Equal options, moments and requests give equal answers.
///
/// ```
/// use std::time::Duration;
/// use ark_video_simulator::Options;
///
/// let mut options = Options::default().seed(7).running(Duration::from_secs(60));
/// options.switches.set("delete-cancelled", "ok")?;
/// # Ok::<(), ark_video_simulator::SwitchError>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Start of the random sequence: ids, seeds of films, lengths that the model picks. Default 0.
    pub seed: u64,
    /// The one key that is accepted, or `None` (the default) for any key that is not empty.
    pub key: Option<String>,
    /// Where the API is mounted. Default `/api/v3`.
    pub prefix: String,
    /// Scheme, host and port that links to files start with, such as `http://127.0.0.1:8080`. A host sets it to its own address.
    pub origin: String,
    /// How long a task waits before it runs. Default 1 s (the real service: seconds to hours).
    pub queued: Duration,
    /// How long a task runs. Default 3 s (the real service: 1 to 18 minutes).
    pub running: Duration,
    /// Length in seconds that a reference video is taken to have, since it is not fetched: 2 to 30, default 5. It counts in
    /// the bill. Cut where all videos together would be longer than the model takes (15 s on 2.0, 30 s on 2.5; create page, 2026-10).
    pub assumed_video_seconds: u32,
    /// Whether the dotted model names of the subscription endpoints (`doubao-seedance-2.0`) are taken. Default false: they
    /// are then refused with 404 `UnsupportedModel`, as the pay-as-you-go endpoint does.
    pub plan_names: bool,
    /// Whether a final may name a draft that this service never made, such as one from an earlier run: a plain five-second text
    /// draft is then assumed, and a note says so. Default true.
    pub unknown_drafts: bool,
    /// Decisions where documents and experience disagree or say nothing.
    pub switches: Switches,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            key: None,
            prefix: "/api/v3".to_owned(),
            origin: "http://127.0.0.1".to_owned(),
            queued: Duration::from_secs(1),
            running: Duration::from_secs(3),
            assumed_video_seconds: 5,
            plan_names: false,
            unknown_drafts: true,
            switches: Switches::default(),
        }
    }
}

impl Options {
    /// Sets the start of the random sequence.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Accepts this key only.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets where the API is mounted; the empty text is the root.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets what links to files start with.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Sets how long a task waits before it runs.
    #[must_use]
    pub fn queued(mut self, time: Duration) -> Self {
        self.queued = time;
        self
    }

    /// Sets how long a task runs.
    #[must_use]
    pub fn running(mut self, time: Duration) -> Self {
        self.running = time;
        self
    }

    /// Sets the length that a reference video is taken to have, in seconds.
    #[must_use]
    pub fn assumed_video_seconds(mut self, seconds: u32) -> Self {
        self.assumed_video_seconds = seconds;
        self
    }

    /// Sets whether the names of subscription endpoints are taken.
    #[must_use]
    pub fn plan_names(mut self, taken: bool) -> Self {
        self.plan_names = taken;
        self
    }

    /// Sets whether a final may name a draft that this service never made.
    #[must_use]
    pub fn unknown_drafts(mut self, taken: bool) -> Self {
        self.unknown_drafts = taken;
        self
    }
}

/// Without the key.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("seed", &self.seed)
            .field("key", &self.key.as_ref().map(|_| "…"))
            .field("prefix", &self.prefix)
            .field("origin", &self.origin)
            .field("queued", &self.queued)
            .field("running", &self.running)
            .field("assumed_video_seconds", &self.assumed_video_seconds)
            .field("plan_names", &self.plan_names)
            .field("unknown_drafts", &self.unknown_drafts)
            .field("switches", &self.switches)
            .finish()
    }
}

/// What the documents leave open, each by its name in `schema/models.json` (`switches`), where the question, the values and the
/// default of each are written. A value of `refuse` turns a request away; `warn` and `off` let it pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches(BTreeMap<&'static str, &'static str>);

impl Switches {
    /// Sets one switch.
    ///
    /// # Errors
    /// There is no such switch, or it has no such value; the error names those there are.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        let of_ours = catalog()
            .switches
            .iter()
            .filter(|(_, entry)| entry.used_by.iter().any(|user| user == "simulator"));
        let Some((name, entry)) = of_ours.clone().find(|(known, _)| *known == name) else {
            let known = of_ours.map(|(name, _)| name.as_str()).collect();
            return Err(SwitchError::Name { name: name.to_owned(), known });
        };
        let Some(value) = entry.values.iter().find(|known| *known == value) else {
            let known = entry.values.iter().map(String::as_str).collect();
            return Err(SwitchError::Value { name, value: value.to_owned(), known });
        };
        self.0.insert(name, value);
        Ok(())
    }

    /// The value of a switch: as set, else its default. `None` if there is no such switch.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'static str> {
        self.0.get(name).copied().or_else(|| Some(catalog().switches.get(name)?.default.as_str()))
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        let known = || {
            catalog().switches.get(name).is_some_and(|entry| entry.values.iter().any(|known| known == value))
        };
        debug_assert!(known(), "there is no switch {name} with a value {value}");
        self.get(name) == Some(value)
    }

    pub(crate) fn refuses(&self, name: &str) -> bool {
        self.is(name, "refuse")
    }
}

/// A switch that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// There is no switch of that name.
    #[error("the simulator has no switch `{name}`; it has: {}", .known.join(", "))]
    Name {
        /// The name that was given.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// The switch has no such value.
    #[error("the switch `{name}` has no value `{value}`; it takes: {}", .known.join(", "))]
    Value {
        /// The switch.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The values there are.
        known: Vec<&'static str>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_set_by_name_and_keeps_its_default_until_then() {
        let mut switches = Switches::default();
        assert_eq!(switches.get("delete-cancelled"), Some("conflict"));
        switches.set("delete-cancelled", "ok").unwrap();
        assert_eq!(switches.get("delete-cancelled"), Some("ok"));
        assert_eq!(switches.get("no-such-switch"), None);
    }

    #[test]
    fn a_wrong_switch_is_told_what_there_is() {
        let mut switches = Switches::default();
        let name = switches.set("delete-canceled", "ok").unwrap_err().to_string();
        assert!(name.contains("delete-cancelled"), "{name}");
        let value = switches.set("delete-cancelled", "yes").unwrap_err().to_string();
        assert_eq!(
            value,
            "the switch `delete-cancelled` has no value `yes`; it takes: conflict, not_found, ok"
        );
        assert!(
            switches.set("older-video-limits", "refuse").is_err(),
            "a switch of the checks, not of the simulator"
        );
    }

    #[test]
    fn debug_never_shows_the_key() {
        assert!(!format!("{:?}", Options::default().key("ark-secret")).contains("secret"));
    }
}
