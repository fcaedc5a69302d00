//! Workers that die: at every step of a job, on purpose, and at random moments by `kill -9`. Two worker processes share a
//! journal; the simulator, in this process, counts the bills; in the end the history is checked (`history`).
//!
//! One program, three faces: a worker (`worker`), the small matrix as tests, and what `cargo xtask kill-matrix` runs
//! (`ARK_VIDEO_KILL_MATRIX`, see `matrix`). That is why it has a `main` of its own.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program of tests")]

mod cell;
#[path = "../support/clock.rs"]
mod clock;
#[path = "../support/history.rs"]
mod history;
mod matrix;
#[path = "../support/postgres.rs"]
mod server;
#[path = "../support/shots.rs"]
mod shots;
mod supervisor;
#[path = "../support/worker.rs"]
mod worker;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::cell::{Cell, Kills, Row, Store};
use crate::server::Server;

fn main() -> ExitCode {
    if let Ok(orders) = std::env::var(worker::ORDERS) {
        return worker::work(&orders).into();
    }
    if let Ok(form) = std::env::var(matrix::FORM) {
        return matrix::run(&form);
    }
    let trials = vec![
        Trial::test("no_kill_costs_a_film_or_a_second_bill_on_sqlite", || small(&Store::Sqlite)),
        Trial::test("no_kill_costs_a_film_or_a_second_bill_on_postgresql", || {
            match Server::start("the kill matrix") {
                Some(server) => small(&Store::postgres(server)),
                None => Ok(()),
            }
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Every step once, under both policies, side by side because most of it is waiting.
fn small(store: &Store) -> Result<(), Failed> {
    let policies = [ark_video_batch::OnUnknown::Hold, ark_video_batch::OnUnknown::Resend];
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let cells = policies.map(|policy| {
            let cell = Cell { store, policy, kills: Kills::Steps(11), jobs: 150, seed: 1 };
            scope.spawn(move || cell.run())
        });
        cells.map(|cell| cell.join().unwrap()).into()
    });
    println!("{}", matrix::table(&rows));
    match rows.iter().flat_map(|row| row.complaints.iter().map(move |why| (row, why))).next() {
        Some((row, why)) => Err(format!("{} {}: {why}", row.store, row.policy).into()),
        None => Ok(()),
    }
}
