//! What `cargo xtask kill-matrix` runs: whole cells one after the other, and their table.

use std::fmt::Write as _;

use ark_video_batch::OnUnknown;
use serde::Deserialize;

use crate::kill::cell::{Cell, Kills, Row, Store};
use ark_video_test_support::postgres::Server;

/// What to run, as JSON; set by `cargo xtask kill-matrix`.
pub(crate) const FORM: &str = "ARK_VIDEO_KILL_MATRIX";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    /// Jobs of each cell.
    jobs: usize,
    /// Kills of each cell.
    kills: usize,
    /// `sqlite`, `postgres`; both where it is left out.
    store: Option<String>,
    /// `hold`, `resend`; both where it is left out.
    policy: Option<String>,
    /// `steps`, `random`; both where it is left out.
    dying: Option<String>,
    seed: u64,
}

pub(crate) fn run(form: &str) {
    let form: Form = serde_json::from_str(form).unwrap();
    let wanted = |filter: &Option<String>, name: &str| filter.as_deref().is_none_or(|filter| filter == name);
    let mut stores = Vec::new();
    if wanted(&form.store, "sqlite") {
        stores.push(Store::Sqlite);
    }
    if wanted(&form.store, "postgres") {
        stores.push(Store::postgres(Server::start()));
    }
    let mut rows = Vec::new();
    for store in &stores {
        for (name, policy) in [("hold", OnUnknown::Hold), ("resend", OnUnknown::Resend)] {
            if !wanted(&form.policy, name) {
                continue;
            }
            for (name, kills) in [("steps", Kills::Steps(form.kills)), ("random", Kills::Random(form.kills))]
            {
                if !wanted(&form.dying, name) {
                    continue;
                }
                let row = Cell { store, policy, kills, jobs: form.jobs, seed: form.seed }.run();
                println!("{}: {:?}", row.head(), row.seen.steps);
                row.complaints.iter().take(20).for_each(|why| println!("  BROKEN: {why}"));
                rows.push(row);
            }
        }
    }
    println!("{}", table(&rows));
    assert!(rows.iter().all(|row| row.complaints.is_empty()));
}

impl Row {
    fn head(&self) -> String {
        format!("{}, {}, {}, {:.0} s", self.store, self.policy, self.how, self.seconds)
    }
}

pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| store | policy | dying | jobs | kills | ambiguous | found | billed twice | lost | held | tokens in journal | tokens in ledger | at once | seconds |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for Row { store, policy, how, jobs, seen, history, seconds, .. } in rows {
        let _ = writeln!(
            table,
            "| {store} | {policy} | {how} | {jobs} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {seconds:.0} |",
            seen.kills,
            seen.ambiguous,
            seen.found,
            history.twice,
            history.lost,
            history.held,
            history.journal_tokens,
            history.ledger_tokens,
            history.most_at_once,
        );
    }
    table
}
