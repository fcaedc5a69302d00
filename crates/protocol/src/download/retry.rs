//! Whether to retry a download, when, and with which link. Pure: the jitter is an argument.
//!
//! A download costs nothing and can be repeated, but links die and some count how often they are
//! used.

use std::time::Duration;

use super::DownloadRefusal;
use crate::{Backoff, SendError, SendErrorKind};

/// Requests to the storage for one file, in one call.
pub const MAX_TRIES: u32 = 20;
/// Dead links in a row, where asking for the task brought the same link again.
const MAX_DEAD: u32 = 3;
/// Attempts in a row that brought not one byte.
const MAX_FRUITLESS: u32 = 6;
/// Downloads of a whole file that ended and did not show that it is complete.
const MAX_INCOMPLETE: u32 = 3;

/// Why a try ended without the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ErrorKind<'a> {
    /// The storage said something else.
    Refused(&'a DownloadRefusal),
    /// The bytes did not come, or not all of them.
    Send(&'a SendError),
}

/// What to do after a try that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DownloadRetry {
    /// Go on with the same link after this pause.
    After(Duration),
    /// After this pause ask for the task, whose answer may hold a fresh link; then
    /// [`Attempts::refreshed`].
    Refresh(Duration),
    /// It would not help.
    Stop,
}

/// The tries of one download.
#[derive(Debug, Clone, Default)]
pub struct Attempts {
    tries: u32,
    fruitless: u32,
    started_over: bool,
    incomplete: u32,
    /// The last refusal was one that only a fresh link can help.
    needs_fresh: bool,
    dead: u32,
}

impl Attempts {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a failure. `fetched`: whether this attempt received any byte; `jitter`: a random
    /// number from 0 to 1.
    pub fn failed(&mut self, trouble: ErrorKind<'_>, fetched: bool, jitter: f64) -> DownloadRetry {
        self.tries += 1;
        self.fruitless = if fetched { 1 } else { self.fruitless + 1 };
        self.needs_fresh = false;
        if self.tries >= MAX_TRIES || self.fruitless >= MAX_FRUITLESS {
            return DownloadRetry::Stop;
        }
        let pause = Backoff::default().pause(self.fruitless, jitter);
        match trouble {
            ErrorKind::Send(error) => match error.kind {
                SendErrorKind::Invalid | SendErrorKind::Redirected | SendErrorKind::TooLarge => {
                    DownloadRetry::Stop
                }
                _ => DownloadRetry::After(pause),
            },
            // Observed right after a task's end: the link works shortly afterwards.
            ErrorKind::Refused(DownloadRefusal::DeadLink { status: 400 }) => DownloadRetry::Refresh(pause),
            ErrorKind::Refused(DownloadRefusal::DeadLink { .. }) => {
                self.dead += 1;
                self.needs_fresh = self.dead >= MAX_DEAD;
                // The first time a fresh link may be all that is needed.
                DownloadRetry::Refresh(if self.dead > 1 { pause } else { Duration::ZERO })
            }
            ErrorKind::Refused(DownloadRefusal::TooManyRanges) => {
                self.needs_fresh = true;
                DownloadRetry::Refresh(Duration::ZERO)
            }
            ErrorKind::Refused(DownloadRefusal::Changed | DownloadRefusal::ChecksumMismatch)
                if self.started_over =>
            {
                DownloadRetry::Stop
            }
            ErrorKind::Refused(DownloadRefusal::Changed | DownloadRefusal::ChecksumMismatch) => {
                self.started_over = true;
                DownloadRetry::After(Duration::ZERO)
            }
            // It comes from its start each time.
            ErrorKind::Refused(DownloadRefusal::Incomplete { .. }) => {
                self.incomplete += 1;
                if self.incomplete < MAX_INCOMPLETE {
                    DownloadRetry::After(pause)
                } else {
                    DownloadRetry::Stop
                }
            }
            ErrorKind::Refused(refusal) if refusal.is_transient() => DownloadRetry::After(pause),
            ErrorKind::Refused(_) => DownloadRetry::Stop,
        }
    }

    /// Takes in whether the task has another link now, and says whether trying goes on.
    #[must_use]
    pub fn refreshed(&mut self, changed: bool) -> bool {
        if changed {
            self.dead = 0;
        }
        changed || !self.needs_fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn refused(tries: &mut Attempts, refusal: DownloadRefusal) -> DownloadRetry {
        tries.failed(ErrorKind::Refused(&refusal), false, 1.0)
    }

    fn cut() -> SendError {
        SendError::maybe_sent(SendErrorKind::Body, "the connection broke off")
    }

    #[test]
    fn a_cut_download_goes_on_with_growing_pauses_until_nothing_comes_any_more() {
        let mut tries = Attempts::new();
        let mut steps = Vec::new();
        while let DownloadRetry::After(pause) = tries.failed(ErrorKind::Send(&cut()), false, 1.0) {
            steps.push(pause.as_secs());
        }
        assert_eq!(steps, [1, 2, 4, 8, 16]);
    }

    #[test]
    fn bytes_that_came_start_the_pauses_anew_but_not_without_end() {
        let mut tries = Attempts::new();
        let mut count = 1;
        while tries.failed(ErrorKind::Send(&cut()), true, 1.0) == DownloadRetry::After(SECOND) {
            count += 1;
        }
        assert_eq!(count, MAX_TRIES);
    }

    #[test]
    fn a_dead_link_wants_a_fresh_one_and_an_early_one_some_time() {
        for status in [403, 404, 410] {
            let mut tries = Attempts::new();
            assert_eq!(
                refused(&mut tries, DownloadRefusal::DeadLink { status }),
                DownloadRetry::Refresh(Duration::ZERO)
            );
            assert!(tries.refreshed(false), "some work shortly afterwards");
            assert_eq!(
                refused(&mut tries, DownloadRefusal::DeadLink { status }),
                DownloadRetry::Refresh(2 * SECOND)
            );
            assert!(tries.refreshed(false));
            assert_eq!(
                refused(&mut tries, DownloadRefusal::DeadLink { status }),
                DownloadRetry::Refresh(4 * SECOND)
            );
            assert!(!tries.clone().refreshed(false), "the same link again would not help");
            assert!(tries.refreshed(true));
        }
        let mut tries = Attempts::new();
        assert_eq!(
            refused(&mut tries, DownloadRefusal::DeadLink { status: 400 }),
            DownloadRetry::Refresh(SECOND)
        );
        assert!(tries.refreshed(false));
        assert_eq!(
            refused(&mut tries, DownloadRefusal::TooManyRanges),
            DownloadRetry::Refresh(Duration::ZERO)
        );
        assert!(!tries.refreshed(false));
    }

    #[test]
    fn a_file_that_changed_or_was_spoilt_is_begun_anew_once() {
        for refusal in [DownloadRefusal::Changed, DownloadRefusal::ChecksumMismatch] {
            let mut tries = Attempts::new();
            assert_eq!(refused(&mut tries, refusal.clone()), DownloadRetry::After(Duration::ZERO));
            assert_eq!(refused(&mut tries, refusal), DownloadRetry::Stop);
        }
    }

    #[test]
    fn a_file_that_does_not_show_its_end_is_fetched_three_times() {
        let mut tries = Attempts::new();
        let incomplete = || DownloadRefusal::Incomplete { why: "it ends".into() };
        let steps = [(); 3].map(|()| refused(&mut tries, incomplete()));
        assert_eq!(
            steps,
            [DownloadRetry::After(SECOND), DownloadRetry::After(2 * SECOND), DownloadRetry::Stop]
        );
    }

    #[test]
    fn what_would_stay_is_not_tried_again() {
        for refusal in [
            DownloadRefusal::TooManyRedirects,
            DownloadRefusal::NotMedia { content_type: "text/html".into() },
            DownloadRefusal::TooLarge { length: 2, max_bytes: 1 },
            DownloadRefusal::Status { status: 451 },
            DownloadRefusal::UnexpectedContent { what: "video", why: "it is text".into() },
        ] {
            assert_eq!(refused(&mut Attempts::new(), refusal), DownloadRetry::Stop);
        }
        assert_eq!(
            refused(&mut Attempts::new(), DownloadRefusal::Status { status: 503 }),
            DownloadRetry::After(SECOND)
        );
        let invalid = SendError::not_sent(SendErrorKind::Invalid, "out of reach");
        assert_eq!(Attempts::new().failed(ErrorKind::Send(&invalid), false, 1.0), DownloadRetry::Stop);
    }
}
