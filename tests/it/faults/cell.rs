//! A cell of the matrix: what came of one fault at one operation. Holds no expectation of its own: promises are checked where the
//! operation runs.

use ark_video::{Error, StampOptions};
use ark_video_simulator::{Effect, Place};

use super::{
    create, download, questions, reconcile,
    rows::{Often, Row},
};

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Create,
    CreateUnmarked,
    Get,
    List,
    Reconcile,
    Delete,
    Download,
}

impl Column {
    pub(super) const ALL: [Self; 7] = [
        Self::Create,
        Self::CreateUnmarked,
        Self::Get,
        Self::List,
        Self::Reconcile,
        Self::Delete,
        Self::Download,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::CreateUnmarked => "create without marks",
            Self::Get => "get",
            Self::List => "list",
            Self::Reconcile => "reconcile",
            Self::Delete => "delete",
            Self::Download => "download",
        }
    }

    /// Where the fault strikes; `None` where it has no meaning.
    fn place(self, row: &Row) -> Option<Place> {
        let places: &[Place] = match self {
            Self::Download if matches!(row.effect, Effect::NoLink { .. }) => &[Place::Get],
            Self::Create | Self::CreateUnmarked => &[Place::Create, Place::Callback],
            Self::Get => &[Place::Get],
            Self::List | Self::Reconcile => &[Place::List],
            Self::Delete => &[Place::Delete],
            Self::Download => &[Place::File],
        };
        places.iter().copied().find(|place| row.effect.can_strike(*place))
    }

    pub(super) async fn run(self, row: &Row) -> Cell {
        let Some(place) = self.place(row) else { return Cell::default() };
        let [once, always] = Often::BOTH;
        let marked = StampOptions::new;
        let bare = StampOptions::none;
        let runs = match self {
            Self::Create => [
                create::run(row, place, once, marked()).await,
                create::run(row, place, always, marked()).await,
            ],
            Self::CreateUnmarked => {
                [create::run(row, place, once, bare()).await, create::run(row, place, always, bare()).await]
            }
            Self::Get => [questions::get(row, once).await, questions::get(row, always).await],
            Self::List => [questions::list(row, once).await, questions::list(row, always).await],
            Self::Reconcile => [reconcile::run(row, once).await, reconcile::run(row, always).await],
            Self::Delete => [questions::delete(row, once).await, questions::delete(row, always).await],
            Self::Download => download::both(row, place).await,
        };
        Cell::of(runs)
    }
}

/// One run of an operation, struck once or always.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// What the user was told.
    pub(super) told: String,
    /// Bills of the one intent.
    pub(super) bills: usize,
    /// Accepted tasks of which the user knows nothing.
    pub(super) lost: usize,
    /// Promises that were broken.
    pub(super) complaints: Vec<String>,
}

impl Run {
    pub(super) fn check(&mut self, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(why());
        }
    }
}

/// What is shown of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    /// Empty where the fault has no meaning.
    pub(super) told: String,
    pub(super) bills: usize,
    pub(super) lost: usize,
    pub(super) complaints: Vec<String>,
}

impl Cell {
    fn of(runs: [Run; 2]) -> Self {
        let mut cell = Self::default();
        let [once, always] = runs.each_ref().map(|run| run.told.as_str());
        cell.told = if once == always { once.to_owned() } else { format!("{once}; each time: {always}") };
        for (often, mut run) in Often::BOTH.into_iter().zip(runs) {
            let (told, bills, lost) = (run.told.clone(), run.bills, run.lost);
            run.check(bills <= 1, || format!("{told}: {bills} bills for one intent"));
            run.check(lost == 0, || format!("{told}: {lost} accepted tasks that nobody knows of"));
            cell.bills = cell.bills.max(run.bills);
            cell.lost += run.lost;
            cell.complaints.extend(run.complaints.into_iter().map(|why| format!("{often:?}: {why}")));
        }
        cell
    }
}

/// What an error tells the user, in a few words.
pub(super) fn told(error: &Error) -> String {
    match error {
        Error::NotSent(_) => "not sent".to_owned(),
        Error::Refused(refused) => format!("refused ({})", refused.error.status),
        Error::Read(_) => "no answer".to_owned(),
        Error::NotPossible(_) => "not possible".to_owned(),
        Error::TaskEnded(ended) => format!("the task has {}", ended.task.status),
        Error::Download(_) => "not saved".to_owned(),
        other => format!("?? {other}"),
    }
}
