//! The record of a create whose outcome is unknown: all that is needed to look for its task, and nothing secret.

use std::time::Duration;

use ark_video_model::CreateTaskRequest;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use super::Marks;
use crate::{Asked, UnixMillis};

/// How late a request can still arrive after its sender gave up, and how late LIST may show its task.
const LATE: Duration = Duration::from_secs(60);
/// How far a clock that was compared with the service's `Date` can be wrong.
const SLACK: Duration = Duration::from_secs(5);
/// How far any other clock can be wrong.
const SLACK_UNCOMPARED: Duration = Duration::from_secs(5 * 60);

/// When a task can have been created, by the service's clock, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Window {
    /// Not before this.
    pub from: UnixMillis,
    /// Not after this. A look that starts earlier may come too early to count.
    pub to: UnixMillis,
}

impl Window {
    /// The window of a send that began at `started` and was given up at `ended`, both by our clock; `skew` is what to add
    /// to our clock to get the service's, from [`clock_skew`].
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

    /// Whether `created_at`, in whole seconds rounded down, lies in the window.
    pub(super) fn holds(&self, created_at: i64) -> bool {
        let start = created_at.saturating_mul(1000);
        start.saturating_add(999) >= self.from && start <= self.to
    }
}

/// What to add to our clock to get the service's, in milliseconds, from the `Date` of an answer that came at `now`.
#[must_use]
pub fn clock_skew(headers: &HeaderMap, now: UnixMillis) -> Option<i64> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    // A date is cut to whole seconds, so on average half a second older than the moment it was written.
    Some(date.as_millisecond().saturating_add(500).saturating_sub(now))
}

/// A create that may have made a task, and a bill. Serialise it: it outlives the process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unknown {
    /// The model that was asked for, or the endpoint id.
    pub model: String,
    /// When the task can have been created.
    pub window: Window,
    /// The marks in the request.
    #[serde(default)]
    pub marks: Marks,
    /// The settings in the request.
    #[serde(default)]
    pub asked: Asked,
    /// The service said yes, but named no task: one very probably exists. Never send such a create again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
    /// The service's id of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Our id of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
}

impl Unknown {
    /// A record of this request, as it was sent, marks included.
    #[must_use]
    pub fn new(sent: &CreateTaskRequest, marks: Marks, window: Window) -> Self {
        Self {
            model: sent.model.clone(),
            window,
            marks,
            asked: Asked::of(sent),
            accepted: false,
            request_id: None,
            client_request_id: None,
        }
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

    /// Whether a callback that came under this token speaks of this create's task. Its id, confirmed by a GET, then
    /// settles the matter without any sweep.
    #[must_use]
    pub fn is_called_by(&self, token: &str) -> bool {
        self.marks.callback.is_some_and(|hash| hash.matches(token))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reconcile::{StampOptions, stamp};

    #[test]
    fn a_window_allows_for_clocks_and_for_late_arrivals() {
        assert_eq!(
            Window::of_send(1_000_000, 1_120_000, Some(-2_000)),
            Window { from: 993_000, to: 1_183_000 }
        );
        assert_eq!(Window::of_send(1_000_000, 1_120_000, None), Window { from: 700_000, to: 1_480_000 });
        let window = Window { from: 10_500, to: 20_000 };
        assert_eq!([9, 10, 20, 21].map(|second| window.holds(second)), [false, true, true, false]);
        let _ = Window::of_send(i64::MIN, i64::MAX, Some(i64::MIN));
    }

    #[test]
    fn the_services_clock_is_read_from_its_answers() {
        let mut headers = HeaderMap::new();
        assert_eq!(clock_skew(&headers, 0), None);
        headers.insert("date", "Sun, 22 Nov 2026 10:15:30 GMT".parse().unwrap());
        assert_eq!(clock_skew(&headers, 1_795_342_528_000), Some(2_500));
    }

    #[test]
    fn a_record_survives_a_file_and_holds_neither_prompt_nor_token() {
        let mut request = serde_json::from_value(json!({"model": "m", "resolution": "720p",
            "content": [{"type": "text", "text": "secret prompt"}]}))
        .unwrap();
        let options = StampOptions::new().tag(true).callback("https://host.example/ark");
        let marks = stamp(&mut request, &options, [7; 40]);
        let unknown = Unknown::new(&request, marks, Window::of_send(1, 2, None)).accepted(true);
        let text = serde_json::to_string(&unknown).unwrap();
        assert!(!text.contains("secret") && !text.contains(&"07".repeat(16)), "{text}");
        assert_eq!(serde_json::from_str::<Unknown>(&text).unwrap(), unknown);
        assert!(unknown.is_called_by(&"07".repeat(16)) && !unknown.is_called_by(""));
        let least = r#"{"model":"m","window":{"from":0,"to":1},"from_the_future":1}"#;
        assert_eq!(serde_json::from_str::<Unknown>(least).unwrap().marks, Marks::default());
    }
}
