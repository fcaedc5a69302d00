//! Waiting on a moved clock: at which seconds the task is looked at, and how each wait ends.

use std::time::Duration;

use ark_video::{
    Error, ListQuery, WaitEvent, WaitOptions,
    error::{Phase, SendError, SendErrorKind},
    model::{TaskStatus, TextToVideo},
    transport::Endpoint,
};

use crate::test_env::{TestEnv, answer, task};

#[tokio::test]
async fn a_film_of_a_minute_is_seen_within_a_quarter_of_a_minute() {
    let env = TestEnv::new(|_, sent| match sent.second {
        ..10 => task("queued"),
        10..60 => task("running"),
        _ => task("succeeded"),
    });
    let mut seen = Vec::new();
    let done = env
        .client()
        .task("cgt-1")
        .wait()
        .events(|event| match event {
            WaitEvent::Status(task) => seen.push(task.status.to_string()),
            other => panic!("{other:?}"),
        })
        .await
        .unwrap();
    assert_eq!(done.status, TaskStatus::Succeeded);
    assert_eq!(env.seconds(), [3, 6, 10, 17, 27, 42, 57, 72]);
    assert_eq!(seen, ["queued", "running", "succeeded"]);
}

#[tokio::test]
async fn the_other_three_ends_are_errors_with_the_task() {
    for (body, said) in [
        (
            r#"{"id":"cgt-1","model":"m","status":"failed","error":{"code":"OutputVideoSensitiveContentDetected","message":"held back. Request id: 02aa"}}"#,
            "Task cgt-1 has failed: OutputVideoSensitiveContentDetected: held back. Request id: 02aa. Only tasks that succeed are billed.",
        ),
        (
            r#"{"id":"cgt-1","model":"m","status":"failed","failure_reason":{"code":"X","message":"y"}}"#,
            "Task cgt-1 has failed: X: y. Only tasks that succeed are billed.",
        ),
        (
            r#"{"id":"cgt-1","model":"m","status":"expired"}"#,
            "Task cgt-1 expired: it did not finish within its time limit. Only tasks that succeed are billed.",
        ),
        (
            r#"{"id":"cgt-1","model":"m","status":"cancelled"}"#,
            "Task cgt-1 was cancelled. Only tasks that succeed are billed.",
        ),
    ] {
        let env = TestEnv::new(move |_, _| answer(200, body));
        let error = env.client().task("cgt-1").wait().await.unwrap_err();
        assert!(matches!(error, Error::TaskEnded(_)) && !error.is_retryable());
        assert!(error.message().starts_with(said), "{error}");
        assert_eq!((error.task_id(), env.seconds()), (Some("cgt-1"), vec![3]));
    }
    let failed = TestEnv::always(
        200,
        r#"{"id":"cgt-1","model":"m","status":"failed","error":{"code":"X","message":"y"}}"#,
    );
    let error = failed.client().task("cgt-1").wait().await.unwrap_err();
    assert_eq!(error.code(), Some("X"));
}

#[tokio::test]
async fn a_wait_that_runs_out_keeps_the_id_and_the_last_look() {
    let env = TestEnv::new(|_, _| task("running"));
    let options = WaitOptions::default().timeout(Duration::from_secs(20));
    let error = env.client().task("cgt-1").wait().options(options).await.unwrap_err();
    assert_eq!(env.seconds(), [3, 6, 10, 17, 20], "the last poll is at the deadline");
    let Error::StillRunning(still) = &error else { panic!("{error:?}") };
    assert_eq!((still.elapsed.as_secs(), &still.task.as_ref().unwrap().status), (20, &TaskStatus::Running));
    assert_eq!(
        error.message(),
        "Stopped waiting for task cgt-1 after 20 s: it is running. It continues and is billed when it succeeds. Wait again by its id."
    );
    assert!(error.is_retryable() && error.task_id() == Some("cgt-1"));
}

#[tokio::test]
async fn an_unknown_status_is_not_terminal() {
    let env =
        TestEnv::new(|_, sent| if sent.second < 10 { task("post-processing") } else { task("succeeded") });
    env.client().task("cgt-1").wait().await.unwrap();
    assert_eq!(env.seconds(), [3, 6, 10]);
}

#[tokio::test]
async fn hiccups_are_borne_and_told() {
    let env = TestEnv::new(|number, _| match number {
        0 => task("running"),
        1 => Err(SendError::not_sent(SendErrorKind::Dns, "the host was not found")),
        2 => answer(502, "<html>"),
        3 => answer(429, r#"{"error":{"code":"AccountRateLimitExceeded","message":"slow down"}}"#),
        4 => answer(200, "{"),
        _ => task("succeeded"),
    });
    let mut failures = Vec::new();
    let handle = env.client().task("cgt-1");
    let wait = handle.wait().events(|event| {
        if let WaitEvent::CouldNotPoll { in_a_row, .. } = event {
            failures.push(in_a_row);
        }
    });
    wait.await.unwrap();
    assert_eq!((failures, env.seconds()), (vec![1, 2, 3, 4], vec![3, 6, 7, 10, 16, 28]));
}

/// After an id exists, a refusal says nothing about the task: it is retried for a while, and then
/// the id stays.
#[tokio::test]
async fn what_is_refused_is_retried_and_ends_with_the_id_the_bill_and_advice() {
    for (status, body, created, last) in [
        (401, r#"{"error":{"code":"AuthenticationError","message":"bad key"}}"#, true, 123),
        (403, r#"{"error":{"code":"AccessDenied","message":"no"}}"#, true, 123),
        (403, r#"{"error":{"code":"AccessDenied","message":"no"}}"#, false, 123),
        (404, r#"{"error":{"code":"ResourceNotFound","message":"no such task"}}"#, true, 63),
        (404, r#"{"error":{"code":"ResourceNotFound","message":"no such task"}}"#, false, 8),
        (404, "<html>nothing here</html>", true, 63),
        (302, "", true, 7),
    ] {
        let env = TestEnv::new(move |_, sent| match sent.endpoint {
            Endpoint::Create => answer(200, r#"{"id":"cgt-1"}"#),
            _ => answer(status, body),
        });
        let client = env.client();
        let handle = match created {
            true => client.create(TextToVideo::new("m", "A cat.").build()).await.unwrap(),
            false => client.task("cgt-1"),
        };
        let error = handle.wait().await.unwrap_err();
        assert!(matches!(error, Error::Read(_)), "{status}: {error:?}");
        assert_eq!((error.task_id(), error.status()), (Some("cgt-1"), Some(status)));
        assert_eq!((error.phase(), env.seconds().last()), (Phase::Created, Some(&last)), "{status} {body}");
        let (said, advice) = (error.message(), error.api_error().unwrap().advice());
        assert!(!advice.is_empty() && said.contains(advice), "{said}");
        assert!(said.contains("cgt-1") && said.contains("billed if it succeeds"), "{said}");
        assert!(!said.to_lowercase().contains("nothing was created"), "{said}");
        // Once is borne, whatever it is.
        let env = TestEnv::new(move |number, _| match number {
            0 => answer(status, body),
            _ => task("succeeded"),
        });
        env.client().task("cgt-1").wait().await.unwrap();
    }
    let env = TestEnv::always(200, "{}");
    let error = env.client().task("..").wait().await.unwrap_err();
    assert!(matches!(error, Error::Request(_)) && env.sent().is_empty(), "{error}");
}

/// A stranger's video was saved with exit code 0, and ids in upper case were waited for without a
/// word.
#[tokio::test]
async fn a_wait_for_a_task_that_another_one_answers_for_ends_with_both_ids() {
    for other in ["CGT-1", "cgt-2", "cgt-11"] {
        let env =
            TestEnv::new(move |_, _| answer(200, format!(r#"{{"id":"{other}","status":"succeeded"}}"#)));
        let client = env.client();
        let mut said = Vec::new();
        let handle = client.task("cgt-1");
        let wait = handle.wait().events(|event| {
            if let WaitEvent::CouldNotPoll { error, .. } = event {
                said.push(error.message());
            }
        });
        let error = wait.await.unwrap_err();
        said.push(error.message());
        said.push(handle.get().await.unwrap_err().message());
        said.push(client.get("cgt-1").await.unwrap_err().message());
        assert_eq!((env.seconds().len(), said.len(), error.is_retryable()), (5, 6, false));
        let query = ListQuery::new().task_ids(["cgt-1"]);
        let listed = TestEnv::new(move |_, _| answer(200, format!(r#"{{"items":[{{"id":"{other}"}}]}}"#)));
        said.push(listed.client().list(&query).await.unwrap_err().message());
        for said in said {
            assert!(said.contains(r#""cgt-1""#) && said.contains(&format!("{other:?}")), "{said}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let error = handle.download(&path).await.unwrap_err();
        assert!(matches!(&error, Error::Read(_)) && error.task_id() == Some("cgt-1"), "{error}");
        let stranger = serde_json::from_str(&format!(r#"{{"id":"{other}","status":"succeeded"}}"#)).unwrap();
        let error = handle.download(&path).from_task(stranger).await.unwrap_err();
        assert!(error.message().contains(&format!("{other:?}")), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file, no sidecar");
    }
}

/// The exit codes of the command follow this table.
#[tokio::test]
async fn each_error_knows_whether_a_task_exists() {
    let request = || TextToVideo::new("m", "A cat.").build();
    let refused = r#"{"error":{"code":"InvalidParameter","message":"m"}}"#;
    let of_create = async |status: u16, body: &'static str| {
        TestEnv::always(status, body).client().create(request()).await.unwrap_err().phase()
    };
    assert_eq!(of_create(400, refused).await, Phase::NotCreated);
    assert_eq!(of_create(429, "").await, Phase::Unknown);
    assert_eq!(of_create(500, "").await, Phase::Unknown);
    assert_eq!(of_create(200, "{}").await, Phase::Created);
    assert_eq!(of_create(200, r#"{"id":".."}"#).await, Phase::Created);
    let not_sent = TestEnv::new(|_, _| Err(SendError::not_sent(SendErrorKind::Connect, "refused")));
    assert_eq!(not_sent.client().create(request()).await.unwrap_err().phase(), Phase::NotCreated);
    assert_eq!(not_sent.client().get("cgt-1").await.unwrap_err().phase(), Phase::Created);
    assert_eq!(not_sent.client().models().await.unwrap_err().phase(), Phase::NoTask);
    for status in [401, 403, 404, 429, 500] {
        let env = TestEnv::always(status, "");
        let client = env.client();
        assert_eq!(client.get("cgt-1").await.unwrap_err().phase(), Phase::Created, "{status}");
        assert_eq!(client.cancel("cgt-1").await.unwrap_err().phase(), Phase::Created, "{status}");
        assert_eq!(client.list(&ListQuery::new()).await.unwrap_err().phase(), Phase::NoTask, "{status}");
    }
    let env = TestEnv::new(|_, _| task("failed"));
    let handle = env.client().task("cgt-1");
    assert_eq!(handle.wait().await.unwrap_err().phase(), Phase::Created);
}

#[tokio::test]
async fn too_many_failures_in_a_row_end_the_wait_and_say_how_many() {
    let env = TestEnv::always(503, "");
    let error =
        env.client().task("cgt-1").wait().options(WaitOptions::default().max_failures(4)).await.unwrap_err();
    assert_eq!(env.seconds(), [3, 4, 7, 13]);
    assert_eq!(error.task_id(), Some("cgt-1"));
    assert!(
        error.message().starts_with(
            "Could not get task cgt-1 4 times in a row: the service answered 503: the answer is empty."
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_deadline_without_a_single_look_is_still_no_failure_of_the_task() {
    let env = TestEnv::always(503, "");
    let options = WaitOptions::default().timeout(Duration::from_secs(5));
    let error = env.client().task("cgt-1").wait().options(options).await.unwrap_err();
    assert!(matches!(&error, Error::StillRunning(still) if still.task.is_none()), "{error:?}");
    assert!(error.message().contains("no request for it worked (503: the answer is empty)"), "{error}");
}

#[tokio::test]
async fn a_handle_can_be_made_again_from_its_id_alone() {
    let env = TestEnv::new(|_, _| task("succeeded"));
    let stored = serde_json::to_string(&env.client().task("cgt-1")).unwrap();
    let id: String = serde_json::from_str(&stored).unwrap();
    assert_eq!(env.client().task(id).get().await.unwrap().status, TaskStatus::Succeeded);
}
