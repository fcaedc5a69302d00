//! Whole runs against the simulator on a socket, with a clock that runs fast.

mod ends;
mod follows;
mod lost;
mod lost_answers;
mod money;
mod postgres;
mod scene;
mod sequences;
mod stops;
mod test_env;
mod troubles;
mod uploads;
