//! Which rule matches which call: counts, probabilities, and the plan's own random sequence. Pure;
//! the service calls it for every request.

use std::collections::BTreeMap;

use super::{Effect, FaultCount, FaultPlan, FaultPlanError, FaultPoint, FaultRule};
use crate::service::random::Random;

/// A call as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) place: FaultPoint,
    /// The model as asked for, where one is known.
    pub(crate) model: Option<&'a str>,
    /// The prompt, of a create.
    pub(crate) prompt: Option<&'a str>,
    /// What is kept of a task's prompt: see [`PromptFaults`].
    pub(crate) prompt_faults: Option<&'a PromptFaults>,
    /// The state of the task that is asked for.
    pub(crate) state: Option<&'static str>,
    /// Whether the call is about one task of a list rather than the whole list: rules with a task
    /// condition match those.
    pub(crate) item: bool,
}

impl Call<'_> {
    /// A call that is about no task.
    pub(crate) fn of(place: FaultPoint) -> Self {
        Self { place, model: None, prompt: None, prompt_faults: None, state: None, item: false }
    }
}

/// What is kept of a task's prompt: the rules whose `tag` it contains, and the faults that it asks
/// for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PromptFaults {
    tagged: Vec<u64>,
    directives: Vec<(FaultRule, u64)>,
}

impl PromptFaults {
    fn is_empty(&self) -> bool {
        self.tagged.is_empty() && self.directives.is_empty()
    }
}

/// A rule and how often it has been asked.
#[derive(Debug, Clone)]
struct Running {
    /// Never given twice, so that a task's marks cannot mean another rule later.
    number: u64,
    rule: FaultRule,
    matched: u64,
    fired: u64,
}

/// A plan at work.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    rules: Vec<Running>,
    made: u64,
    random: Random,
    /// How often a fault in a prompt has fired: by the hash of the request and its position in the
    /// prompt.
    directives: BTreeMap<(u64, usize), u64>,
}

impl Default for Engine {
    fn default() -> Self {
        Self { rules: Vec::new(), made: 0, random: Random::new(0), directives: BTreeMap::new() }
    }
}

impl Engine {
    /// Follows another plan from now on.
    pub(crate) fn follow(&mut self, plan: FaultPlan) -> Result<(), FaultPlanError> {
        plan.check()?;
        self.random = Random::new(plan.seed);
        self.rules.clear();
        plan.rules.into_iter().for_each(|rule| self.push(rule, false));
        Ok(())
    }

    /// Adds a rule before all others.
    pub(crate) fn add_first(&mut self, rule: FaultRule) -> Result<(), FaultPlanError> {
        rule.check().map_err(FaultPlanError::new)?;
        self.push(rule, true);
        Ok(())
    }

    fn push(&mut self, rule: FaultRule, first: bool) {
        let running = Running { number: self.made, rule, matched: 0, fired: 0 };
        self.made += 1;
        let at = if first { 0 } else { self.rules.len() };
        self.rules.insert(at, running);
    }

    /// Whether nothing can go wrong, so that nobody needs to ask.
    pub(crate) fn is_idle(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn counts(&self) -> Vec<FaultCount> {
        let count = |running: &Running| FaultCount {
            name: if running.rule.name.is_empty() {
                running.rule.effect.name()
            } else {
                running.rule.name.clone()
            },
            matched: running.matched,
            fired: running.fired,
        };
        self.rules.iter().map(count).collect()
    }

    /// What is to be kept of a prompt. `directives` are the faults that it asks for.
    pub(crate) fn prompt_faults(
        &self,
        prompt: &str,
        directives: Vec<FaultRule>,
    ) -> Option<Box<PromptFaults>> {
        let holds =
            |running: &&Running| running.rule.when.tag.as_deref().is_some_and(|tag| prompt.contains(tag));
        let prompt_faults = PromptFaults {
            tagged: self.rules.iter().filter(holds).map(|running| running.number).collect(),
            directives: directives.into_iter().map(|rule| (rule, 0)).collect(),
        };
        (!prompt_faults.is_empty()).then(|| Box::new(prompt_faults))
    }

    /// Asks every rule about a call; the first that fits decides.
    pub(crate) fn decide(&mut self, call: Call<'_>) -> Option<Effect> {
        let mut decided = None;
        for running in &mut self.rules {
            if !running.fits(&call) {
                continue;
            }
            running.matched += 1;
            let when = &running.rule.when;
            let due = when.nth.is_none_or(|nth| running.matched == nth)
                && when.every.is_none_or(|every| running.matched % every == 0)
                && running.rule.hits.is_none_or(|most| running.fired < most);
            if !due || decided.is_some() {
                continue;
            }
            // The sequence moves only where a share is asked for, so that other rules do not shift
            // it.
            if running.rule.probability.is_some_and(|share| !self.random.chance(share)) {
                continue;
            }
            running.fired += 1;
            decided = Some(running.rule.effect.clone());
        }
        decided
    }

    /// The fault that the prompt of a create asks for. `hash` is that of the request: `hits` counts
    /// equal requests together.
    pub(crate) fn directives(&mut self, rules: &[FaultRule], hash: u64) -> Option<Effect> {
        // How a task ends is not about the call, and does not stand in the way of what is.
        let of_call = |rule: &FaultRule| !matches!(rule.effect, Effect::Fail { .. } | Effect::Slow { .. });
        let ours =
            rules.iter().enumerate().filter(|(_, rule)| of_call(rule) && fires_at(rule, FaultPoint::Create));
        for (at, rule) in ours {
            let Some(most) = rule.hits else { return Some(rule.effect.clone()) };
            let fired = self.directives.entry((hash, at)).or_default();
            if *fired < most {
                *fired += 1;
                return Some(rule.effect.clone());
            }
        }
        None
    }
}

/// The fault that the directives in a task's prompt ask for at a later call.
pub(crate) fn directives_later(
    prompt_faults: Option<&mut Box<PromptFaults>>,
    place: FaultPoint,
    state: &str,
) -> Option<Effect> {
    for (rule, fired) in &mut prompt_faults?.directives {
        let due = fires_at(rule, place)
            && rule.when.state.as_deref().is_none_or(|wanted| wanted == state)
            && rule.hits.is_none_or(|most| *fired < most);
        if due {
            *fired += 1;
            return Some(rule.effect.clone());
        }
    }
    None
}

fn fires_at(rule: &FaultRule, place: FaultPoint) -> bool {
    match rule.when.endpoint {
        Some(wanted) => wanted == place && rule.effect.applies_to(place),
        None => rule.effect.fires_at(place),
    }
}

impl Running {
    fn fits(&self, call: &Call<'_>) -> bool {
        let when = &self.rule.when;
        let tagged = |tag: &str| match (call.prompt, call.prompt_faults) {
            (Some(prompt), _) => prompt.contains(tag),
            (None, Some(prompt_faults)) => prompt_faults.tagged.contains(&self.number),
            (None, None) => false,
        };
        let of_task = when.model.is_some() || when.tag.is_some() || when.state.is_some();
        fires_at(&self.rule, call.place)
            && (call.place != FaultPoint::List || call.item == of_task)
            && when.model.as_deref().is_none_or(|model| call.model == Some(model))
            && when.tag.as_deref().is_none_or(tagged)
            && when.state.as_deref().is_none_or(|state| call.state == Some(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(plan: FaultPlan) -> Engine {
        let mut engine = Engine::default();
        engine.follow(plan).unwrap();
        engine
    }

    fn fired_in(engine: &mut Engine, place: FaultPoint, calls: usize) -> String {
        (0..calls).map(|_| if engine.decide(Call::of(place)).is_some() { 'x' } else { '.' }).collect()
    }

    #[test]
    fn a_rule_fires_by_number_share_and_count() {
        let rule = || FaultRule::new(Effect::Garbage);
        let fired_by = |rule| fired_in(&mut engine(FaultPlan::new().rule(rule)), FaultPoint::Create, 8);
        assert_eq!(fired_by(rule()), "xxxxxxxx");
        assert_eq!(fired_by(rule().nth(3)), "..x.....");
        assert_eq!(fired_by(rule().every(3)), "..x..x..");
        assert_eq!(fired_by(rule().every(2).hits(2)), ".x.x....");
        assert_eq!(fired_by(rule().probability(0.0)), "........");
        assert_eq!(fired_by(rule().at(FaultPoint::Get)), "........");
    }

    #[test]
    fn one_seed_is_one_run() {
        let run = |seed| {
            let mut plan = FaultPlan::new().rule(FaultRule::new(Effect::Garbage).probability(0.5));
            plan.seed = seed;
            fired_in(&mut engine(plan), FaultPoint::Create, 64)
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let share = run(3).matches('x').count();
        assert!((16..48).contains(&share), "{share}");
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_the_others_still_count() {
        let plan = FaultPlan::new()
            .rule(FaultRule::new(Effect::Garbage).nth(1))
            .rule(FaultRule::new(Effect::HalfHead).nth(2));
        let mut engine = engine(plan);
        let effects = [0; 3].map(|_| engine.decide(Call::of(FaultPoint::Create)));
        assert_eq!(effects, [Some(Effect::Garbage), Some(Effect::HalfHead), None]);
        engine.add_first(FaultRule::new(Effect::EmptyAnswer).hits(1)).unwrap();
        assert_eq!(engine.decide(Call::of(FaultPoint::Create)), Some(Effect::EmptyAnswer));
        let counts: Vec<_> = engine.counts().iter().map(|count| (count.matched, count.fired)).collect();
        assert_eq!(counts, [(1, 1), (4, 1), (4, 1)]);
    }

    #[test]
    fn a_tag_is_remembered_without_the_prompt() {
        let mut engine = engine(
            FaultPlan::new().rule(FaultRule::new(Effect::UnknownStatus { status: "x".into() }).tag("boat")),
        );
        let prompt_faults = engine.prompt_faults("a paper boat", Vec::new()).unwrap();
        assert!(engine.prompt_faults("a train", Vec::new()).is_none());
        assert!(
            engine
                .decide(Call { prompt_faults: Some(&prompt_faults), ..Call::of(FaultPoint::Get) })
                .is_some()
        );
        assert!(engine.decide(Call::of(FaultPoint::Get)).is_none());
    }

    #[test]
    fn a_prompts_fault_counts_equal_requests_together() {
        let mut engine = Engine::default();
        let rules = super::super::directives::read("[[fault:accept_then_drop hits=2]]").unwrap();
        assert_eq!(
            [1, 1, 1, 2].map(|hash| engine.directives(&rules, hash).is_some()),
            [true, true, false, true]
        );
    }
}
