//! At which seconds which endpoint is asked, for 1, 100 and 10,000 tasks. A request and its answer take 20 to 30 ms.

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

#[test]
fn one_task_is_asked_for_by_get_at_growing_pauses() {
    let (mut watch, mut service) = created(vec![Life::new("cgt-1", 20 * SECOND, 95 * SECOND)]);
    let record = drive(&mut watch, &mut service, 0, 200 * SECOND);
    assert_eq!(record.timeline(), "?");
    assert_eq!(record.words(), ["?"]);
}

#[test]
fn a_hundred_tasks_are_asked_for_by_one_list_a_round() {
    // Ten run at a time, each for a minute.
    let life =
        |n: u64| Life::new(format!("cgt-{n}"), n / 10 * 60 * SECOND, (n / 10 + 1) * 60 * SECOND + n * 100);
    let (mut watch, mut service) = created((0..100).map(life).collect());
    let record = drive(&mut watch, &mut service, 0, 75 * SECOND);
    assert_eq!(record.timeline(), "?");
}

#[test]
fn ten_thousand_tasks_are_asked_for_by_one_list_of_what_is_running() {
    let life =
        |n: u64| Life::new(format!("cgt-{n}"), n / 10 * 60 * SECOND, (n / 10 + 1) * 60 * SECOND + n * 100);
    let (mut watch, mut service) = created((0..10_000).map(life).collect());
    let record = drive(&mut watch, &mut service, 0, 66 * SECOND);
    assert_eq!(record.timeline(), "?");
}
