//! `X-Client-Request-Id`: our own name for one call, so that the vendor's support can find it even when no answer came.

use crate::UnixMillis;

/// Header that carries our id of a call.
pub const CLIENT_REQUEST_ID: &str = "x-client-request-id";

/// Random bytes that one id takes.
pub const RANDOM_BYTES: usize = 20;

/// Makes an id in the form that official clients use: 14 digits of UTC time and 20 random letters and digits.
#[must_use]
pub fn client_request_id(now: UnixMillis, random: [u8; RANDOM_BYTES]) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let time = jiff::Timestamp::from_millisecond(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let utc = jiff::tz::Offset::UTC.to_datetime(time);
    let mut id = String::with_capacity(14 + RANDOM_BYTES);
    let year = utc.year().unsigned_abs();
    let rest = [utc.month(), utc.day(), utc.hour(), utc.minute(), utc.second()];
    let pairs = [year / 100, year % 100].into_iter().chain(rest.map(|part| part.unsigned_abs().into()));
    for pair in pairs {
        id.extend([pair / 10, pair % 10].map(|digit| char::from(b'0' + digit as u8)));
    }
    id.extend(random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])));
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_fourteen_digits_of_utc_and_twenty_letters_or_digits() {
        let random = std::array::from_fn(|at| at as u8 * 13);
        assert_eq!(client_request_id(1_795_342_530_999, random), "202611221015300DQdq3GTgt6JWjw9MZmz");
    }

    #[test]
    fn a_clock_gone_mad_still_gives_an_id() {
        for now in [i64::MIN, -1, i64::MAX] {
            assert!(client_request_id(now, [255; RANDOM_BYTES]).len() >= 34);
        }
    }
}
