//! What is there: `models`, `config`, `completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::tasks::ask;
use crate::args::{Cli, ModelsArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Form;
use crate::session::Session;
use crate::summary;

/// `models`
pub(crate) async fn models(session: &mut Session, args: &ModelsArgs) -> Result<(), Failure> {
    let stdin = if session.key_from_stdin() { session.read_stdin().await? } else { Vec::new() };
    let settings = session.settings(&stdin)?;
    let connection = session.connect(&settings).await?;
    let mut list = ask(session, connection.client.models()).await?;
    let wanted = args.filter.as_deref().unwrap_or_default().to_lowercase();
    list.data.retain(|model| {
        let domain = model.domain.as_deref();
        let makes_videos = domain.is_none_or(|domain| domain == "VideoGeneration");
        let text = format!("{} {}", model.id, model.name.as_deref().unwrap_or_default()).to_lowercase();
        (args.all || makes_videos) && text.contains(&wanted)
    });
    match session.output.form {
        Form::Json => session.output.json(&list),
        Form::Quiet => list.data.iter().for_each(|model| session.output.line(&model.id)),
        Form::Text => session.output.line(summary::models(&list.data.iter().collect::<Vec<_>>())),
    }
    Ok(())
}

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
