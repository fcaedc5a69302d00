//! The list: pages, filters, order, window.

use super::*;

#[test]
fn nothing_is_an_empty_list() {
    assert_eq!(TestEnv::new().list(""), (200, json!({ "total": 0, "items": [] })));
}

#[test]
fn pages_are_cut_from_the_newest_on() {
    let mut env = TestEnv::new();
    let mut ids: Vec<String> = (0..25).map(|at| env.at(at).create(&text(M20))).collect();
    ids.reverse();
    assert_eq!(env.ids(""), ids[..20], "20 on a page by default");
    assert_eq!(env.ids("page_num=2"), ids[20..]);
    assert_eq!(env.ids("page_num=3&page_size=10"), ids[20..]);
    assert_eq!(env.ids("page_num=500&page_size=500"), [""; 0]);
    assert_eq!(env.list("page_size=3").1["total"], 25, "the total counts what is on other pages too");
    let mut oldest = TestEnv::with_switch("list-order", "oldest_first");
    let first = oldest.create(&text(M20));
    oldest.create(&text(M20));
    assert_eq!(oldest.ids("page_size=1"), [first]);
}

#[test]
fn pages_have_bounds() {
    let mut env = TestEnv::new();
    for query in
        ["page_num=0", "page_num=501", "page_size=0", "page_size=501", "page_num=-1", "page_size=ten"]
    {
        let (status, answer) = env.list(query);
        assert_eq!(answer["error"]["param"], query.split_once('=').unwrap().0);
        assert_refused((status, answer), 400, "InvalidParameter");
    }
    assert_eq!(env.list("page_num=&page_size=").0, 200, "empty is as good as absent");
}

#[test]
fn filters_are_exact_and_add_up() {
    let mut env = TestEnv::new();
    let a = env.create(&text(M20));
    let b = env.create(&text(M25));
    let c = env.at(2000).create(&text(M20));
    env.delete(&c);
    env.at(5000);
    assert_eq!(env.ids("filter.status=succeeded"), [b.clone(), a.clone()]);
    assert_eq!(env.ids("filter.status=cancelled"), [c.as_str()]);
    assert_eq!(env.ids(&format!("filter.model={M20}")), [c, a.clone()]);
    assert_eq!(env.ids("filter.model=doubao-seedance-2-0"), [""; 0]);
    assert_eq!(
        env.ids(&format!("filter.task_ids={a}&filter.task_ids={b}&filter.task_ids=cgt-none")),
        [b, a.clone()]
    );
    assert_eq!(env.ids(&format!("filter.task_ids={a}&filter.model={M25}")), [""; 0]);
    assert_refused(env.list("filter.status=done"), 400, "InvalidParameter");
    assert_refused(env.list("filter.service_tier=fast"), 400, "InvalidParameter");
}

#[test]
fn expired_is_a_filter_by_switch() {
    assert_eq!(TestEnv::new().list("filter.status=expired").0, 200);
    assert_refused(
        TestEnv::with_switch("list-filter-expired", "refuse").list("filter.status=expired"),
        400,
        "InvalidParameter",
    );
}

#[test]
fn tasks_of_the_flexible_tier_are_asked_for() {
    let mut env = TestEnv::new();
    let flex = env.create(&with(text(M10), json!({ "service_tier": "flex" })));
    let online = env.create(&text(M10));
    assert_eq!(env.ids(""), [online.as_str()]);
    assert_eq!(env.ids("filter.service_tier=default"), [online]);
    assert_eq!(env.ids("filter.service_tier=flex"), [flex.as_str()]);
    let mut env = TestEnv::with_switch("list-without-tier", "all");
    env.create(&with(text(M10), json!({ "service_tier": "flex" })));
    assert_eq!(env.ids("").len(), 1);
}

#[test]
fn the_window_is_seven_days() {
    let mut env = TestEnv::new();
    let id = env.create(&text(M20));
    assert_eq!(env.at(7 * DAY).ids(""), [id]);
    assert_eq!(env.at(7 * DAY + 1).ids(""), [""; 0]);
}
