//! Single questions: get, cancel, forget, models; what they send, and what they refuse to do.

use ark_video::{
    Error, ListQuery,
    error::{Refusal, SendError, SendErrorKind},
    transport::Endpoint,
};

use crate::test_env::{TestEnv, answer, task};

const ID: &str = "/v3/contents/generations/tasks/cgt-1";

#[tokio::test]
async fn ids_stay_one_segment_and_impossible_ones_are_not_sent() {
    let env = TestEnv::always(200, r#"{"id":"../x/%2e?a","status":"queued"}"#);
    let client = env.client();
    client.get("../x/%2e?a").await.unwrap();
    assert_eq!(env.lines(), ["GET /v3/contents/generations/tasks/..%2Fx%2F%252e%3Fa"]);
    for id in ["", ".", ".."] {
        assert!(matches!(client.get(id).await, Err(Error::Request(_))), "{id}");
        assert!(matches!(client.forget(id).await, Err(Error::Request(_))), "{id}");
    }
    assert_eq!(env.sent().len(), 1);
}

#[tokio::test]
async fn a_failed_question_is_repeated_names_the_task_and_says_that_it_goes_on() {
    let env = TestEnv::new(|_, _| Err(SendError::maybe_sent(SendErrorKind::Timeout, "no answer in time")));
    let error = env.client().get("cgt-1").await.unwrap_err();
    assert!(matches!(error, Error::Read(_)) && error.is_retryable() && !error.is_outcome_unknown());
    assert_eq!(error.task_id(), Some("cgt-1"));
    assert_eq!(
        error.message(),
        "Could not get task cgt-1 5 times in a row: no answer in time. That says nothing about the task: it continues, and is billed if it succeeds. Get it again later by its id."
    );
    // Full jitter at the middle of its range: half of 1, 2, 4 and 8 s.
    assert_eq!(env.seconds(), [0, 0, 1, 3, 7]);
    let error = TestEnv::always(502, "<html>").client().get("cgt-1").await.unwrap_err();
    assert!(
        matches!(error, Error::Read(_)) && error.is_retryable() && error.status() == Some(502),
        "{error}"
    );
    let error = TestEnv::always(200, "[]").client().get("cgt-1").await.unwrap_err();
    assert!(matches!(error, Error::Read(_)) && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_refused_question_names_the_task_too() {
    let env = TestEnv::always(
        404,
        r#"{"error":{"code":"ResourceNotFound","message":"no such task. Request id: 02aa"}}"#,
    );
    let error = env.client().get("cgt-1").await.unwrap_err();
    assert!(matches!(error, Error::Api(_)) && !error.is_retryable());
    assert_eq!(
        (error.task_id(), error.status(), error.code()),
        (Some("cgt-1"), Some(404), Some("ResourceNotFound"))
    );
    assert!(
        error.message().starts_with("The service refused to get task cgt-1: 404 ResourceNotFound"),
        "{error}"
    );
    let dressed = TestEnv::always(
        200,
        r#"{"ResponseMetadata":{"RequestId":"r","Error":{"Code":"AccessDenied","Message":"no"}}}"#,
    );
    let Error::Api(refused) = dressed.client().models().await.unwrap_err() else { panic!() };
    assert_eq!((refused.class, refused.error.status), (Refusal::Account, 200));
}

#[tokio::test]
async fn cancel_takes_a_queued_task_from_the_queue() {
    let env = TestEnv::new(|number, _| if number == 0 { task("queued") } else { answer(200, "{}") });
    env.client().task("cgt-1").cancel().await.unwrap();
    assert_eq!(env.lines(), [format!("GET {ID}"), format!("DELETE {ID}")]);
}

#[tokio::test]
async fn cancel_tells_the_truth_about_a_running_task_and_spares_a_finished_one() {
    for (status, truth) in [
        ("running", "is running and cannot be cancelled; it will finish and be billed"),
        ("succeeded", "nothing to cancel"),
        ("failed", "nothing to cancel"),
        ("post-processing", "does not know"),
    ] {
        let env = TestEnv::new(move |_, _| task(status));
        let error = env.client().cancel("cgt-1").await.unwrap_err();
        assert!(error.message().contains(truth), "{error}");
        assert_eq!(
            (error.task_id(), env.lines()),
            (Some("cgt-1"), vec![format!("GET {ID}")]),
            "no DELETE goes out"
        );
    }
}

#[tokio::test]
async fn a_cancel_that_loses_the_race_is_told_so_and_not_repeated() {
    let env = TestEnv::telling(&[
        (200, r#"{"id":"cgt-1","model":"m","status":"queued"}"#),
        (
            409,
            r#"{"code":"InvalidAction.RunningTaskDeletion","message":"Cannot delete task `cgt-1` because it is currently running."}"#,
        ),
    ]);
    let error = env.client().cancel("cgt-1").await.unwrap_err();
    assert!(!error.is_retryable() && error.status() == Some(409));
    assert_eq!(
        error.message(),
        "Task cgt-1 is running and cannot be cancelled; it will finish and be billed: 409 InvalidAction.RunningTaskDeletion: Cannot delete task `cgt-1` because it is currently running. Wait until it ends; a running task cannot be stopped and is billed if it succeeds."
    );
    assert_eq!(env.sent().len(), 2);
}

#[tokio::test]
async fn forget_deletes_finished_records_and_nothing_else() {
    for status in ["succeeded", "failed", "expired"] {
        let env = TestEnv::new(move |number, _| if number == 0 { task(status) } else { answer(200, "{}") });
        env.client().forget("cgt-1").await.unwrap();
        assert_eq!(env.lines(), [format!("GET {ID}"), format!("DELETE {ID}")]);
    }
    for status in ["queued", "running", "cancelled", "post-processing"] {
        let env = TestEnv::new(move |_, _| task(status));
        let error = env.client().task("cgt-1").forget().await.unwrap_err();
        assert!(matches!(error, Error::NotPossible(_)), "{status}: {error}");
        assert_eq!(env.lines(), [format!("GET {ID}")]);
    }
}

#[tokio::test]
async fn a_delete_that_brings_no_answer_says_to_look_first() {
    let env = TestEnv::new(|number, _| match number {
        0 => task("succeeded"),
        _ => Err(SendError::maybe_sent(SendErrorKind::Closed, "closed")),
    });
    let error = env.client().forget("cgt-1").await.unwrap_err();
    assert!(error.message().contains("get the task before trying again"), "{error}");
}

#[tokio::test]
async fn models_and_pages_are_one_question_each() {
    let env = TestEnv::always(200, r#"{"data":[{"id":"m"}]}"#);
    assert_eq!(env.client().models().await.unwrap().data[0].id, "m");
    let pages = TestEnv::always(200, r#"{"total":1,"items":[{"id":"cgt-1","model":"m","status":"queued"}]}"#);
    let page = pages.client().list(&ListQuery::new().page_size(5).status("queued")).await.unwrap();
    assert_eq!((page.total, page.items.len(), pages.sent()[0].endpoint), (Some(1), 1, Endpoint::List));
    assert_eq!(pages.lines(), ["GET /v3/contents/generations/tasks?page_size=5&filter.status=queued"]);
}
