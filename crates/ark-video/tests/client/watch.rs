//! Many tasks at once on a virtual clock: which are polled when, and what is reported.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use ark_video::{
    WatchEvent, WatchOptions, Watched,
    error::{SendError, SendErrorKind},
    model::TextToVideo,
    reconcile::RequestedSettings,
    watch::CouldNotPoll,
};
use futures_util::StreamExt;

use crate::test_env::{Answer, Sent, TestEnv, answer};

fn state(id: usize, second: u64) -> &'static str {
    if second >= 10 + id as u64 { "succeeded" } else { "running" }
}

/// A service whose task `n` ends after 10 + n seconds.
fn serve(tasks: usize) -> impl Fn(usize, &Sent) -> Answer + Send + Sync {
    move |_, sent| {
        let uri = sent.request.uri();
        let json = |id: usize| serde_json::json!({"id": format!("cgt-{id}"), "model": "m", "status": state(id, sent.second), "ratio": "1:1"});
        match uri.path().strip_prefix("/v3/contents/generations/tasks/cgt-") {
            Some(id) => answer(200, json(id.parse().unwrap()).to_string()),
            None => {
                let query = uri.query().unwrap();
                let wanted = |id: &usize| {
                    (!query.contains("task_ids=")
                        || query.split('&').any(|part| part == format!("filter.task_ids=cgt-{id}")))
                        && (!query.contains("status=running") || state(*id, sent.second) == "running")
                };
                let items: Vec<_> = (0..tasks).filter(wanted).map(json).collect();
                answer(200, serde_json::json!({"total": items.len(), "items": items}).to_string())
            }
        }
    }
}

fn finished(event: &WatchEvent) -> Option<&str> {
    match event {
        WatchEvent::Finished { task, .. } => Some(&task.id),
        _ => None,
    }
}

#[tokio::test]
async fn a_hundred_tasks_are_all_seen_to_end_by_their_own_answers() {
    let env = TestEnv::new(serve(100));
    let mut watch = env.client().watch(WatchOptions::default());
    (0..100).for_each(|id| watch.add(Watched::new(format!("cgt-{id}"))));
    let ends = watch.run(|_| {}).await;
    let mut ids: Vec<&str> = ends.iter().filter_map(finished).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ends.len(), ids.len()), (100, 100));
    let count = |list: bool| env.lines().iter().filter(|line| line.contains('?') == list).count();
    let last = *env.seconds().last().unwrap();
    // The last five are asked one by one, at the pace of tasks that have been running for a while.
    assert!((109..=120).contains(&last), "the last ends after 109 s and is seen at {last}");
    assert!(count(true) <= 115 && count(false) <= 220, "{} lists, {} gets", count(true), count(false));
}

#[tokio::test]
async fn what_came_out_is_compared_with_what_was_asked_for() {
    let env = TestEnv::new(serve(1));
    let mut watch = env.client().watch(WatchOptions::default());
    let asked = RequestedSettings::from_request(&TextToVideo::new("m", "A boat.").ratio("16:9").build());
    watch.add(Watched::created("cgt-0").requested(asked));
    let events: Vec<_> = watch.collect().await;
    let Some(WatchEvent::Finished { differences, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!((differences.len(), &*differences[0].field), (1, "ratio"));
    assert!(matches!(&events[0], WatchEvent::Changed { .. }), "{events:?}");
}

#[tokio::test]
async fn could_not_ask_is_not_failed() {
    let env = TestEnv::new(|_, _| Err(SendError::not_sent(SendErrorKind::Connect, "no connection")));
    let mut watch = env.client().watch(WatchOptions::new().max_silence(Duration::from_secs(60)));
    watch.add(Watched::new("cgt-1"));
    watch.add(Watched::new(".."));
    let ends = watch.run(|_| {}).await;
    assert_eq!(ends.len(), 2);
    for end in &ends {
        let WatchEvent::CouldNotPoll { why, .. } = end else { panic!("{end:?}") };
        assert!(matches!(why, CouldNotPoll::Silence | CouldNotPoll::Refused), "{why:?}");
    }
    assert!(env.lines().iter().all(|line| line.starts_with("GET ")), "nothing is cancelled");
}

#[tokio::test]
async fn tasks_are_added_from_elsewhere_while_the_watch_runs() {
    let env = TestEnv::new(serve(3));
    let mut watch = env.client().watch(WatchOptions::default());
    let handle = watch.handle();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let reports = seen.clone();
    let running = tokio::spawn(async move {
        while let Some(event) = watch.next().await {
            reports.lock().unwrap().extend(finished(&event).map(str::to_owned));
        }
    });
    handle.add(Watched::new("cgt-0"));
    handle.clone().add(Watched::new("cgt-1"));
    handle.add(Watched::new("cgt-2"));
    handle.remove("cgt-2");
    handle.hint("cgt-1");
    drop(handle);
    running.await.unwrap();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(seen, ["cgt-0", "cgt-1"]);
}

#[tokio::test]
async fn a_watch_that_is_dropped_in_the_middle_loses_nothing_and_cancels_nothing() {
    let env = TestEnv::new(serve(2));
    let mut watch = env.client().watch(WatchOptions::default());
    watch.add(Watched::new("cgt-0"));
    watch.add(Watched::new("cgt-1"));
    let mut ends = 0;
    // Each call is dropped as soon as it would wait.
    for _ in 0..10_000 {
        match futures_util::FutureExt::now_or_never(watch.next()) {
            Some(Some(event)) => ends += usize::from(event.is_last()),
            Some(None) => break,
            None => {}
        }
    }
    assert_eq!(ends, 2);
    assert!(watch.is_empty() && env.lines().iter().all(|line| line.starts_with("GET ")));
}
