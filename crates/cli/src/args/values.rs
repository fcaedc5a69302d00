//! Single values of the command line: times, factors, ids.

use std::time::Duration;

use jiff::SignedDuration;

/// `90s`, `30m`, `1h 30m`, or a number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let seconds = text.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()));
    let read = seconds.or_else(|| text.parse::<SignedDuration>().ok().and_then(|read| read.try_into().ok()));
    read.ok_or_else(|| "write a time such as 90s, 30m, 1h30m, or a number of seconds".to_owned())
}

/// A time that may be in days, such as `30d`.
pub(super) fn days(text: &str) -> Result<Duration, String> {
    match text.trim().strip_suffix('d').map(str::parse::<u32>) {
        Some(Ok(days)) => Ok(Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
        _ => duration(text).map_err(|_| "write a time such as 30d, 12h or 90m".to_owned()),
    }
}

/// A poll interval within the service's limit (20 GETs a second for the whole account).
pub(super) fn pace(text: &str) -> Result<Duration, String> {
    let pace = duration(text)?;
    if pace < Duration::from_millis(200) {
        Err("at least 200ms: the service accepts 20 requests a second".to_owned())
    } else {
        Ok(pace)
    }
}

/// `60x` or `60`.
pub(super) fn speed(text: &str) -> Result<f64, String> {
    let factor = text.trim().trim_end_matches(['x', 'X', '×']).parse::<f64>().ok();
    factor
        .filter(|factor| (0.01..=1_000_000.0).contains(factor))
        .ok_or_else(|| "write a factor such as 1x or 60x, from 0.01x to 1000000x".to_owned())
}

/// A time, absolute or before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Milliseconds since 1970.
    At(i64),
    Ago(Duration),
}

impl When {
    /// The time, in milliseconds since 1970.
    pub(crate) fn at(self, now: i64) -> i64 {
        match self {
            Self::At(at) => at,
            Self::Ago(time) => now.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

/// `2026-11-22T10:15:00Z` or `20m`.
pub(super) fn time(text: &str) -> Result<When, String> {
    if let Ok(at) = text.trim().parse::<jiff::Timestamp>() {
        return Ok(When::At(at.as_millisecond()));
    }
    duration(text)
        .map(When::Ago)
        .map_err(|_| "write a time such as 2026-11-22T10:15:00Z, or how long ago, such as 20m".to_owned())
}

/// Any text but none: ids are the service's to define.
pub(crate) fn task_id(text: &str) -> Result<String, String> {
    let id = text.trim();
    if id.is_empty() { Err("the id is empty".to_owned()) } else { Ok(id.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        for (text, seconds) in
            [("90", 90), ("90s", 90), ("30m", 1800), ("49h", 176_400), ("1h 30m", 5400), ("2h30m", 9000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "-5s", "soon", "1.5.2", "5 parsecs"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(pace("500ms"), Ok(Duration::from_millis(500)));
        assert!(pace("0s").is_err());
    }

    #[test]
    fn times() {
        assert_eq!(time("2026-11-22T10:15:30Z"), Ok(When::At(1_795_342_530_000)));
        assert_eq!(time("2026-11-22T18:15:30+08:00"), Ok(When::At(1_795_342_530_000)));
        assert_eq!(time("20m").map(|when| when.at(3_600_000)), Ok(2_400_000));
        for text in ["", "yesterday", "2026-11-22", "-5s"] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn speeds() {
        assert_eq!((speed("60x"), speed("1"), speed("0.5X")), (Ok(60.0), Ok(1.0), Ok(0.5)));
        for text in ["0", "-1x", "fast", "NaN", "inf"] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
