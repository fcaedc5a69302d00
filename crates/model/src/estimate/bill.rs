//! The one rule of a bill: how many tokens a video of a size and a length counts. Estimates, caps
//! and the simulator use it, so that none of them can be wrong alone. It reads no request and
//! assumes nothing.

use serde::{Deserialize, Serialize};

use crate::catalog::{Billing, Decimal};

/// What a bill counts of one video. Every paid task that was published is met to the token.
///
/// ```
/// use ark_video_model::{estimate::{Bill, BilledLength}, catalog::Catalog};
///
/// let billing = &Catalog::builtin().billing;
/// let five_seconds = BilledLength::Millis(5000);
/// assert_eq!(Bill::new(1280 * 720, five_seconds).tokens(billing), 108_900);
/// // An extension of ten seconds by five, which has no frame of its own at the seam.
/// assert_eq!(Bill::new(1280 * 720, five_seconds).input(10, false).tokens(billing), 324_000);
/// // Where the input is short, the smallest charge counts: a thirty-second result counts fifty seconds.
/// assert_eq!(Bill::new(1280 * 720, BilledLength::Millis(30_000)).input(5, true).tokens(billing), 1_080_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Bill {
    pixels: u64,
    length: BilledLength,
    input: Option<(u64, bool)>,
    share: Decimal,
}

/// How long a video is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BilledLength {
    /// So many frames, which the request asked for.
    Frames(u64),
    /// So many milliseconds.
    Millis(u64),
}

impl Bill {
    /// A video of width times height pixels, without input video.
    pub fn new(pixels: u64, length: BilledLength) -> Self {
        Self { pixels, length, input: None, share: Decimal::from_millionths(1_000_000) }
    }

    /// With the whole seconds of all input videos, and whether the result has a frame of its own at
    /// its start: an extension of 2.5 has not, as it starts with the last frame of its source;
    /// every other request with input video has.
    #[must_use]
    pub fn input(mut self, seconds: u64, extra_frame: bool) -> Self {
        self.input = Some((seconds, extra_frame));
        self
    }

    /// Counts this share of the tokens, as drafts of 1.5 pro do.
    #[must_use]
    pub fn share(mut self, share: Decimal) -> Self {
        self.share = share;
        self
    }

    /// The billed tokens: floor(frames · pixels / 1024), where frames are 24 for each second of
    /// input and output and one more; with input video at least what ceil(output seconds · 5 / 3)
    /// without that one frame count.
    pub fn tokens(&self, billing: &Billing) -> u64 {
        let whole = |value: i64| u128::try_from(value).unwrap_or(0);
        let (rate, extra) = (whole(billing.frames_per_second.value), whole(billing.extra_frames.value));
        let per_token = whole(billing.pixels_per_token.value).max(1);
        let pixels = u128::from(self.pixels);
        // In thousandths of a frame, so that milliseconds stay exact.
        let (output, is_asked) = match self.length {
            BilledLength::Frames(frames) => (u128::from(frames) * 1000, true),
            BilledLength::Millis(millis) => (rate * u128::from(millis), false),
        };
        let (input, extra) = match self.input {
            Some((seconds, extra_frame)) => {
                (rate * u128::from(seconds) * 1000, extra * u128::from(extra_frame))
            }
            None => (0, extra),
        };
        let extra = if is_asked { 0 } else { extra * 1000 };
        let counted = (input + output + extra) * pixels / (per_token * 1000);
        let least = match self.input {
            None => 0,
            Some(_) => {
                let thirds = whole(billing.input_video_minimum_thirds.value);
                let seconds = (output * thirds).div_ceil(3 * 1000 * rate.max(1));
                seconds * rate * pixels / per_token
            }
        };
        let tokens = counted.max(least) * u128::from(self.share.millionths()) / 1_000_000;
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn the_smallest_charge_is_that_of_the_vendors_table() {
        let billing = &Catalog::builtin().billing;
        for (seconds, expected) in
            [(4, 151_200), (8, 302_400), (10, 367_200), (15, 540_000), (20, 734_400), (30, 1_080_000)]
        {
            for extra_frame in [false, true] {
                let bill = Bill::new(1280 * 720, BilledLength::Millis(seconds * 1000)).input(2, extra_frame);
                assert_eq!(bill.tokens(billing), expected, "{seconds} s");
            }
        }
    }

    #[test]
    fn nothing_overflows() {
        let billing = &Catalog::builtin().billing;
        for length in [BilledLength::Millis(u64::MAX), BilledLength::Frames(u64::MAX)] {
            assert_eq!(Bill::new(1 << 32, length).input(u64::MAX >> 12, true).tokens(billing), u64::MAX);
        }
    }
}
