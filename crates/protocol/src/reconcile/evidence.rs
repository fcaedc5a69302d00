//! How much a listed task speaks for being the one that was created. Where in doubt, it stays a
//! candidate: "not found" may lead to a second bill, "ambiguous" only to a person.

use ark_video_model::Task;
use serde::{Deserialize, Serialize};

use super::{
    UnresolvedCreate,
    correlation::{DEFAULT_EXPIRY, is_1x, tag_of},
};

/// Why a task was taken for the one that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// Model, time and settings fit. So may those of others.
    Echoes,
    /// It carries our `execution_expires_after` or seed and fits, but not in time, as far as the
    /// clocks are known.
    MarkedAtAnotherTime,
    /// It also carries our `execution_expires_after` or seed.
    Marked,
    /// It carries our tag.
    Tag,
}

/// Weighs one task against one create. `None`: it is another one's.
pub(super) fn weigh(unknown: &UnresolvedCreate, task: &Task, marks_are_echoed: bool) -> Option<Evidence> {
    let UnresolvedCreate { marks, requested, .. } = unknown;
    let identifier = task.safety_identifier.as_deref().filter(|identifier| !identifier.is_empty());
    if marks.tag.is_some() && marks.tag.as_deref() == identifier {
        return Some(Evidence::Tag);
    }
    if !is_of_model(unknown, task) {
        return None;
    }
    let in_time = unknown.may_have_made(task.created_at);
    if marks.expiry.is_some() && marks.expiry == task.execution_expires_after
        || marks.seed.is_some() && marks.seed == task.seed
    {
        let is_anothers = identifier.and_then(tag_of).is_some();
        return match (in_time, unknown.clocks_agreed) {
            // Another tag says more than a number that others may draw as well.
            _ if is_anothers => None,
            (true, _) => Some(Evidence::Marked),
            (false, _) if requested.rules_out(task) => None,
            (false, false) => Some(Evidence::MarkedAtAnotherTime),
            // Others may have chosen the number within the listed days; only the user can decide.
            (false, true) => Some(Evidence::Echoes),
        };
    }
    if !in_time {
        return None;
    }
    let other = |ours: Option<i64>, theirs: Option<i64>, unset: Option<i64>| {
        matches!((ours, theirs), (Some(ours), Some(theirs)) if ours != theirs)
            && (marks_are_echoed || theirs != unset)
    };
    let foreign_identifier = match identifier {
        Some(identifier) if tag_of(identifier).is_some() => true,
        Some(identifier) if marks_are_echoed => requested.safety_identifier.as_deref() != Some(identifier),
        _ => false,
    };
    let ruled_out = foreign_identifier
        || other(requested.execution_expires_after, task.execution_expires_after, Some(DEFAULT_EXPIRY))
        || (is_1x(&unknown.model) && marks_are_echoed && other(requested.seed, task.seed, None))
        || requested.rules_out(task);
    (!ruled_out).then_some(Evidence::Echoes)
}

/// Whether time and model leave it open that this task is that create's.
pub(super) fn may_be_of(unknown: &UnresolvedCreate, task: &Task) -> bool {
    is_of_model(unknown, task) && unknown.may_have_made(task.created_at)
}

fn is_of_model(unknown: &UnresolvedCreate, task: &Task) -> bool {
    !(is_dated(&unknown.model) && is_dated(&task.model) && unknown.model != task.model)
}

/// Only full names say which model it is; endpoint ids, short names and a reseller's own names do
/// not.
fn is_dated(model: &str) -> bool {
    !model.starts_with("ep-")
        && model
            .rsplit_once('-')
            .is_some_and(|(_, date)| date.len() == 6 && date.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::reconcile::{Correlation, TimeWindow};

    const MODEL: &str = "doubao-seedance-2-0-260128";
    const TAG: &str = "u.av-0123456789abcdef01234567";
    const OTHER_TAG: &str = "u.av-ffffffffffffffffffffffff";

    fn unknown(marks: Value, requested: Value) -> UnresolvedCreate {
        let mut unknown: UnresolvedCreate =
            serde_json::from_value(json!({"model": MODEL, "window": {"from": 100_000, "to": 200_000}}))
                .unwrap();
        unknown.marks = serde_json::from_value::<Correlation>(marks).unwrap();
        unknown.requested = serde_json::from_value(requested).unwrap();
        assert_eq!(unknown.window, TimeWindow { from: 100_000, to: 200_000 });
        unknown
    }

    fn weigh_both(unknown: &UnresolvedCreate, echo: Value) -> [Option<Evidence>; 2] {
        let mut task = json!({"id": "cgt-1", "model": MODEL, "status": "queued", "created_at": 150});
        task.as_object_mut().unwrap().extend(echo.as_object().unwrap().clone());
        let task = serde_json::from_value(task).unwrap();
        [false, true].map(|marks_are_echoed| weigh(unknown, &task, marks_are_echoed))
    }

    #[test]
    fn a_tag_outweighs_everything() {
        let ours = unknown(
            json!({"tag": TAG, "expiry": 172_900}),
            json!({"safety_identifier": TAG, "resolution": "720p"}),
        );
        let echo = json!({"safety_identifier": TAG, "created_at": 1, "model": "doubao-seedance-9-0-260128", "resolution": "4k"});
        assert_eq!(weigh_both(&ours, echo), [Some(Evidence::Tag); 2]);
        for echo in [
            json!({"safety_identifier": OTHER_TAG}),
            json!({"safety_identifier": OTHER_TAG, "execution_expires_after": 172_900}),
        ] {
            assert_eq!(weigh_both(&ours, echo), [None; 2]);
        }
        let untagged = unknown(json!({}), json!({}));
        assert_eq!(weigh_both(&untagged, json!({"safety_identifier": TAG})), [None; 2]);
    }

    #[test]
    fn a_service_that_drops_marks_leaves_a_candidate_unless_we_know_better() {
        let ours = unknown(
            json!({"tag": TAG, "expiry": 172_900}),
            json!({"safety_identifier": TAG, "execution_expires_after": 172_900}),
        );
        assert_eq!(weigh_both(&ours, json!({})), [Some(Evidence::Echoes); 2]);
        assert_eq!(
            weigh_both(&ours, json!({"execution_expires_after": 172_900})),
            [Some(Evidence::Marked); 2]
        );
        assert_eq!(
            weigh_both(&ours, json!({"execution_expires_after": 172_800})),
            [Some(Evidence::Echoes), None]
        );
        assert_eq!(weigh_both(&ours, json!({"execution_expires_after": 173_000})), [None; 2]);
        assert_eq!(
            weigh_both(&ours, json!({"safety_identifier": "gateway"})),
            [Some(Evidence::Echoes), None]
        );
    }

    #[test]
    fn a_mark_outweighs_settings_that_came_out_otherwise() {
        let ours = unknown(
            json!({"expiry": 172_900}),
            json!({"execution_expires_after": 172_900, "resolution": "1080p"}),
        );
        let echo = json!({"execution_expires_after": 172_900, "resolution": "720p"});
        assert_eq!(weigh_both(&ours, echo), [Some(Evidence::Marked); 2]);
        assert_eq!(weigh_both(&ours, json!({"resolution": "720p"})), [None; 2]);
        let seeded = unknown(json!({"seed": 9}), json!({"seed": 9}));
        assert_eq!(weigh_both(&seeded, json!({"seed": 9})), [Some(Evidence::Marked); 2]);
    }

    #[test]
    fn time_and_full_model_names_rule_out_and_other_names_do_not() {
        let ours = unknown(json!({"expiry": 172_900}), json!({}));
        for (echo, expected) in [
            (json!({"created_at": 99}), None),
            (json!({"created_at": 201}), None),
            (
                json!({"created_at": 201, "execution_expires_after": 172_900}),
                Some(Evidence::MarkedAtAnotherTime),
            ),
            (json!({"created_at": null}), Some(Evidence::Echoes)),
            (json!({"model": "doubao-seedance-2-0-fast-260128"}), None),
            (json!({"model": "ep-20260101-abcde"}), Some(Evidence::Echoes)),
            (json!({"model": "their name for it"}), Some(Evidence::Echoes)),
        ] {
            assert_eq!(weigh_both(&ours, echo.clone()), [expected; 2], "{echo}");
        }
    }

    #[test]
    fn a_mark_outweighs_the_time_unless_the_clocks_are_known() {
        const HOUR: i64 = 3600;
        let mut ours = unknown(
            json!({"expiry": 172_900}),
            json!({"execution_expires_after": 172_900, "resolution": "720p"}),
        );
        ours.window = TimeWindow { from: 1_795_342_500_000, to: 1_795_342_630_000 };
        let inside = 1_795_342_530;
        for (echo, at_odds, agreed) in [
            (json!({"created_at": inside}), Some(Evidence::Marked), Some(Evidence::Marked)),
            (json!({"created_at": inside * 1_000}), Some(Evidence::Marked), Some(Evidence::Marked)),
            (json!({"created_at": inside * 1_000_000}), Some(Evidence::Marked), Some(Evidence::Marked)),
            (
                json!({"created_at": inside + 2 * HOUR}),
                Some(Evidence::MarkedAtAnotherTime),
                Some(Evidence::Echoes),
            ),
            (
                json!({"created_at": inside - 2 * HOUR}),
                Some(Evidence::MarkedAtAnotherTime),
                Some(Evidence::Echoes),
            ),
            (
                json!({"created_at": (inside - 2 * HOUR) * 1000}),
                Some(Evidence::MarkedAtAnotherTime),
                Some(Evidence::Echoes),
            ),
            // What fits neither in time nor by its settings is another's.
            (json!({"created_at": inside + 2 * HOUR, "resolution": "480p"}), None, None),
            (json!({"created_at": inside + 2 * HOUR, "safety_identifier": OTHER_TAG}), None, None),
            (json!({"created_at": inside + 2 * HOUR, "model": "doubao-seedance-2-5-260628"}), None, None),
        ] {
            let mut marked = echo.clone();
            marked["execution_expires_after"] = json!(172_900);
            ours.clocks_agreed = false;
            assert_eq!(weigh_both(&ours, marked.clone()), [at_odds; 2], "{echo}");
            ours.clocks_agreed = true;
            assert_eq!(weigh_both(&ours, marked), [agreed; 2], "{echo}");
        }
        // Without the mark, only the window counts.
        for clocks_agreed in [false, true] {
            ours.clocks_agreed = clocks_agreed;
            let unmarked = json!({"created_at": inside + 2 * HOUR, "execution_expires_after": 172_800});
            assert_eq!(weigh_both(&ours, unmarked), [None; 2]);
        }
    }
}
