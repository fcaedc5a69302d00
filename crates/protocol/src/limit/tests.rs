//! On a moved clock: which permits come when, and that no window ever holds too many.

use proptest::prelude::*;

use super::*;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The moments, in milliseconds, of the permits that a tireless caller gets until `end`; each is
/// answered at once.
fn permits(limits: &mut RateLimiter, key: &RateLimitKey, start: f64, end: f64) -> Vec<u128> {
    let (mut now, mut taken) = (seconds(start), Vec::new());
    while now < seconds(end) {
        match limits.acquire(key, now) {
            Permit::Ready => {
                taken.push(now.as_millis());
                limits.answered(key, now);
            }
            Permit::At(at) => {
                assert!(at > now, "{at:?} is not after {now:?}");
                now = at;
            }
        }
    }
    taken
}

fn exact() -> RateLimits {
    RateLimits { headroom: 0.0, burst: Duration::from_secs(1), ..RateLimits::default() }
}

#[test]
fn each_lane_has_the_documented_rate() {
    for (key, settings, in_a_minute) in [
        (RateLimitKey::List, exact(), 60),
        (RateLimitKey::Get, exact(), 1200),
        (RateLimitKey::Delete, exact(), 1200),
        (RateLimitKey::create("doubao-seedance-2-0-260128", None), exact(), 600),
        (RateLimitKey::create("doubao-seedance-2-0-260128", Some(&Resolution::R4k)), exact(), 15),
        (RateLimitKey::create("doubao-seedance-1-0-lite-250428", None), exact(), 300),
        (
            RateLimitKey::create("doubao-seedance-2-0-260128", None),
            RateLimits { headroom: 0.0, burst: Duration::from_secs(1), ..RateLimits::personal() },
            180,
        ),
    ] {
        // Open-ended by a hair, so that a permit at the very end is left out.
        let taken = permits(&mut RateLimiter::new(settings), &key, 0.0, 59.999);
        assert_eq!(taken.len(), in_a_minute, "{key:?}");
    }
}

#[test]
fn lists_go_out_a_little_slower_than_one_a_second() {
    let taken = permits(&mut RateLimiter::new(RateLimits::default()), &RateLimitKey::List, 0.0, 4.2);
    assert_eq!(taken, [0, 1030, 2061, 3092, 4123]);
    // As many as there are in a second at once, and the next when a second has passed since the
    // first answer.
    let gets = permits(&mut RateLimiter::new(RateLimits::default()), &RateLimitKey::Get, 0.0, 1.1);
    assert_eq!(gets, [[0; 19], [1000; 19]].concat());
}

#[test]
fn versions_of_a_model_share_a_lane_and_models_do_not() {
    let key = |model| RateLimitKey::create(model, None);
    assert_eq!(key("doubao-seedance-2-0-260128"), key("doubao-seedance-2-0-261001"));
    assert_ne!(key("doubao-seedance-2-0-260128"), key("doubao-seedance-2-0-fast-260128"));
    assert_ne!(key("ep-20260101-abcde"), key("ep-20260101-fghij"));
    let mut limits = RateLimiter::new(exact());
    assert_eq!(permits(&mut limits, &key("a"), 0.0, 0.05).len(), 10);
    assert_eq!(permits(&mut limits, &key("b"), 0.0, 0.05).len(), 10);
}

#[test]
fn a_refusal_cuts_the_rate_to_seven_tenths_and_a_minute_heals_it() {
    let mut limiter = KeyLimiter::new(&RateLimitKey::Get, &exact(), 1);
    let rates = |limiter: &KeyLimiter, at: &[u64]| -> Vec<f64> {
        let rate = |at: &u64| limiter.set * limiter.part(Duration::from_secs(*at));
        at.iter().map(|at| (rate(at) * 100.0).round() / 100.0).collect()
    };
    for _ in 0..20 {
        limiter.throttled(Duration::from_secs(100), None);
    }
    assert_eq!(rates(&limiter, &[100, 130, 160, 999]), [14.0, 17.0, 20.0, 20.0]);
    let next = Duration::from_secs(100) + seconds(1.0 / 14.0);
    assert_eq!(limiter.take(Duration::from_secs(100), 0), Permit::At(next));
    limiter.throttled(Duration::from_secs(130), None);
    assert_eq!(rates(&limiter, &[130, 160, 190]), [11.9, 15.95, 20.0]);
    for at in 200..300 {
        limiter.throttled(Duration::from_secs(at), None);
    }
    assert_eq!(rates(&limiter, &[299]), [1.0]);
}

#[test]
fn after_a_refusal_requests_go_out_one_by_one() {
    let mut limits = RateLimiter::new(exact());
    limits.throttled(&RateLimitKey::Get, seconds(100.0), None);
    let gets = permits(&mut limits, &RateLimitKey::Get, 100.0, 100.3);
    assert_eq!(gets, [100_071, 100_142, 100_214, 100_285]);
}

#[test]
fn a_lane_that_was_told_to_wait_stops_until_then_and_others_go_on() {
    let mut limits = RateLimiter::new(exact());
    limits.throttled(&RateLimitKey::List, seconds(5.0), Some(seconds(7.0)));
    assert_eq!(limits.acquire(&RateLimitKey::List, seconds(5.0)), Permit::At(seconds(12.0)));
    assert_eq!(limits.acquire(&RateLimitKey::List, seconds(11.9)), Permit::At(seconds(12.0)));
    assert_eq!(limits.acquire(&RateLimitKey::Get, seconds(5.0)), Permit::Ready);
    assert_eq!(limits.acquire(&RateLimitKey::List, seconds(12.0)), Permit::Ready);
    assert!(matches!(limits.acquire(&RateLimitKey::List, seconds(12.0)), Permit::At(_)));
    limits.throttled(&RateLimitKey::Get, seconds(20.0), Some(seconds(100_000.0)));
    assert_eq!(limits.acquire(&RateLimitKey::Get, seconds(21.0)), Permit::At(seconds(140.0)));
}

#[test]
fn the_next_list_is_counted_from_the_answer_to_the_last() {
    let mut limits = RateLimiter::new(exact());
    assert_eq!(limits.acquire(&RateLimitKey::List, seconds(0.0)), Permit::Ready);
    limits.answered(&RateLimitKey::List, seconds(0.4));
    assert_eq!(limits.acquire(&RateLimitKey::List, seconds(1.0)), Permit::At(seconds(1.4)));
}

#[test]
fn spare_permits_leave_a_reserve() {
    let mut limits = RateLimiter::new(exact());
    let kept =
        |limits: &mut RateLimiter, at, keep| limits.acquire_spare(&RateLimitKey::Get, seconds(at), keep);
    assert_eq!([kept(&mut limits, 0.0, 18), kept(&mut limits, 0.1, 18)], [Permit::Ready; 2]);
    assert_eq!(kept(&mut limits, 0.2, 18), Permit::At(seconds(0.25)), "until an answer frees a place");
    assert_eq!(limits.acquire(&RateLimitKey::Get, seconds(0.2)), Permit::Ready, "the reserve is for others");
    limits.answered(&RateLimitKey::Get, seconds(0.3));
    limits.answered(&RateLimitKey::Get, seconds(0.3));
    assert_eq!(kept(&mut limits, 0.4, 18), Permit::At(seconds(1.3)));
    assert_eq!(kept(&mut limits, 2.3, 999), Permit::Ready, "of all of them, one can always be had");
}

#[test]
fn without_limits_nothing_waits() {
    let mut limits = RateLimiter::new(RateLimits::unlimited());
    for key in [RateLimitKey::List, RateLimitKey::Get, RateLimitKey::create("m", None)] {
        assert!((0..10_000).all(|_| limits.acquire(&key, Duration::ZERO) == Permit::Ready));
        limits.answered(&key, Duration::ZERO);
        limits.throttled(&key, Duration::ZERO, None);
        assert_eq!(limits.acquire(&key, Duration::ZERO), Permit::Ready);
    }
}

proptest! {
    #[test]
    fn no_window_holds_more_than_its_rate_and_one_burst(
        rate in 3.0_f64..6_000.0,
        burst in 0_u64..3_000,
        steps in prop::collection::vec((0_u64..2_000, 0_u8..8), 1..300),
    ) {
        let mut settings = RateLimits { headroom: 0.0, ..RateLimits::default() }.create_per_minute(rate);
        settings.burst = Duration::from_millis(burst);
        let mut limiter = KeyLimiter::new(&RateLimitKey::create("m", None), &settings, 1);
        let (mut now, mut taken) = (Duration::ZERO, Vec::new());
        for (pause, what) in steps {
            now += Duration::from_millis(pause / (1 + u64::from(what) * 20));
            match what {
                0 => limiter.throttled(now, None),
                1 => limiter.throttled(now, Some(Duration::from_millis(pause))),
                2 => limiter.answered(now),
                3 => if limiter.take(now, 1) == Permit::Ready { taken.push(now) },
                _ => match limiter.take(now, 0) {
                    Permit::Ready => taken.push(now),
                    Permit::At(at) => {
                        prop_assert!(at > now);
                        if what == 4 {
                            now = at;
                            prop_assert_eq!(limiter.take(now, 0), Permit::Ready, "a promise is kept");
                            taken.push(now);
                        }
                    }
                },
            }
        }
        for (first, start) in taken.iter().enumerate() {
            for (last, end) in taken.iter().enumerate().skip(first) {
                let most = rate / 60.0 * (*end - *start).as_secs_f64() + limiter.places as f64 + 1e-3;
                prop_assert!((last - first + 1) as f64 <= most, "{} in {:?}", last - first + 1, *end - *start);
            }
        }
    }

    #[test]
    fn no_second_at_the_service_holds_more_than_the_rate_whenever_it_counts(
        // Until the next permit is wanted, until it is counted, until it is answered after that.
        requests in prop::collection::vec((0_u64..200, 0_u64..400, 0_u64..400), 1..200),
    ) {
        let mut limits = RateLimiter::new(RateLimits { burst: Duration::from_secs(5), ..RateLimits::default() });
        let (mut now, mut counted, mut answers) = (Duration::ZERO, Vec::new(), Vec::new());
        for (pause, until_counted, until_answered) in requests {
            now += Duration::from_millis(pause);
            loop {
                answers.sort_unstable();
                let due = answers.iter().take_while(|at| **at <= now).count();
                answers.drain(..due).for_each(|at| limits.answered(&RateLimitKey::Get, at));
                match limits.acquire(&RateLimitKey::Get, now) {
                    Permit::Ready => break,
                    Permit::At(at) => {
                        prop_assert!(at > now);
                        now = at.min(answers.first().copied().unwrap_or(at)).max(now);
                    }
                }
            }
            let at = now + Duration::from_millis(until_counted);
            counted.push(at);
            answers.push(at + Duration::from_millis(until_answered));
        }
        counted.sort_unstable();
        for window in counted.windows(20) {
            prop_assert!(window[19] - window[0] >= Duration::from_secs(1), "{window:?}");
        }
    }
}

#[test]
fn an_account_that_is_shared_is_asked_for_its_part() {
    let gets = |users: &[(u64, u32)]| {
        let mut limits = RateLimiter::new(RateLimits::company());
        let mut sent = 0;
        for millis in 0..20_000 {
            let now = Duration::from_millis(millis);
            users.iter().filter(|(at, _)| *at == millis).for_each(|(_, users)| limits.share(*users));
            if limits.acquire(&RateLimitKey::Get, now) == Permit::Ready {
                limits.answered(&RateLimitKey::Get, now);
                sent += 1;
            }
        }
        sent
    };
    let alone = gets(&[]);
    assert!((370..=400).contains(&alone), "{alone}");
    let halved = gets(&[(0, 2)]);
    assert!((170..=210).contains(&halved), "{halved}");
    let joined_for_half_of_it = gets(&[(10_000, 4)]);
    assert!((230..=260).contains(&joined_for_half_of_it), "{joined_for_half_of_it}");
    let left_again = gets(&[(0, 2), (10_000, 1)]);
    assert!((270..=310).contains(&left_again), "{left_again}");
}
