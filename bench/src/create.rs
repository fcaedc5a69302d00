//! Creates, one after the other in so many tasks: by our client, and by a loop over bare reqwest
//! that does the same. Both serialise the same typed request and read the answer's id; ours checks
//! the request, paces it and names the call as well.

use std::sync::Arc;

use ark_video::Client;
use ark_video::model::{CreateTaskRequest, CreateTaskResponse};
use ark_video_transport::HttpTransport;
use clap::ValueEnum;

use crate::{
    Result,
    interleaved::{self, Interleaved},
    measure,
};

/// What to do.
#[derive(clap::Args, Clone)]
pub struct Args {
    #[arg(long)]
    base_url: String,
    #[arg(long)]
    mode: Mode,
    #[arg(long)]
    count: usize,
    #[arg(long)]
    concurrency: usize,
}

/// Who sends, and whether a connection is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Our client as it is: no idle connection is used for a create.
    Ours,
    /// Our client, allowed to use idle connections for creates.
    OursReuse,
    /// Bare reqwest without idle connections.
    Bare,
    /// Bare reqwest that keeps connections.
    BareReuse,
}

const REQUEST: &str = include_str!("../../schema/examples/requests/vendor-tea.json");

/// Does it, and prints the figures.
pub fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Nothing is encrypted here; reqwest needs a provider nevertheless.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is a provider already")?;
    let request: Arc<CreateTaskRequest> = Arc::new(serde_json::from_str(REQUEST)?);
    let figures = match args.mode {
        Mode::Ours | Mode::OursReuse => {
            let reuse = args.mode == Mode::OursReuse;
            let transport = HttpTransport::builder().reuse_for_creates(reuse).build()?;
            let builder = Client::builder().api_key("bench").base_url(&args.base_url);
            let builder = builder.transport(Arc::new(transport));
            let client = builder.build()?;
            in_tasks(&runtime, args, move || {
                let (client, request) = (client.clone(), request.clone());
                async move { client.create(request).await.map(drop).map_err(Into::into) }
            })
        }
        Mode::Bare | Mode::BareReuse => {
            let idle = if args.mode == Mode::Bare { 0 } else { usize::MAX };
            let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(idle).build()?;
            let url = format!("{}/contents/generations/tasks", args.base_url);
            in_tasks(&runtime, args, move || {
                let (client, request, url) = (client.clone(), request.clone(), url.clone());
                async move {
                    let sent = client
                        .post(url)
                        .header(http::header::AUTHORIZATION, "Bearer bench")
                        .header(http::header::CONTENT_TYPE, "application/json")
                        .body(serde_json::to_vec(&*request)?);
                    let answer = sent.send().await?.error_for_status()?.bytes().await?;
                    serde_json::from_slice::<CreateTaskResponse>(&answer)?;
                    Ok(())
                }
            })
        }
    }?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// `count` operations in `concurrency` tasks on one thread.
fn in_tasks<F>(
    runtime: &tokio::runtime::Runtime,
    args: &Args,
    operation: impl Fn() -> F + Clone + Send + 'static,
) -> Result<measure::Figures>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    runtime.block_on(operation())?;
    let each = args.count / args.concurrency;
    measure::measured(each * args.concurrency, || {
        runtime.block_on(async {
            let mut running = tokio::task::JoinSet::new();
            for _ in 0..args.concurrency {
                let operation = operation.clone();
                running.spawn(async move {
                    for _ in 0..each {
                        operation().await?;
                    }
                    Result::Ok(())
                });
            }
            while let Some(ended) = running.join_next().await {
                ended??;
            }
            Ok(())
        })
    })
}

/// The row: ours and bare, safe and with reuse, at three widths.
pub fn row(interleaved: &Interleaved) -> Result<()> {
    println!("create: ours against a bare reqwest loop");
    for width in [1, 16, 256] {
        let count = if width == 1 { 4_000 } else { 10_000 };
        let modes = ["ours", "bare", "ours-reuse", "bare-reuse"];
        let mut programs = modes.map(|mode| {
            interleaved.peer(&format!(
                "create --base-url {} --mode {mode} --count {count} --concurrency {width}",
                interleaved.api
            ))
        });
        let figures = interleaved.compared(&mut programs)?;
        for (mode, figures) in modes.iter().zip(&figures) {
            interleaved::print(&format!("{width} at a time, {mode}"), figures);
        }
        for ((what, goal), pair) in
            [("safe default", 0.95), ("with reuse", 0.85)].iter().zip(figures.chunks_exact(2))
        {
            let [ours, bare] = pair else { continue };
            interleaved::at_least(
                &format!("{width} at a time, {what}, requests"),
                ours.per_second / bare.per_second,
                *goal,
                "x",
            );
            interleaved::at_least(
                &format!("{width} at a time, {what}, per CPU second"),
                bare.cpu_us / ours.cpu_us,
                *goal,
                "x",
            );
            if width == 256 {
                interleaved::at_most(&format!("{width} at a time, {what}, peak"), ours.peak_mb, 20.0, " MB");
            }
        }
    }
    Ok(())
}
