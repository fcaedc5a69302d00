//! Fault injection as data: fault plans and rules, read from TOML or JSON, or built in Rust.
//!
//! Data only. `engine` selects the rule for a call, `effects` applies a fault to a response, and
//! `directives` parses the faults in a prompt. The service combines them; the host plays faults of
//! the connection.

pub(crate) mod directives;
mod effect;
pub(crate) mod effects;
pub(crate) mod engine;

use serde::{Deserialize, Serialize};

pub use effect::{Effect, Envelope, LinkForm};

/// An endpoint at which a fault is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultPoint {
    /// `POST /contents/generations/tasks`.
    Create,
    /// `GET /contents/generations/tasks/{id}`.
    Get,
    /// `GET /contents/generations/tasks`.
    List,
    /// `DELETE /contents/generations/tasks/{id}`.
    Delete,
    /// `GET /models`.
    Models,
    /// A video file or its last frame.
    File,
    /// A callback that the service sends.
    Callback,
}

impl FaultPoint {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Models => "models",
            Self::File => "file",
            Self::Callback => "callback",
        }
    }
}

/// What must hold for a rule to count a call. What is left out always holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Condition {
    /// The endpoint. Left out: the places where the effect has a meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<FaultPoint>,
    /// Only this one of the calls that fit otherwise, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Only every so-manyeth of the calls that fit otherwise: 3 is the third, the sixth, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The model, as the request or the task names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A text that the prompt holds; for other calls than a create, the prompt of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The state of the task that is asked for: `queued`, `running`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FaultRule {
    /// For the log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When.
    #[serde(default)]
    pub when: Condition,
    /// What.
    pub effect: Effect,
    /// How often at most. Left out: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
    /// The probability that a matching call gets the fault, 0 to 1, by the plan's own random
    /// sequence. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl FaultRule {
    /// An effect at every endpoint that it applies to, always.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self { name: String::new(), when: Condition::default(), effect, hits: None, probability: None }
    }

    /// Sets the endpoint.
    #[must_use]
    pub fn at(mut self, place: FaultPoint) -> Self {
        self.when.endpoint = Some(place);
        self
    }

    /// Only this one of the calls that fit otherwise, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.when.nth = Some(nth);
        self
    }

    /// Only every so-manyeth of the calls that fit otherwise.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.when.every = Some(every);
        self
    }

    /// Only where the prompt holds this text.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.when.tag = Some(tag.into());
        self
    }

    /// Only for this model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.when.model = Some(model.into());
        self
    }

    /// Only while the task is in this state.
    #[must_use]
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.when.state = Some(state.into());
        self
    }

    /// Strikes so often at most.
    #[must_use]
    pub fn hits(mut self, hits: u64) -> Self {
        self.hits = Some(hits);
        self
    }

    /// Strikes a share of the calls, from 0 to 1.
    #[must_use]
    pub fn probability(mut self, share: f64) -> Self {
        self.probability = Some(share);
        self
    }

    fn check(&self) -> Result<(), String> {
        let Condition { endpoint, nth, every, state, .. } = &self.when;
        if *nth == Some(0) || *every == Some(0) {
            return Err("`nth` and `every` count from 1".to_owned());
        }
        if self.probability.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("`probability` is from 0 to 1".to_owned());
        }
        if let Some(place) = endpoint
            && !self.effect.applies_to(*place)
        {
            return Err(format!("`{}` has no meaning at the endpoint {}", self.effect.name(), place.name()));
        }
        let states = ["queued", "running", "succeeded", "failed", "cancelled", "expired"];
        if let Some(state) = state.as_deref().filter(|state| !states.contains(state)) {
            return Err(format!("there is no state `{state}`; it is one of {}", states.join(", ")));
        }
        self.effect.check()
    }
}

/// The faults of a run. The first rule that matches a call decides; equal plans and calls give
/// equal runs.
///
/// ```
/// use ark_video_simulator::FaultPlan;
/// let plan = FaultPlan::from_json(r#"{
///     "seed": 7,
///     "rules": [
///         {
///             "when": { "endpoint": "create", "every": 3 },
///             "effect": { "fault": "accept_then_drop" }
///         },
///         {
///             "when": { "endpoint": "list" },
///             "effect": { "fault": "null_items" },
///             "probability": 0.1
///         }
///     ]
/// }"#)?;
/// assert_eq!(plan.rules.len(), 2);
/// # Ok::<(), ark_video_simulator::FaultPlanError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FaultPlan {
    /// Start of the random sequence behind `probability`.
    pub seed: u64,
    /// The rules, in the order in which they are asked.
    pub rules: Vec<FaultRule>,
}

impl FaultPlan {
    /// A plan without rules: nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule behind the others.
    #[must_use]
    pub fn rule(mut self, rule: FaultRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// The text is no plan, or a rule makes no sense; the error says which and why.
    pub fn from_json(text: &str) -> Result<Self, FaultPlanError> {
        let plan: Self = serde_json::from_str(text).map_err(|error| FaultPlanError(error.to_string()))?;
        plan.check().map(|()| plan)
    }

    /// Whether every rule makes sense. [`Service`](crate::Service) asks this of every plan that it
    /// is given.
    ///
    /// # Errors
    /// The first rule that does not, and why.
    pub fn check(&self) -> Result<(), FaultPlanError> {
        for (at, rule) in self.rules.iter().enumerate() {
            rule.check().map_err(|why| FaultPlanError(format!("rule {}: {why}", at + 1)))?;
        }
        Ok(())
    }
}

/// An invalid fault plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid fault plan: {0}")]
pub struct FaultPlanError(String);

impl FaultPlanError {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// How often a rule matched and fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FaultCount {
    /// The rule's name, or that of its effect.
    pub name: String,
    /// Calls that matched its condition, before `nth`, `every`, `hits` and `probability`.
    #[serde(rename = "fitted")]
    pub matched: u64,
    /// Calls in which its fault was injected.
    #[serde(rename = "struck")]
    pub fired: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_makes_no_sense_says_where() {
        for (rules, expected) in [
            (r#"[{"effect":{"fault":"explode"}}]"#, "explode"),
            (
                r#"[{"effect":{"fault":"null_items"},"when":{"endpoint":"create"}}]"#,
                "rule 1: `null_items` has no meaning at the endpoint create",
            ),
            (
                r#"[{"effect":{"fault":"garbage"}},{"effect":{"fault":"garbage"},"when":{"nth":0}}]"#,
                "rule 2: `nth` and `every` count from 1",
            ),
            (r#"[{"effect":{"fault":"garbage"},"probability":1.5}]"#, "`probability` is from 0 to 1"),
            (r#"[{"effect":{"fault":"status","status":99}}]"#, "status"),
            (r#"[{"effect":{"fault":"garbage"},"when":{"state":"done"}}]"#, "no state `done`"),
            (r#"[{"effect":{"fault":"garbage"},"when":{"endpont":"get"}}]"#, "endpont"),
        ] {
            let error = FaultPlan::from_json(&format!(r#"{{"rules":{rules}}}"#)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_plan_survives_being_written() {
        let rule = FaultRule::new(Effect::AcceptThenDrop { reset: true })
            .at(FaultPoint::Create)
            .every(3)
            .hits(2)
            .tag("x");
        let plan = FaultPlan::new().rule(rule.probability(0.5)).rule(FaultRule::new(Effect::NullItems));
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(FaultPlan::from_json(&text).unwrap(), plan);
    }
}
