//! `mcp`: a server for agents over the Model Context Protocol. It only adapts: each tool calls what
//! the command of the same name uses, and every create goes through the journal of a batch, whose
//! runner sends it once. Nothing is created without a budget of the person who starts it.

mod context;
mod error;
mod prompts;
mod quotes;
mod request;
mod resources;
mod roots;
mod serve;
mod server;
mod spend;
mod tasks;
mod tools;
mod view;
mod wallet;
mod worker;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ark_video::files::create_own_folder;
use ark_video::model::catalog::Catalog;
use ark_video::{Client, RateLimits};
use ark_video_batch::{JournalAt, PlanOptions, Planned, RunnerOptions, State};
use ark_video_simulator::Simulator;
use futures_util::TryStreamExt as _;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::args::{AccountArg, JournalArgs, McpArgs};
use crate::commands::batch::journal::{self, Opened, of_journal};
use crate::commands::batch::run as batch;
use crate::commands::simulate;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::records;
use crate::session::Session;
use crate::settings::Settings;
use crate::simulator::Running;
use context::Context;
use quotes::{LIFE, Quotes, random};
use roots::Roots;
use server::Agent;
use wallet::Wallet;
use worker::Worker;

/// The batch of all that agents create.
const BATCH: &str = "mcp";
/// The folder of a simulated server's videos, below the first root.
const SIMULATED: &str = "simulated";

/// `mcp`
pub(crate) async fn run(session: &mut Session, args: &McpArgs) -> Result<(), Failure> {
    usable(session, args)?;
    let catalog = session.catalog()?;
    let settings = session.settings(&[])?;
    let (client, _simulator) = connect(session, args, &settings, catalog.clone()).await?;
    let scratch = session.flags.simulate.then(TempDir::new).transpose();
    let scratch =
        scratch.map_err(|error| Failure::new(Exit::Output, format!("no temporary folder: {error}")))?;
    let place = place(session, args, scratch.as_ref())?;
    let context = Arc::new(context(session, args, &settings, (client.clone(), catalog), &place).await?);
    // Aborted when this ends.
    let mut working = tokio::task::JoinSet::new();
    if let Some(client) = client {
        prepare(session, &context, &client).await?;
        let run = Arc::clone(&context.worker).run(client, context.journal.clone(), options(session, args));
        working.spawn(run);
    }
    let served = serve(session, args, &context).await;
    context.worker.stop();
    tokio::select! {
        _ = working.join_next() => {}
        () = session.interrupts.next() => {}
    }
    context.journal.close().await;
    served
}

fn usable(session: &Session, args: &McpArgs) -> Result<(), Failure> {
    let usage = |message| Err(Failure::new(Exit::Usage, message));
    if !session.flags.simulate && (args.faults.is_some() || args.speed != 1.0) {
        return usage("--faults and --speed are for --simulate");
    }
    if session.flags.simulate && args.journal.is_some() {
        return usage("--simulate has its own journal, which ends with it: omit --journal");
    }
    if session.key_from_stdin() {
        return usage("standard input is the agent's: give the key in ARK_API_KEY or in a file");
    }
    Ok(())
}

/// The client, without rate limits for creates: the runner applies them. `None` without a key, if
/// nothing can be created anyway.
async fn connect(
    session: &Session,
    args: &McpArgs,
    settings: &Settings,
    catalog: Cow<'static, Catalog>,
) -> Result<(Option<Client>, Option<Running>), Failure> {
    if session.flags.simulate {
        let mut builder = Simulator::builder().catalog(catalog).speed(args.speed);
        if let Some(faults) = &args.faults {
            builder = builder.faults(simulate::plan(&session.cwd.join(faults))?);
        }
        let connection = session.simulated(builder, RateLimits::unlimited()).await?;
        return Ok((Some(connection.client), connection.simulator));
    }
    if settings.key.is_none() && args.budget.is_none() {
        return Ok((None, None));
    }
    Ok((Some(batch::connect(session, settings, catalog).await?.client), None))
}

fn place(session: &Session, args: &McpArgs, scratch: Option<&TempDir>) -> Result<JournalAt, Failure> {
    match (&args.journal, scratch) {
        (Some(_), _) => {
            let args = JournalArgs { journal: args.journal.clone(), ..JournalArgs::default() };
            journal::place(session, &args, None)
        }
        (None, Some(folder)) => Ok(JournalAt::File(folder.path().join("mcp.journal"))),
        (None, None) => Ok(JournalAt::File(state(session)?.join("mcp.journal"))),
    }
}

fn state(session: &Session) -> Result<PathBuf, Failure> {
    records::state_dir(&session.env, &session.cwd).ok_or_else(|| {
        Failure::new(Exit::Configuration, "no state directory: neither ARK_STATE_DIR nor HOME is set")
            .hint("give --journal FILE")
    })
}

async fn context(
    session: &Session,
    args: &McpArgs,
    settings: &Settings,
    (client, catalog): (Option<Client>, Cow<'static, Catalog>),
    place: &JournalAt,
) -> Result<Context, Failure> {
    let roots = Roots::open(&args.roots, &session.cwd)?;
    let mut videos = roots.first().to_owned();
    if session.flags.simulate {
        videos.push(SIMULATED);
        create_own_folder(&videos).map_err(|error| {
            let why = crate::media::reason(&error);
            Failure::new(Exit::Output, format!("cannot use the folder {}: {why}", videos.display()))
        })?;
    }
    let quotes = match place {
        JournalAt::File(file) => {
            let mut folder = file.clone().into_os_string();
            folder.push(".quotes");
            PathBuf::from(folder)
        }
        _ => state(session)?.join("mcp-quotes"),
    };
    let journal = journal::at_place(place, true).await?;
    let id = random(6)?;
    let start = format!("mcp-start-{id}");
    let wallet =
        Wallet::open(&journal, args, settings.confirm_above.clone(), start).await.map_err(of_journal)?;
    let keys = settings.key.iter().map(|key| key.value.expose_secret());
    let keys = keys.chain(settings.headers.iter().map(|(_, value)| value.expose_secret()));
    Ok(Context {
        keys: keys.map(|key| key.trim().to_owned()).collect(),
        quotes: Quotes::open(quotes, &catalog.edition)?,
        worker: Arc::new(Worker::new()),
        clock: Arc::clone(&session.clock),
        model: settings.model.value.clone(),
        site: settings.model_site(),
        again: session.again(),
        id,
        client,
        journal,
        catalog,
        roots,
        videos,
        wallet,
    })
}

/// The batch of the agents, of this account; what was confirmed for an earlier start and not sent
/// before its quote expired is taken out.
async fn prepare(session: &Session, context: &Context, client: &Client) -> Result<(), Failure> {
    let opened = Opened { journal: context.journal.clone(), batch: BATCH.to_owned() };
    batch::same_account(session, &opened.journal, BATCH, client).await?;
    let none: [Planned; 0] = [];
    opened.journal.plan(BATCH, &none, PlanOptions::default()).await.map_err(of_journal)?;
    batch::remember(session, &opened, client).await?;
    let jobs: Vec<_> =
        opened.journal.stream(tasks::filter(&[State::Intent])).try_collect().await.map_err(of_journal)?;
    let life = i64::try_from(LIFE.as_millis()).unwrap_or(i64::MAX);
    for job in jobs {
        if job.changed_at.saturating_add(life) < context.now() {
            let reason = "it was not sent before its quote expired";
            // Another server may have sent it in the meantime.
            let _ = opened.journal.drop_job(&job, reason).await.map_err(of_journal)?;
        }
    }
    Ok(())
}

fn options(session: &Session, args: &McpArgs) -> RunnerOptions {
    let mut options = RunnerOptions::new().clock(Arc::clone(&session.clock)).sends(args.budget.is_some());
    if args.account == AccountArg::Personal {
        (options.concurrency, options.creates_per_minute) = (3, 175.0);
    }
    if session.flags.simulate {
        options.simulated = true;
        options.watch.initial_delay = Duration::from_millis(250);
    }
    options
}

async fn serve(session: &mut Session, args: &McpArgs, context: &Arc<Context>) -> Result<(), Failure> {
    let budget = match &args.budget {
        Some(budget) => format!("agents may spend {budget}"),
        None => "no --budget: nothing can be created".to_owned(),
    };
    let videos = context.videos.display();
    session.output.note(format_args!("{budget}; journal {}; videos in {videos}", context.journal.place()));
    let (context, sessions, is_http) = (Arc::clone(context), AtomicU64::new(0), args.http.is_some());
    let agent = move || {
        let tag = format!("mcp-session-{}", context.id);
        let session = format!("{tag}-{}", sessions.fetch_add(1, Ordering::Relaxed));
        Agent::new(Arc::clone(&context), session, is_http.then_some(tag))
    };
    match args.http {
        None => serve::stdio(session, agent()).await,
        Some(addr) => serve::http(session, addr, agent).await,
    }
}
