//! The definition of the command line: which options each command has, and which its help lists.
//! Only commands that are used are built: all together take longer than many a command runs.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{Arg, Command, CommandFactory};

use super::Cli;
use super::help::{after_root, notes};

/// Width of help where that of the terminal is unknown.
const WIDTH: usize = 100;

/// The whole definition, with help for a terminal of so many columns.
pub(crate) fn command(columns: Option<u16>) -> Command {
    let mut root = command_with(columns, &|_| true);
    root.build();
    root
}

/// The whole definition, for a process that only completes a command line.
pub(crate) fn command_to_complete() -> Command {
    let mut root = command(None);
    list_help(&mut root);
    root
}

/// The definition that parses these arguments: commands that are not among them have no options.
pub(crate) fn command_for(args: &[OsString], columns: Option<u16>) -> Command {
    let is_typed = |name: &str| args.iter().any(|arg| arg == name);
    command_with(columns, &|command| is_typed(command.get_name()) || command.get_all_aliases().any(is_typed))
}

/// The root, and the options of some commands. The global options are listed once, at the root.
fn command_with(columns: Option<u16>, is_used: &dyn Fn(&Command) -> bool) -> Command {
    let hidden =
        |is_hidden: bool| move |arg: Arg| if arg.is_global_set() { arg.hide(is_hidden) } else { arg };
    // A width that is set later does not reach the commands below.
    let root = Cli::command().term_width(columns.map_or(WIDTH, usize::from));
    let root = root.after_long_help(after_root()).mut_args(hidden(true));
    let mut root = built(root).mut_args(hidden(false)).after_help(
        "Commands have a short help (-h) and a long one with examples (--help); `ark-video --help` also \
         lists the environment and the exit codes.",
    );
    describe(&mut root, "", is_used);
    root
}

/// Builds a command, and gives its global options to the commands below it.
fn built(mut command: Command) -> Command {
    let (about, long_about) = (command.get_about().cloned(), command.get_long_about().cloned());
    // The one public method that builds a single command.
    command.render_usage();
    // The options bring the description of the type that holds them.
    command.about(Resettable::from(about)).long_about(Resettable::from(long_about))
}

/// Adds notes to the commands below `parent`, and options to those that are used.
fn describe(parent: &mut Command, path: &str, is_used: &dyn Fn(&Command) -> bool) {
    for command in parent.get_subcommands_mut() {
        let path = format!("{path}{}", command.get_name());
        let more =
            format!("All options and examples: ark-video {path} --help. Global options: ark-video --help.");
        let notes = format!("{}\n\nGlobal options: ark-video --help.", notes(&path));
        let described =
            std::mem::take(command).after_help(more).after_long_help(notes.trim_start().to_owned());
        *command = if is_used(&described) { built(described) } else { described };
        describe(command, &format!("{path} "), is_used);
    }
}

/// Lists the commands below each `help`.
fn list_help(parent: &mut Command) {
    fn named(command: &Command) -> Command {
        // clap takes static names only.
        let name: &'static str = command.get_name().to_owned().leak();
        let named = Command::new(name).about(Resettable::from(command.get_about().cloned()));
        named.disable_help_subcommand(true).disable_help_flag(true).disable_version_flag(true)
    }
    fn tree(command: &Command) -> Command {
        let below = command.get_subcommands().filter(|command| command.get_name() != "help");
        named(command).subcommands(below.map(tree))
    }
    let listed: Vec<Command> = parent
        .get_subcommands()
        .map(|command| if command.get_name() == "help" { named(command) } else { tree(command) })
        .collect();
    for command in parent.get_subcommands_mut() {
        match command.get_name() {
            "help" => *command = std::mem::take(command).subcommands(listed.iter().cloned()),
            _ => list_help(command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is suggested after these words.
    fn completed(line: &str) -> Vec<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let last = words.len() - 1;
        let found = clap_complete::engine::complete(&mut command_to_complete(), words, last, None).unwrap();
        found.iter().map(|found| found.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn completion_suggests_commands_options_and_below_help_commands_alone() {
        assert_eq!(completed("ark-video config "), ["init", "set", "get", "path", "help", "--help"]);
        assert_eq!(completed("ark-video help config "), ["init", "set", "get", "path"]);
        assert_eq!(completed("ark-video config help "), ["init", "set", "get", "path", "help"]);
        assert_eq!(completed("ark-video batch run --js"), ["--json"]);
        assert_eq!(completed("ark-video storage prune --"), ["--older-than", "--dry-run", "--help"]);
    }

    #[test]
    fn only_commands_that_are_typed_have_options() {
        let typed = command_for(&["ark-video", "batch", "run"].map(OsString::from), None);
        let options = |path: &[&str]| {
            let found = path.iter().fold(&typed, |command, name| command.find_subcommand(name).unwrap());
            found.get_arguments().filter(|arg| !arg.is_global_set()).count()
        };
        assert!(options(&["batch", "run"]) > 10);
        assert_eq!((options(&["batch", "plan"]), options(&["generate"])), (0, 0));
    }
}
