//! Workers that die: at every step of a job, on purpose, and at random times by `kill -9`. Two
//! worker processes share a journal; the simulator, in this process, counts the bills; in the end
//! the history is checked. `cargo xtask kill-matrix` runs the long form (`matrix`).

mod cell;
mod matrix;
mod supervisor;

use ark_video_test_support::{postgres::Server, times};

use self::cell::{Cell, Kills, Row, Store};

#[test]
fn no_kill_costs_a_video_or_a_second_bill_on_sqlite() {
    small(&Store::Sqlite);
}

#[test]
#[ignore = "needs PostgreSQL (initdb, postgres): `cargo xtask test` runs it where it is installed"]
fn no_kill_costs_a_video_or_a_second_bill_with_postgresql() {
    small(&Store::postgres(Server::start()));
}

#[test]
#[ignore = "`cargo xtask kill-matrix` runs it"]
fn long_matrix_by_hand() {
    matrix::run(&std::env::var(matrix::FORM).unwrap());
}

/// Every step once, under both policies, side by side because most of it is waiting.
fn small(store: &Store) {
    let policies = [ark_video_batch::OnUnknown::Hold, ark_video_batch::OnUnknown::Resend];
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let cells = policies.map(|policy| {
            let cell = Cell { store, policy, kills: Kills::Steps(11), jobs: times(90, 150), seed: 1 };
            scope.spawn(move || cell.run())
        });
        cells.map(|cell| cell.join().unwrap()).into()
    });
    println!("{}", matrix::table(&rows));
    for row in &rows {
        assert!(row.complaints.is_empty(), "{} {}: {:?}", row.store, row.policy, row.complaints);
    }
}
