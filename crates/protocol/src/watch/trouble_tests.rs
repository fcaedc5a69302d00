//! Other events of a task or its polls, and how they are reported.

use std::time::Duration;

use ark_video_model::Task;
use proptest::prelude::*;
use serde_json::json;

use super::{
    CouldNotPoll, PollRequest, Watch, WatchEvent, WatchOptions, WatchStep, Watched,
    model_service::{Life, ListMood, Ms, Record, Service, drive, drive_within},
};
use crate::{
    ApiError, Endpoint, Failure, RequestedSettings, RetryAfter,
    limit::{Permit, RateLimitKey, RateLimiter, RateLimits},
};

const SECOND: Ms = 1_000;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn run(options: WatchOptions, watched: Watched, life: Life, change: impl FnOnce(&mut Service)) -> Record {
    let mut watch = Watch::new(options);
    watch.add(Duration::ZERO, watched);
    let mut service = Service::new(vec![life]);
    change(&mut service);
    drive(&mut watch, &mut service, 0, 100_000 * SECOND)
}

fn task(value: serde_json::Value) -> Task {
    serde_json::from_value(value).unwrap()
}

#[test]
fn the_time_for_a_task_ends_with_a_last_look_at_that_very_second() {
    let watched = Watched::created("cgt-1").timeout(seconds(100));
    let record = run(WatchOptions::default(), watched.clone(), Life::new("cgt-1", 0, Ms::MAX), |_| {});
    assert_eq!(record.lines().last().unwrap(), "100 cgt-1 still running");
    assert_eq!(record.asks.last(), Some(&(100 * SECOND, "get".to_owned())));
    let in_time = run(WatchOptions::default(), watched.clone(), Life::new("cgt-1", 0, 99_990), |_| {});
    assert_eq!(in_time.lines().last().unwrap(), "100 cgt-1 succeeded");
    let dead = run(WatchOptions::default(), watched, Life::new("cgt-1", 0, Ms::MAX), |service| {
        service.down = 99_000..Ms::MAX;
    });
    assert_eq!(dead.lines().last().unwrap(), "100 cgt-1 not requested: LastPoll");
}

#[test]
fn each_task_has_its_own_deadline() {
    let mut watch = Watch::new(WatchOptions::new().timeout(seconds(50)));
    let ids: Vec<_> = (0..120).map(|n| format!("cgt-{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        let watched = Watched::created(id);
        watch.add(Duration::ZERO, if n < 20 { watched.timeout(seconds(n as u64 + 1)) } else { watched });
    }
    let mut service = Service::new(ids.iter().map(|id| Life::new(id, 0, Ms::MAX)).collect());
    let record = drive(&mut watch, &mut service, 0, 100 * SECOND);
    let stopped: Vec<_> = record.lines().into_iter().filter(|line| line.ends_with("still running")).collect();
    assert_eq!(stopped.len(), 120);
    for (n, line) in stopped.iter().enumerate().take(20) {
        assert_eq!(*line, format!("{} cgt-{n} still running", n + 1));
    }
    assert_eq!(service.over_rate, 0);
}

#[test]
fn a_task_that_is_not_there_is_gone_only_when_said_twice() {
    let mut life = Life::new("cgt-1", 0, Ms::MAX);
    life.gone = 20 * SECOND;
    let record = run(WatchOptions::default(), Watched::created("cgt-1"), life, |_| {});
    // It was seen, so it exists: a record that cannot be read is not believed to be gone before a
    // minute is over.
    let polls: Vec<_> = record.asks.iter().map(|(at, _)| at / SECOND).filter(|at| *at >= 20).collect();
    assert_eq!((polls[1] - polls[0], polls.last().unwrap() - polls[0]), (5, 60));
    assert_eq!(record.lines().last().unwrap(), &format!("{} cgt-1 gone", polls.last().unwrap()));
    // Never seen: twice is enough, and for a task that was just created, a minute after that.
    for (watched, gone) in [
        (Watched::new("cgt-1"), "5 cgt-1 gone"),
        (Watched::created("cgt-1"), "60 cgt-1 gone"),
        (Watched::new("cgt-1").known_for(seconds(20)), "20 cgt-1 gone"),
    ] {
        let mut life = Life::new("cgt-1", 0, Ms::MAX);
        life.gone = 0;
        let record = run(WatchOptions::default(), watched, life, |_| {});
        assert_eq!(record.lines(), [gone]);
    }
    // Among many, LIST by ids leaves it out; a GET has the word.
    let mut watch = Watch::new(WatchOptions::default());
    let mut lives: Vec<_> = (0..50).map(|n| Life::new(format!("cgt-{n}"), 0, 60 * SECOND)).collect();
    lives[7].gone = 20 * SECOND;
    lives.iter().for_each(|life| watch.add(Duration::ZERO, Watched::created(&life.id)));
    let record = drive(&mut watch, &mut Service::new(lives), 0, 200 * SECOND);
    let gone: Vec<_> = record.lines().into_iter().filter(|line| line.ends_with("gone")).collect();
    assert_eq!((gone.len(), record.finished().len()), (1, 49), "{gone:?}");
    assert!(gone[0].ends_with("cgt-7 gone"));
}

#[test]
fn could_not_ask_is_never_failed() {
    for (name, change, expected) in [
        (
            "key",
            Box::new(|service: &mut Service| service.key_dies = 20 * SECOND) as Box<dyn FnOnce(&mut Service)>,
            "not requested: Account",
        ),
        (
            "silence",
            Box::new(|service: &mut Service| service.down = 20 * SECOND..Ms::MAX),
            "not requested: Silence",
        ),
    ] {
        let record = run(
            WatchOptions::default(),
            Watched::created("cgt-1"),
            Life::new("cgt-1", 0, 60 * SECOND),
            change,
        );
        assert!(record.lines().last().unwrap().ends_with(expected), "{name}: {:?}", record.lines());
        assert!(record.finished().is_empty());
    }
    let record = run(
        WatchOptions::default(),
        Watched::created("cgt-1"),
        Life::new("cgt-1", 0, 60 * SECOND),
        |service| {
            service.down = 20 * SECOND..Ms::MAX;
        },
    );
    let reported: Vec<_> = record.lines().into_iter().filter(|line| line.contains("trouble")).collect();
    assert!((2..=6).contains(&reported.len()), "{reported:?}");
    assert!((900..1_000).contains(&(record.ended_at / SECOND)), "{}", record.ended_at);
    assert!(record.count("get") < 60, "{}", record.count("get"));
}

#[test]
fn a_dead_key_ends_ten_thousand_after_two_minutes_and_not_ten_thousand_refusals() {
    let lives: Vec<_> = (0..10_000).map(|n| Life::new(format!("cgt-{n}"), 0, Ms::MAX)).collect();
    let mut watch = Watch::new(WatchOptions::default());
    lives.iter().for_each(|life| watch.add(Duration::ZERO, Watched::new(&life.id)));
    let mut service = Service::new(lives);
    service.key_dies = 10 * SECOND;
    let record = drive(&mut watch, &mut service, 0, 200 * SECOND);
    let after = record.asks.iter().filter(|(at, _)| *at > 10_100).count();
    assert_eq!(record.lines().iter().filter(|line| line.ends_with("not requested: Account")).count(), 10_000);
    let waited = record.ended_at / SECOND - 10;
    // A key that works again within two minutes loses nothing; one that does not costs few
    // requests.
    assert!(after <= 200 && (120..150).contains(&waited), "{after} {waited}");
    assert!(record.lines().iter().any(|line| line.ends_with("trouble 3")), "not in silence");
}

#[test]
fn a_service_that_only_says_slower_does_not_hold_a_task_beyond_its_time() {
    let mut watch = Watch::new(WatchOptions::new().timeout(seconds(60)));
    let mut limits = RateLimiter::new(RateLimits::default());
    (0..2).for_each(|n| watch.add(Duration::ZERO, Watched::new(format!("cgt-{n}"))));
    let mut now = Duration::ZERO;
    let mut ends = Vec::new();
    for _ in 0..1_000 {
        match watch.next(now, &mut limits) {
            WatchStep::Poll(ask) => {
                let error = ApiError::new(429, "AccountRateLimitExceeded", "m");
                watch.failed(now, ask.ticket, Failure::answer(Endpoint::Get, &error), 0, 0.5, &mut limits);
            }
            WatchStep::Until(at) => now = at,
            WatchStep::AwaitAnswer => panic!("nothing is under way"),
            WatchStep::Done => break,
        }
        ends.extend(std::iter::from_fn(|| watch.event()).filter(WatchEvent::is_last));
    }
    assert_eq!(ends.len(), 2, "{now:?}");
    assert!(
        ends.iter().all(|end| matches!(end, WatchEvent::CouldNotPoll { why: CouldNotPoll::LastPoll, .. }))
    );
    assert!((seconds(60)..seconds(80)).contains(&now), "{now:?}");
}

/// Ids in upper case were waited for in silence.
#[test]
fn a_task_that_another_one_answers_for_is_told_with_both_ids() {
    let mut watch = Watch::new(WatchOptions::default());
    let mut limits = RateLimiter::new(RateLimits::default());
    watch.add(Duration::ZERO, Watched::new("cgt-1"));
    let (mut now, mut requested) = (Duration::ZERO, 0);
    loop {
        match watch.next(now, &mut limits) {
            WatchStep::Poll(ask) => {
                requested += 1;
                watch.got(now, ask.ticket, task(json!({"id": "CGT-1", "status": "succeeded"})), &mut limits);
            }
            WatchStep::Until(at) => now = at,
            WatchStep::AwaitAnswer => panic!("nothing is under way"),
            WatchStep::Done => break,
        }
    }
    let last = std::iter::from_fn(|| watch.event()).last().unwrap();
    let WatchEvent::CouldNotPoll { id, why: CouldNotPoll::Refused, detail, .. } = last else {
        panic!("{last:?}")
    };
    assert!(detail.contains(r#""CGT-1""#) && detail.contains(r#""cgt-1""#), "{detail}");
    assert_eq!((&*id, requested), ("cgt-1", 3));
    assert!(now < seconds(20), "{now:?}");
}

#[test]
fn what_runs_for_long_is_told_once_and_watched_on() {
    let life = Life::new("cgt-1", 10 * SECOND, 3_000 * SECOND);
    let record = run(WatchOptions::default(), Watched::created("cgt-1"), life.clone(), |_| {});
    let stuck: Vec<_> = record.lines().into_iter().filter(|line| line.contains("stuck")).collect();
    assert_eq!(stuck.len(), 1, "{stuck:?}");
    assert_eq!(record.finished().len(), 1);
    let flex = run(WatchOptions::default(), Watched::created("cgt-1").flex(true), life, |_| {});
    assert!(!flex.lines().iter().any(|line| line.contains("stuck")));
}

#[test]
fn a_result_that_is_not_what_was_asked_for_comes_with_the_differences() {
    let requested: RequestedSettings = serde_json::from_value(json!({"resolution": "1080p"})).unwrap();
    let watched = Watched::created("cgt-1").requested(requested);
    let record = run(WatchOptions::default(), watched, Life::new("cgt-1", 0, 30 * SECOND), |_| {});
    assert!(record.lines().last().unwrap().ends_with("cgt-1 succeeded resolution is 720p instead of 1080p"));
}

#[test]
fn a_callback_brings_a_look_at_once_and_a_storm_of_them_one_every_five_seconds() {
    let mut watch = Watch::new(WatchOptions::default());
    watch.add(Duration::ZERO, Watched::created("cgt-1"));
    let mut service = Service::new(vec![Life::new("cgt-1", 10 * SECOND, 1_000 * SECOND)]);
    let mut limits = RateLimiter::new(RateLimits::default());
    let record = drive_within(&mut watch, &mut service, &mut limits, 0, 400 * SECOND, |watch, now| {
        watch.hint(Duration::from_millis(now), "cgt-other");
        if now >= 300 * SECOND {
            watch.hint(Duration::from_millis(now), "cgt-1");
        }
    });
    let polls = record.asks.iter().filter(|(at, _)| *at >= 301 * SECOND).count();
    assert!((18..=21).contains(&polls), "{polls}");
}

#[test]
fn tasks_can_be_added_and_removed_while_requests_are_under_way() {
    let mut watch = Watch::new(WatchOptions::default());
    let mut limits = RateLimiter::new(RateLimits::default());
    watch.add(Duration::ZERO, Watched::new("a"));
    watch.add(Duration::ZERO, Watched::new("a"));
    watch.add(Duration::ZERO, Watched::new(""));
    assert_eq!(watch.len(), 1);
    let WatchStep::Poll(ask) = watch.next(Duration::ZERO, &mut limits) else { panic!("asks at once") };
    assert_eq!(watch.next(Duration::ZERO, &mut limits), WatchStep::Until(seconds(50 * 3600)));
    assert!(watch.remove("a") && !watch.remove("a"));
    assert_eq!(watch.next(Duration::ZERO, &mut limits), WatchStep::Done);
    watch.add(seconds(1), Watched::new("b"));
    watch.got(seconds(1), ask.ticket, task(json!({"id": "a", "status": "succeeded"})), &mut limits);
    watch.got(seconds(1), ask.ticket, task(json!({"id": "b", "status": "succeeded"})), &mut limits);
    assert_eq!((watch.event(), watch.len()), (None, 1));
    let WatchStep::Poll(ask) = watch.next(seconds(1), &mut limits) else { panic!("asks at once") };
    watch.lost(seconds(2), ask.ticket);
    let WatchStep::Poll(ask) = watch.next(seconds(2), &mut limits) else { panic!("asks again") };
    assert!(matches!(&ask.request, PollRequest::Get(get) if get.id == "b"));
    // An answer about another task ends nothing.
    watch.got(seconds(3), ask.ticket, task(json!({"id": "a", "status": "failed"})), &mut limits);
    assert_eq!((watch.event(), watch.contains("b"), watch.status("b")), (None, true, None));
}

#[test]
fn an_unknown_word_is_no_end_and_is_told_once() {
    let mut watch = Watch::new(WatchOptions::default());
    let mut limits = RateLimiter::new(RateLimits::default());
    watch.add(Duration::ZERO, Watched::new("a").timeout(seconds(60)));
    let mut reported = 0;
    let mut now = Duration::ZERO;
    loop {
        match watch.next(now, &mut limits) {
            WatchStep::Poll(ask) => {
                watch.got(now, ask.ticket, task(json!({"id": "a", "status": "paused"})), &mut limits)
            }
            WatchStep::Until(at) => now = at,
            WatchStep::AwaitAnswer => panic!("nothing is under way"),
            WatchStep::Done => break,
        }
        while let Some(event) = watch.event() {
            reported += 1;
            assert_eq!(event.is_last(), reported == 2, "{event:?}");
        }
    }
    assert_eq!((reported, now), (2, seconds(60)));
}

#[test]
fn what_the_service_says_to_wait_is_waited_and_the_lane_slows_down() {
    let mut watch = Watch::new(WatchOptions::default());
    let mut limits = RateLimiter::new(RateLimits::default());
    watch.add(Duration::ZERO, Watched::new("a"));
    let WatchStep::Poll(ask) = watch.next(Duration::ZERO, &mut limits) else { panic!("asks at once") };
    let mut error = ApiError::new(429, "AccountRateLimitExceeded", "m");
    error.retry_after = Some(RetryAfter::Seconds(7));
    watch.failed(seconds(1), ask.ticket, Failure::answer(Endpoint::Get, &error), 0, 0.5, &mut limits);
    assert_eq!(watch.next(seconds(1), &mut limits), WatchStep::Until(seconds(8)));
    assert_eq!(limits.acquire(&RateLimitKey::List, seconds(1)), Permit::Ready);
    assert!(matches!(watch.next(seconds(8), &mut limits), WatchStep::Poll(_)));
}

#[test]
fn a_task_that_this_key_may_not_see_does_not_stop_the_others() {
    let mut watch = Watch::new(WatchOptions::default());
    let mut limits = RateLimiter::new(RateLimits::default());
    (0..3).for_each(|n| watch.add(Duration::ZERO, Watched::new(format!("cgt-{n}")).timeout(seconds(300))));
    let (mut now, mut reported) = (Duration::ZERO, Vec::new());
    loop {
        match watch.next(now, &mut limits) {
            WatchStep::Poll(ask) => match &ask.request {
                PollRequest::Get(get) if get.id == "cgt-1" => {
                    let error = ApiError::new(403, "AccessDenied", "m");
                    watch.failed(
                        now,
                        ask.ticket,
                        Failure::answer(Endpoint::Get, &error),
                        0,
                        0.5,
                        &mut limits,
                    );
                }
                PollRequest::Get(get) => {
                    let answer = task(json!({"id": get.id, "status": "running"}));
                    watch.got(now, ask.ticket, answer, &mut limits);
                }
                PollRequest::List(_) => panic!("three tasks are asked one by one"),
            },
            WatchStep::Until(at) => now = at,
            WatchStep::AwaitAnswer => panic!("nothing is under way"),
            WatchStep::Done => break,
        }
        while let Some(event) = watch.event() {
            if event.is_last() {
                reported.push((now.as_secs(), event.id().unwrap_or_default().to_owned()));
            }
        }
    }
    assert!((120..140).contains(&reported[0].0) && reported[0].1 == "cgt-1", "{reported:?}");
    assert_eq!(reported[1..], [(300, "cgt-0".to_owned()), (300, "cgt-2".to_owned())]);
}

#[test]
fn a_clock_that_leaps_is_no_silence() {
    let mut watch = Watch::new(WatchOptions::default());
    let mut limits = RateLimiter::new(RateLimits::default());
    watch.add(Duration::ZERO, Watched::new("cgt-1"));
    let WatchStep::Poll(ask) = watch.next(Duration::ZERO, &mut limits) else { panic!("asks at once") };
    let closed = crate::SendError::maybe_sent(crate::SendErrorKind::Closed, "closed");
    watch.failed(seconds(1), ask.ticket, Failure::send(Endpoint::Get, &closed), 0, 0.5, &mut limits);
    let morning = seconds(10 * 3600);
    let WatchStep::Poll(ask) = watch.next(morning, &mut limits) else {
        panic!("asks again after a night's sleep")
    };
    watch.got(morning, ask.ticket, task(json!({"id": "cgt-1", "status": "succeeded"})), &mut limits);
    assert_eq!(watch.next(morning, &mut limits), WatchStep::Done);
}

#[test]
fn too_many_ids_are_asked_for_in_smaller_lists() {
    let mut watch = Watch::new(WatchOptions::default());
    let mut limits = RateLimiter::new(RateLimits::unlimited());
    (0..80).for_each(|n| watch.add(Duration::ZERO, Watched::created(format!("cgt-{n}"))));
    let mut now = Duration::ZERO;
    let mut sizes = Vec::new();
    while sizes.len() < 6 {
        match watch.next(now, &mut limits) {
            WatchStep::Poll(ask) => match &ask.request {
                PollRequest::List(list) => {
                    sizes.push(list.task_ids.len());
                    let error = ApiError::new(414, "", "m");
                    watch.failed(
                        now,
                        ask.ticket,
                        Failure::answer(Endpoint::Get, &error),
                        0,
                        0.5,
                        &mut limits,
                    );
                }
                PollRequest::Get(get) => {
                    let answer = task(json!({"id": get.id, "status": "queued"}));
                    watch.got(now, ask.ticket, answer, &mut limits);
                }
            },
            WatchStep::Until(at) => now = at,
            step => panic!("{step:?}"),
        }
    }
    assert_eq!(sizes, [80, 50, 25, 12, 10, 10]);
    assert!(now >= seconds(60), "after the last refusal LIST is left alone");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the service does: each task's end is reported once, correctly, and the rate limits
    /// are kept.
    #[test]
    fn every_task_is_told_exactly_once_and_truly(
        lives in prop::collection::vec((0_u64..200, 0_u64..300, 0_u8..4, any::<bool>()), 1..260),
        lag in 0_u64..40_000,
        shuffles: bool,
        mood in prop::sample::select(vec![ListMood::Fine, ListMood::Fine, ListMood::Throttles, ListMood::Forbids, ListMood::Breaks, ListMood::LeavesOut]),
        down in (0_u64..300_000, 0_u64..200_000),
    ) {
        let lives: Vec<_> = lives.into_iter().enumerate().map(|(n, (runs, takes, end, flex))| {
            let mut life = Life::new(format!("cgt-{n}"), runs * SECOND, (runs + takes) * SECOND);
            life.end = ["succeeded", "failed", "expired", "cancelled"][usize::from(end)];
            life.flex = flex;
            life
        }).collect();
        let mut watch = Watch::new(WatchOptions::default());
        for life in &lives {
            watch.add(Duration::ZERO, Watched::new(&life.id).flex(life.flex));
        }
        let mut service = Service::new(lives);
        (service.list_lags, service.shuffles, service.mood) = (lag, shuffles, mood);
        service.down = down.0..down.0 + down.1;
        let record = drive(&mut watch, &mut service, 0, 3_000 * SECOND);
        let finished = record.finished();
        prop_assert_eq!(finished.len(), service.lives.len());
        prop_assert_eq!(record.events.iter().filter(|(_, event)| event.is_last()).count(), finished.len());
        for life in &service.lives {
            prop_assert!(finished[life.id.as_str()] >= life.ends);
        }
        prop_assert_eq!(service.over_rate, 0);
    }
}
