//! What one half of an endpoint writes, the other half reads; and what neither accepts.

use ark_video_model::{
    ContentItem, CreateTaskRequest, CreateTaskResponse, ModelList, ServiceTier, Task, TaskList, TaskStatus,
    TextContent,
};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use proptest::prelude::*;

use crate::{BaseUrl, EnvelopeKind, MAX_ANSWER, RequestError, create, delete, get, list, models, path};

const PREFIXES: [&str; 3] = ["", "/api/v3", "/seedance/api/plan/v3"];

fn base(prefix: &str) -> BaseUrl {
    BaseUrl::parse(&format!("https://ark.example{prefix}")).unwrap()
}

fn answer(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![
        "cgt-[0-9]{14}-[a-z0-9]{5}",
        "\\PC{1,20}",
        Just("../x".to_owned()),
        Just("%2e".to_owned()),
        Just("a/b".to_owned())
    ]
    .prop_filter("no path can hold these", |id| id != "." && id != "..")
}

fn any_list() -> impl Strategy<Value = list::Request> {
    let word = || proptest::option::of("\\PC{1,12}");
    (
        (proptest::option::of(any::<u32>()), proptest::option::of(any::<u32>())),
        (word(), word(), word()),
        proptest::collection::vec("\\PC{1,20}", 0..4),
        proptest::collection::vec(("x[a-z]{0,5}", "\\PC{1,5}"), 0..2),
    )
        .prop_map(|((page_num, page_size), (status, model, tier), task_ids, extra)| list::Request {
            page_num,
            page_size,
            status: status.map(TaskStatus::from),
            task_ids,
            model,
            service_tier: tier.map(ServiceTier::from),
            extra,
        })
}

proptest! {
    #[test]
    fn get_and_delete_find_their_task(id in any_id(), prefix in 0..3_usize) {
        let prefix = PREFIXES[prefix];
        let (parts, body) = get::Request::new(&*id).to_http(&base(prefix)).unwrap().into_parts();
        prop_assert_eq!(parts.uri.path().matches('/').count(), prefix.matches('/').count() + 4);
        prop_assert_eq!(get::Request::from_http(&parts, &body, prefix).unwrap().id, id.clone());
        prop_assert!(delete::Request::from_http(&parts, &body, prefix).is_err());
        let (parts, body) = delete::Request::new(&*id).to_http(&base(prefix)).unwrap().into_parts();
        prop_assert_eq!(delete::Request::from_http(&parts, &body, prefix).unwrap().id, id);
    }

    #[test]
    fn list_keeps_every_filter(query in any_list(), prefix in 0..3_usize) {
        let prefix = PREFIXES[prefix];
        let (parts, body) = query.to_http(&base(prefix)).unwrap().into_parts();
        prop_assert_eq!(list::Request::from_http(&parts, &body, prefix).unwrap(), query);
    }

    #[test]
    fn create_keeps_the_body(model in "\\PC{0,20}", text in "\\PC{0,40}", duration in any::<i64>()) {
        let body = CreateTaskRequest::new(model, [ContentItem::Text(TextContent::new(text))]).duration(duration);
        let (parts, bytes) = create::to_http(&body, &base("/api/v3")).unwrap().into_parts();
        prop_assert_eq!(create::Request::from_http(&parts, &bytes, "/api/v3").unwrap().into_body(), body);
    }
}

#[test]
fn repeated_ids_repeat_the_key() {
    let query = list::Request::new().page_size(2).task_ids(["a", "b/c"]).status("running");
    let request = query.to_http(&base("/api/v3")).unwrap();
    assert_eq!(
        request.uri(),
        "https://ark.example/api/v3/contents/generations/tasks?page_size=2&filter.status=running&filter.task_ids=a&filter.task_ids=b%2Fc"
    );
    assert_eq!((request.method(), request.headers().len(), request.body().len()), (&Method::GET, 1, 0));
}

#[test]
fn the_create_request_is_json_at_the_tasks_path() {
    let body = CreateTaskRequest::new("m", [ContentItem::Text(TextContent::new("hi"))]);
    let request = create::to_http(&body, &base("/x")).unwrap();
    assert_eq!(request.uri(), "https://ark.example/x/contents/generations/tasks");
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.body(), r#"{"model":"m","content":[{"type":"text","text":"hi"}]}"#);
}

#[test]
fn ids_that_cannot_be_written_are_refused_before_sending() {
    for (id, error) in [
        ("", RequestError::EmptyId),
        ("..", RequestError::DotId("..".into())),
        (".", RequestError::DotId(".".into())),
    ] {
        assert_eq!(get::Request::new(id).to_http(&base("")).unwrap_err(), error);
        assert_eq!(delete::Request::new(id).to_http(&base("")).unwrap_err(), error);
    }
    let many = list::Request::new().task_ids((0..5000).map(|n| format!("cgt-20261122101530-{n:05}")));
    assert!(matches!(many.to_http(&base("")), Err(RequestError::Address { .. })));
}

#[test]
fn the_server_half_says_what_it_cannot_read() {
    let parts =
        |method, uri: &str| http::Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0;
    let post = parts(Method::POST, "/v3/contents/generations/tasks");
    let bad = create::Request::from_http(&post, &Bytes::from_static(b"{\"model\": \"m\",\n oops}"), "/v3")
        .unwrap_err();
    assert!(bad.status == 400 && bad.message.contains("line 2"), "{bad}");
    let page = parts(Method::GET, "/v3/contents/generations/tasks?page_num=two");
    let bad = list::Request::from_http(&page, &Bytes::new(), "/v3").unwrap_err();
    assert_eq!((bad.status, bad.param.as_deref()), (400, Some("page_num")));
    let error = bad.request_id("02aa");
    assert_eq!(crate::ApiError::from_answer(&error.encode()), error);
    let elsewhere = get::Request::from_http(&parts(Method::GET, "/other"), &Bytes::new(), "/v3").unwrap_err();
    assert_eq!((elsewhere.status, elsewhere.code.as_str()), (404, "ResourceNotFound"));
}

#[test]
fn answers_come_back_as_they_were_written() {
    let task: Task = serde_json::from_str(
        r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"https://h/a.mp4"},"later":{"a":[1]}}"#,
    )
    .unwrap();
    assert_eq!(get::decode(&get::encode(&task), "cgt-1").unwrap(), task);
    let list: TaskList = serde_json::from_value(serde_json::json!({ "total": 7, "items": [task] })).unwrap();
    assert_eq!(list::decode(&list::encode(&list), &[]).unwrap(), list);
    let created: CreateTaskResponse = serde_json::from_str(r#"{"id":"cgt-1"}"#).unwrap();
    assert_eq!(create::decode(&create::encode(&created)).unwrap(), created);
    let catalogue: ModelList = serde_json::from_str(r#"{"data":[{"id":"m","status":"Retiring"}]}"#).unwrap();
    assert_eq!(models::decode(&models::encode(&catalogue)).unwrap(), catalogue);
    assert_eq!(delete::decode(&delete::encode()), Ok(()));
}

#[test]
fn an_error_dressed_as_a_success_is_an_error() {
    for body in [
        r#"{"error":{"code":"AccessDenied","message":"no"}}"#,
        r#"{"ResponseMetadata":{"RequestId":"r","Error":{"Code":"AccessDenied","Message":"no"}}}"#,
        r#"{"code":"AccessDenied","message":"no"}"#,
    ] {
        let answer = answer(200, body);
        let errors = [
            get::decode(&answer, "cgt-1").unwrap_err(),
            list::decode(&answer, &[]).unwrap_err(),
            models::decode(&answer).unwrap_err(),
            create::decode(&answer).unwrap_err(),
            delete::decode(&answer).unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.status, error.code.as_str()), (200, "AccessDenied"), "{body}");
        }
    }
    assert_eq!(
        list::decode(&answer(200, r#"{"detail":"no"}"#), &[]).unwrap_err().envelope,
        EnvelopeKind::Detail
    );
}

/// A stranger's video was saved under our name, and ids in upper case were waited for in silence.
#[test]
fn an_answer_is_about_the_task_that_was_asked_for_or_it_is_an_error_with_both_ids() {
    let long = "x".repeat(70_000);
    for (requested, came) in [
        ("cgt-1", "cgt-2"),
        ("cgt-1", "CGT-1"),
        ("CGT-1", "cgt-1"),
        ("cgt-1", "cgt-11"),
        ("cgt-11", "cgt-1"),
        ("cgt-1", " cgt-1"),
        ("cgt-1", "cgt-1 "),
        ("cgt-1", r"cgt-1\u0000"),
        ("cgt-1", r"cgt-\u200b1"),
        ("cgt-é", r"cgt-e\u0301"),
        ("cgt-1", ".."),
        ("cgt-1", "cgt%2D1"),
        ("cgt-1", &long),
    ] {
        let body = format!(
            r#"{{"id":"{came}","model":"m","status":"succeeded","content":{{"video_url":"https://h/a"}}}}"#
        );
        let other: String = serde_json::from_str(&format!("\"{came}\"")).unwrap();
        let error = get::decode(&answer(200, body.clone()), requested).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&path::shown(requested)) && said.contains(&path::shown(&other)), "{said}");
        assert!(!said.contains(char::is_control) && said.len() < 1_000, "{said}");
        assert!(error.other_id.as_deref().is_some_and(|id| other.starts_with(id)), "{said}");
        let list = format!(r#"{{"total":2,"items":[{{"id":"cgt-0"}},{body}]}}"#);
        let ids = ["cgt-0".to_owned(), requested.to_owned()];
        let error = list::decode(&answer(200, list.clone()), &ids).unwrap_err();
        assert_eq!(error.to_string(), said);
        assert!(list::decode(&answer(200, list.clone()), &[]).is_ok(), "nobody asked for a certain one");
    }
    let some = r#"{"total":1,"items":[{"id":"cgt-0"}]}"#;
    assert!(list::decode(&answer(200, some), &["cgt-1".into(), "cgt-0".into()]).is_ok(), "one may be gone");
    let crowd = r#"{"items":[{"id":"cgt-0"},{"id":"cgt-9"}]}"#;
    let error = list::decode(&answer(200, crowd), &["cgt-0".into()]).unwrap_err();
    assert_eq!(error.message, r#"the answer is about task "cgt-9", not about "cgt-0""#);
}

#[test]
fn a_failed_task_is_an_answer_and_not_an_error() {
    let body = r#"{"id":"cgt-1","model":"m","status":"failed","error":{"code":"X","message":"y"}}"#;
    assert_eq!(get::decode(&answer(200, body), "cgt-1").unwrap().status, TaskStatus::Failed);
}

#[test]
fn lists_and_deletes_bear_what_was_seen_in_the_field() {
    for empty in [r#"{"total":0,"items":[]}"#, r#"{"total":0,"items":null}"#, r#"{"total":0}"#] {
        assert!(list::decode(&answer(200, empty), &[]).unwrap().items.is_empty(), "{empty}");
    }
    for gone in ["{}", "", " \n"] {
        assert_eq!(delete::decode(&answer(200, gone)), Ok(()), "{gone:?}");
    }
    assert!(delete::decode(&answer(200, "<html>")).is_err());
    assert!(delete::decode(&answer(409, "")).is_err());
}

#[test]
fn answers_are_bounded_in_size_and_depth() {
    let padded = |length: usize| format!(r#"{{"id":"cgt-1","pad":"{}"}}"#, "x".repeat(length));
    assert!(get::decode(&answer(200, padded(MAX_ANSWER - 100)), "cgt-1").is_ok());
    let error = get::decode(&answer(200, padded(MAX_ANSWER)), "cgt-1").unwrap_err();
    assert!(error.message.contains("more than"), "{error}");
    let deep = format!(r#"{{"id":"cgt-1","a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    assert!(get::decode(&answer(200, deep), "cgt-1").is_err());
}
