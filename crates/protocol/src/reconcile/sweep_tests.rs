//! A service that lists late, in any order, and shifts its pages; sweeps that must not lose, guess
//! or give twice.

use std::collections::BTreeMap;

use ark_video_model::CreateTaskRequest;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{ApiError, UnixMillis, list};

const MODEL: &str = "doubao-seedance-2-0-260128";
const SECOND: i64 = 1_000;
const START: UnixMillis = 1_795_342_500_000;

/// LIST over tasks in a fixed order, honest about its total.
struct Account {
    tasks: Vec<Value>,
    /// Tasks that it counts and never shows.
    hidden: usize,
    largest_page: usize,
    requested: Vec<list::Request>,
}

impl Account {
    fn new(tasks: Vec<Value>) -> Self {
        Self { tasks, hidden: 0, largest_page: 500, requested: Vec::new() }
    }

    fn answer(&mut self, request: &list::Request) -> ark_video_model::TaskList {
        self.requested.push(request.clone());
        let size = (request.page_size.unwrap() as usize).min(self.largest_page);
        let tier = request.service_tier.as_ref().map_or("default", |tier| tier.as_str());
        let shown: Vec<_> = self
            .tasks
            .iter()
            .filter(|task| task["service_tier"].as_str().unwrap_or("default") == tier)
            .filter(|task| request.model.as_ref().is_none_or(|model| task["model"] == json!(model)))
            .collect();
        let items: Vec<_> =
            shown.iter().skip((request.page_num.unwrap() as usize - 1) * size).take(size).collect();
        serde_json::from_value(json!({"total": shown.len() + self.hidden, "items": items})).unwrap()
    }

    /// Drives a sweep to its end on a moved clock; `between` may change the account before each
    /// page.
    fn drive(
        &mut self,
        sweep: &mut Reconciler,
        mut now: UnixMillis,
        mut between: impl FnMut(&mut Self, UnixMillis),
    ) -> UnixMillis {
        for _ in 0..10_000 {
            match sweep.next(now) {
                ReconcileStep::Ask(request) => {
                    between(self, now);
                    let page = self.answer(&request);
                    now += SECOND;
                    sweep.page(now, &page);
                }
                ReconcileStep::WaitUntil(until) => {
                    assert!(until > now);
                    now = until;
                }
                ReconcileStep::Done => return now,
            }
        }
        panic!("the sweep does not end");
    }
}

fn request(settings: Value) -> CreateTaskRequest {
    let mut request = json!({"model": MODEL, "content": [{"type": "text", "text": "p"}]});
    request.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    serde_json::from_value(request).unwrap()
}

/// A create sent at START that went unanswered for two minutes, and the task that the service made
/// of it.
fn unanswered(
    settings: Value,
    options: &CorrelationOptions,
    draw: u8,
    id: &str,
) -> (UnresolvedCreate, Value) {
    let mut sent = request(settings);
    let marks = stamp(
        &mut sent,
        options,
        std::array::from_fn(|place| draw.wrapping_mul(37).wrapping_add(place as u8)),
    );
    let unknown =
        UnresolvedCreate::new(&sent, marks, TimeWindow::of_send(START, START + 120 * SECOND, Some(0)));
    let mut task = json!({"id": id, "model": MODEL, "status": "queued", "created_at": START / 1000 + 1, "updated_at": START / 1000 + 1});
    for field in ["execution_expires_after", "safety_identifier", "service_tier", "generate_audio", "seed"] {
        let sent = serde_json::to_value(&sent).unwrap();
        if !sent[field].is_null() {
            task[field] = sent[field].clone();
        }
    }
    (unknown, task)
}

fn foreign(id: &str, seconds: i64) -> Value {
    json!({"id": id, "model": MODEL, "status": "running", "created_at": START / 1000 + seconds, "execution_expires_after": 172_800})
}

fn texts(verdicts: &[Verdict]) -> Vec<String> {
    let word = |verdict: &Verdict| match verdict {
        Verdict::Found { task, evidence } => format!("{} by {evidence:?}", task.id),
        Verdict::NotFound { searches, over, dismissed, doubt } => {
            format!("none in {searches} searches over {} s, {dismissed} others, {doubt:?}", over.as_secs())
        }
        Verdict::Ambiguous { candidates, doubt, .. } => {
            let ids: Vec<_> = candidates.iter().map(|task| task.id.as_str()).collect();
            format!(
                "one of {}{}",
                ids.join(" "),
                doubt.map(|doubt| format!(", {doubt:?}")).unwrap_or_default()
            )
        }
    };
    verdicts.iter().map(word).collect()
}

#[test]
fn one_look_finds_any_number_of_unknowns() {
    let options = CorrelationOptions::new();
    let cases: Vec<_> =
        (0..40).map(|draw| unanswered(json!({}), &options, draw, &format!("cgt-{draw}"))).collect();
    let mut account = Account::new(
        cases
            .iter()
            .map(|(_, task)| task.clone())
            .chain((0..400).map(|n| foreign(&format!("other-{n}"), n % 100)))
            .collect(),
    );
    let mut sweep =
        Reconciler::new(cases.into_iter().map(|(unknown, _)| unknown).collect(), ReconcileOptions::new());
    account.drive(&mut sweep, START + 120 * SECOND, |_, _| {});
    assert_eq!(account.requested.len(), 1);
    let expected: Vec<_> = (0..40).map(|draw| format!("cgt-{draw} by Marked")).collect();
    assert_eq!(texts(&sweep.verdicts()), expected);
}

#[test]
fn what_is_not_there_is_looked_for_twice_after_its_window_has_closed() {
    let (unknown, _) = unanswered(json!({}), &CorrelationOptions::new().tag(true), 1, "cgt-1");
    let mut sweep = Reconciler::new(vec![unknown.clone()], ReconcileOptions::new().marks_are_echoed(true));
    let mut account = Account::new((0..3).map(|n| foreign(&format!("other-{n}"), n)).collect());
    let mut searches = Vec::new();
    account.drive(&mut sweep, START + 120 * SECOND, |_, now| searches.push((now - START) / SECOND));
    assert_eq!(searches, [120, 185, 486]);
    assert_eq!(texts(&sweep.verdicts()), ["none in 2 searches over 302 s, 3 others, None"]);
    let text = "not found in 2 searches over 302 s (3 of that time are others'). That is no proof: sending again can make a second bill";
    assert_eq!(sweep.verdicts()[0].to_string(), text);
    let mut account = Account::new(vec![]);
    let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new().searches(0));
    account.drive(&mut sweep, START + 120 * SECOND, |_, _| {});
    assert_eq!(
        (account.requested.len(), texts(&sweep.verdicts())),
        (1, vec!["none in 0 searches over 0 s, 0 others, Some(NoCompletedSearch)".to_owned()])
    );
}

#[test]
fn a_task_that_is_listed_late_is_found_by_a_later_look() {
    for tag in [true, false] {
        let (unknown, task) = unanswered(json!({}), &CorrelationOptions::new().tag(tag), 1, "cgt-1");
        let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new());
        let mut account = Account::new(vec![foreign("other", 1)]);
        account.drive(&mut sweep, START + 120 * SECOND, |account, now| {
            if now > START + 300 * SECOND && account.tasks.len() == 1 {
                account.tasks.push(task.clone());
            }
        });
        let evidence = if tag { "Tag" } else { "Marked" };
        assert_eq!(texts(&sweep.verdicts()), [format!("cgt-1 by {evidence}")]);
    }
}

#[test]
fn weak_echoes_are_a_choice_for_a_person() {
    let (unknown, task) = unanswered(json!({}), &CorrelationOptions::none(), 1, "cgt-1");
    let verdict = |tasks: Vec<Value>, options: ReconcileOptions, owned: &[&str]| {
        let mut sweep = Reconciler::new(vec![unknown.clone()], options);
        owned.iter().for_each(|id| sweep.exclude(*id));
        Account::new(tasks).drive(&mut sweep, START, |_, _| {});
        texts(&sweep.verdicts()).remove(0)
    };
    let exclusive = ReconcileOptions::new().exclusive(true);
    assert_eq!(verdict(vec![task.clone()], ReconcileOptions::new(), &[]), "one of cgt-1");
    assert_eq!(verdict(vec![task.clone()], exclusive.clone(), &[]), "cgt-1 by Echoes");
    assert_eq!(
        verdict(vec![task.clone(), foreign("cgt-0", 5)], exclusive.clone(), &[]),
        "one of cgt-0 cgt-1"
    );
    assert_eq!(verdict(vec![task.clone(), foreign("cgt-0", 5)], exclusive, &["cgt-0"]), "cgt-1 by Echoes");
    assert!(verdict(vec![task], ReconcileOptions::new(), &["cgt-1"]).starts_with("none in 2 searches"));
}

#[test]
fn candidates_are_doubted_where_the_list_hides_others() {
    let (unknown, _) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-1");
    let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new());
    let mut account = Account { hidden: 1, ..Account::new(vec![foreign("other", 1)]) };
    account.drive(&mut sweep, START + 300 * SECOND, |_, _| {});
    assert_eq!(texts(&sweep.verdicts()), ["one of other, Incomplete"]);
    assert!(sweep.verdicts()[0].to_string().contains("none of them"));
}

#[test]
fn two_unknowns_that_cannot_be_told_apart_are_left_to_a_person() {
    let (one, task) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-1");
    let (other, _) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-2");
    let mut sweep = Reconciler::new(vec![one, other], ReconcileOptions::new().exclusive(true));
    Account::new(vec![task]).drive(&mut sweep, START, |_, _| {});
    assert_eq!(texts(&sweep.verdicts()), ["one of cgt-1", "one of cgt-1"]);
}

#[test]
fn a_tag_that_came_twice_shows_both_bills() {
    let (unknown, task) = unanswered(json!({}), &CorrelationOptions::new().tag(true), 1, "cgt-1");
    let mut twice = task.clone();
    twice["id"] = json!("cgt-2");
    let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new().searches(0));
    Account::new(vec![task, twice]).drive(&mut sweep, START, |_, _| {});
    assert_eq!(texts(&sweep.verdicts()), ["one of cgt-1 cgt-2"]);
}

#[test]
fn a_failed_task_is_found_in_either_spelling_of_its_failure() {
    for field in ["error", "failure_reason"] {
        let (unknown, mut task) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-1");
        task["status"] = json!("failed");
        task[field] = json!({"code": "OutputVideoSensitiveContentDetected", "message": "m"});
        let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new());
        Account::new(vec![task]).drive(&mut sweep, START, |_, _| {});
        let [Verdict::Found { task, .. }] = &sweep.verdicts()[..] else { panic!("not found") };
        assert_eq!(task.failure.as_deref(), Some("OutputVideoSensitiveContentDetected"));
    }
}

#[test]
fn flex_is_listed_by_its_own_filter_and_single_models_where_everything_is_forbidden() {
    let (unknown, task) = unanswered(json!({"service_tier": "flex"}), &CorrelationOptions::new(), 1, "cgt-1");
    let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new());
    let mut account = Account::new(vec![task, foreign("other", 1)]);
    assert!(matches!(sweep.next(START), ReconcileStep::Ask(request) if request.model.is_none()));
    assert!(sweep.refused(&ApiError::new(403, "AccessDenied", "m")));
    account.drive(&mut sweep, START, |_, _| {});
    assert_eq!(texts(&sweep.verdicts()), ["cgt-1 by Marked"]);
    let filters: Vec<_> = account
        .requested
        .iter()
        .map(|requested| (requested.model.as_deref(), requested.service_tier.is_some()))
        .collect();
    assert_eq!(filters, [(Some(MODEL), false), (Some(MODEL), true)]);
    let (unknown, _) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-1");
    let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new());
    sweep.next(START);
    assert!(!sweep.refused(&ApiError::new(401, "AuthenticationError", "m")));
    assert_eq!(sweep.next(START), ReconcileStep::Done);
    assert_eq!(texts(&sweep.verdicts()), ["none in 0 searches over 0 s, 0 others, Some(NoCompletedSearch)"]);
}

#[test]
fn newest_first_is_read_only_as_far_as_it_matters_and_any_other_order_to_its_end() {
    let (unknown, task) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-1");
    let mut tasks = vec![foreign("new", 200), task];
    tasks.extend((0..2_000).map(|n| foreign(&format!("old-{n}"), -1_000 - n)));
    let pages = |tasks: Vec<Value>| {
        let mut sweep = Reconciler::new(vec![unknown.clone()], ReconcileOptions::new());
        let mut account = Account::new(tasks);
        account.drive(&mut sweep, START + 120 * SECOND, |_, _| {});
        assert_eq!(texts(&sweep.verdicts()), ["cgt-1 by Marked"]);
        account.requested.len()
    };
    assert_eq!(pages(tasks.clone()), 1);
    tasks.reverse();
    assert_eq!(pages(tasks), 5);
}

#[test]
fn a_task_that_slides_onto_a_page_already_read_is_seen_in_the_same_look() {
    for newest_first in [true, false] {
        let (unknown, task) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-1");
        let mut tasks: Vec<_> = (0..60).map(|n| foreign(&format!("new-{n}"), 100 - n)).collect();
        tasks.push(task);
        tasks.extend(
            (0..200).map(|n| foreign(&format!("old-{n}"), if newest_first { -1_000 - n } else { n % 90 })),
        );
        let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new().searches(0).page_size(60));
        let mut account = Account::new(tasks);
        account.drive(&mut sweep, START + 120 * SECOND, |account, _| {
            if account.requested.len() == 1 {
                account.tasks.remove(7);
            }
        });
        assert_eq!(texts(&sweep.verdicts()), ["cgt-1 by Marked"], "{newest_first}");
        let pages: Vec<_> = account.requested.iter().map(|requested| requested.page_num.unwrap()).collect();
        let expected: &[u32] = if newest_first { &[1, 2, 1, 2] } else { &[1, 2, 1, 2, 3, 4, 5] };
        assert_eq!(pages, expected);
    }
}

#[test]
fn a_service_that_cuts_pages_short_is_read_to_its_end() {
    let (unknown, task) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-1");
    let mut tasks: Vec<_> = (0..250).map(|n| foreign(&format!("other-{n}"), n % 90)).collect();
    tasks.push(task);
    let mut account = Account { largest_page: 100, ..Account::new(tasks) };
    let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new());
    account.drive(&mut sweep, START + 120 * SECOND, |_, _| {});
    assert_eq!(texts(&sweep.verdicts()), ["cgt-1 by Marked"]);
    assert_eq!(account.requested.len(), 3);
}

#[test]
fn what_slid_out_of_the_seven_days_is_not_called_uncreated() {
    let (unknown, _) = unanswered(json!({}), &CorrelationOptions::new(), 1, "cgt-1");
    let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new().searches(1));
    Account::new(vec![]).drive(&mut sweep, START + 8 * 86_400 * SECOND, |_, _| {});
    assert_eq!(texts(&sweep.verdicts()), ["none in 1 searches over 1 s, 0 others, Some(TooOld)"]);
}

/// Creates with these marks, by their draw, and tasks with these; who may claim what, and which
/// sets are complete.
#[test]
fn a_set_is_complete_when_as_many_tasks_as_creates_are_alike() {
    // Draws of creates, `None` without marks; draws of tasks, `None` for an unmarked one; each
    // create's claimants, and whether its set is complete. An empty list: found, or not there.
    type Row = (&'static [Option<u8>], &'static [Option<u8>], &'static [(&'static [usize], bool)]);
    const NO: (&[usize], bool) = (&[], false);
    let rows: [Row; 9] = [
        (&[Some(1), Some(1)], &[Some(1), Some(1)], &[(&[0, 1], true), (&[0, 1], true)]),
        (&[Some(1), Some(1), Some(2)], &[Some(1), Some(1), Some(2)], &[(&[0, 1], true), (&[0, 1], true), NO]),
        // One is missing, or one is too many.
        (&[Some(1), Some(1)], &[Some(1)], &[(&[0, 1], false), (&[0, 1], false)]),
        (&[Some(1), Some(1)], &[Some(1), Some(1), Some(1)], &[(&[0, 1], false), (&[0, 1], false)]),
        (&[Some(1)], &[Some(1), Some(1)], &[(&[0], false)]),
        // Without marks there is nothing to wait for; with a mark there is.
        (&[None, None], &[None, None], &[(&[0, 1], true), (&[0, 1], true)]),
        (&[None], &[None], &[(&[0], true)]),
        (&[Some(1), Some(2)], &[None, None], &[(&[0, 1], false), (&[0, 1], false)]),
        (&[Some(1), None], &[None, None], &[(&[0, 1], false), (&[0, 1], false)]),
    ];
    for (creates, tasks, expected) in rows {
        let made = |draw: Option<u8>, id: &str| match draw {
            Some(draw) => unanswered(json!({}), &CorrelationOptions::new(), draw, id),
            None => unanswered(json!({}), &CorrelationOptions::none(), 0, id),
        };
        let unknowns = creates.iter().map(|draw| made(*draw, "").0).collect();
        let tasks = tasks.iter().enumerate().map(|(n, draw)| made(*draw, &format!("cgt-{n}")).1).collect();
        let mut sweep = Reconciler::new(unknowns, ReconcileOptions::new().searches(0));
        Account::new(tasks).drive(&mut sweep, START, |_, _| {});
        let verdicts = sweep.verdicts();
        let seen: Vec<(&[usize], bool)> = verdicts
            .iter()
            .map(|verdict| match verdict {
                Verdict::Ambiguous { claimants, is_complete, .. } => (claimants.as_slice(), *is_complete),
                _ => NO,
            })
            .collect();
        assert_eq!(seen, expected, "{creates:?}: {:?}", texts(&verdicts));
    }
}

/// A service that echoes no marks: as many ended tasks as creates are all that there will be.
#[test]
fn a_set_is_complete_when_its_tasks_ended_without_a_mark() {
    let ended = json!({"status": "succeeded", "execution_expires_after": null});
    let running = json!({"status": "running", "execution_expires_after": null});
    let marked = json!({"status": "succeeded", "execution_expires_after": 172_800});
    for (name, echoes, complete) in [
        ("both ended", [&ended, &ended], true),
        ("one may still echo its mark", [&ended, &running], false),
        ("one echoes the default", [&ended, &marked], false),
    ] {
        let mut pairs: Vec<_> = (0..2)
            .map(|n| unanswered(json!({}), &CorrelationOptions::new(), n, &format!("cgt-{n}")))
            .collect();
        for ((_, task), echo) in pairs.iter_mut().zip(echoes) {
            task.as_object_mut().unwrap().extend(echo.as_object().unwrap().clone());
        }
        let (unknowns, tasks): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let mut sweep = Reconciler::new(unknowns, ReconcileOptions::new().searches(0));
        Account::new(tasks).drive(&mut sweep, START, |_, _| {});
        let verdicts = sweep.verdicts();
        let is_complete = |verdict: &Verdict| matches!(verdict, Verdict::Ambiguous { is_complete: true, .. });
        assert_eq!(verdicts.iter().all(is_complete), complete, "{name}: {:?}", texts(&verdicts));
    }
}

/// Where the machine's clock is, what the service's answers said of theirs, and in which unit it
/// writes moments.
#[test]
fn a_marked_task_is_found_whatever_the_clocks_say() {
    const HOUR: i64 = 3600;
    for (ahead, dates, unit) in [
        (0, &[][..], 1),
        (2 * HOUR, &[], 1),
        (-2 * HOUR, &[], 1),
        (2 * HOUR, &[], 1000),
        (26 * HOUR, &[], 1),
        (2 * HOUR, &[-2 * HOUR; 3], 1),
        (-2 * HOUR, &[2 * HOUR; 3], 1000),
        (2 * HOUR, &[-2 * HOUR], 1),
        // One wrong answer: alone, the last one, among others.
        (0, &[2 * HOUR], 1),
        (0, &[-9 * HOUR], 1),
        (0, &[0, 0, 0, 2 * HOUR], 1),
        (2 * HOUR, &[-2 * HOUR, -2 * HOUR, 0, -2 * HOUR, -2 * HOUR], 1),
        (0, &[0, 2 * HOUR], 1_000_000),
    ] {
        for marked in [true, false] {
            let mut offsets = ClockOffsets::default();
            let here = START + ahead * SECOND;
            for date in dates {
                let at = jiff::Timestamp::from_millisecond(here + date * SECOND).unwrap();
                let mut headers = http::HeaderMap::new();
                headers.insert("date", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().parse().unwrap());
                offsets.learn(&headers, here);
            }
            let mut sent = request(json!({}));
            let options = if marked { CorrelationOptions::new() } else { CorrelationOptions::none() };
            let marks = stamp(&mut sent, &options, [3; CORRELATION_RANDOM]);
            let unknown = UnresolvedCreate::of_send(&sent, marks, here, here + SECOND, &offsets);
            let task = json!({"id": "cgt-1", "model": MODEL, "status": "queued", "created_at": START / 1000 * unit,
                "execution_expires_after": sent.execution_expires_after});
            let mut sweep =
                Reconciler::new(vec![unknown], ReconcileOptions::new().exclusive(true).searches(1));
            // The newest of more tasks than are read without need.
            let older = (0..700).map(|n| foreign(&format!("old-{n}"), -200 * HOUR - n));
            let mut account = Account::new(std::iter::once(task).chain(older).collect());
            account.drive(&mut sweep, here + offsets.estimate().unwrap_or(0), |_, _| {});
            let found = matches!(&sweep.verdicts()[0], Verdict::Found { task, .. } if task.id == "cgt-1");
            // Without a mark, only a clock that some response shows correctly helps.
            let right = dates.iter().any(|date| *date == -ahead) || ahead == 0;
            assert_eq!(found, marked || right, "{ahead} {dates:?} {marked}: {:?}", texts(&sweep.verdicts()));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    NewestFirst,
    OldestFirst,
    Mixed,
}

proptest! {
    /// Whatever the order and however pages shift: each created task whose mark is exact is found,
    /// no id is given twice, and no foreign task is taken.
    #[test]
    fn exact_marks_are_found_in_any_list_and_no_task_is_given_twice(
        unknowns in 1_usize..6,
        created in any::<u8>(),
        tagged in any::<u8>(),
        foreigners in prop::collection::vec(-400_i64..400, 0..60),
        order in prop::sample::select(vec![Order::NewestFirst, Order::OldestFirst, Order::Mixed]),
        shuffle in any::<u64>(),
        page_size in 2_u32..40,
        shifts in prop::collection::vec((0_u8..4, any::<u16>()), 0..30),
        settings in prop::collection::vec(any::<bool>(), 6),
        exclusive: bool,
    ) {
        let cases: Vec<_> = (0..unknowns).map(|place| {
            let settings = if settings[place] { json!({"generate_audio": true}) } else { json!({}) };
            unanswered(settings, &CorrelationOptions::new().tag(tagged >> place & 1 == 1), place as u8, &format!("ours-{place}"))
        }).collect();
        let mut tasks: Vec<_> = foreigners.iter().enumerate().map(|(n, at)| foreign(&format!("other-{n}"), *at)).collect();
        tasks.extend(cases.iter().enumerate().filter(|(place, _)| created >> place & 1 == 1).map(|(_, (_, task))| task.clone()));
        let key = |task: &Value| task["id"].as_str().unwrap().bytes().fold(shuffle, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        match order {
            Order::NewestFirst => tasks.sort_by_key(|task| -task["created_at"].as_i64().unwrap()),
            Order::OldestFirst => tasks.sort_by_key(|task| task["created_at"].as_i64().unwrap()),
            Order::Mixed => tasks.sort_by_key(key),
        }
        let mut sweep = Reconciler::new(cases.iter().map(|(unknown, _)| unknown.clone()).collect(), ReconcileOptions::new().page_size(page_size).exclusive(exclusive));
        let mut shifts = shifts.into_iter();
        let mut account = Account::new(tasks);
        account.drive(&mut sweep, START + 120 * SECOND, |account, now| match shifts.next() {
            // A new task on top, or a foreign one deleted: one page later, others are where these
            // were.
            Some((0 | 1, n)) => account.tasks.insert(0, foreign(&format!("late-{n}"), (now - START) / SECOND)),
            Some((2, n)) if !account.tasks.is_empty() => {
                let at = usize::from(n) % account.tasks.len();
                if !account.tasks[at]["id"].as_str().unwrap().starts_with("ours") {
                    account.tasks.remove(at);
                }
            }
            _ => {}
        });
        let verdicts = sweep.verdicts();
        let mut given: BTreeMap<String, usize> = BTreeMap::new();
        for (place, verdict) in verdicts.iter().enumerate() {
            let ours = format!("ours-{place}");
            let was_created = created >> place & 1 == 1;
            match verdict {
                Verdict::Found { task, evidence } => {
                    prop_assert_eq!(given.insert(task.id.clone(), place), None, "given twice");
                    if was_created {
                        prop_assert_eq!(&task.id, &ours);
                    } else {
                        prop_assert!(exclusive && *evidence == Evidence::Echoes, "{:?}", texts(&verdicts));
                    }
                }
                Verdict::Ambiguous { candidates, .. } => {
                    prop_assert!(!was_created, "{:?}", texts(&verdicts));
                    prop_assert!(!exclusive || candidates.len() > 1 || unknowns > 1);
                }
                Verdict::NotFound { .. } => prop_assert!(!was_created, "{:?}", texts(&verdicts)),
            }
        }
    }

    /// Without any mark, a task is taken only from an account of one's own, and only if it is the
    /// only one.
    #[test]
    fn weak_echoes_never_decide_between_two(
        candidates in 0_usize..4,
        others in 0_i64..20,
        exclusive: bool,
    ) {
        let (unknown, task) = unanswered(json!({}), &CorrelationOptions::none(), 0, "cgt");
        let mut tasks: Vec<_> = (0..candidates).map(|n| { let mut task = task.clone(); task["id"] = json!(format!("cgt-{n}")); task }).collect();
        tasks.extend((0..others).map(|n| foreign(&format!("old-{n}"), -600 - n)));
        let mut sweep = Reconciler::new(vec![unknown], ReconcileOptions::new().exclusive(exclusive));
        Account::new(tasks).drive(&mut sweep, START, |_, _| {});
        let verdict = sweep.verdicts().remove(0);
        match candidates {
            0 => prop_assert!(matches!(verdict, Verdict::NotFound { .. }), "{:?}", verdict),
            1 if exclusive => prop_assert!(matches!(verdict, Verdict::Found { .. }), "{:?}", verdict),
            _ => prop_assert!(matches!(verdict, Verdict::Ambiguous { .. }), "{:?}", verdict),
        }
    }
}
