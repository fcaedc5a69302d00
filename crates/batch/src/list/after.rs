//! Which job follows which: names that exist, no circles, and what the job before has to deliver.
//! Pure.

use std::collections::BTreeMap;

use ark_video::model::CreateTaskRequest;

use super::ShotReport;
use super::finding::{At, Findings, shown};
use super::shape::Shot;
use crate::Link;

/// The jobs' own names, from the shot's.
pub(super) fn job_name(shot: &str, seed: Option<i64>) -> String {
    seed.map_or_else(|| shot.to_owned(), |seed| format!("{shot}#{seed}"))
}

/// The shots of a list by name.
pub(super) struct Follows<'r> {
    rows: &'r [ShotReport],
    by_name: BTreeMap<&'r str, usize>,
}

impl<'r> Follows<'r> {
    pub(super) fn of(rows: &'r [ShotReport]) -> Self {
        Self { rows, by_name: rows.iter().enumerate().map(|(at, row)| (row.name.as_str(), at)).collect() }
    }

    /// The job that a shot follows: its name, and the index of its row.
    fn before(&self, wanted: &str) -> Option<(String, usize)> {
        if let Some(at) = self.by_name.get(wanted) {
            let [only] = self.rows.get(*at)?.jobs.as_slice() else { return None };
            return Some((only.clone(), *at));
        }
        // No name of a shot holds a `#`: it stands before a variant's seed.
        let (shot, _) = wanted.rsplit_once('#')?;
        let at = *self.by_name.get(shot)?;
        self.rows.get(at)?.jobs.iter().any(|job| job == wanted).then(|| (wanted.to_owned(), at))
    }

    /// What each shot follows. Says which follow nothing that exists, or themselves in the end.
    pub(super) fn check(&self, findings: &mut Findings<'_>) -> Vec<Option<(String, usize)>> {
        let mut found = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            let before = row.after_field.as_ref().and_then(|after| self.before(&after.shot));
            if let (Some(after), None) = (&row.after_field, &before) {
                self.missing(row, &after.shot, findings);
            }
            found.push(before);
        }
        let next: Vec<_> = found.iter().map(|before| before.as_ref().map(|(_, at)| *at)).collect();
        for row in circles(&next).into_iter().filter_map(|at| self.rows.get(at)) {
            let message = "This shot follows itself in the end: it could never start.";
            findings.say("after", row.after_shot(), message).advice("Break the circle.");
        }
        found
    }

    fn missing(&self, row: &ShotReport, wanted: &str, findings: &mut Findings<'_>) {
        let (message, advice) = match self.by_name.get(wanted).and_then(|at| self.rows.get(*at)) {
            Some(several) => {
                let one = several.jobs.first().map_or("", String::as_str);
                (
                    format!("`{}` has several variants.", shown(wanted)),
                    format!("Name one of them, such as {}.", shown(one)),
                )
            }
            None => {
                let mut names = self.rows.iter().map(|row| row.name.as_str());
                let alike = names.find(|name| name.eq_ignore_ascii_case(wanted.trim()));
                let advice = alike.map(|name| format!("Did you mean `{}`?", shown(name)));
                (format!("No shot is called `{}`.", shown(wanted)), advice.unwrap_or_default())
            }
        };
        findings.say("after", row.after_shot(), message).advice(advice);
    }
}

impl ShotReport {
    fn after_shot(&self) -> At<'_> {
        At::Shot(self.place, &self.name, "/after/shot")
    }
}

/// The nodes of every circle, once each.
fn circles(next: &[Option<usize>]) -> Vec<usize> {
    let mut seen_in = vec![0_usize; next.len()];
    let mut nodes = Vec::new();
    for start in 0..next.len() {
        let mut at = Some(start);
        while let Some(here) = at {
            match seen_in.get_mut(here) {
                Some(walk) if *walk == 0 => *walk = start + 1,
                // Met again on the same walk: from here on it goes round.
                Some(walk) if *walk == start + 1 => {
                    let mut round = here;
                    loop {
                        nodes.push(round);
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
    nodes.sort_unstable();
    nodes
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
            say(format!("{name} is not a draft."), format!("Set draft = true on {name}."));
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
