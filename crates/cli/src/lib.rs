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

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command, flag_values};
pub use env::{Env, Interrupts, Terminal};
use exit::Exit;
use failure::Failure;
use output::{Form, Output};
use session::Session;

/// Width of help that is not read on a terminal.
const HELP_WIDTH: usize = 100;

/// Runs the process's own command line.
pub fn main() -> ExitCode {
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
    let set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
    let colour = !set("NO_COLOR") && env.get("TERM").is_none_or(|term| term != "dumb");
    let mut command = Cli::command();
    command.build();
    let args = flag_values::normalized(&args, &command);
    ark_video::KEY_VARIABLES.iter().filter_map(|name| env.get(*name)).for_each(|key| output.hide(key));
    let json_errors = args.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    output.set(Form::Text, json_errors, colour && terminal.stderr, false);
    let parsed = parse(&args, command, terminal.stdout);
    let (output, ended) = match parsed {
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
            (output, ended)
        }
    };
    let written = output
        .finish()
        .map_err(|error| Failure::new(Exit::Output, format!("cannot write to standard output: {error}")));
    match ended.and(written) {
        Ok(()) => 0,
        Err(failure) => {
            output.failure(&failure);
            failure.exit.code()
        }
    }
}

async fn dispatch(mut session: Session, command: Command) -> (Output, Result<(), Failure>) {
    use commands::{about, batch, check, generate, models, reconcile, result, simulate, tasks};
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
    };
    (session.output, ended)
}

fn parse(args: &[OsString], command: clap::Command, terminal: bool) -> Result<Cli, clap::Error> {
    let command = if terminal { command } else { command.term_width(HELP_WIDTH) };
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
    // If another tool's name is recognised, the parser's guess by spelling only misleads.
    let rest: Vec<&str> =
        rest.lines().filter(|line| hint.is_none() || !line.trim_start().starts_with("tip: ")).collect();
    let rest = rest.join("\n").trim_matches('\n').replace("\n\n\n", "\n\n");
    let rest = if rest.is_empty() { rest } else { format!("\n{rest}") };
    // The arguments are shown here, and one may be a key.
    let values = args.iter().filter_map(|arg| arg.to_str()).flat_map(|arg| arg.split('='));
    values.filter(|value| secrets::may_be_key(value)).for_each(|value| output.hide(value));
    let see = if hint.is_some() { "" } else { "see: ark-video --help" };
    Err(failure.hint(hint.unwrap_or_default()).hint(see).more(&rest))
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
                return foreign_flags::flag(word).map(str::to_owned);
            }
            let mut command = Cli::command();
            command.build();
            Some(match flag_values::flag_before(args, word, &command) {
                Some(flag) => format!("{flag} takes true or false, as in {flag}=false"),
                None => "only one prompt is allowed: put it in quotes".to_owned(),
            })
        }
        _ => None,
    }
}
