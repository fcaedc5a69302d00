//! The 27 faults that a batch must survive, one test each, named after its row: whole runs against
//! the simulator on a socket, workers that really die, journals that really break. After each the
//! history is checked from outside: every bill known and assigned, none twice, every video
//! complete.

mod answers;
mod deaths;
mod formats;
mod journals;
mod money;
mod stops;
mod test_env;
mod time;
mod videos;
