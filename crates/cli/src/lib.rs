//! The `ark-video` command as a library: [`run`] takes its environment as an [`Env`] and returns an
//! exit code.
//!
//! What a library user would also need belongs in `ark-video`. Only [`Env`] accesses the process,
//! only `output` writes, only `progress` reads a clock.
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod api_failure;
mod args;
mod catalog;
mod checking;
mod commands;
mod config;
mod cost;
mod destination;
mod env;
mod escape;
mod exit;
mod failure;
mod foreign_flags;
mod json_input;
mod media;
mod model_names;
mod names;
mod output;
mod progress;
mod prompt_argument;
mod records;
mod request;
mod secrets;
mod session;
mod settings;
mod sidecar;
mod summary;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap_complete::CompleteEnv;

use args::{Cli, Command, flag_values};
pub use env::{Env, Interrupts, Signal, Terminal};
use exit::Exit;
use failure::Failure;
use output::{Form, Output};
use session::Session;

/// Runs the process's own command line.
pub fn main() -> ExitCode {
    // Answers a completion script, and exits; anything else continues.
    CompleteEnv::with_factory(args::command).var(commands::about::COMPLETE).complete();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::from(Exit::Internal.code()),
    };
    let code = runtime.block_on(async {
        let mut env = Env::of_process();
        env.interrupts = Interrupts::of_process();
        run(env).await
    });
    // A thread may still block on standard input.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// Runs one command and gives its exit code, see `ark-video --help`. Needs a tokio runtime.
pub async fn run(env: Env) -> u8 {
    let Env { args, env, cwd, stdin, stdout, stderr, terminal, interrupts, clock } = env;
    let mut output = Output::new(stdout, stderr);
    output.columns = terminal.columns.filter(|_| terminal.stdout);
    let set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
    let colour = !set("NO_COLOR") && env.get("TERM").is_none_or(|term| term != "dumb");
    let command = args::command_within(output.columns);
    let args = flag_values::normalized(&args, &command);
    ark_video::KEY_VARIABLES.iter().filter_map(|name| env.get(*name)).for_each(|key| output.hide(key));
    let json_errors = args.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    output.set(Form::Text, json_errors, colour && terminal.stderr, false);
    let parsed = parse(&args, command);
    let (output, signal, ended) = match parsed {
        Ok(cli) => {
            let form = form(&cli, terminal.stdout);
            output.set(form, json_errors, colour && terminal.stderr, terminal.stderr && !set("CI"));
            let session = Session {
                flags: cli.global,
                output,
                env,
                cwd,
                terminal,
                interrupts,
                clock,
                stdin: Some(stdin),
            };
            dispatch(session, cli.command).await
        }
        Err(error) => {
            let ended = explain(&output, &error, &args, colour && terminal.stdout);
            (output, None, ended)
        }
    };
    let written = output
        .finish()
        .map_err(|error| Failure::new(Exit::Output, format!("cannot write to standard output: {error}")));
    match ended.and(written) {
        Ok(()) => 0,
        Err(mut failure) => {
            failure.exit = failure.exit.after(signal);
            output.failure(&failure);
            failure.exit.code()
        }
    }
}

async fn dispatch(mut session: Session, command: Command) -> (Output, Option<Signal>, Result<(), Failure>) {
    use commands::{about, batch, check, generate, man, models, reconcile, result, simulate, tasks};
    if let Some(failure) = unused_option(&session.flags, &command) {
        return (session.output, None, Err(failure));
    }
    let ended = match &command {
        Command::Generate(args) => generate::run(&mut session, args).await,
        Command::Check(args) => check::check(&mut session, args).await,
        Command::Estimate(args) => check::estimate(&mut session, args).await,
        Command::Batch(args) => batch::run(&mut session, args).await,
        Command::Cost(args) => batch::cost(&session, args).await,
        Command::Get(args) => tasks::get(&mut session, args).await,
        Command::List(args) => tasks::list(&mut session, args).await,
        Command::Wait(args) => result::wait(&mut session, args).await,
        Command::Download(args) => result::download(&mut session, args).await,
        Command::Reconcile(args) => reconcile::run(&mut session, args).await,
        Command::Cancel(args) => tasks::cancel(&mut session, args).await,
        Command::Forget(args) => tasks::forget(&mut session, args).await,
        Command::Models(args) => models::run(&mut session, args).await,
        Command::Simulate(args) => simulate::run(&mut session, args).await,
        Command::Config => about::config(&mut session).await,
        Command::Completions { shell } => about::completions(&session, *shell),
        Command::Man { folder } => man::run(&session, folder),
    };
    (session.output, session.interrupts.first(), ended)
}

/// A global option that a command cannot use promises something that does not happen.
fn unused_option(flags: &args::GlobalArgs, command: &Command) -> Option<Failure> {
    let refused = |flag: &str, command: &str, hint: &str| {
        let message = format!("{flag} has no effect with `{command}`");
        Some(Failure::new(Exit::Usage, message).hint(hint))
    };
    let name = match command {
        Command::Simulate(_) => "simulate",
        Command::Completions { .. } => "completions",
        Command::Man { .. } => "man",
        _ => return None,
    };
    if flags.simulate {
        let hint = "`ark-video simulate` is the simulator by itself; --simulate goes with generate, models and batch run";
        return refused("--simulate", name, hint);
    }
    let service = [
        ("--base-url", flags.base_url.is_some()),
        ("--api-key-file", flags.api_key_file.is_some()),
        ("--profile", flags.profile.is_some()),
        ("--proxy", flags.proxy.is_some()),
        ("--insecure-http", flags.insecure_http),
    ];
    let (flag, _) = service.into_iter().find(|(_, is_given)| *is_given && name == "simulate")?;
    refused(flag, name, "omit it: the simulator reaches no service; --addr and --api-key are its own")
}

fn parse(args: &[OsString], command: clap::Command) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

fn form(cli: &Cli, terminal: bool) -> Form {
    let flags = &cli.global;
    match (flags.quiet, flags.json || !(terminal || flags.text)) {
        (true, _) => Form::Quiet,
        (false, true) => Form::Json,
        (false, false) => Form::Text,
    }
}

/// Help and version are data; all other parser messages are errors.
fn explain(output: &Output, error: &clap::Error, args: &[OsString], colour: bool) -> Result<(), Failure> {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let text = error.render();
        output.raw(&if colour { text.ansi().to_string() } else { text.to_string() });
        return Ok(());
    }
    let plain = error.render().to_string();
    let (first, rest) = plain.trim_end().split_once('\n').unwrap_or((plain.trim_end(), ""));
    let failure = Failure::new(Exit::Usage, first.trim_start_matches("error: "));
    let hint = near_miss(error, args);
    // If another tool's name is recognised, the parser's guess by spelling only misleads; so does a
    // flag that means the opposite, or `-- --flag`, which is no prompt.
    let typed = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let misleads = |tip: &str| {
        let suggested = tip.split('\'').nth(1).unwrap_or_default();
        hint.is_some() || tip.starts_with("to pass ") || foreign_flags::is_opposite(&typed, suggested)
    };
    let rest: Vec<&str> = rest
        .lines()
        .filter(|line| line.trim_start().strip_prefix("tip: ").is_none_or(|tip| !misleads(tip)))
        .collect();
    let rest = rest.join("\n").trim_matches('\n').replace("\n\n\n", "\n\n");
    let rest = if rest.is_empty() { rest } else { format!("\n{rest}") };
    // The arguments are shown here, and one may be a key.
    let values = args.iter().filter_map(|arg| arg.to_str()).flat_map(|arg| arg.split('='));
    values.filter(|value| secrets::may_be_key(value)).for_each(|value| output.hide(value));
    let see = if hint.is_some() { String::new() } else { help_of(args) };
    Err(failure.hint(hint.unwrap_or_default()).hint(see).more(&rest))
}

/// Where the command that was meant is explained.
fn help_of(args: &[OsString]) -> String {
    let root = args::command();
    let (mut command, mut path) = (&root, String::from("ark-video"));
    for word in args.iter().skip(1).filter_map(|arg| arg.to_str()) {
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
            let here = foreign_flags::verb(word).map(|here| format!("write: {here}"));
            Some(
                here.unwrap_or_else(|| {
                    "a prompt comes after `generate`: ark-video generate \"…\"".to_owned()
                }),
            )
        }
        ErrorKind::UnknownArgument => {
            let word = word(ContextKind::InvalidArg)?;
            if word.starts_with('-') {
                return foreign_flags::flag(word, value_after(args, word));
            }
            let command = args::command();
            if let Some(flag) = flag_values::flag_before(args, word, &command) {
                return Some(format!("{flag} takes true or false, as in {flag}=false"));
            }
            let texts: Vec<&str> = args.iter().skip(1).filter_map(|arg| arg.to_str()).collect();
            let at = texts
                .iter()
                .position(|word| ["generate", "gen", "+gen", "check", "estimate"].contains(word))?;
            let first = texts.get(at + 1).filter(|_| texts[at].ends_with("gen") || texts[at] == "generate");
            let verb = first.and_then(|first| prompt_argument::command_of(first));
            Some(verb.map_or_else(
                || "only one prompt is allowed: put it in quotes".to_owned(),
                |verb| format!("write: {verb}"),
            ))
        }
        _ => None,
    }
}
