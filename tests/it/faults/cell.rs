//! A cell of the matrix: the outcome of one fault at one operation. It has no expectations of its
//! own: invariants are checked where the operation runs.

use ark_video::{CorrelationOptions, Error};
use ark_video_simulator::{Effect, FaultPoint};

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

    /// The endpoint of the fault; `None` if it does not apply.
    fn place(self, row: &Row) -> Option<FaultPoint> {
        let places: &[FaultPoint] = match self {
            Self::Download if matches!(row.effect, Effect::NoLink { .. }) => &[FaultPoint::Get],
            Self::Create | Self::CreateUnmarked => &[FaultPoint::Create, FaultPoint::Callback],
            Self::Get => &[FaultPoint::Get],
            Self::List | Self::Reconcile => &[FaultPoint::List],
            Self::Delete => &[FaultPoint::Delete],
            Self::Download => &[FaultPoint::File],
        };
        places.iter().copied().find(|place| row.effect.applies_to(*place))
    }

    pub(super) async fn run(self, row: &Row) -> Cell {
        let Some(place) = self.place(row) else { return Cell::default() };
        let [once, always] = Often::BOTH;
        let marked = CorrelationOptions::new;
        let bare = CorrelationOptions::none;
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

/// One run of an operation, with the fault once or always.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The outcome as the user sees it.
    pub(super) outcome: String,
    /// Bills of the one intent.
    pub(super) bills: usize,
    /// Accepted tasks unknown to the user.
    pub(super) lost: usize,
    /// Violated invariants.
    pub(super) complaints: Vec<String>,
}

impl Run {
    pub(super) fn check(&mut self, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(why());
        }
    }
}

/// The contents of a cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    /// Empty if the fault does not apply.
    pub(super) outcome: String,
    pub(super) bills: usize,
    pub(super) lost: usize,
    pub(super) complaints: Vec<String>,
}

impl Cell {
    fn of(runs: [Run; 2]) -> Self {
        let mut cell = Self::default();
        let [once, always] = runs.each_ref().map(|run| run.outcome.as_str());
        cell.outcome = if once == always { once.to_owned() } else { format!("{once}; each time: {always}") };
        for (often, mut run) in Often::BOTH.into_iter().zip(runs) {
            let (outcome, bills, lost) = (run.outcome.clone(), run.bills, run.lost);
            run.check(bills <= 1, || format!("{outcome}: {bills} bills for one intent"));
            run.check(lost == 0, || format!("{outcome}: {lost} accepted tasks unknown to the user"));
            cell.bills = cell.bills.max(run.bills);
            cell.lost += run.lost;
            cell.complaints.extend(run.complaints.into_iter().map(|why| format!("{often:?}: {why}")));
        }
        cell
    }
}

/// The short name of an error.
pub(super) fn error_name(error: &Error) -> String {
    match error {
        Error::NotSent(_) => "not sent".to_owned(),
        Error::Api(refused) => format!("refused ({})", refused.error.status),
        Error::Read(_) => "no answer".to_owned(),
        Error::NotPossible(_) => "not possible".to_owned(),
        Error::TaskEnded(ended) => format!("the task has {}", ended.task.status),
        Error::Download(_) => "not saved".to_owned(),
        other => format!("?? {other}"),
    }
}
