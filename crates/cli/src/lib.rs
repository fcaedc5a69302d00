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
mod cost_limit;
mod destination;
mod env;
mod escape;
mod exit;
mod failure;
mod foreign_flags;
mod join;
mod json;
mod json_input;
#[cfg(feature = "mcp")]
mod mcp;
mod media;
mod media_fetch;
mod model_names;
mod names;
mod output;
mod price;
mod progress;
mod prompt_argument;
mod records;
mod request;
mod secrets;
mod session;
mod settings;
mod sidecar;
mod simulator;
mod storage;
mod summary;
mod usage_error;

use std::process::ExitCode;

use clap::FromArgMatches;
use clap_complete::CompleteEnv;
use tokio::runtime::{Builder, Runtime};

use args::{Cli, Command, flag_values};
pub use env::{Env, Interrupts, Signal, Terminal};
use exit::Exit;
use failure::Failure;
#[cfg(feature = "schemars")]
pub use json::{JsonOutput, json_outputs};
use output::{Form, Output};
use session::Session;

/// How a command ended: its output, the signal that ended it, and its result.
type Ended = (Output, Option<Signal>, Result<(), Failure>);

/// Runs the process's own command line.
pub fn main() -> ExitCode {
    // Answers a completion script, and exits; anything else continues.
    CompleteEnv::with_factory(args::command_to_complete).var(commands::about::COMPLETE).complete();
    let ended = match parsed(Env::of_process()) {
        Ok((mut session, command)) => {
            let Ok(runtime) = runtime(&command) else { return ExitCode::from(Exit::Internal.code()) };
            let ended = runtime.block_on(async {
                session.interrupts = Interrupts::of_process();
                dispatch(session, command).await
            });
            // A thread may still block on standard input.
            runtime.shutdown_background();
            ended
        }
        Err(ended) => *ended,
    };
    ExitCode::from(exit_code(ended))
}

/// One thread is enough for a command that reports; what makes, fetches or serves videos has more.
fn runtime(command: &Command) -> std::io::Result<Runtime> {
    let mut builder = match command {
        Command::Check(_)
        | Command::Estimate(_)
        | Command::Get(_)
        | Command::List(_)
        | Command::Models(_)
        | Command::Config(_)
        | Command::Version(_)
        | Command::Completions { .. }
        | Command::Man { .. } => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

/// Runs one command and gives its exit code, see `ark-video --help`. Needs a tokio runtime.
pub async fn run(env: Env) -> u8 {
    exit_code(match parsed(env) {
        Ok((session, command)) => dispatch(session, command).await,
        Err(ended) => *ended,
    })
}

/// Parses the command line. Help, the version and usage errors end here.
fn parsed(env: Env) -> Result<(Session, Command), Box<Ended>> {
    let Env { args, env, cwd, stdin, stdout, stderr, terminal, interrupts, clock } = env;
    let mut output = Output::new(stdout, stderr);
    output.columns = terminal.columns.filter(|_| terminal.stdout);
    let set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
    let colour = !set("NO_COLOR") && env.get("TERM").is_none_or(|term| term != "dumb");
    let command = args::command_for(&args, output.columns);
    let args = flag_values::normalized(&args, &command);
    ark_video::environment::KEY_VARIABLES
        .iter()
        .filter_map(|name| env.get(*name))
        .for_each(|key| output.hide(key));
    let json_errors = args.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    output.set(Form::Text, json_errors, colour && terminal.stderr, false);
    let parsed = command.try_get_matches_from(&args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let ended = usage_error::explain(&output, &error, &args, colour && terminal.stdout);
            return Err(Box::new((output, None, ended)));
        }
    };
    let form = form(&cli, terminal.stdout);
    output.set(form, json_errors, colour && terminal.stderr, terminal.stderr && !set("CI"));
    let (flags, stdin) = (cli.global, Some(stdin));
    Ok((Session { flags, output, env, cwd, terminal, interrupts, clock, stdin }, cli.command))
}

/// Reports a failure, and gives the exit code.
fn exit_code((output, signal, ended): Ended) -> u8 {
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

async fn dispatch(mut session: Session, command: Command) -> Ended {
    use commands::{
        about, batch, check, clip, config, doctor, fetch, generate, man, models, reconcile, simulate,
        storage, tasks, version,
    };
    if let Some(failure) = unused_option(&session.flags, &command) {
        return (session.output, None, Err(failure));
    }
    // Boxed one by one: together they would need more stack than a thread of a test has.
    let ended = match &command {
        Command::Generate(args) => Box::pin(generate::run(&mut session, args)).await,
        Command::Extend(args) => Box::pin(clip::extend(&mut session, args)).await,
        Command::Edit(args) => Box::pin(clip::edit(&mut session, args)).await,
        Command::Continue(args) => Box::pin(clip::carry_on(&mut session, args)).await,
        Command::Check(args) => Box::pin(check::check(&mut session, args)).await,
        Command::Estimate(args) => Box::pin(check::estimate(&mut session, args)).await,
        Command::Batch(args) => Box::pin(batch::run(&mut session, args)).await,
        Command::Cost(args) => Box::pin(batch::cost(&session, args)).await,
        Command::Get(args) => Box::pin(tasks::get(&mut session, args)).await,
        Command::List(args) => Box::pin(tasks::list(&mut session, args)).await,
        Command::Wait(args) => Box::pin(fetch::wait(&mut session, args)).await,
        Command::Download(args) => Box::pin(fetch::download(&mut session, args)).await,
        Command::Reconcile(args) => Box::pin(reconcile::run(&mut session, args)).await,
        Command::Cancel(args) => Box::pin(tasks::cancel(&mut session, args)).await,
        Command::Forget(args) => Box::pin(tasks::forget(&mut session, args)).await,
        Command::Models(args) => Box::pin(models::run(&mut session, args)).await,
        Command::Simulate(args) => Box::pin(simulate::run(&mut session, args)).await,
        #[cfg(feature = "mcp")]
        Command::Mcp(args) => Box::pin(mcp::run(&mut session, args)).await,
        Command::Storage(args) => Box::pin(storage::run(&mut session, args)).await,
        Command::Doctor(args) => Box::pin(doctor::run(&mut session, args)).await,
        Command::Config(args) => Box::pin(config::run(&mut session, args)).await,
        Command::Version(args) => version::run(&session, args),
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
        ("--ca-cert", flags.ca_cert.is_some()),
        ("--header", !flags.headers.is_empty()),
        ("--insecure-http", flags.insecure_http),
    ];
    let (flag, _) = service.into_iter().find(|(_, is_given)| *is_given && name == "simulate")?;
    refused(flag, name, "omit it: the simulator reaches no service; --addr and --api-key are its own")
}

fn form(cli: &Cli, terminal: bool) -> Form {
    let flags = &cli.global;
    match (flags.quiet, flags.json || !(terminal || flags.text)) {
        (true, _) => Form::Quiet,
        (false, true) => Form::Json,
        (false, false) => Form::Text,
    }
}
