//! The seconds at which a wait polls, without jitter: 0.5 is the middle.

use super::*;
use crate::{ApiError, Endpoint, SendError, SendErrorKind};

const MIDDLE: f64 = 0.5;

/// Runs a wait in which each poll takes no time and returns `result`; returns the seconds of the
/// polls and the end.
fn run(options: WaitOptions, mut result: impl FnMut(u64) -> PollResult<'static>) -> (Vec<u64>, Step) {
    let mut plan = WaitPlan::new(options);
    let mut seconds = Vec::new();
    let mut step = plan.start(MIDDLE);
    while let Step::PollAt { at, .. } = step {
        seconds.push(at.as_secs());
        step = plan.observe(at, &result(at.as_secs()), MIDDLE);
        assert!(seconds.len() < 10_000, "a wait must end");
    }
    (seconds, step)
}

fn failed() -> PollResult<'static> {
    PollResult::Failed(PollFailure { class: Class::Transient, not_found: false, wait: None })
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_task_of_two_minutes_is_looked_at_eleven_times() {
    let (seconds, end) = run(WaitOptions::new(), |second| {
        PollResult::Status(if second < 120 { &TaskStatus::Running } else { &TaskStatus::Succeeded })
    });
    assert_eq!(seconds, [3, 6, 10, 17, 27, 42, 57, 72, 87, 102, 117, 132]);
    assert_eq!(end, Step::Finished);
}

#[test]
fn each_terminal_state_ends_the_wait_and_no_other_does() {
    use TaskStatus::{Cancelled, Expired, Failed, Queued, Running, Succeeded};
    for status in [Succeeded, Failed, Cancelled, Expired] {
        let mut plan = WaitPlan::new(WaitOptions::new());
        assert_eq!(plan.observe(secs(3), &PollResult::Status(&status), MIDDLE), Step::Finished, "{status}");
    }
    for status in [Queued, Running, TaskStatus::from("post-processing"), TaskStatus::from("")] {
        let mut plan = WaitPlan::new(WaitOptions::new());
        let step = plan.observe(secs(3), &PollResult::Status(&status), MIDDLE);
        assert_eq!(step, Step::PollAt { at: secs(6), last: false }, "{status}");
    }
}

#[test]
fn the_deadline_gets_one_last_look() {
    let options = WaitOptions::new().timeout(secs(20));
    let (seconds, end) = run(options.clone(), |_| PollResult::Status(&TaskStatus::Running));
    assert_eq!((seconds, end), (vec![3, 6, 10, 17, 20], Step::Stop(StopReason::TimedOut)));
    let (seconds, end) = run(options.clone(), |second| {
        PollResult::Status(if second < 20 { &TaskStatus::Running } else { &TaskStatus::Succeeded })
    });
    assert_eq!((seconds.last(), end), (Some(&20), Step::Finished));
    let (seconds, end) =
        run(options, |second| if second < 20 { PollResult::Status(&TaskStatus::Running) } else { failed() });
    assert_eq!((seconds.last(), end), (Some(&20), Step::Stop(StopReason::TimedOut)));
}

#[test]
fn a_wait_of_no_time_looks_once() {
    let (seconds, end) =
        run(WaitOptions::new().timeout(Duration::ZERO), |_| PollResult::Status(&TaskStatus::Queued));
    assert_eq!((seconds, end), (vec![0], Step::Stop(StopReason::TimedOut)));
}

#[test]
fn a_look_that_ends_after_the_deadline_is_followed_by_the_last_one_at_once() {
    let mut plan = WaitPlan::new(WaitOptions::new().timeout(secs(20)));
    assert_eq!(plan.start(MIDDLE), Step::PollAt { at: secs(3), last: false });
    let step = plan.observe(secs(33), &PollResult::Status(&TaskStatus::Running), MIDDLE);
    assert_eq!(step, Step::PollAt { at: secs(33), last: true });
}

#[test]
fn failed_looks_slow_down_are_counted_and_forgiven() {
    let (seconds, end) = run(WaitOptions::new().max_failures(8), |_| failed());
    assert_eq!(seconds, [3, 4, 7, 13, 25, 49, 79, 109]);
    assert_eq!(end, Step::Stop(StopReason::TooManyFailures(8)));
    // Every second poll fails: never two in a row.
    let mut odd = false;
    let (_, end) = run(WaitOptions::new().timeout(secs(3600)).max_failures(2), |_| {
        odd = !odd;
        if odd { failed() } else { PollResult::Status(&TaskStatus::Running) }
    });
    assert_eq!(end, Step::Stop(StopReason::TimedOut));
}

#[test]
fn without_a_network_a_wait_lasts_a_quarter_of_an_hour() {
    let mut plan = WaitPlan::new(WaitOptions::new());
    let (mut now, mut polls) = (Duration::ZERO, 0);
    while let Step::PollAt { at, .. } = plan.observe(now, &failed(), 0.625) {
        (now, polls) = (at, polls + 1);
    }
    assert_eq!((polls + 1, now.as_secs()), (28, 883), "at the mean of the jitter");
}

#[test]
fn a_retry_after_is_obeyed_up_to_two_minutes() {
    let busy = ApiError::new(429, "AccountRateLimitExceeded", "");
    let pause = |after| {
        let error = busy.clone().retry_after(crate::RetryAfter::Seconds(after));
        let failure = PollFailure::of(&Failure::answer(Endpoint::Get, &error), 0);
        let mut plan = WaitPlan::new(WaitOptions::new());
        match plan.observe(secs(10), &PollResult::Failed(failure), 1.0) {
            Step::PollAt { at, .. } => at.as_secs() - 10,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([pause(1), pause(7), pause(121)], [3, 7, 120]);
}

/// A refusal of a task that may be billed is not believed at once: how long depends on what it
/// says, and on whether the task is known to exist.
#[test]
fn refusals_are_borne_for_as_long_as_their_kind_allows() {
    let result = |status, code: &str| {
        let error = ApiError::new(status, code, "");
        PollResult::Failed(PollFailure::of(&Failure::answer(Endpoint::Get, &error), 0))
    };
    // The first refusal comes at the third second.
    for (status, code, known, ends_at) in [
        (404, "ResourceNotFound", true, 63),
        (404, "ResourceNotFound", false, 8),
        (404, "", true, 63),
        (404, "FromTheFuture", true, 63),
        (401, "AuthenticationError", true, 123),
        (401, "AuthenticationError", false, 123),
        (401, "", false, 123),
        (403, "AccessDenied", true, 123),
        (403, "", true, 123),
        (429, "SetLimitExceeded", true, 123),
        (400, "", true, 7),
        (302, "", true, 7),
    ] {
        let (seconds, end) = run(WaitOptions::new().known(known), |_| result(status, code));
        assert_eq!(
            (*seconds.last().unwrap(), end),
            (ends_at, Step::Stop(StopReason::Refused)),
            "{status} {code}"
        );
        // One of them alone ends nothing.
        let (_, end) = run(WaitOptions::new().known(known), |second| {
            if second == 3 { result(status, code) } else { PollResult::Status(&TaskStatus::Succeeded) }
        });
        assert_eq!(end, Step::Finished, "{status} {code}");
    }
    // A task that was seen exists.
    let (seconds, _) = run(WaitOptions::new(), |second| {
        if second == 3 { PollResult::Status(&TaskStatus::Running) } else { result(404, "ResourceNotFound") }
    });
    assert_eq!(seconds.last(), Some(&66));
    // The deadline comes first: then the task goes on, and nothing is refused.
    let (seconds, end) = run(WaitOptions::new().timeout(secs(5)), |_| result(401, ""));
    assert_eq!((seconds.last(), end), (Some(&5), Step::Stop(StopReason::TimedOut)));
    let other = ApiError::of_other("cgt-1", "cgt-2").unwrap();
    let other = PollFailure::of(&Failure::answer(Endpoint::Get, &other), 0);
    let (seconds, end) = run(WaitOptions::new().known(true), |_| PollResult::Failed(other));
    assert_eq!((seconds.len(), end), (3, Step::Stop(StopReason::Refused)));
    let send =
        |kind| PollFailure::of(&Failure::send(Endpoint::Get, &SendError::maybe_sent(kind, "")), 0).class;
    assert_eq!(
        (send(SendErrorKind::Invalid), send(SendErrorKind::Timeout)),
        (Class::Permanent, Class::Transient)
    );
}

#[test]
fn dice_vary_a_pause_by_a_fifth() {
    let at = |jitter| match WaitPlan::new(WaitOptions::new().initial_delay(secs(10))).start(jitter) {
        Step::PollAt { at, .. } => at.as_millis(),
        other => panic!("{other:?}"),
    };
    assert_eq!([at(0.0), at(0.5), at(1.0), at(f64::INFINITY)], [8_000, 10_000, 12_000, 12_000]);
}

#[test]
fn options_without_sense_neither_panic_nor_spin() {
    let mut options = WaitOptions::new();
    (options.growth, options.jitter) = (f64::NAN, f64::INFINITY);
    options.interval = Duration::MAX;
    let (seconds, end) = run(options, |_| PollResult::Status(&TaskStatus::Running));
    assert_eq!((seconds.len(), end), (2, Step::Stop(StopReason::TimedOut)));
}
