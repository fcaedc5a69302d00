//! The record of a create with an unknown outcome: all that is needed to search for its task, and
//! nothing secret.

use std::time::Duration;

use ark_video_model::CreateTaskRequest;
use serde::{Deserialize, Serialize};

use super::{ClockOffsets, Correlation};
use crate::{RequestedSettings, UnixMillis, unix_millis};

/// How late a request can still arrive after its sender gave up, and how late LIST may show its
/// task.
const LATE: Duration = Duration::from_secs(60);
/// How far a clock that was compared with the service's `Date` can be wrong.
pub(super) const SLACK: Duration = Duration::from_secs(5);
/// How far any other clock can be wrong.
const SLACK_UNCOMPARED: Duration = Duration::from_secs(5 * 60);

/// When a task can have been created, by the service's clock, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimeWindow {
    /// Not before this.
    pub from: UnixMillis,
    /// Not after this. A search that starts earlier may be too early to count.
    pub to: UnixMillis,
}

impl TimeWindow {
    /// The window of a send that began at `started` and was given up at `ended`, both by our clock;
    /// `skew` is what to add to our clock to get the service's, from
    /// [`clock_skew`](super::clock_skew).
    #[must_use]
    pub fn of_send(started: UnixMillis, ended: UnixMillis, skew: Option<i64>) -> Self {
        let slack = if skew.is_some() { SLACK } else { SLACK_UNCOMPARED };
        let slack = slack.as_millis() as i64;
        let skew = skew.unwrap_or_default();
        Self {
            from: started.saturating_add(skew).saturating_sub(slack),
            to: ended
                .max(started)
                .saturating_add(skew)
                .saturating_add(slack)
                .saturating_add(LATE.as_millis() as i64),
        }
    }

    /// Whether a time that was truncated to seconds is in the window.
    pub(super) fn holds(&self, at: UnixMillis) -> bool {
        at.saturating_add(999) >= self.from && at <= self.to
    }

    /// Whether all of another window lies in this one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    fn shifted(self, by: i64) -> Self {
        Self { from: self.from.saturating_add(by), to: self.to.saturating_add(by) }
    }
}

/// A create that may have made a task, and a bill. Serialise it: it outlives the process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnresolvedCreate {
    /// The model that was asked for, or the endpoint id.
    pub model: String,
    /// When the task has most likely been created.
    pub window: TimeWindow,
    /// When it can have been created as well, while the clocks are not known to agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or_within: Vec<TimeWindow>,
    /// Whether the service's clock was known from several answers that agreed, so that nothing
    /// outside of the window is this create's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clocks_agreed: bool,
    /// The marks in the request.
    #[serde(default)]
    pub marks: Correlation,
    /// The settings in the request.
    #[serde(default, rename = "asked", alias = "requested")]
    pub requested: RequestedSettings,
    /// The service said yes, but named no task: one very probably exists. Never send such a create
    /// again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
    /// The service's id of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Our id of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
}

impl UnresolvedCreate {
    /// A record of this request, as it was sent, marks included.
    #[must_use]
    pub fn new(sent: &CreateTaskRequest, marks: Correlation, window: TimeWindow) -> Self {
        Self {
            model: sent.model.clone(),
            window,
            or_within: Vec::new(),
            clocks_agreed: false,
            marks,
            requested: RequestedSettings::from_request(sent),
            accepted: false,
            request_id: None,
            client_request_id: None,
        }
    }

    /// A record of a send that began at `started` and was given up at `ended`, both by the clock
    /// that `offsets` are of.
    #[must_use]
    pub fn of_send(
        sent: &CreateTaskRequest,
        marks: Correlation,
        started: UnixMillis,
        ended: UnixMillis,
        offsets: &ClockOffsets,
    ) -> Self {
        let (window, or_within) = offsets.windows(started, ended);
        Self { or_within, clocks_agreed: offsets.is_agreed(), ..Self::new(sent, marks, window) }
    }

    /// Corrects the windows of a record that was made before the service's clock was known, by what
    /// is known of it now on the same machine. What they were stays possible.
    pub fn correct(&mut self, offsets: &ClockOffsets) {
        let Some(offset) = offsets.estimate().filter(|_| !self.clocks_agreed) else { return };
        let shifted = self.window.shifted(offset);
        if !self.windows().any(|known| known.covers(&shifted)) {
            self.or_within.push(shifted);
        }
    }

    /// Ends the windows sooner, where it is known that the send was given up before.
    pub fn shorten(&mut self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        for window in std::iter::once(&mut self.window).chain(&mut self.or_within) {
            window.to = window.to.saturating_sub(by).max(window.from);
        }
    }

    /// The earliest time at which a search is late enough, if searching started at `began`, by the
    /// service's clock. A clock that was wrong when the record was made lets nobody wait for longer
    /// than a right one would.
    #[must_use]
    pub fn closes(&self, began: UnixMillis) -> UnixMillis {
        let length = self.window.to.saturating_sub(self.window.from);
        self.window.to.min(began.saturating_add(length))
    }

    pub(super) fn windows(&self) -> impl Iterator<Item = &TimeWindow> {
        std::iter::once(&self.window).chain(&self.or_within)
    }

    /// Whether a task's `created_at` leaves it open that it is this create's.
    pub(super) fn may_have_made(&self, created_at: Option<i64>) -> bool {
        created_at.is_none_or(|at| self.windows().any(|window| window.holds(unix_millis(at))))
    }

    /// Says that the service accepted it without a readable id.
    #[must_use]
    pub fn accepted(mut self, accepted: bool) -> Self {
        self.accepted = accepted;
        self
    }

    /// Sets the service's id of the request.
    #[must_use]
    pub fn request_id(mut self, id: Option<String>) -> Self {
        self.request_id = id;
        self
    }

    /// Sets our id of the request.
    #[must_use]
    pub fn client_request_id(mut self, id: Option<String>) -> Self {
        self.client_request_id = id;
        self
    }

    /// Whether a callback that came under this token speaks of this create's task. Its id,
    /// confirmed by a GET, then settles the matter without any sweep.
    #[must_use]
    pub fn is_called_by(&self, token: &str) -> bool {
        self.marks.callback.is_some_and(|hash| hash.matches(token))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reconcile::{CorrelationOptions, stamp};

    #[test]
    fn a_window_allows_for_clocks_and_for_late_arrivals() {
        assert_eq!(
            TimeWindow::of_send(1_000_000, 1_120_000, Some(-2_000)),
            TimeWindow { from: 993_000, to: 1_183_000 }
        );
        assert_eq!(
            TimeWindow::of_send(1_000_000, 1_120_000, None),
            TimeWindow { from: 700_000, to: 1_480_000 }
        );
        let window = TimeWindow { from: 10_500, to: 20_000 };
        assert_eq!([9, 10, 20, 21].map(|second| window.holds(second * 1000)), [false, true, true, false]);
        let _ = TimeWindow::of_send(i64::MIN, i64::MAX, Some(i64::MIN));
    }

    #[test]
    fn a_wrong_clock_lets_nobody_wait_for_longer_than_a_right_one() {
        let request = serde_json::from_value(json!({"model": "m", "content": []})).unwrap();
        let unknown = UnresolvedCreate::new(
            &request,
            Correlation::default(),
            TimeWindow { from: 1_000_000, to: 1_100_000 },
        );
        for (began, closes) in
            [(1_050_000, 1_100_000), (1_200_000, 1_100_000), (0, 100_000), (950_000, 1_050_000)]
        {
            assert_eq!(unknown.closes(began), closes, "{began}");
        }
    }

    #[test]
    fn a_record_made_before_the_clocks_were_compared_is_corrected_later() {
        let request = serde_json::from_value(json!({"model": "m", "content": []})).unwrap();
        let mut headers = http::HeaderMap::new();
        headers.insert("date", "Sun, 22 Nov 2026 10:15:30 GMT".parse().unwrap());
        let here = 1_795_342_530_000 - 7_200_000;
        let mut offsets = ClockOffsets::default();
        let mut record =
            UnresolvedCreate::of_send(&request, Correlation::default(), here, here + 1_000, &offsets);
        assert!(record.may_have_made(Some(here / 1000)) && !record.may_have_made(Some(1_795_342_530)));
        offsets.learn(&headers, here);
        record.correct(&offsets);
        record.correct(&offsets);
        assert_eq!(record.or_within.len(), 1, "once is enough");
        for created_at in [here / 1000, 1_795_342_530, 1_795_342_530_500, 1_795_342_530_500_000] {
            assert!(record.may_have_made(Some(created_at)), "{created_at}");
        }
        record.shorten(Duration::from_secs(3600));
        assert!(record.windows().all(|window| window.from <= window.to));
        assert!(!record.may_have_made(Some(1_795_342_530 + 60)));
        offsets.learn(&headers, here);
        offsets.learn(&headers, here);
        let mut agreed = UnresolvedCreate::of_send(&request, Correlation::default(), here, here, &offsets);
        agreed.correct(&offsets);
        assert!(agreed.clocks_agreed && agreed.or_within.is_empty());
    }

    #[test]
    fn a_record_survives_a_file_and_holds_neither_prompt_nor_token() {
        let mut request = serde_json::from_value(json!({"model": "m", "resolution": "720p",
            "content": [{"type": "text", "text": "secret prompt"}]}))
        .unwrap();
        let mut options = CorrelationOptions::new().tag(true);
        options.callback = Some("https://host.example/ark".to_owned());
        let marks = stamp(&mut request, &options, [7; 40]);
        let unknown = UnresolvedCreate::new(&request, marks, TimeWindow::of_send(1, 2, None)).accepted(true);
        let text = serde_json::to_string(&unknown).unwrap();
        assert!(!text.contains("secret") && !text.contains(&"07".repeat(16)), "{text}");
        assert_eq!(serde_json::from_str::<UnresolvedCreate>(&text).unwrap(), unknown);
        assert!(unknown.is_called_by(&"07".repeat(16)) && !unknown.is_called_by(""));
        let least = r#"{"model":"m","window":{"from":0,"to":1},"from_the_future":1}"#;
        assert_eq!(serde_json::from_str::<UnresolvedCreate>(least).unwrap().marks, Correlation::default());
    }
}
