//! The end of a job: its cost takes the place of what was reserved, and the jobs that follow it may
//! go.
//!
//! Tokens are those of the service's own usage, money follows from the catalog's price list. A
//! usage that is missing, zero, unreadable or absurd is not a cost of zero: the reservation stays
//! counted.

use ark_video::model::{CreateTaskRequest, Task, catalog::Catalog, check::Facts, estimate::estimate};
use serde_json::Value;

use super::crash::CrashPoint;
use super::events::EventKind;
use super::next_action::StepOutcome;
use super::shared::Shared;
use crate::{Cost, FileAt, Job, JournalError, Planned};

/// A usage of more than so many times the estimate's upper end is taken for unreadable.
const ABSURD_TIMES: u64 = 20;
/// The same where there is no estimate: about two hundred times the largest video that any model
/// makes.
const ABSURD_TOKENS: u64 = 1_000_000_000;

/// Accounts for a job whose video is there. `files`: they are new, and written down with its cost;
/// else they are known.
pub(crate) async fn settle(
    shared: &Shared,
    job: &Job,
    files: Option<Vec<FileAt>>,
) -> Result<StepOutcome, JournalError> {
    let task = job.task.clone().unwrap_or_default();
    let cost = cost(&job.planned, &task, shared.client.catalog());
    let written = match files {
        Some(files) => shared.journal.completed(job, files, cost.clone()).await?,
        None => shared.journal.settled(job, cost.clone()).await?,
    };
    let outcome: StepOutcome = written.into();
    let settled = outcome.row().and_then(|job| job.settled.clone());
    shared.emit(
        Some(&job.key),
        EventKind::Settled { unmetered: cost.is_none(), cost: cost.or(settled).unwrap_or_default() },
    );
    shared.options.crash.reached(CrashPoint::AfterSettled);
    if let (true, Some(job)) = (shared.options.forget_prompts, outcome.row()) {
        // An error here is no reason to stop: the video is there and accounted for.
        let _ = shared.journal.forget_request(job).await;
    }
    Ok(outcome)
}

/// What a task of a journal cost; `None` where its usage does not say.
pub(crate) fn cost(planned: &Planned, task: &Value, catalog: &Catalog) -> Option<Cost> {
    let task = serde_json::from_value::<Task>(task.clone()).ok()?;
    let request = serde_json::from_value(planned.request.clone()).ok();
    let tokens = tokens_of(&task, planned.estimate.as_ref().map(|estimate| estimate.tokens))?;
    let (micros, currency) = request
        .and_then(|request| priced(request, &task, tokens, catalog))
        .or_else(|| in_proportion(planned, tokens))
        .unwrap_or_default();
    Some(Cost { tokens, micros, currency })
}

/// What a task that succeeded cost: its own usage at the catalog's price of what came out. `None`
/// where the usage is missing, zero or absurd; no currency where the price is unknown.
#[must_use]
pub fn cost_of(
    request: &CreateTaskRequest,
    task: &Task,
    estimated_tokens: Option<u64>,
    catalog: &Catalog,
) -> Option<Cost> {
    let tokens = tokens_of(task, estimated_tokens)?;
    let (micros, currency) = priced(request.clone(), task, tokens, catalog).unwrap_or_default();
    Some(Cost { tokens, micros, currency })
}

/// The billed tokens, if the usage can be true.
fn tokens_of(task: &Task, estimated: Option<u64>) -> Option<u64> {
    let usage = task.usage.as_ref()?;
    let most = estimated.map(|tokens| tokens.saturating_mul(ABSURD_TIMES));
    let most = most.filter(|most| *most > 0).unwrap_or(ABSURD_TOKENS);
    let readable =
        |tokens: Option<i64>| u64::try_from(tokens?).ok().filter(|tokens| (1..=most).contains(tokens));
    readable(usage.completion_tokens).or_else(|| readable(usage.total_tokens))
}

/// By the price of what came out, as far as the task says.
fn priced(
    mut request: CreateTaskRequest,
    task: &Task,
    tokens: u64,
    catalog: &Catalog,
) -> Option<(u64, String)> {
    request.resolution = task.resolution.clone().or(request.resolution);
    request.ratio = task.ratio.clone().or(request.ratio);
    request.generate_audio = task.generate_audio.or(request.generate_audio);
    let price = estimate(&request, catalog, &Facts::new(), None).price?;
    Some((money(tokens, price.per_million_tokens.max.millionths(), 1_000_000)?, price.currency.to_string()))
}

/// By what was estimated, where the request is no longer known.
fn in_proportion(planned: &Planned, tokens: u64) -> Option<(u64, String)> {
    let estimated = planned.estimate.as_ref().filter(|cost| cost.tokens > 0 && !cost.currency.is_empty())?;
    Some((money(tokens, estimated.micros, estimated.tokens)?, estimated.currency.clone()))
}

fn money(tokens: u64, micros: u64, per: u64) -> Option<u64> {
    u64::try_from((u128::from(tokens) * u128::from(micros)).div_ceil(u128::from(per))).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn planned(request: Value, estimate: Option<Cost>) -> Planned {
        let planned = json!({"name": "a", "place": 0, "request": request, "request_hash": "", "output": "a.mp4", "estimate": estimate});
        serde_json::from_value(planned).unwrap()
    }

    #[test]
    fn tokens_are_the_services_and_money_is_the_price_lists() {
        let planned = planned(
            json!({"model": "doubao-seedance-2-0-260128", "content": [{"type": "text", "text": "x"}], "resolution": "720p"}),
            None,
        );
        let task = json!({"id": "cgt-1", "status": "succeeded", "resolution": "720p", "ratio": "16:9", "usage": {"completion_tokens": 108_900}});
        let cost = cost(&planned, &task, Catalog::builtin());
        assert_eq!(cost, Some(Cost { tokens: 108_900, micros: 5_009_400, currency: "CNY".to_owned() }));
    }

    #[test]
    fn a_usage_that_says_nothing_is_no_cost_of_zero() {
        let estimate = Cost { tokens: 1000, micros: 50, currency: "CNY".to_owned() };
        let shot = planned(json!({"model": "m"}), Some(estimate));
        let unpriced = planned(json!({"model": "m"}), None);
        let tokens = |planned: &Planned, usage: Value| {
            let task = json!({"id": "cgt-1", "status": "succeeded", "usage": usage});
            cost(planned, &task, Catalog::builtin()).map(|cost| cost.tokens)
        };
        for (usage, expected) in [
            (json!({"completion_tokens": 900, "total_tokens": 950}), Some(900)),
            (json!({"completion_tokens": 20_000}), Some(20_000)),
            (json!({"completion_tokens": "900", "total_tokens": "950"}), Some(900)),
            // The second count stands in for a first one that says nothing.
            (json!({"total_tokens": 950}), Some(950)),
            (json!({"completion_tokens": 0, "total_tokens": 950}), Some(950)),
            (json!({"completion_tokens": null, "total_tokens": 950}), Some(950)),
            (json!({"completion_tokens": -1, "total_tokens": 950}), Some(950)),
            // Missing.
            (Value::Null, None),
            (json!({}), None),
            (json!({"prompt_tokens": 900}), None),
            // Zero.
            (json!({"completion_tokens": 0, "total_tokens": 0}), None),
            (json!({"completion_tokens": 0}), None),
            // Unreadable.
            (json!("900"), None),
            (json!([900]), None),
            (json!({"completion_tokens": null, "total_tokens": null}), None),
            (json!({"completion_tokens": "many", "total_tokens": "9 hundred"}), None),
            (json!({"completion_tokens": true, "total_tokens": [900]}), None),
            (json!({"completion_tokens": {"count": 900}}), None),
            // Negative, fractional, absurd.
            (json!({"completion_tokens": -900, "total_tokens": -900}), None),
            (json!({"completion_tokens": 0.5, "total_tokens": 900.5}), None),
            (json!({"completion_tokens": 20_001}), None),
            (json!({"completion_tokens": i64::MAX}), None),
            (json!({"completion_tokens": 1e300, "total_tokens": u64::MAX}), None),
        ] {
            assert_eq!(tokens(&shot, usage.clone()), expected, "{usage}");
        }
        assert_eq!(tokens(&unpriced, json!({"completion_tokens": 1_000_000_000})), Some(1_000_000_000));
        assert_eq!(tokens(&unpriced, json!({"completion_tokens": 1_000_000_001})), None);
        assert_eq!(cost(&shot, &Value::Null, Catalog::builtin()), None);
        assert_eq!(cost(&shot, &json!({"status": "succeeded"}), Catalog::builtin()), None);
    }

    #[test]
    fn without_the_request_the_estimate_tells_the_price() {
        let estimate = Cost { tokens: 1000, micros: 50, currency: "CNY".to_owned() };
        let planned = planned(json!({"forgotten": "sha256"}), Some(estimate));
        let task = json!({"id": "cgt-1", "status": "succeeded", "usage": {"total_tokens": 501}});
        let cost = cost(&planned, &task, Catalog::builtin()).unwrap();
        assert_eq!((cost.tokens, cost.micros, &*cost.currency), (501, 26, "CNY"));
    }
}
