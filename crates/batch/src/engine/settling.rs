//! What a job cost: tokens from the service's own usage, money by the catalog's price list. Pure.

use ark_video::model::{Catalog, CreateTaskRequest, Facts, Task, estimate};
use serde_json::Value;

use crate::{Cost, Planned};

/// What a task that succeeded cost.
pub(crate) fn cost(planned: &Planned, task: &Value, catalog: &Catalog) -> Cost {
    let Ok(task) = serde_json::from_value::<Task>(task.clone()) else { return Cost::default() };
    let usage = task.usage.as_ref().and_then(|usage| usage.completion_tokens.or(usage.total_tokens));
    let tokens = usage.and_then(|tokens| u64::try_from(tokens).ok()).unwrap_or_default();
    let (micros, currency) = priced(planned, &task, tokens, catalog)
        .or_else(|| in_proportion(planned, tokens))
        .unwrap_or_default();
    Cost { tokens, micros, currency }
}

/// By the price of what came out, as far as the task tells.
fn priced(planned: &Planned, task: &Task, tokens: u64, catalog: &Catalog) -> Option<(u64, String)> {
    let mut request: CreateTaskRequest = serde_json::from_value(planned.request.clone()).ok()?;
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
        assert_eq!(cost, Cost { tokens: 108_900, micros: 5_009_400, currency: "CNY".to_owned() });
    }

    #[test]
    fn without_the_request_the_estimate_tells_the_price() {
        let estimate = Cost { tokens: 1000, micros: 50, currency: "CNY".to_owned() };
        let planned = planned(json!({"forgotten": "sha256"}), Some(estimate));
        let task = json!({"id": "cgt-1", "status": "succeeded", "usage": {"total_tokens": 501}});
        let cost = cost(&planned, &task, Catalog::builtin());
        assert_eq!((cost.tokens, cost.micros, &*cost.currency), (501, 26, "CNY"));
    }
}
