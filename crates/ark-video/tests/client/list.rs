//! `list_all`: every task once, one page a second, an end in any weather, and a word where some
//! were not shown.

use std::sync::Arc;

use ark_video::{Error, ListQuery};
use futures_util::{StreamExt, TryStreamExt};

use crate::test_env::{Answer, Sent, TestEnv, answer};

fn page(total: Option<usize>, ids: impl IntoIterator<Item = usize>) -> Answer {
    let items: Vec<_> = ids
        .into_iter()
        .map(|id| serde_json::json!({ "id": format!("cgt-{id}"), "model": "m", "status": "queued" }))
        .collect();
    answer(200, serde_json::json!({ "total": total, "items": items }).to_string())
}

/// Which page a request asks for.
fn number(sent: &Sent) -> usize {
    let query = sent.request.uri().query().unwrap();
    query.split('&').find_map(|pair| pair.strip_prefix("page_num=")).unwrap().parse().unwrap()
}

async fn ids(env: &Arc<TestEnv>, query: ListQuery) -> Vec<String> {
    let tasks: Vec<_> = env.client().list_all(query).try_collect().await.unwrap();
    tasks.into_iter().map(|task| task.id).collect()
}

/// What comes of a list that ends with the word that there is more.
async fn fewer(env: &Arc<TestEnv>, query: ListQuery, why: &str) -> Vec<String> {
    let mut results: Vec<_> = env.client().list_all(query).collect().await;
    let error = results.pop().unwrap().unwrap_err();
    assert!(error.message().contains(why), "{error}");
    assert!(error.client_request_id().is_none() && error.is_retryable(), "{error:?}");
    results.into_iter().map(|task| task.unwrap().id).collect()
}

fn expected(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
    ids.into_iter().map(|id| format!("cgt-{id}")).collect()
}

#[tokio::test]
async fn pages_are_read_a_second_apart_until_all_are_seen() {
    let env = TestEnv::new(|_, sent| {
        let first = (number(sent) - 1) * 2;
        page(Some(5), (first..5).take(2))
    });
    assert_eq!(ids(&env, ListQuery::new().page_size(2).model("m")).await, expected(0..5));
    assert_eq!(env.seconds(), [0, 1, 2]);
    assert_eq!(env.lines()[1], "GET /v3/contents/generations/tasks?page_num=2&page_size=2&filter.model=m");
}

#[tokio::test]
async fn without_a_total_a_short_or_empty_page_is_the_last() {
    let short = TestEnv::new(|_, sent| if number(sent) == 1 { page(None, 0..3) } else { page(None, 3..4) });
    assert_eq!(ids(&short, ListQuery::new().page_size(3)).await, expected(0..4));
    assert_eq!(short.sent().len(), 2);
    let empty = TestEnv::new(|_, sent| if number(sent) == 1 { page(None, 0..3) } else { page(None, []) });
    assert_eq!(ids(&empty, ListQuery::new().page_size(3)).await, expected(0..3));
    let none = TestEnv::always(200, r#"{"total":0,"items":null}"#);
    assert!(ids(&none, ListQuery::new()).await.is_empty());
    assert_eq!(none.lines(), ["GET /v3/contents/generations/tasks?page_num=1&page_size=500"]);
}

#[tokio::test]
async fn a_service_that_caps_the_page_size_is_read_to_the_end() {
    let env = TestEnv::new(|_, sent| {
        let first = (number(sent) - 1) * 10;
        page(Some(25), (first..25).take(10))
    });
    assert_eq!(ids(&env, ListQuery::new()).await, expected(0..25));
}

#[tokio::test]
async fn tasks_that_shift_to_the_next_page_are_given_once() {
    // Between any two pages a new task appears in front.
    let env = TestEnv::new(|request, sent| {
        let all: Vec<usize> = (0..request).map(|new| 100 + new).rev().chain(0..6).collect();
        let first = (number(sent) - 1) * 3;
        page(Some(all.len()), all.into_iter().skip(first).take(3))
    });
    assert_eq!(ids(&env, ListQuery::new().page_size(3)).await, expected(0..6));
}

#[tokio::test]
async fn a_list_that_never_ends_ends() {
    // A service that takes no notice of the page.
    for total in [None, Some(1_000_000)] {
        let env = TestEnv::new(move |_, _| page(total, 0..2));
        let why = "repeats a page whichever is asked for; it shows 2 tasks";
        assert_eq!(fewer(&env, ListQuery::new().page_size(2), why).await, expected(0..2));
        assert_eq!(env.sent().len(), 3);
    }
    let env = TestEnv::new(|_, sent| page(Some(1_000_000), (0..2).map(|id| id + 2 * number(sent))));
    assert_eq!(fewer(&env, ListQuery::new().page_size(2), "of them only").await.len(), 1_000);
    assert_eq!(env.sent().len(), 500, "the service has no page after 500");
}

#[tokio::test]
async fn tasks_that_slipped_between_two_pages_are_looked_for_once_more() {
    // After the first page the first task is deleted: what moves up is on no page any more.
    let env = TestEnv::new(|request, sent| {
        let all: Vec<usize> = (usize::from(request > 0)..7).collect();
        let first = (number(sent) - 1) * 3;
        page(Some(all.len()), all.into_iter().skip(first).take(3))
    });
    let mut found = ids(&env, ListQuery::new().page_size(3)).await;
    found.sort_unstable();
    assert_eq!(found, expected(0..7));
    let without =
        TestEnv::new(|request, _| if request == 0 { page(Some(3), []) } else { page(Some(3), 0..3) });
    assert_eq!(ids(&without, ListQuery::new()).await, expected(0..3));
    // The later pages only were asked for.
    let second = TestEnv::new(|_, sent| page(Some(5), ((number(sent) - 1) * 2..5).take(2)));
    assert_eq!(ids(&second, ListQuery::new().page_num(2).page_size(2)).await, expected(2..5));
}

#[tokio::test]
async fn a_list_that_counts_more_than_it_shows_says_so_after_three_readings() {
    let env = TestEnv::new(|_, sent| if number(sent) == 1 { page(Some(4), 0..3) } else { page(Some(4), []) });
    assert_eq!(fewer(&env, ListQuery::new().page_size(3), "of them only").await, expected(0..3));
    assert_eq!(env.sent().len(), 6);
}

#[tokio::test]
async fn an_error_ends_the_stream_after_what_was_read() {
    let env = TestEnv::new(|_, sent| if number(sent) == 1 { page(Some(9), 0..3) } else { answer(503, "") });
    let results: Vec<_> = env.client().list_all(ListQuery::new().page_size(3)).collect().await;
    assert_eq!(results.len(), 4);
    assert!(results[..3].iter().all(Result::is_ok));
    assert!(matches!(&results[3], Err(Error::Read(_))));
}
