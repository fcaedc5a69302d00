//! Every fault that the simulator knows, at every operation, against our client over real sockets:
//! what the user sees, what it costs, whether anything is lost. The table is
//! `docs/reference/faults.md`; `cargo xtask faults` writes it.
//!
//! Promises are checked cell by cell and named with the cell that breaks one. The vendor's Python
//! runtime is no part of this run: its figures are recorded by `tests/python/faults.py` and only
//! shown here.

mod cell;
mod create;
mod download;
mod page;
mod questions;
mod reconcile;
mod rows;
mod test_env;

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet};

use self::{
    cell::{Cell, Column},
    page::PAGE,
    rows::Row,
};

/// `write` replaces the page; anything else compares. Set by `cargo xtask faults`.
const HOW: &str = "ARK_VIDEO_FAULTS";

/// Cells at a time: enough to sit out the silences side by side, few enough that nobody is late for
/// want of a processor.
const AT_ONCE: usize = 24;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_paid_twice_and_nothing_is_lost() {
    let rows: Arc<[Row]> = rows::all().into();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    // Those that keep silent for long begin first.
    order.sort_by_key(|row| !rows[*row].keeps_us_waiting());
    for at in order {
        for column in Column::ALL {
            let (rows, turns) = (Arc::clone(&rows), Arc::clone(&turns));
            running.spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                (at, column, column.run(&rows[at]).await)
            });
        }
    }
    let mut matrix: Vec<Vec<Cell>> = vec![vec![Cell::default(); Column::ALL.len()]; rows.len()];
    while let Some(done) = running.join_next().await {
        let (row, column, cell) = done.unwrap();
        matrix[row][column as usize] = cell;
    }
    let complaints: Vec<String> = rows
        .iter()
        .zip(&matrix)
        .flat_map(|(row, cells)| {
            let of = move |(column, cell): (Column, &Cell)| {
                let about = format!("{} at {}", row.directive(), column.name());
                cell.complaints.iter().map(move |why| format!("{about}: {why}")).collect::<Vec<_>>()
            };
            Column::ALL.into_iter().zip(cells).flat_map(of)
        })
        .collect();
    assert!(complaints.is_empty(), "{} promises are broken:\n{}", complaints.len(), complaints.join("\n"));
    let page = page::render(&rows, &matrix);
    if std::env::var(HOW).is_ok_and(|how| how == "write") {
        std::fs::write(PAGE, page).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(PAGE).unwrap_or_default().replace("\r\n", "\n");
    assert!(committed == page, "{}", page::difference(&committed, &page));
}
