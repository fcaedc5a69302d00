//! The faults, one row each, from `tests/faults.json`; the Python run reads the same file. Says
//! which there are, not what they come to.

use std::time::Duration;

use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule};
use serde::Deserialize;
use serde_json::{Value, json};

/// One fault.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) effect: Effect,
    /// What has to be asked for the fault to show.
    #[serde(default)]
    pub(super) asks: Asks,
}

/// What is asked of the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Asks {
    /// What it answers.
    #[default]
    #[serde(rename = "what is well")]
    Well,
    /// What it must refuse.
    #[serde(rename = "what is refused")]
    Refused,
    /// Something about a task that has failed.
    #[serde(rename = "what failed")]
    Failed,
    /// A task whose last frame is there too.
    #[serde(rename = "for a last frame too")]
    LastFrame,
}

/// How often a fault is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Often {
    Once,
    Always,
}

impl Often {
    pub(super) const BOTH: [Self; 2] = [Self::Once, Self::Always];
}

/// Silence that is longer than this is longer than a client with short timeouts waits.
const NOTICED: Duration = Duration::from_millis(500);

impl Row {
    /// As one writes it into a prompt: `accept_then_drop reset=true`.
    pub(super) fn directive(&self) -> String {
        let Value::Object(effect) = serde_json::to_value(&self.effect).unwrap() else { return String::new() };
        let mut text = vec![self.effect.name()];
        // What says nothing is left out.
        let plain = |name: &str, value: &Value| {
            ["fault", "to"].contains(&name) || [json!(false), json!("nested")].contains(value)
        };
        let mut details: Vec<_> = effect.iter().filter(|(name, value)| !plain(name, value)).collect();
        let rank = |name: &str| ["status", "code"].iter().position(|first| *first == name).unwrap_or(2);
        details.sort_by_key(|(name, _)| (rank(name), name.as_str()));
        for (name, value) in details {
            let value = value.as_str().map_or_else(|| value.to_string(), |text| text.replace(' ', "_"));
            text.push(format!("{name}={value}"));
        }
        if self.asks == Asks::LastFrame {
            text.push("return_last_frame".to_owned());
        }
        text.join(" ")
    }

    /// Whether a client notices it only by a timeout.
    pub(super) fn keeps_us_waiting(&self) -> bool {
        match self.effect {
            Effect::HangBeforeAccept { seconds } | Effect::HangAfterAccept { seconds } => seconds > 0,
            Effect::Delay { millis } | Effect::SlowDrip { millis, .. } => {
                Duration::from_millis(millis) > NOTICED
            }
            _ => false,
        }
    }

    /// The fault at a place. Pages shift between the first and the second.
    pub(super) fn rule(&self, place: FaultPoint, often: Often) -> FaultRule {
        let rule = FaultRule::new(self.effect.clone()).at(place);
        match (often, &self.effect) {
            // The video is given up; its last frame can still be had.
            (Often::Always, Effect::DeadLink) if self.asks == Asks::LastFrame => rule.hits(3),
            (Often::Always, _) => rule,
            (Often::Once, Effect::ShiftingPages { .. }) => rule.nth(2),
            (Often::Once, _) => rule.hits(1),
        }
    }
}

/// Every row.
pub(super) fn all() -> Vec<Row> {
    serde_json::from_str(include_str!("../../faults.json")).unwrap()
}

#[test]
fn every_fault_of_the_simulator_has_a_row() {
    // The error of an unknown fault lists all names.
    let error = FaultPlan::from_json(r#"{"rules":[{"effect":{"fault":"?"}}]}"#).unwrap_err().to_string();
    let names: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
    assert!(names.len() > 35, "{error}");
    let rows = all();
    for name in names {
        assert!(
            rows.iter().any(|row| row.effect.name() == name),
            "tests/faults.json has no row for `{name}`"
        );
    }
    let mut text: Vec<String> = rows.iter().map(Row::directive).collect();
    text.sort_unstable();
    text.dedup();
    assert_eq!(text.len(), rows.len(), "two rows are the same fault");
}
