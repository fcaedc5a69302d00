//! A simulator in this process, for `simulate` and for `--simulate`. Knows no option of either.

use ark_video_simulator::{Builder, Simulator};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::exit::Exit;
use crate::failure::Failure;

/// A running simulator and its notes so far.
pub(crate) struct Running {
    pub(crate) simulator: Simulator,
    pub(crate) notes: UnboundedReceiver<String>,
}

/// Starts it and collects its notes.
pub(crate) async fn start(builder: Builder) -> Result<Running, Failure> {
    let (sender, notes) = unbounded_channel();
    let builder = builder.on_note(move |note| {
        // The receiver is gone: notes are no longer needed.
        let _ = sender.send(note.text.clone());
    });
    let simulator =
        builder.start().await.map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    Ok(Running { simulator, notes })
}
