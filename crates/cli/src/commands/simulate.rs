//! `simulate`: the service on this machine, until Ctrl-C.

use ark_video_simulator::{Builder, Simulator};
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::args::SimulateArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Form;
use crate::session::Session;

/// A running simulator and what it has assumed so far.
pub(crate) struct Running {
    pub(crate) simulator: Simulator,
    pub(crate) notes: UnboundedReceiver<String>,
}

/// Starts it so that its notes can be read.
pub(crate) async fn start(builder: Builder) -> Result<Running, Failure> {
    let (sender, notes) = unbounded_channel();
    let builder = builder.on_note(move |note| {
        // Nobody reads any more: then nobody needs to know.
        let _ = sender.send(note.text.clone());
    });
    let simulator =
        builder.start().await.map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    Ok(Running { simulator, notes })
}

/// What a script waits for before it sends anything.
#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    base_url: &'a str,
    api_key: &'a str,
    seed: u64,
}

/// `simulate`
pub(crate) async fn run(session: &mut Session, args: &SimulateArgs) -> Result<(), Failure> {
    let mut builder = Simulator::builder().addr(args.addr).speed(args.speed);
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    if args.any_key {
        builder = builder.any_key();
    }
    let Running { mut simulator, mut notes } = start(builder).await?;
    let output = &session.output;
    match output.form {
        Form::Json => output.json(&Ready {
            ready: true,
            base_url: simulator.base_url(),
            api_key: simulator.api_key(),
            seed: simulator.seed(),
        }),
        Form::Quiet => output.line(simulator.base_url()),
        Form::Text => {
            output.note("the simulator runs until Ctrl-C; in another shell:");
            output.line(format_args!("export ARK_BASE_URL={}", simulator.base_url()));
            output.line(format_args!("export ARK_API_KEY={}", simulator.api_key()));
        }
    }
    loop {
        tokio::select! {
            () = session.interrupts.next() => break,
            () = simulator.stopped() => return Err(Failure::new(Exit::Internal, "the simulator stopped by itself")),
            Some(note) = notes.recv() => session.output.note(format_args!("simulator: {note}")),
        }
    }
    let bills = simulator.bills();
    session
        .output
        .note(format_args!("stopped; bills that the real service would have written: {}", bills.len()));
    simulator.shutdown().await;
    // Ctrl-C is how it is meant to end.
    Ok(())
}
