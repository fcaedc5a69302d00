//! Random calls and clock moves against a reference model that knows no events: what a task is
//! follows from when it was made and what was done to it, by arithmetic.

use ark_video_test_support::times;
use proptest::{prelude::*, test_runner::Config};

use super::*;

/// One step.
#[derive(Debug, Clone)]
enum Step {
    Create { fails: bool, slow: i64, expires_after: i64 },
    Get(usize),
    Delete(usize),
    List(Option<&'static str>),
    Wait(i64),
}

const STATES: [&str; 6] = ["queued", "running", "succeeded", "failed", "cancelled", "expired"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let create = (
        prop::bool::weighted(0.2),
        prop::sample::select(vec![1, 1, 1, 500, 2000, 100_000]),
        prop::sample::select(vec![3600, 3600, 172_800]),
    )
        .prop_map(|(fails, slow, expires_after)| Step::Create { fails, slow, expires_after });
    let wait = prop::sample::select(vec![
        0,
        1,
        499,
        500,
        999,
        1000,
        2999,
        3000,
        60_000,
        3_596_000,
        3_599_999,
        3_600_000,
        6_000_000,
        DAY - 1,
        DAY,
        7 * DAY,
    ]);
    let step = prop_oneof![
        3 => create,
        3 => (0_usize..8).prop_map(Step::Get),
        2 => (0_usize..8).prop_map(Step::Delete),
        2 => prop::option::of(prop::sample::select(STATES.to_vec())).prop_map(Step::List),
        4 => wait.prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..20)
}

/// A task as far as the reference knows it; moments in milliseconds since the start.
#[derive(Debug)]
struct Known {
    id: String,
    made: i64,
    fails: bool,
    slow: i64,
    expires_after: i64,
    cancelled: Option<i64>,
    deleted: bool,
}

impl Known {
    /// When it ends by itself, and how.
    fn end(&self) -> (i64, &'static str) {
        let (done, expired) = (self.made + 1000 + 3000 * self.slow, self.made + 1000 * self.expires_after);
        match (done < expired, self.fails) {
            (false, _) => (expired, "expired"),
            (true, true) => (done, "failed"),
            (true, false) => (done, "succeeded"),
        }
    }

    /// Its state and since when; `None` when it is gone.
    fn state(&self, now: i64) -> Option<(&'static str, i64)> {
        let forgotten =
            self.cancelled.map_or(self.made + 7 * DAY + 1, |at| (at + DAY).min(self.made + 7 * DAY + 1));
        if self.deleted || now >= forgotten {
            return None;
        }
        if let Some(at) = self.cancelled {
            return Some(("cancelled", at));
        }
        let (end, how) = self.end();
        Some(match now - self.made {
            _ if now >= end => (how, end),
            0..1000 => ("queued", self.made),
            _ => ("running", self.made + 1000),
        })
    }

    fn is_paid(&self, now: i64) -> bool {
        let (end, how) = self.end();
        self.cancelled.is_none() && how == "succeeded" && end <= now
    }
}

/// Does every step to both, and compares what can be seen.
fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut env = TestEnv::new();
    let mut known: Vec<Known> = Vec::new();
    for step in steps {
        let now = env.now;
        match *step {
            Step::Wait(time) => env.now += time,
            Step::Create { fails, slow, expires_after } => {
                let directive = if fails { "[[fail:InternalServiceError]]" } else { "" };
                let text = json!({ "type": "text", "text": format!("A boat. {directive} [[fault:slow times={slow}]]") });
                let body =
                    with(content(M20, vec![text]), json!({ "execution_expires_after": expires_after }));
                let id = env.create(&body);
                known.push(Known {
                    id,
                    made: now,
                    fails,
                    slow,
                    expires_after,
                    cancelled: None,
                    deleted: false,
                });
            }
            Step::Get(number) => {
                let Some(task) = known.get(number) else { continue };
                let (status, got) = env.get(&task.id);
                match task.state(now) {
                    None => {
                        prop_assert_eq!((status, &got["error"]["code"]), (404, &json!("ResourceNotFound")))
                    }
                    Some((state, since)) => {
                        prop_assert_eq!((status, &got["status"]), (200, &json!(state)));
                        prop_assert_eq!(&got["updated_at"], &json!((BEGIN + since) / 1000));
                        prop_assert_eq!(got["usage"].is_object(), state == "succeeded");
                    }
                }
            }
            Step::Delete(number) => {
                let Some(task) = known.get_mut(number) else { continue };
                let (status, _) = env.delete(&task.id);
                let state = task.state(now).map(|(state, _)| state);
                let expected = match state {
                    None => 404,
                    Some("running" | "cancelled") => 409,
                    Some(_) => 200,
                };
                prop_assert_eq!(status, expected, "{:?}", state);
                match state {
                    Some("queued") => task.cancelled = Some(now),
                    Some("succeeded" | "failed" | "expired") => task.deleted = true,
                    _ => {}
                }
            }
            Step::List(filter) => {
                let query = filter.map_or_else(
                    || "page_size=500".to_owned(),
                    |state| format!("page_size=500&filter.status={state}"),
                );
                let expected: Vec<&str> = known
                    .iter()
                    .rev()
                    .filter(|task| {
                        task.state(now).is_some_and(|(state, _)| filter.is_none_or(|wanted| wanted == state))
                    })
                    .map(|task| task.id.as_str())
                    .collect();
                prop_assert_eq!(env.ids(&query), expected);
            }
        }
        let now = env.now;
        let ledger = env.tick().ledger();
        let paid = known.iter().filter(|task| task.is_paid(now)).count();
        prop_assert_eq!((ledger.accepted, ledger.billed), (known.len(), paid));
        prop_assert_eq!(ledger.tokens, i64::try_from(paid).unwrap() * 108_900);
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: times(2_500, 10_000) as u32, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_service_agrees_with_the_reference_in_random_runs(steps in steps()) {
        run(&steps)?;
    }
}
