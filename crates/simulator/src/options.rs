//! How a [`Service`](crate::Service) behaves: its key, its times, and the switches for what the
//! documents leave open.
//!
//! Data only; nothing is read from the environment here.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use ark_video_model::catalog::Catalog;

use crate::{
    catalog::{catalog, kept},
    dialect::Dialect,
};

/// How a [`Service`](crate::Service) behaves. Equal options, times and requests give equal
/// responses.
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
    /// Start of the random sequence: ids, seeds of videos, lengths that the model picks. Default 0.
    pub seed: u64,
    /// The one key that is accepted, or `None` (the default) for any key that is not empty.
    pub key: Option<String>,
    /// Where the API is mounted. Default `/api/v3`.
    pub prefix: String,
    /// Scheme, host and port that links to files start with, such as `http://127.0.0.1:8080`. A
    /// host sets it to its own address.
    pub origin: String,
    /// Whether links start with the `Host` of the request that is answered instead of
    /// [`origin`](Self::origin): a client in a container or on another machine can follow them.
    /// Default false; a [`Simulator`](crate::Simulator) does it unless it was given an origin.
    /// Callbacks keep the origin.
    pub links_follow_host: bool,
    /// How long a task waits before it runs. Default 1 s (the real service: seconds to hours).
    pub queued: Duration,
    /// How long a task runs. Default 3 s (the real service: 1 to 18 minutes).
    pub running: Duration,
    /// Length in seconds that a reference video is taken to have, since it is not fetched: 2 to 30,
    /// default 5. It counts in the bill. Cut where all videos together would be longer than the
    /// model takes (15 s on 2.0, 30 s on 2.5; create page, 2026-10).
    pub assumed_video_seconds: u32,
    /// Whether the dotted model names of the subscription endpoints (`doubao-seedance-2.0`) are
    /// taken. Default false: they are then refused with 404 `UnsupportedModel`, as the
    /// pay-as-you-go endpoint does.
    pub plan_names: bool,
    /// Whether a final may name a draft that this service never made, such as one from an earlier
    /// run: a plain five-second text draft is then assumed, and a note says so. Default true.
    pub unknown_drafts: bool,
    /// Whether media in data URLs are taken as they are. Default false: they are measured, and what
    /// the service would refuse (bytes that are no image or sound, a side too long, a format that
    /// is not read) is refused.
    pub ignores_media: bool,
    /// Ratio that a reference video is taken to have, such as `16:9` (the default) or `5:4`: what
    /// an edit or an extension on 2.5 comes out with, also when a request could not ask for it.
    pub assumed_video_ratio: String,
    /// Decisions where documents and experience disagree or say nothing.
    pub switches: Switches,
    /// Rates, slots and the queue of the account; `None` (the default) is no limit at all.
    pub rates: Option<Rates>,
    /// How many times longer a task of the tier `flex` waits. Default 10 (the real service: up to
    /// days).
    pub flex_wait_factor: u32,
    /// Models, rules, prices and rates: [`Options::catalog`].
    pub(crate) catalog: &'static Catalog,
    /// The response format of a reseller; `None` (the default) is the vendor's.
    pub dialect: Option<Arc<Dialect>>,
}

/// What kind of account it is: the documented rates differ (model list, 2026-11).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Account {
    /// 600 creates a minute and 10 running tasks a model.
    #[default]
    Company,
    /// 180 creates a minute and 3 running tasks a model.
    Personal,
}

impl Account {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Personal => "personal",
        }
    }
}

/// The limits of an account: the documented ones, unless set otherwise.
///
/// What goes over a rate is refused with 429. What goes over the running tasks of a model waits as
/// `queued`, larger `priority` first; when too many wait, creates are refused with 429
/// `QuotaExceeded`.
///
/// ```
/// use ark_video_simulator::{Account, Options, Rates};
/// let options = Options::default().rates(Rates::of(Account::Personal).running(1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rates {
    /// The kind of account.
    pub account: Account,
    /// Creates of one model in any minute, instead of the documented figure.
    pub creates_per_minute: Option<u32>,
    /// Tasks of one model that run at a time, instead of the documented figure.
    pub running: Option<u32>,
    /// Tasks of one model that may wait. No document gives a figure; 500 by default.
    pub queued: u32,
}

impl Rates {
    /// The documented limits of a kind of account.
    #[must_use]
    pub fn of(account: Account) -> Self {
        Self { account, creates_per_minute: None, running: None, queued: 500 }
    }

    /// Sets how many creates of one model are taken in any minute.
    #[must_use]
    pub fn creates_per_minute(mut self, count: u32) -> Self {
        self.creates_per_minute = Some(count);
        self
    }

    /// Sets how many tasks of one model run at a time; at least one does.
    #[must_use]
    pub fn running(mut self, count: u32) -> Self {
        self.running = Some(count);
        self
    }

    /// Sets how many tasks of one model may wait.
    #[must_use]
    pub fn queued(mut self, count: u32) -> Self {
        self.queued = count;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            key: None,
            prefix: "/api/v3".to_owned(),
            origin: "http://127.0.0.1".to_owned(),
            links_follow_host: false,
            queued: Duration::from_secs(1),
            running: Duration::from_secs(3),
            assumed_video_seconds: 5,
            plan_names: false,
            unknown_drafts: true,
            ignores_media: false,
            assumed_video_ratio: "16:9".to_owned(),
            switches: Switches::default(),
            rates: None,
            flex_wait_factor: 10,
            catalog: Catalog::builtin(),
            dialect: None,
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

    /// Sets the ratio that a reference video is taken to have, such as `5:4`.
    #[must_use]
    pub fn assumed_video_ratio(mut self, ratio: impl Into<String>) -> Self {
        self.assumed_video_ratio = ratio.into();
        self
    }

    /// Limits the account.
    #[must_use]
    pub fn rates(mut self, rates: Rates) -> Self {
        self.rates = Some(rates);
        self
    }

    /// Sets how many times longer a task of the tier `flex` waits.
    #[must_use]
    pub fn flex_wait_factor(mut self, factor: u32) -> Self {
        self.flex_wait_factor = factor;
        self
    }

    /// Sets models, rules, prices and rates, such as [`Catalog::builtin`] with an overlay.
    ///
    /// ```
    /// use std::borrow::Cow;
    ///
    /// use ark_video_model::catalog::Catalog;
    /// use ark_video_simulator::Options;
    ///
    /// let newer = serde_json::json!({"families": {"2.0": {"watermark": {"value": false}}}});
    /// let catalog = Catalog::builtin().overlaid(&newer)?;
    /// let options = Options::default().catalog(Cow::Owned(catalog));
    /// # Ok::<(), ark_video_model::catalog::CatalogError>(())
    /// ```
    #[must_use]
    pub fn catalog(mut self, catalog: Cow<'static, Catalog>) -> Self {
        self.catalog = kept(catalog);
        self
    }

    /// Answers as a reseller does, at the reseller's prefix if it has one.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        if let Some(prefix) = dialect.prefix() {
            self.prefix = prefix.to_owned();
        }
        self.dialect = Some(Arc::new(dialect));
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

    /// Sets whether media in data URLs are taken as they are, unmeasured.
    #[must_use]
    pub fn ignores_media(mut self, ignores: bool) -> Self {
        self.ignores_media = ignores;
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
            .field("links_follow_host", &self.links_follow_host)
            .field("queued", &self.queued)
            .field("running", &self.running)
            .field("assumed_video_seconds", &self.assumed_video_seconds)
            .field("plan_names", &self.plan_names)
            .field("unknown_drafts", &self.unknown_drafts)
            .field("ignores_media", &self.ignores_media)
            .field("assumed_video_ratio", &self.assumed_video_ratio)
            .field("switches", &self.switches)
            .field("rates", &self.rates)
            .field("flex_wait_factor", &self.flex_wait_factor)
            .field("catalog", &self.catalog.edition)
            .field("dialect", &self.dialect.as_ref().map(|dialect| dialect.name()))
            .finish()
    }
}

/// What the documents leave open, each by its name in `schema/models.json` (`switches`), where the
/// question, the values and the default of each are written. A value of `refuse` turns a request
/// away; `warn` and `off` let it pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches(BTreeMap<&'static str, &'static str>);

impl Switches {
    /// Sets one switch.
    ///
    /// # Errors
    /// There is no such switch, or it has no such value; the error names those there are.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        let of_ours = || catalog().switches.iter().filter(|(_, entry)| entry.used_by.contains("simulator"));
        let Some((name, entry)) = of_ours().find(|(known, _)| *known == name) else {
            let known = of_ours().map(|(name, _)| name).collect();
            return Err(SwitchError::Name { name: name.to_owned(), known });
        };
        let Some(value) = entry.values.iter().find(|known| *known == value) else {
            let known = entry.values.iter().collect();
            return Err(SwitchError::Value { name, value: value.to_owned(), known });
        };
        self.0.insert(name, value);
        Ok(())
    }

    /// The value of a switch: as set, else its default. `None` if there is no such switch.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'static str> {
        self.0.get(name).copied().or_else(|| catalog().answer(name))
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        let known = || catalog().switches.get(name).is_some_and(|entry| entry.values.contains(value));
        debug_assert!(known(), "there is no switch {name} with a value {value}");
        self.get(name) == Some(value)
    }

    /// Takes the values of a catalog where they differ from the built-in ones and no switch was
    /// set.
    pub(crate) fn follow(&mut self, theirs: &'static Catalog) {
        for (name, entry) in catalog().switches.iter() {
            let answer = theirs.answer(name).filter(|answer| *answer != entry.default.as_ref());
            if let Some(answer) = answer.and_then(|answer| entry.values.iter().find(|known| *known == answer))
            {
                self.0.entry(name).or_insert(answer);
            }
        }
    }

    /// A catalog with these answers in it: what requests are held against.
    pub(crate) fn rules(&self, catalog: &'static Catalog) -> Cow<'static, Catalog> {
        let answers: serde_json::Map<_, _> =
            self.0.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        if answers.is_empty() {
            return Cow::Borrowed(catalog);
        }
        // Every switch was checked when it was set.
        catalog
            .overlaid(&serde_json::json!({ "switches": answers }))
            .map_or(Cow::Borrowed(catalog), Cow::Owned)
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
    #[error("unknown switch `{name}`; expected one of: {}", .known.join(", "))]
    Name {
        /// The name that was given.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// The switch has no such value.
    #[error("`{value}` is not a valid value of the switch `{name}`; expected one of: {}", .known.join(", "))]
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
            "`yes` is not a valid value of the switch `delete-cancelled`; expected one of: conflict, not_found, ok"
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
