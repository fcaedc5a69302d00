//! `simulate --audit -- COMMAND`: runs any client against the simulator, then reports what it would
//! have been billed.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use ark_video_simulator::Ledger;
use tokio::process::{Child, Command};

use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::AuditReport;
use crate::output::{Form, Output};
use crate::session::Session;
use crate::simulator::Running;

/// Longer than any task may take (`execution_expires_after`, create page, 2026-10): after it
/// everything that was accepted has ended.
const EVERYTHING: Duration = Duration::from_secs(73 * 3600);

/// How long the command may take to end after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the command and reports. Its own output goes to standard error, so that standard output
/// holds the report alone.
pub(crate) async fn run(
    session: &mut Session,
    running: &mut Running,
    command: &[OsString],
) -> Result<(), Failure> {
    let Running { simulator, notes } = running;
    let [program, arguments @ ..] = command else {
        return Err(Failure::new(Exit::Usage, "no command to audit").hint("write the command after `--`"));
    };
    let mut child = Command::new(program);
    child.args(arguments).current_dir(&session.cwd).stdout(Stdio::from(std::io::stderr())).kill_on_drop(true);
    child.env("ARK_BASE_URL", simulator.base_url()).env("ARK_API_KEY", simulator.api_key());
    // These would override the simulator's address; a proxy cannot reach this machine.
    child.env_remove("ARK_PROFILE").env_remove("ARK_REGION");
    let direct = ["NO_PROXY", "no_proxy"].iter().find_map(|name| session.env.get(*name));
    let direct = direct.map(|list| format!("{list},")).unwrap_or_default();
    child.env("NO_PROXY", format!("{direct}127.0.0.1,localhost"));
    if let Some(control) = simulator.control_url() {
        child.env("ARK_SIMULATOR_CONTROL_URL", control);
    }
    let shown = quoted(&program.to_string_lossy());
    let mut child =
        child.spawn().map_err(|error| Failure::new(Exit::Input, format!("cannot start {shown}: {error}")))?;
    let ended = loop {
        tokio::select! {
            ended = child.wait() => break ended,
            () = session.interrupts.next() => break stop(&mut child).await,
            Some(note) = notes.recv() => session.output.note(format_args!("simulator: {note}")),
        }
    };
    let ended =
        ended.map_err(|error| Failure::new(Exit::Internal, format!("cannot wait for {shown}: {error}")))?;
    // Accepted tasks are billed, whether or not the command waited for them.
    simulator.advance(EVERYTHING);
    let ledger = simulator.ledger();
    report(&session.output, &ledger, ended.code());
    let doubles = ledger.doubles().count();
    match ended.code() {
        Some(0) if doubles == 0 => Ok(()),
        Some(0) => Err(Failure::new(
            Exit::DoubleBills,
            format!(
                "{doubles} of {} requests would have been billed more than once: {} surplus bills",
                ledger.intents.len(),
                ledger.surplus_bills()
            ),
        )
        .hint("do not resend a create whose response was lost: search for its task in the list first")),
        Some(code) => {
            let passed = u8::try_from(code).unwrap_or(1);
            Err(Failure::new(
                Exit::Command(passed),
                format!("the audited command ended with exit code {code}"),
            ))
        }
        None => Err(Failure::new(Exit::Command(1), "the audited command was killed by a signal")),
    }
}

/// The terminal has signalled the command too: it gets some time to exit.
async fn stop(child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
    match tokio::time::timeout(GRACE, child.wait()).await {
        Ok(ended) => ended,
        Err(_) => {
            child.start_kill()?;
            child.wait().await
        }
    }
}

fn report(output: &Output, ledger: &Ledger, code: Option<i32>) {
    let doubles = ledger.doubles().count();
    match output.form {
        Form::Json => output.json(&AuditReport {
            command_exit_code: code,
            accepted: ledger.accepted,
            ran: ledger.ran,
            billed: ledger.billed,
            tokens: ledger.tokens,
            price: &ledger.price,
            intents: &ledger.intents,
            double_bills: doubles,
            surplus_bills: ledger.surplus_bills(),
            rates_exceeded: &ledger.exceeded,
            never_fetched: &ledger.never_seen,
            never_downloaded: &ledger.never_downloaded,
            deleted_before_download: &ledger.deleted_before_download,
        }),
        Form::Quiet => output.line(ledger.billed),
        Form::Text => output.line(text(ledger).trim_end()),
    }
}

fn text(ledger: &Ledger) -> String {
    let costs = ledger.price.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
    let costs = if costs.is_empty() { String::new() } else { format!(", {costs}") };
    let mut text = format!(
        "accepted {}, ran {}, billed {}: {} tokens{costs}\n",
        ledger.accepted, ledger.ran, ledger.billed, ledger.tokens
    );
    text.push_str(&format!("distinct requests {}\n", ledger.intents.len()));
    for intent in ledger.intents.iter().filter(|intent| intent.task_ids.len() > 1) {
        let ids = intent.task_ids.join(" ");
        text.push_str(&format!(
            "  request {}: {} bills for one request: {ids}\n",
            intent.request_hash, intent.bills
        ));
    }
    for one in &ledger.exceeded {
        text.push_str(&format!("rate exceeded: {}, {} times ({})\n", one.operation, one.count, one.code));
    }
    for (what, ids) in [
        ("billed, end never polled", &ledger.never_seen),
        ("billed and never fully downloaded", &ledger.never_downloaded),
        ("billed, and its record deleted before it was downloaded", &ledger.deleted_before_download),
    ] {
        if !ids.is_empty() {
            text.push_str(&format!("{what}: {}\n", ids.join(" ")));
        }
    }
    text
}
