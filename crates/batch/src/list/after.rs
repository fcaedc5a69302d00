//! Which job follows which: names that exist, no circles, and what the job before has to deliver. Pure.

use std::collections::BTreeMap;

use ark_video::model::CreateTaskRequest;

use super::finding::{Findings, shown};
use super::shape::Shot;
use crate::Link;

/// The jobs' own names, from the shot's.
pub(super) fn job_name(shot: &str, seed: Option<i64>) -> String {
    seed.map_or_else(|| shot.to_owned(), |seed| format!("{shot}#{seed}"))
}

/// The shots of a list by the names of their jobs.
pub(super) struct Jobs<'s> {
    shots: &'s [Shot],
    by_job: BTreeMap<String, usize>,
    by_name: BTreeMap<&'s str, usize>,
}

impl<'s> Jobs<'s> {
    pub(super) fn of(shots: &'s [Shot]) -> Self {
        let jobs = shots.iter().enumerate();
        let by_job = jobs
            .flat_map(|(at, shot)| shot.seeds.iter().map(move |seed| (job_name(&shot.name, *seed), at)))
            .collect();
        let by_name = shots.iter().enumerate().map(|(at, shot)| (shot.name.as_str(), at)).collect();
        Self { shots, by_job, by_name }
    }

    /// The job that a shot follows: its name, and the index of its shot.
    pub(super) fn before(&self, shot: &Shot) -> Option<(String, usize)> {
        let wanted = &shot.after.as_ref()?.shot;
        if let Some(at) = self.by_job.get(wanted) {
            return Some((wanted.clone(), *at));
        }
        let at = *self.by_name.get(wanted.as_str())?;
        match self.shots.get(at)?.seeds.as_slice() {
            [only] => Some((job_name(wanted, *only), at)),
            _ => None,
        }
    }

    /// Says which shots follow nothing that exists, or themselves in the end.
    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        let mut next: Vec<Option<usize>> = Vec::with_capacity(self.shots.len());
        for shot in self.shots {
            let before = self.before(shot).map(|(_, at)| at);
            next.push(before);
            let (Some(after), None) = (&shot.after, before) else {
                continue;
            };
            let place = shot.at("/after/shot");
            match self.by_name.get(after.shot.as_str()).and_then(|at| self.shots.get(*at)) {
                Some(several) => {
                    let one = job_name(&several.name, several.seeds.first().copied().flatten());
                    let message = format!("`{}` has several variants.", shown(&after.shot));
                    findings
                        .say("after", place, message)
                        .advice(format!("Name one of them, such as {}.", shown(&one)));
                }
                None => {
                    let alike = self.by_name.keys().find(|name| name.eq_ignore_ascii_case(after.shot.trim()));
                    let advice = alike.map(|name| format!("Did you mean `{}`?", shown(name)));
                    let message = format!("No shot is called `{}`.", shown(&after.shot));
                    findings.say("after", place, message).advice(advice.unwrap_or_default());
                }
            }
        }
        for at in circles(&next) {
            if let Some(shot) = self.shots.get(at) {
                let message = "This shot follows itself in the end: it could never begin.";
                findings.say("after", shot.at("/after/shot"), message).advice("Break the circle.");
            }
        }
    }
}

/// The members of every circle, once each.
fn circles(next: &[Option<usize>]) -> Vec<usize> {
    let mut seen_in = vec![0_usize; next.len()];
    let mut members = Vec::new();
    for start in 0..next.len() {
        let mut at = Some(start);
        while let Some(here) = at {
            match seen_in.get_mut(here) {
                Some(walk) if *walk == 0 => *walk = start + 1,
                // Met again on the same walk: from here on it goes round.
                Some(walk) if *walk == start + 1 => {
                    let mut round = here;
                    loop {
                        members.push(round);
                        round = next.get(round).copied().flatten().unwrap_or(here);
                        if round == here {
                            break;
                        }
                    }
                    break;
                }
                _ => break,
            }
            at = next.get(here).copied().flatten();
        }
    }
    members.sort_unstable();
    members
}

/// What the job before must deliver for a link.
pub(super) fn preconditions(
    shot: &Shot,
    request: &CreateTaskRequest,
    before: (&Shot, &CreateTaskRequest),
    findings: &mut Findings<'_>,
) {
    let name = shown(&before.0.name);
    let mut say = |message: String, advice: String| {
        findings.say("after", shot.at("/after"), message).advice(advice);
    };
    match shot.link() {
        Some(Link::LastFrame) if before.1.return_last_frame != Some(true) => say(
            format!("{name} does not deliver its last frame."),
            format!("Set return_last_frame = true on {name}."),
        ),
        Some(Link::Draft) if before.1.draft != Some(true) => {
            say(format!("{name} is no draft."), format!("Set draft = true on {name}."));
        }
        Some(Link::Draft) if before.1.model != request.model => say(
            format!("A final is rendered by the model that made the draft, and {name} has another."),
            "Give both the same model.".to_owned(),
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::circles;

    #[test]
    fn circles_are_found_and_lines_are_none() {
        assert!(circles(&[None, Some(0), Some(1)]).is_empty());
        assert_eq!(circles(&[Some(0)]), [0]);
        assert_eq!(circles(&[Some(1), Some(2), Some(1), Some(0)]), [1, 2]);
        assert_eq!(circles(&[Some(1), Some(0), Some(3), Some(2)]), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn what_is_no_circle_comes_to_an_end(next in proptest::collection::vec(proptest::option::of(0_usize..12), 0..12)) {
            let next: Vec<Option<usize>> = next.iter().map(|to| to.filter(|to| *to < next.len())).collect();
            let round = circles(&next);
            for start in 0..next.len() {
                let (mut at, mut steps) = (start, 0);
                while let Some(to) = next[at] {
                    (at, steps) = (to, steps + 1);
                    if steps > next.len() || (at == start && steps > 0) {
                        break;
                    }
                }
                let circular = steps > 0 && at == start && next[at].is_some();
                prop_assert_eq!(round.contains(&start), circular, "{:?}", next);
            }
        }
    }
}
