//! `completions`.

use clap_complete::Shell;
use clap_complete::env::Shells;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The variable with which a completion script calls this command.
pub(crate) const COMPLETE: &str = "_ARK_VIDEO_COMPLETE";

/// `completions SHELL`
pub(crate) fn completions(session: &Session, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let written = shells
        .completer(&shell.to_string())
        .map(|shell| shell.write_registration(COMPLETE, "ark-video", "ark-video", "ark-video", &mut script));
    if !matches!(written, Some(Ok(()))) {
        return Err(Failure::new(Exit::Internal, format!("no completion script for {shell}")));
    }
    if shell == Shell::Bash {
        // Otherwise bash takes `16:9` for three words.
        script.extend(b"COMP_WORDBREAKS=${COMP_WORDBREAKS//:}\n");
    }
    session.output.raw(&String::from_utf8_lossy(&script));
    Ok(())
}
