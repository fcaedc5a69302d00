//! What is said about a command line that cannot be parsed: the parser's message, without the
//! suggestions that mislead, and what to write instead. Runs nothing.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::{self, flag_values};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::{escape, foreign_flags, prompt_argument, secrets};

/// Help and version are data; all other parser messages are errors.
pub(crate) fn explain(
    output: &Output,
    error: &clap::Error,
    args: &[OsString],
    colour: bool,
) -> Result<(), Failure> {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let text = error.render();
        output.raw(&if colour { text.ansi().to_string() } else { text.to_string() });
        return Ok(());
    }
    let plain = error.render().to_string();
    let (first, rest) = plain.trim_end().split_once('\n').unwrap_or((plain.trim_end(), ""));
    let failure =
        Failure::new(Exit::Usage, first.trim_start_matches("error: ").to_owned() + &possible(error));
    let hint = near_miss(error, args);
    // If another tool's name is recognised, the parser's guess by spelling only misleads; so does a
    // flag that means the opposite, or `-- --flag`, which is no prompt.
    let typed = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let misleads = |tip: &str| {
        let suggested = tip.split('\'').nth(1).unwrap_or_default();
        hint.is_some() || tip.starts_with("to pass ") || foreign_flags::is_opposite(&typed, suggested)
    };
    // The parser's usage names the flag that it guessed.
    let kept = |line: &&str| match line.trim_start().strip_prefix("tip: ") {
        Some(tip) => !misleads(tip),
        None if line.trim_start().starts_with("[possible values: ") => false,
        None => hint.is_none() || !line.starts_with("Usage: "),
    };
    let rest: Vec<&str> = rest.lines().filter(kept).collect();
    let rest = rest.join("\n").trim_matches('\n').replace("\n\n\n", "\n\n");
    let rest = if rest.is_empty() { rest } else { format!("\n{rest}") };
    // The arguments are shown here, and one may be a key.
    let values = args.iter().filter_map(|arg| arg.to_str()).flat_map(|arg| arg.split('='));
    values.filter(|value| secrets::may_be_key(value)).for_each(|value| output.hide(value));
    let see = if hint.is_some() { String::new() } else { help_of(args) };
    Err(failure.hint(hint.unwrap_or_default()).hint(see).more(&rest))
}

/// The values that would have been taken, in the message: `--json` prints nothing else.
fn possible(error: &clap::Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("; possible values: {}", values.join(", "))
        }
        _ => String::new(),
    }
}

/// Where the command that was meant is explained.
fn help_of(args: &[OsString]) -> String {
    let root = args::command(None);
    let (mut command, mut path) = (&root, String::from("ark-video"));
    for word in args.iter().skip(1).filter_map(|arg| arg.to_str()).filter(|word| *word != "help") {
        if let Some(found) = command.find_subcommand(word) {
            command = found;
            path = format!("{path} {}", found.get_name());
        }
    }
    format!("see: {path} --help")
}

/// The word after a flag, if it may be the flag's value.
fn value_after<'a>(args: &'a [OsString], flag: &str) -> Option<&'a str> {
    let word = args.iter().filter_map(|arg| arg.to_str()).find(|arg| arg.split('=').next() == Some(flag))?;
    if let Some((_, value)) = word.split_once('=') {
        return Some(value);
    }
    let pair = args.windows(2).find(|pair| pair[0] == *word)?;
    pair[1].to_str().filter(|value| !value.starts_with('-'))
}

/// A hint for an argument that the parser rejects.
fn near_miss(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = word(ContextKind::InvalidSubcommand)?;
            let list = args.iter().filter_map(|arg| arg.to_str()).find(|arg| prompt_argument::is_list(arg));
            if let Some(list) = list {
                return Some(format!("write: ark-video batch run {}", escape::quoted(list)));
            }
            if args.iter().any(|arg| arg == "batch") {
                return None;
            }
            if word == "mcp" && cfg!(not(feature = "mcp")) {
                let install = "cargo install --locked --path crates/cli --features mcp";
                return Some(format!("this build has no server for agents; install it with: {install}"));
            }
            let here = prompt_argument::command_of(word).map(|here| format!("write: {here}"));
            Some(
                here.unwrap_or_else(|| {
                    "a prompt comes after `generate`: ark-video generate \"…\"".to_owned()
                }),
            )
        }
        ErrorKind::UnknownArgument => {
            let word = word(ContextKind::InvalidArg)?;
            let (command, first) = command_and_first(args);
            // `generate list --status running`
            let nested = first.filter(|_| command == "generate").and_then(prompt_argument::command_of);
            let nested = nested.map(|here| format!("write: {here}"));
            if word.starts_with('-') {
                return nested.or_else(|| foreign_flags::flag(word, value_after(args, word)));
            }
            if let Some(flag) = flag_values::flag_before(args, word, &args::command(None)) {
                return Some(format!("{flag} takes true or false, as in {flag}=false"));
            }
            let hint = match command.as_str() {
                "generate" => return nested.or(Some(ONE_PROMPT.to_owned())),
                "check" | "estimate" => ONE_PROMPT,
                "get" | "cancel" | "forget" => "one task at a time; `wait` and `download` take several",
                "models" => "write: ark-video models NAME, such as 2.5",
                "simulate" => "with the simulator: ark-video generate --simulate \"…\"",
                _ => return None,
            };
            Some(hint.to_owned())
        }
        _ => None,
    }
}

const ONE_PROMPT: &str = "only one prompt is allowed: put it in quotes";

/// The name of the command, and the word after it.
fn command_and_first(args: &[OsString]) -> (String, Option<&str>) {
    let root = args::command(None);
    let mut words = args.iter().skip(1).filter_map(|arg| arg.to_str());
    let command = words.find_map(|word| root.find_subcommand(word));
    let first = words.next().filter(|word| !word.starts_with('-'));
    (command.map_or_else(String::new, |command| command.get_name().to_owned()), first)
}
