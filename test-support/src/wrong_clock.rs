//! A clock that is wrong: a test runs itself again where `faketime` shifts it. Programs in Go, and
//! those that `right_clock` starts, have the right time.

use std::process::Command;

use crate::run_again;

/// What `faketime` sets in a process, and what marks it here.
const VARIABLE: &str = "LD_PRELOAD";

/// Whether the clock is wrong by so many hours, in this process: there the test continues. In any
/// other process this runs the test `name` again in such a process, and returns when that passed.
///
/// # Panics
/// Without `faketime`, or where the test failed.
#[must_use]
pub fn wrong_clock(hours: u32, name: &str) -> bool {
    if std::env::var_os(VARIABLE).is_some() {
        return true;
    }
    let mut command = Command::new("faketime");
    command.args(["-f", &format!("+{hours}h")]).arg(std::env::current_exe().unwrap());
    run_again(command.args(["--exact", name, "--include-ignored", "--nocapture"]));
    false
}

/// A program whose clock is right.
pub(crate) fn right_clock(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove(VARIABLE);
    command
}
