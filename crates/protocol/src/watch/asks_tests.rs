//! The seconds at which each endpoint is requested, for 1, 100 and 10,000 tasks. A request and its
//! answer take 20 to 30 ms.

use std::time::Duration;

use super::{
    Watch, WatchOptions, Watched,
    model_service::{Life, Ms, Service, drive},
};

const SECOND: Ms = 1_000;

/// Tasks that were created just now, all of them watched from their creation.
fn created(lives: Vec<Life>) -> (Watch, Service) {
    let mut watch = Watch::new(WatchOptions::default());
    for life in &lives {
        watch.add(Duration::ZERO, Watched::created(&life.id).flex(life.flex));
    }
    (watch, Service::new(lives))
}

/// Compares without the indentation that a readable test has.
fn assert_asked(timeline: &str, expected: &str) {
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(timeline.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn one_task_is_asked_for_by_get_at_growing_pauses() {
    let (mut watch, mut service) = created(vec![Life::new("cgt-1", 20 * SECOND, 95 * SECOND)]);
    let record = drive(&mut watch, &mut service, 0, 200 * SECOND);
    let seconds: Vec<_> = record.asks.iter().map(|(at, what)| (at / SECOND, what.as_str())).collect();
    let (seconds, what): (Vec<_>, Vec<_>) = seconds.into_iter().unzip();
    assert!(what.iter().all(|what| *what == "get"));
    // Every 4 s in the queue; every 2 s once it runs, then an eighth of the time that it has been
    // running.
    let queued = [3, 7, 11, 15, 19, 23];
    let running = [25, 27, 29, 32, 34, 36, 38, 40, 42, 44, 47, 49, 53, 56, 61, 65, 71, 76, 83, 91, 99];
    assert_eq!(seconds, [&queued[..], &running[..]].concat());
    assert_eq!(record.lines(), ["3 cgt-1 ? -> queued", "23 cgt-1 queued -> running", "99 cgt-1 succeeded"]);
}

#[test]
fn a_task_of_hours_is_asked_for_once_a_minute() {
    let (mut watch, mut service) = created(vec![Life::new("cgt-1", 0, 3 * 3600 * SECOND)]);
    let record = drive(&mut watch, &mut service, 0, 4 * 3600 * SECOND);
    let between = |from, to| record.asks.iter().filter(|(at, _)| (from..to).contains(&(at / SECOND))).count();
    assert_eq!(
        [between(0, 60), between(600, 660), between(3_600, 4_200), between(9_000, 9_600)],
        [18, 4, 19, 10]
    );
}

#[test]
fn a_hundred_tasks_are_asked_for_by_one_list_a_round() {
    // Ten run at a time, each for a minute; the first ten end one tenth of a second apart.
    let life =
        |n: u64| Life::new(format!("cgt-{n}"), n / 10 * 60 * SECOND, (n / 10 + 1) * 60 * SECOND + n * 100);
    let (mut watch, mut service) = created((0..100).map(life).collect());
    let record = drive(&mut watch, &mut service, 0, 75 * SECOND);
    let expected = "
        3-11: list 100 ids
        13-14: list 100 ids
        16: list 100 ids
        18: list 100 ids
        21: list 100 ids
        23: list 100 ids
        26: list 100 ids
        30: list 100 ids
        34: list 100 ids
        38: list 100 ids
        43: list 100 ids
        48: list 100 ids
        54: list 100 ids
        61: get x10, list 100 ids
        62-68: list 90 ids
        70-73: list 90 ids";
    assert_asked(&record.timeline(), expected);
}

#[test]
fn ten_thousand_tasks_are_asked_for_by_one_list_of_what_is_running() {
    let life =
        |n: u64| Life::new(format!("cgt-{n}"), n / 10 * 60 * SECOND, (n / 10 + 1) * 60 * SECOND + n * 100);
    let (mut watch, mut service) = created((0..10_000).map(life).collect());
    let record = drive(&mut watch, &mut service, 0, 66 * SECOND);
    // From the 30th second on, spare GETs poll those that LIST has not shown, and leave two of each
    // second to what may end; in the 61st ten have ended, and as many are kept free for the rounds
    // that follow.
    let expected = "
        3-11: list running 1
        13-14: list running 1
        16: list running 1
        18: list running 1
        21: list running 1
        23: list running 1
        26: list running 1
        30: get x17, list running 1
        31-33: get x17
        34: get x17, list running 1
        35-37: get x17
        38: get x17, list running 1
        39-42: get x17
        43: get x17, list running 1
        44-47: get x17
        48: get x17, list running 1
        49-53: get x17
        54: get x17, list running 1
        55-60: get x17
        61: get x10, list running 1
        62-63: get x7, list running 1
        64-65: get x17, list running 1";
    assert_asked(&record.timeline(), expected);
    assert_eq!(service.over_rate, 0);
}
