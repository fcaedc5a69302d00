//! Times: `Retry-After`, and the formats of a time. Pure: "now" is an argument.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

/// Milliseconds since 1970-01-01T00:00:00Z: every time of these crates. Only `created_at` and
/// `updated_at` of a task are as the service sends them; [`unix_millis`] converts them.
pub type UnixMillis = i64;

/// A `Retry-After` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Wait this long.
    Seconds(u64),
    /// Wait until this time.
    At(UnixMillis),
}

impl RetryAfter {
    /// Reads the header: seconds, or an HTTP date. `None` if it is absent or neither.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Self::Seconds(seconds));
        }
        let date =
            jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
        Some(Self::At(date.as_millisecond()))
    }

    /// The remaining wait at `now`; zero for a past time.
    #[must_use]
    pub fn wait(self, now: UnixMillis) -> Duration {
        match self {
            Self::Seconds(seconds) => Duration::from_secs(seconds),
            Self::At(at) => {
                let left = i128::from(at) - i128::from(now);
                Duration::from_millis(u64::try_from(left.max(0)).unwrap_or(u64::MAX))
            }
        }
    }

    /// Writes the header value. A time is written as an HTTP date.
    #[must_use]
    pub fn to_header(self) -> HeaderValue {
        let text = match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::At(at) => jiff::Timestamp::from_millisecond(at)
                .map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
                .unwrap_or_default(),
        };
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("0"))
    }
}

/// A time of a task (`created_at`, `updated_at`), in milliseconds. Seconds are documented; gateways
/// also write milli-, micro- and nanoseconds, which are recognised by their size: as seconds they
/// would be thousands of years away.
#[must_use]
pub fn unix_millis(stamp: i64) -> UnixMillis {
    match stamp.unsigned_abs() {
        0..100_000_000_000 => stamp.saturating_mul(1000),
        100_000_000_000..100_000_000_000_000 => stamp,
        100_000_000_000_000..100_000_000_000_000_000 => stamp / 1000,
        _ => stamp / 1_000_000,
    }
}

/// In JSON a time under the service's own name (`created_at`) is in its unit: seconds.
pub(crate) mod unix_seconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{UnixMillis, unix_millis};

    pub(crate) fn serialize<S: Serializer>(time: &Option<UnixMillis>, to: S) -> Result<S::Ok, S::Error> {
        time.map(|time| time.div_euclid(1000)).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<UnixMillis>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(unix_millis))
    }
}

/// A time as text: `2026-11-22T10:15:30Z`.
#[must_use]
pub fn utc(time: UnixMillis) -> String {
    let time = jiff::Timestamp::from_millisecond(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_parsed_in_any_unit() {
        for (stamp, millis) in [
            (0, 0),
            (-1, -1000),
            (150, 150_000),
            (1_795_342_530, 1_795_342_530_000),
            (1_795_342_530_123, 1_795_342_530_123),
            (1_795_342_530_123_456, 1_795_342_530_123),
            (1_795_342_530_123_456_789, 1_795_342_530_123),
            (i64::MAX, i64::MAX / 1_000_000),
            (i64::MIN, i64::MIN / 1_000_000),
        ] {
            assert_eq!(unix_millis(stamp), millis, "{stamp}");
        }
    }

    fn read(value: &str) -> Option<RetryAfter> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        RetryAfter::from_headers(&headers)
    }

    #[test]
    fn seconds_and_dates_are_read_and_nothing_else_is() {
        assert_eq!(read("7"), Some(RetryAfter::Seconds(7)));
        assert_eq!(read("Sun, 22 Nov 2026 10:15:30 GMT"), Some(RetryAfter::At(1_795_342_530_000)));
        for odd in ["", "soon", "-3", "1.5", "2026-11-22"] {
            assert_eq!(read(odd), None, "{odd:?}");
        }
        assert_eq!(RetryAfter::from_headers(&HeaderMap::new()), None);
    }

    #[test]
    fn a_past_time_means_now() {
        assert_eq!(RetryAfter::At(100_000).wait(98_500), Duration::from_millis(1_500));
        assert_eq!(RetryAfter::At(100_000).wait(101_000), Duration::ZERO);
        assert_eq!(RetryAfter::At(i64::MAX).wait(i64::MIN), Duration::from_millis(u64::MAX));
    }

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(utc(1_795_342_530_999), "2026-11-22T10:15:30Z");
        assert_eq!(utc(i64::MAX), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for wait in [RetryAfter::Seconds(0), RetryAfter::Seconds(121), RetryAfter::At(1_795_342_530_000)] {
            assert_eq!(read(wait.to_header().to_str().unwrap()), Some(wait));
        }
    }
}
