//! What a sweep can say about each unknown create: found, not found, or a choice for a person.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use ark_video_model::{ErrorCode, Task, TaskStatus};
use serde::Serialize;

use super::Evidence;
use crate::{UnixMillis, unix_millis};

/// The answer to "did it make a task, and which?".
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// This task is the one. No other unknown of the sweep was given it.
    Found {
        /// The task.
        task: Candidate,
        /// What speaks for it.
        evidence: Evidence,
    },
    /// No listed task can be it. Evidence, not proof: sending again can make a second bill.
    NotFound {
        /// Complete searches that started after the window had closed.
        searches: u32,
        /// From the first of them to the last.
        over: Duration,
        /// Tasks of that time and model that are others': tagged, marked or set differently.
        dismissed: u32,
        /// Why even this evidence is weak.
        doubt: Option<Doubt>,
    },
    /// Several may be it, or the only one speaks for itself too weakly. A person has to choose.
    Ambiguous {
        /// All that may be it, by id.
        candidates: Vec<Candidate>,
        /// The creates that these candidates may belong to, by their place in the sweep, this one
        /// included.
        claimants: Vec<usize>,
        /// There are as many candidates as claimants, and their echoed settings are equal: another
        /// search cannot distinguish them.
        is_complete: bool,
        /// Why it may be none of them, although one was made.
        doubt: Option<Doubt>,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { task, evidence } => {
                let why = match evidence {
                    Evidence::Tag => "it carries our tag",
                    Evidence::Marked => "it carries our mark",
                    Evidence::MarkedAtAnotherTime => "it alone carries our mark, though a clock is wrong",
                    Evidence::Echoes => "it is the only one that fits",
                };
                write!(f, "found {} ({}): {why}", task.id, task.status)
            }
            Self::NotFound { searches, over, dismissed, doubt } => {
                let searches =
                    if *searches == 1 { "1 search".to_owned() } else { format!("{searches} searches") };
                write!(f, "not found in {searches} over {} s", over.as_secs())?;
                if *dismissed > 0 {
                    write!(f, " ({dismissed} of that time are others')")?;
                }
                if let Some(doubt) = doubt {
                    write!(f, "; {doubt}")?;
                }
                f.write_str(". That is no proof: sending again can make a second bill")
            }
            Self::Ambiguous { candidates, doubt, .. } => {
                let ids: Vec<_> = candidates.iter().map(|task| task.id.as_str()).collect();
                write!(f, "candidates: {}; choose one of them", ids.join(" or "))?;
                match doubt {
                    Some(doubt) => write!(f, "; it may also be none of them: {doubt}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Why "not found", or "one of these", says less than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The window is older than the 7 days that LIST shows (list page, 2026-10).
    TooOld,
    /// Pages shifted or fell short while they were read.
    Incomplete,
    /// No search has completed since the window closed.
    NoCompletedSearch,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooOld => "the list no longer reaches back that far",
            Self::Incomplete => "the list shifted while it was read",
            Self::NoCompletedSearch => "it may yet appear",
        })
    }
}

/// A task that may be the one that was looked for.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its state when it was listed.
    pub status: TaskStatus,
    /// When it was created; in JSON in Unix seconds, as the service writes it.
    #[serde(default, with = "crate::time::unix_seconds")]
    pub created_at: Option<UnixMillis>,
    /// Why it failed, if it did: such a task is not billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What speaks for it.
    pub evidence: Evidence,
    /// It has ended, and echoes none of the fields that correlation marks are in: it never will.
    #[serde(skip)]
    pub(super) is_unmarked_for_good: bool,
}

impl Candidate {
    pub(super) fn new(task: &Task, evidence: Evidence) -> Self {
        let failure = task.failure().map(|failure| ErrorCode::from(failure.code.as_str()).to_string());
        Self {
            id: task.id.clone(),
            status: task.status.clone(),
            created_at: task.created_at.map(unix_millis),
            failure,
            evidence,
            is_unmarked_for_good: task.status.is_terminal()
                && task.execution_expires_after.is_none()
                && task.seed.is_none()
                && task.safety_identifier.as_deref().unwrap_or_default().is_empty(),
        }
    }
}

/// A task and the unknowns it may belong to.
#[derive(Debug, Clone)]
pub(super) struct Match {
    pub(super) task: Candidate,
    pub(super) claims: Vec<(usize, Evidence)>,
}

/// Gives each task to at most one unknown, the strongest evidence first. `None`: nothing listed can
/// be it.
///
/// `last_word` says whether weak evidence may decide: one echo alone, on an account that nobody
/// else uses, after as many searches as requested. `doubt` is what may have hidden others.
pub(super) fn assign(
    unknowns: usize,
    matches: &BTreeMap<String, Match>,
    owned: &BTreeSet<String>,
    last_word: impl Fn(usize) -> bool,
    doubt: impl Fn(usize) -> Option<Doubt>,
) -> Vec<Option<Verdict>> {
    let mut verdicts: Vec<Option<Verdict>> = vec![None; unknowns];
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for level in [Evidence::Tag, Evidence::Marked, Evidence::MarkedAtAnotherTime, Evidence::Echoes] {
        let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
        let mut choices: Vec<Vec<&Match>> = vec![Vec::new(); unknowns];
        for found in matches.values() {
            let id = found.task.id.as_str();
            if owned.contains(id) || taken.contains(id) {
                continue;
            }
            for (unknown, evidence) in &found.claims {
                let settled = matches!(verdicts[*unknown], Some(Verdict::Found { .. }));
                if !settled && *evidence >= level {
                    *wanted.entry(id).or_default() += 1;
                }
                if verdicts[*unknown].is_none() && *evidence == level {
                    choices[*unknown].push(found);
                }
            }
        }
        let is_settled = |unknown: usize| matches!(verdicts[unknown], Some(Verdict::Found { .. }));
        let open = matches
            .values()
            .filter(|found| !owned.contains(&found.task.id) && !taken.contains(found.task.id.as_str()));
        let sets = Sets::new(unknowns, open, level, is_settled);
        for (unknown, choices) in choices.iter_mut().enumerate() {
            choices.sort_by(|one, other| one.task.id.cmp(&other.task.id));
            let clear = match choices.as_slice() {
                [] => continue,
                [only] if wanted.get(only.task.id.as_str()) == Some(&1) => {
                    (level > Evidence::Echoes || last_word(unknown)).then_some(*only)
                }
                _ => None,
            };
            let with = |found: &Match| Candidate { evidence: level, ..found.task.clone() };
            verdicts[unknown] = Some(match clear {
                Some(only) => Verdict::Found { task: with(only), evidence: level },
                None => Verdict::Ambiguous {
                    candidates: choices.iter().map(|found| with(found)).collect(),
                    claimants: sets.of(unknown),
                    is_complete: sets.is_complete(unknown),
                    // What carries our tag is ours, whatever else there is.
                    doubt: (level < Evidence::Tag).then(|| doubt(unknown)).flatten(),
                },
            });
        }
        for found in matches.values() {
            // A task that was given away, or that carries a tag, is not left for weaker claims.
            let given = verdicts
                .iter()
                .flatten()
                .any(|verdict| matches!(verdict, Verdict::Found { task, .. } if task.id == found.task.id));
            if given
                || (level == Evidence::Tag && found.claims.iter().any(|(_, evidence)| *evidence == level))
            {
                taken.insert(&found.task.id);
            }
        }
    }
    verdicts
}

/// Which unknowns may have which tasks, as far as evidence of a level and above says: everything
/// that hangs together is one set.
struct Sets {
    /// The set of each unknown.
    of: Vec<usize>,
    claims: BTreeMap<usize, Vec<(usize, BTreeSet<Evidence>)>>,
    tasks: BTreeMap<usize, usize>,
}

impl Sets {
    fn new<'m>(
        unknowns: usize,
        open: impl Iterator<Item = &'m Match>,
        level: Evidence,
        is_settled: impl Fn(usize) -> bool,
    ) -> Self {
        let mut of: Vec<usize> = (0..unknowns).collect();
        let mut edges: Vec<Vec<(usize, Evidence)>> = Vec::new();
        for found in open {
            let claims: Vec<_> = found
                .claims
                .iter()
                .filter(|(unknown, evidence)| *evidence >= level && !is_settled(*unknown))
                .copied()
                .collect();
            if let Some((first, _)) = claims.first() {
                let all: BTreeSet<usize> = claims.iter().map(|(unknown, _)| of[*unknown]).collect();
                let root = of[*first];
                of.iter_mut().filter(|set| all.contains(set)).for_each(|set| *set = root);
                edges.push(claims);
            }
        }
        let mut sets = Self { of, claims: BTreeMap::new(), tasks: BTreeMap::new() };
        for claims in edges {
            let Some((first, _)) = claims.first() else { continue };
            *sets.tasks.entry(sets.of[*first]).or_default() += 1;
            let kinds = claims.iter().map(|(_, evidence)| *evidence).collect();
            sets.claims.entry(sets.of[*first]).or_default().push((claims.len(), kinds));
        }
        sets
    }

    fn of(&self, unknown: usize) -> Vec<usize> {
        (0..self.of.len()).filter(|other| self.of[*other] == self.of[unknown]).collect()
    }

    /// Each task may be each unknown's, by evidence of one kind, and there are as many of both.
    fn is_complete(&self, unknown: usize) -> bool {
        let set = self.of[unknown];
        let members = self.of.iter().filter(|other| **other == set).count();
        let Some(claims) = self.claims.get(&set) else { return false };
        let kinds: BTreeSet<_> = claims.iter().flat_map(|(_, kinds)| kinds).collect();
        kinds.len() == 1
            && self.tasks.get(&set) == Some(&members)
            && claims.iter().all(|(claimants, _)| *claimants == members)
    }
}

/// How long and how often it was looked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Searches {
    pub(super) count: u32,
    pub(super) first: UnixMillis,
    pub(super) last: UnixMillis,
    pub(super) dismissed: u32,
    pub(super) incomplete: bool,
}

impl Searches {
    /// Why something may be there that was not seen.
    pub(super) fn doubt(&self, too_old: bool) -> Option<Doubt> {
        match self {
            _ if too_old => Some(Doubt::TooOld),
            Self { count: 0, .. } => Some(Doubt::NoCompletedSearch),
            Self { incomplete: true, .. } => Some(Doubt::Incomplete),
            _ => None,
        }
    }

    pub(super) fn not_found(&self, doubt: Option<Doubt>) -> Verdict {
        let over = u64::try_from(self.last.saturating_sub(self.first)).unwrap_or(0);
        Verdict::NotFound {
            searches: self.count,
            over: Duration::from_millis(over),
            dismissed: self.dismissed,
            doubt,
        }
    }
}
