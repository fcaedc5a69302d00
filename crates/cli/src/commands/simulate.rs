//! `simulate`: the local simulator, until Ctrl-C or until an audited command exits.

use std::borrow::Cow;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ark_video::files::{read_bounded, write_private};
use ark_video::model::catalog::Catalog;
use ark_video_simulator::{Account, Builder, Dialect, FaultPlan, Options, Rates, Simulator};

use super::audit;
use crate::args::{AccountArg, InlineMedia, SimulateArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::SimulatorReady;
use crate::output::Form;
use crate::session::Session;
use crate::simulator::{Running, start};

/// The default listen address.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8787);

/// Largest state that is read, in bytes.
const LARGEST_STATE: u64 = 4 << 30;

/// `simulate`
pub(crate) async fn run(session: &mut Session, args: &SimulateArgs) -> Result<(), Failure> {
    let state = args.state.as_ref().map(|path| session.cwd.join(path));
    let catalog = session.catalog()?;
    let mut builder = builder(&session.cwd, catalog, args, state.as_ref())?;
    if args.fetch_media {
        let settings = session.storage_settings()?;
        let fetch = session.media_fetch(&settings).await?;
        builder = builder.measure_media(move |url, _| fetch.clone().facts(url));
    }
    let mut running = start(builder).await?;
    let ended = if args.audit {
        audit::run(session, &mut running, &args.command).await
    } else {
        serve(session, &mut running, args.until_stdin_closes).await
    };
    let saved = state.map_or(Ok(()), |path| save(&running.simulator, &path));
    running.simulator.shutdown().await;
    ended.and(saved)
}

/// Runs until Ctrl-C, or if wanted until standard input closes; both are a normal exit.
async fn serve(
    session: &mut Session,
    running: &mut Running,
    until_stdin_closes: bool,
) -> Result<(), Failure> {
    let Running { simulator, notes } = running;
    let output = &session.output;
    match output.form {
        Form::Json => output.json(&SimulatorReady {
            ready: true,
            base_url: simulator.base_url(),
            api_key: simulator.api_key(),
            control_url: simulator.control_url(),
            seed: simulator.seed(),
        }),
        Form::Quiet => output.line(simulator.base_url()),
        Form::Text => {
            output.note("the simulator runs until Ctrl-C; in another shell:");
            output.line(format_args!("export ARK_BASE_URL={}", simulator.base_url()));
            output.line(format_args!("export ARK_API_KEY={}", simulator.api_key()));
            if let Some(control) = simulator.control_url() {
                output.note(format_args!("tasks, bills and videos: {control}"));
            }
        }
    }
    let stdin = session.stdin.take().filter(|_| until_stdin_closes);
    let mut stdin_closed = std::pin::pin!(closed(stdin));
    loop {
        tokio::select! {
            () = session.interrupts.next() => break,
            () = &mut stdin_closed => break,
            () = simulator.stopped() => return Err(Failure::new(Exit::Internal, "the simulator stopped by itself")),
            Some(note) = notes.recv() => session.output.note(format_args!("simulator: {note}")),
        }
    }
    let bills = simulator.bills();
    session.output.note(format_args!("stopped; bills of the real service would have been: {}", bills.len()));
    Ok(())
}

/// Reads until the input closes or fails; pending forever without one.
async fn closed(input: Option<Box<dyn Read + Send>>) {
    match input {
        Some(mut input) => {
            let read = move || std::io::copy(&mut input, &mut std::io::sink());
            // Closed and broken are the same here: nothing can come any more.
            let _ = tokio::task::spawn_blocking(read).await;
        }
        None => std::future::pending().await,
    }
}

fn builder(
    cwd: &Path,
    catalog: Cow<'static, Catalog>,
    args: &SimulateArgs,
    state: Option<&PathBuf>,
) -> Result<Builder, Failure> {
    let mut options = Options::default().queued(args.queued).running(args.running).catalog(catalog);
    options = options.ignores_media(args.media == InlineMedia::Ignore);
    if let Some(parsed) = &args.dialect {
        options = options.dialect(dialect(cwd, parsed)?);
    }
    if let Some(prefix) = &args.prefix {
        options = options.prefix(prefix.as_str());
    }
    if let Some(account) = args.rates {
        options = options.rates(Rates::of(match account {
            AccountArg::Company => Account::Company,
            AccountArg::Personal => Account::Personal,
        }));
    }
    for (name, value) in &args.switches {
        options.switches.set(name, value).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    }
    let free = SocketAddr::new(USUAL.ip(), 0);
    let addr = args.addr.unwrap_or(if args.audit { free } else { USUAL });
    // The default options have a fixed seed.
    let mut builder = Simulator::builder().options(options).seed(args.seed.unwrap_or_else(new_seed));
    builder = builder.addr(addr).control(args.control_addr);
    builder = if args.manual_clock { builder.manual_clock() } else { builder.speed(args.speed) };
    if args.any_key {
        builder = builder.any_key();
    }
    if let Some(key) = &args.api_key {
        if key.is_empty() || key.contains(|c: char| !c.is_ascii_graphic()) {
            let message = "--api-key must consist of visible ASCII characters without spaces";
            return Err(Failure::new(Exit::Usage, message));
        }
        builder = builder.key(key.as_str());
    }
    if let Some(url) = &args.public_url {
        builder = builder.origin(public_url(url)?);
    }
    if args.callbacks_anywhere {
        builder = builder.callbacks_anywhere();
    }
    if let Some(path) = &args.faults {
        builder = builder.faults(plan(&cwd.join(path))?);
    }
    match state.map(|path| read_bounded(path, LARGEST_STATE)) {
        Some(Ok(saved)) => Ok(builder.restore(String::from_utf8_lossy(&saved))),
        Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::new(Exit::Input, format!("cannot read the state file: {error}")))
        }
        _ => Ok(builder),
    }
}

/// Scheme, host and port, and optionally a path that a reverse proxy removes.
fn public_url(url: &str) -> Result<&str, Failure> {
    let wrong = || {
        Failure::new(Exit::Usage, format!("--public-url {url} is not a valid http or https URL"))
            .hint("write it as https://sim.example, without a query")
    };
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).ok_or_else(wrong)?;
    let odd = rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', '@', ' ']);
    if odd { Err(wrong()) } else { Ok(url.trim_end_matches('/')) }
}

/// A random seed.
fn new_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // The low bits are those that differ.
    since.as_nanos() as u64
}

/// A built-in dialect by name, or one from a file, recognised by its extension.
fn dialect(cwd: &Path, named: &str) -> Result<Dialect, Failure> {
    if !named.ends_with(".json") {
        let known = Dialect::named(named).cloned();
        return known.map_err(|error| Failure::new(Exit::Usage, error.to_string()));
    }
    let text = std::fs::read_to_string(cwd.join(named))
        .map_err(|error| Failure::new(Exit::Input, format!("cannot read {named}: {error}")))?;
    Dialect::from_json(&text).map_err(|error| Failure::new(Exit::Configuration, format!("{named}: {error}")))
}

/// Reads a fault plan: TOML unless it starts like JSON.
pub(crate) fn plan(path: &Path) -> Result<FaultPlan, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Input, format!("cannot read {shown}: {error}")))?;
    let wrong = |why: String| Failure::new(Exit::Configuration, format!("{shown}: {}", why.trim_end()));
    if text.trim_start().starts_with('{') {
        return FaultPlan::from_json(&text).map_err(|error| wrong(error.to_string()));
    }
    let plan: FaultPlan = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    plan.check().map_err(|error| wrong(error.to_string()))?;
    Ok(plan)
}

/// Writes the state atomically: a crash leaves the old file.
fn save(simulator: &Simulator, path: &Path) -> Result<(), Failure> {
    let wrong = |why: String| Failure::new(Exit::Output, format!("cannot write {}: {why}", path.display()));
    let state = simulator.snapshot().map_err(|error| wrong(error.to_string()))?;
    write_private(path, state.as_bytes()).map_err(|error| wrong(error.to_string()))
}
