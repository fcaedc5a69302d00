//! `config` and `completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Form;
use crate::session::Session;

/// `config`
pub(crate) async fn config(session: &mut Session) -> Result<(), Failure> {
    let stdin = if session.key_from_stdin() { session.read_stdin().await? } else { Vec::new() };
    let settings = session.settings(&stdin)?;
    match session.output.form {
        Form::Json => session.output.json(&settings.to_json()),
        Form::Quiet | Form::Text => session.output.line(settings.to_text()),
    }
    Ok(())
}

/// `completions SHELL`
pub(crate) fn completions(session: &Session, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ark-video", &mut script);
    let script = String::from_utf8(script)
        .map_err(|_| Failure::new(Exit::Internal, "the completion script is not UTF-8"))?;
    session.output.raw(&script);
    Ok(())
}
