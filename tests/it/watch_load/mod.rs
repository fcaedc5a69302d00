//! Ten thousand tasks of which sixteen finish each second, watched by the real client at a running
//! simulator over sockets, with the vendor's rates on. The client is a process of its own, so that
//! its memory can be measured.
//!
//! Simulator and client share one clock that moves when no work is left: an hour takes seconds, and
//! the rates mean what they say. `WATCH_IN_REAL_TIME=1` runs the first case by the clock on the
//! wall instead.
#![expect(clippy::print_stdout, reason = "a test that prints its figures")]

mod client;
mod clock;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ark_video_simulator::{
    Account, Effect, FaultPoint, FaultRule, Options, Rates, Reply, Service, Simulator,
};
use ark_video_test_support::times;
use serde::{Deserialize, Serialize};

/// 2026-11-22T02:15:30Z.
const BEGIN: i64 = 1_795_313_730_000;
const TASKS: usize = 10_000;
const PER_SECOND: i64 = 16;
/// How long a task runs, and so how many run at a time.
const RUNNING: i64 = 3_000;
const SLOTS: i64 = RUNNING * PER_SECOND / 1_000;
const MINUTE: i64 = 60_000;

/// What is wrong with LIST.
#[derive(Debug, Clone, Copy, Default)]
struct Case {
    name: &'static str,
    /// How far LIST is behind, in milliseconds: its answers are those of a second simulator that
    /// runs so much later.
    lag: i64,
    /// Items come in another order each time.
    shuffled: bool,
    /// 403 to all.
    refuses: bool,
    /// How long is watched, in milliseconds.
    watched: i64,
}

/// The client's task.
#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    base_url: String,
    key: String,
    /// Where LIST is answered in truth.
    lists_at: Option<String>,
    shuffled: bool,
    /// Where the clock is moved; without it, real time passes.
    clock: Option<String>,
    begins: i64,
    watched: i64,
}

/// What it reports.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Report {
    /// When the watch began, by the client's clock.
    began: i64,
    /// When the end of each task was reported.
    noticed: BTreeMap<String, i64>,
    gets: u64,
    lists: u64,
    /// Answers with status 429.
    throttled: u64,
    idle_kb: u64,
    peak_kb: u64,
}

fn options() -> Options {
    let slots = u32::try_from(SLOTS).unwrap();
    let rates = Rates::of(Account::Company).running(slots).queued(1_000_000).creates_per_minute(1_000_000);
    let running = Duration::from_millis(RUNNING.unsigned_abs());
    Options::default().key("k").queued(Duration::ZERO).running(running).rates(rates)
}

/// A snapshot of a service in which a task ends every sixteenth of a second, from the second
/// argument on.
fn busy(tasks: usize) -> (String, i64, Vec<String>) {
    let mut service = Service::new(options());
    let body = r#"{"model":"doubao-seedance-1-0-pro-fast-251015","content":[{"type":"text","text":"x"}]}"#;
    let (mut ids, mut now) = (Vec::new(), BEGIN);
    for number in 0..tasks {
        let number = i64::try_from(number).unwrap();
        now = BEGIN + (number * 1_000 / PER_SECOND).min(RUNNING - 1);
        let request = http::Request::post("/api/v3/contents/generations/tasks")
            .header("authorization", "Bearer k")
            .header("content-type", "application/json")
            .body(body.into())
            .unwrap();
        let Reply::Answer(answer) = service.handle(now, request) else { panic!() };
        let created: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        ids.push(created["id"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned());
    }
    (service.snapshot().unwrap(), now, ids)
}

async fn host(snapshot: &str, at: i64, speed: Option<f64>) -> Simulator {
    let builder = Simulator::builder().options(options()).restore(snapshot).begins_at(at);
    let builder = match speed {
        Some(speed) => builder.speed(speed),
        None => builder.manual_clock(),
    };
    builder.start().await.unwrap()
}

/// Moves the clocks of the simulators when the client says so.
fn clock_for(simulators: Vec<Arc<Simulator>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut millis = [0; 8];
        while stream.read_exact(&mut millis).is_ok() {
            let by = Duration::from_millis(u64::from_le_bytes(millis));
            simulators.iter().for_each(|simulator| simulator.advance(by));
            stream.write_all(&[0]).unwrap();
        }
    });
    address
}

/// Runs the client as another process.
fn watched(orders: &Orders, ids: &[&str], folder: &Path) -> Report {
    fs::write(folder.join("orders"), serde_json::to_vec(orders).unwrap()).unwrap();
    fs::write(folder.join("ids"), ids.join("\n")).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "watch_load::client::client_child", "--ignored", "--nocapture"])
        .env("ARK_VIDEO_TEST_WATCH", folder)
        .status()
        .unwrap();
    assert!(status.success());
    serde_json::from_slice(&fs::read(folder.join("report")).unwrap()).unwrap()
}

/// What came of a case.
#[derive(Debug)]
struct Figures {
    ended: usize,
    missed: usize,
    p50: i64,
    p99: i64,
    longest: i64,
    over_idle_mb: f64,
    throttled: u64,
}

async fn figures(case: Case) -> Figures {
    let real = std::env::var_os("WATCH_IN_REAL_TIME").is_some();
    let ended_before = usize::try_from(case.lag * PER_SECOND / 1_000).unwrap();
    let (snapshot, made, ids) = busy(TASKS + ended_before);
    let simulator = Arc::new(host(&snapshot, made, real.then_some(1.0)).await);
    let mut simulators = vec![simulator.clone()];
    let mut lists_at = None;
    if case.lag > 0 {
        simulator.advance(Duration::from_millis(case.lag.unsigned_abs()));
        let late = Arc::new(host(&snapshot, made, None).await);
        lists_at = Some(late.base_url().to_owned());
        simulators.push(late);
    }
    if case.refuses {
        let effect = Effect::Refuse { code: "AccessDenied".into(), message: None };
        simulator.add_fault(FaultRule::new(effect).at(FaultPoint::List)).unwrap();
    }
    let begins = simulator.now();
    // The client's clock is the simulator's, or the one on the wall.
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let ahead = if real { i64::try_from(wall).unwrap() - begins } else { 0 };
    let orders = Orders {
        base_url: simulator.base_url().to_owned(),
        key: simulator.api_key().to_owned(),
        lists_at,
        shuffled: case.shuffled,
        clock: (!real).then(|| clock_for(simulators)),
        begins,
        watched: case.watched,
    };
    let over: Vec<String> = simulator
        .ledger()
        .entries
        .into_iter()
        .filter(|entry| entry.ended_at.is_some())
        .map(|entry| entry.task_id)
        .collect();
    let pending: Vec<&str> = ids.iter().filter(|id| !over.contains(id)).map(String::as_str).collect();
    assert!(real || pending.len() == TASKS, "{} are pending", pending.len());
    let folder = tempfile::tempdir().unwrap();
    let report = tokio::task::block_in_place(|| watched(&orders, &pending, folder.path()));

    let ledger = simulator.ledger();
    let (mut delays, mut missed) = (Vec::new(), 0);
    let minute = report.began - ahead..report.began - ahead + MINUTE;
    for entry in ledger.entries.iter().filter(|entry| !over.contains(&entry.task_id)) {
        let noticed = report.noticed.get(&entry.task_id).map(|noticed| noticed - ahead);
        let Some(ended) = entry.ended_at else {
            assert_eq!(noticed, None, "{} was reported as ended but has not ended", entry.task_id);
            continue;
        };
        // Of the minute; those that end later are there so that nothing changes at its end.
        if !minute.contains(&ended) {
            continue;
        }
        match noticed {
            Some(noticed) => {
                assert!(noticed >= ended, "{} was reported before it ended", entry.task_id);
                delays.push(noticed - ended);
            }
            None => missed += 1,
        }
    }
    delays.sort_unstable();
    let part =
        |part: f64| delays.get(((delays.len().max(1) - 1) as f64 * part) as usize).copied().unwrap_or(0);
    let figures = Figures {
        ended: delays.len() + missed,
        missed,
        p50: part(0.5),
        p99: part(0.99),
        longest: part(1.0),
        over_idle_mb: (report.peak_kb.saturating_sub(report.idle_kb)) as f64 / 1_024.0,
        throttled: report.throttled,
    };
    println!(
        "watch of {TASKS} tasks at the simulator, {}: {} ended within the minute, noticed after {} ms (p50), {} ms (p99), {} ms \
         (longest); {} not within {} s; {} lists, {} gets, {} refused for their rate; {:.1} MB over idle ({:.1} MB)",
        case.name,
        figures.ended,
        figures.p50,
        figures.p99,
        figures.longest,
        figures.missed,
        case.watched / 1_000,
        report.lists,
        report.gets,
        report.throttled,
        figures.over_idle_mb,
        report.idle_kb as f64 / 1_024.0,
    );
    assert!(
        ledger.exceeded.iter().all(|rate| rate.count == 0) == (report.throttled == 0),
        "{:?}",
        ledger.exceeded
    );
    figures
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_noticed_within_a_second_and_a_half_and_no_rate_is_hit() {
    let fresh = figures(Case { name: "fresh list", watched: MINUTE + 5_000, ..Case::default() }).await;
    assert!(fresh.ended >= 950 && fresh.missed == 0, "{fresh:?}");
    assert!(fresh.p99 <= 1_500, "{fresh:?}");
    assert_eq!(fresh.throttled, 0);
    assert!(fresh.over_idle_mb <= 16.0, "{fresh:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_an_unordered_or_a_refusing_list_makes_it_slower_and_never_wrong() {
    let unordered =
        figures(Case { name: "unordered list", shuffled: true, watched: MINUTE + 5_000, ..Case::default() })
            .await;
    assert!(unordered.p99 <= 1_500 && unordered.missed == 0 && unordered.throttled == 0, "{unordered:?}");
    let lags = Case { name: "list 30 s behind", lag: 30_000, watched: 2 * MINUTE, ..Case::default() };
    let refuses = Case { name: "list refused", refuses: true, watched: 2 * MINUTE, ..Case::default() };
    let both = Case { name: "list 30 s behind and unordered", shuffled: true, ..lags };
    for case in [both, refuses, lags].into_iter().take(times(2, 3)) {
        let figures = figures(case).await;
        assert!(figures.missed == 0 && figures.throttled == 0, "{figures:?}");
        assert!(figures.over_idle_mb <= 16.0, "{figures:?}");
    }
}
