//! Pseudo-random values: ids, signatures, seeds, durations. One seeded sequence, so that runs
//! repeat.

use jiff::Timestamp;

/// The sequence of a service.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    rng: fastrand::Rng,
    /// The second that was written last, and its digits: many ids are made in one.
    second: (i64, String),
    /// The time of the last request id, and the prefix of all ids of that time.
    prefix: (i64, String),
}

/// The zone that task ids are written in (UTC+8), in milliseconds.
const LOCAL: i64 = 8 * 3600 * 1000;

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            second: (i64::MIN, String::new()),
            prefix: (i64::MIN, String::new()),
        }
    }

    /// `cgt-` with 14 digits of local time and five letters or digits; `cgt-batch-` for the offline
    /// tier (recorded, 2026-07).
    pub(crate) fn task_id(&mut self, now: i64, flex: bool) -> String {
        const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let second = now.div_euclid(1000);
        if self.second.0 != second {
            self.second = (second, time(now.saturating_add(LOCAL), "%Y%m%d%H%M%S"));
        }
        let mut id = String::with_capacity(30);
        id.push_str(if flex { "cgt-batch-" } else { "cgt-" });
        id.push_str(&self.second.1);
        id.push('-');
        id.extend((0..5).map(|_| char::from(LETTERS[self.rng.usize(..LETTERS.len())])));
        id
    }

    /// `02`, 13 digits of milliseconds, and 38 hexadecimal digits: the form of every recorded
    /// request id.
    pub(crate) fn request_id(&mut self, now: i64) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        if self.prefix.0 != now {
            self.prefix = (now, format!("02{now:013}"));
        }
        let bits = self.rng.u128(..);
        // One draw an id: the last six digits are made of the others.
        let more = ((bits ^ (bits >> 61)) as u32).to_be_bytes();
        let bits = bits.to_be_bytes();
        let mut id = String::with_capacity(self.prefix.1.len() + 38);
        id.push_str(&self.prefix.1);
        let digits = bits.iter().chain(&more[1..]).flat_map(|byte| [byte >> 4, byte & 15]);
        id.extend(digits.map(|digit| char::from(DIGITS[usize::from(digit)])));
        id
    }

    /// Bits for names and signatures.
    pub(crate) fn bits(&mut self) -> u128 {
        self.rng.u128(..)
    }

    /// A seed as the service draws one: below 100,000 in every recorded answer.
    pub(crate) fn seed(&mut self) -> i64 {
        self.rng.i64(0..100_000)
    }

    /// A number from `min` to `max`, both included.
    pub(crate) fn between(&mut self, min: i64, max: i64) -> i64 {
        self.rng.i64(min..=max.max(min))
    }

    /// Whether something of this likelihood happens.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.rng.f64() < share
    }

    /// Where the sequence stands, to go on with later.
    pub(crate) fn state(&self) -> u64 {
        self.rng.get_seed()
    }

    /// One of several, by its place; 0 when there is none.
    pub(crate) fn pick(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { self.rng.usize(..count) }
    }
}

/// A time as text, in UTC; out of range is 1970.
pub(crate) fn time(millis: i64, format: &str) -> String {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_vendors_form_and_repeat_with_the_seed() {
        let mut random = Random::new(1);
        let id = random.task_id(1_795_313_730_000, false);
        assert_eq!(
            &id[..19],
            "cgt-20261122101530-",
            "ten in the morning in Beijing is two in the morning in UTC"
        );
        assert_eq!(id.len(), 24);
        let request = random.request_id(1_795_313_730_000);
        assert!(request.starts_with("021795313730000") && request.len() == 53, "{request}");
        assert_eq!(Random::new(1).task_id(1_795_313_730_000, false), id);
        assert_ne!(Random::new(2).task_id(1_795_313_730_000, false), id);
        assert!(random.task_id(1_795_313_730_000, true).starts_with("cgt-batch-20261122101530-"));
        assert!((0..1000).all(|_| (0..100_000).contains(&random.seed())));
    }
}
