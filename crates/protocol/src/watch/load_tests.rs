//! Ten thousand tasks of which sixteen finish each second, at the vendor's rates, on a moved clock.

use std::time::Duration;

use super::{
    Watch, WatchOptions, Watched,
    model_service::{Life, ListMood, Ms, Record, Service, drive},
};

const MINUTE: Ms = 60_000;

/// 960 of 10,000 tasks finish within the minute, 16 each second, each after running for 3 s.
fn busy() -> Service {
    let life = |n: u64| {
        let ends = if n < 960 { 2_000 + n * 1000 / 16 } else { Ms::MAX };
        Life::new(format!("cgt-20261122101530-{n:05}"), ends.saturating_sub(3_000), ends)
    };
    Service::new((0..10_000).map(life).collect())
}

/// What is wrong with a service.
type Change = Box<dyn Fn(&mut Service)>;

struct Figures {
    p50: Ms,
    p99: Ms,
    missed: usize,
}

/// How long after its end each task was reported; unreported ones count with their age at `end`.
fn figures(name: &str, service: &Service, record: &Record, end: Ms) -> Figures {
    let finished = record.finished();
    let mut delays = Vec::new();
    let mut missed = 0;
    for life in service.lives.iter().filter(|life| life.ends < end) {
        match finished.get(life.id.as_str()) {
            Some(reported) => {
                assert!(*reported >= life.ends, "{} was reported before it ended", life.id);
                delays.push(reported - life.ends);
            }
            None => {
                missed += 1;
                delays.push(end - life.ends);
            }
        }
    }
    for id in finished.keys() {
        assert!(service.lives.iter().any(|life| life.id == **id && life.ends <= end), "{id} has not ended");
    }
    delays.sort_unstable();
    let percentile = |part: f64| delays[((delays.len() - 1) as f64 * part) as usize];
    let figures = Figures { p50: percentile(0.5), p99: percentile(0.99), missed };
    println!(
        "watch, {} tasks, {name}: {} ended, noticed after {} ms (p50), {} ms (p99), {} ms (longest); {} not yet; \
         {} lists, {} gets, {} over the rate",
        service.lives.len(),
        delays.len(),
        figures.p50,
        figures.p99,
        percentile(1.0),
        figures.missed,
        record.count("list"),
        record.count("get"),
        service.over_rate,
    );
    figures
}

fn watch_all(service: &Service) -> Watch {
    let mut watch = Watch::new(WatchOptions::default());
    for life in &service.lives {
        watch.add(Duration::ZERO, Watched::new(&life.id).flex(life.flex));
    }
    watch
}

#[test]
fn with_a_fresh_list_every_end_is_noticed_within_a_second_and_a_half() {
    let mut service = busy();
    let record = drive(&mut watch_all(&service), &mut service, 0, 2_000 + MINUTE);
    let figures = figures("fresh list", &service, &record, 2_000 + MINUTE);
    assert!(figures.p99 <= 1_500, "{}", figures.p99);
    assert!(figures.p50 <= 700, "{}", figures.p50);
    assert!(figures.missed <= 20, "{}", figures.missed);
    assert_eq!(service.over_rate, 0);
    assert!(record.count("list") <= 63 && record.count("get") <= 20 + 62 * 20);
}

#[test]
fn an_unordered_list_changes_nothing() {
    let mut service = busy();
    service.shuffles = true;
    let record = drive(&mut watch_all(&service), &mut service, 0, 2_000 + MINUTE);
    let figures = figures("unordered list", &service, &record, 2_000 + MINUTE);
    assert!(figures.p99 <= 1_500 && service.over_rate == 0);
}

/// In a smaller account, so that the end of it can be waited for: everything is found, nothing is
/// made up.
fn everything_is_found(name: &str, change: impl FnOnce(&mut Service)) {
    let life = |n: u64| Life::new(format!("cgt-{n:04}"), 1_000 + n * 60, 4_000 + n * 60);
    let mut service = Service::new((0..1_000).map(life).collect());
    change(&mut service);
    let mut watch = watch_all(&service);
    let record = drive(&mut watch, &mut service, 0, 20 * MINUTE);
    assert!(watch.is_empty(), "{name}: {} tasks were never found", watch.len());
    let figures = figures(name, &service, &record, record.ended_at);
    assert_eq!(figures.missed, 0);
    assert_eq!(service.over_rate, 0, "{name}");
}

#[test]
fn whatever_list_does_every_end_is_found_and_no_rate_is_exceeded() {
    everything_is_found("fresh list", |_| {});
    everything_is_found("list lags by 30 s", |service| service.list_lags = 30_000);
    everything_is_found("list lags by 30 s and shuffles", |service| {
        service.list_lags = 30_000;
        service.shuffles = true;
    });
    everything_is_found("list leaves out a third", |service| service.mood = ListMood::LeavesOut);
    everything_is_found("list throttles every second", |service| service.mood = ListMood::Throttles);
    everything_is_found("list is forbidden", |service| service.mood = ListMood::Forbids);
    everything_is_found("list is broken", |service| service.mood = ListMood::Breaks);
    everything_is_found("all flex", |service| service.lives.iter_mut().for_each(|life| life.flex = true));
    everything_is_found("two tiers", |service| {
        service.lives.iter_mut().step_by(2).for_each(|life| life.flex = true);
    });
    everything_is_found("down for two minutes", |service| service.down = 20_000..140_000);
    everything_is_found("ends straight from the queue", |service| {
        service.lives.iter_mut().for_each(|life| {
            life.runs = Ms::MAX;
            life.end = "expired";
        });
    });
    everything_is_found("all run at once", |service| {
        service.lives.iter_mut().for_each(|life| {
            life.runs = 0;
            life.ends += 60_000;
        });
    });
}

#[test]
fn a_stale_unordered_or_refusing_list_makes_ten_thousand_slower_and_never_wrong() {
    let mood = |mood: ListMood| move |service: &mut Service| service.mood = mood;
    let cases: [(&str, Change); 4] = [
        ("list lags by 30 s", Box::new(|service| service.list_lags = 30_000)),
        ("list throttles every second", Box::new(mood(ListMood::Throttles))),
        ("list leaves out a third", Box::new(mood(ListMood::LeavesOut))),
        ("list is forbidden", Box::new(mood(ListMood::Forbids))),
    ];
    for (name, change) in cases {
        let mut service = busy();
        change(&mut service);
        let record = drive(&mut watch_all(&service), &mut service, 0, 2 * MINUTE);
        let found = 960 - figures(name, &service, &record, 2 * MINUTE).missed;
        assert_eq!(service.over_rate, 0, "{name}");
        // What LIST does not show is found by taking turns: without LIST twenty a second among ten
        // thousand.
        let least = match name {
            "list is forbidden" | "list leaves out a third" => 850,
            _ => 960,
        };
        assert!(found >= least, "{name}: {found}");
    }
}
