//! One binary for everything that crosses crates.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod agreement;
mod batch_cli;
mod batch_list;
mod batch_targets;
mod builders;
mod check;
mod checked;
mod cli;
mod cli_check;
mod cli_disk_full;
mod cli_exit_codes;
mod cli_foreign_lines;
mod cli_wrong_input;
mod collected_media;
mod collected_requests;
mod dialects;
mod differential;
mod dropped_creates;
mod examples;
mod faults;
mod guide_commands;
mod guide_example;
mod hostile;
mod matrix;
mod payloads;
mod planted;
mod public_types;
mod responses;
mod round_trip;
mod schema;
mod simulator;
mod watch_load;
mod written_before;
