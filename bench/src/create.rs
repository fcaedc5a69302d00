//! Creates, one after the other in so many lanes: by our client, and by a loop over bare reqwest that does the same.

use std::sync::Arc;

use ark_video::Client;
use ark_video::model::{CreateTaskRequest, CreateTaskResponse};
use ark_video_transport::HttpTransport;
use clap::ValueEnum;

use crate::{Result, measure};

#[derive(clap::Args, Clone)]
pub(crate) struct Args {
    #[arg(long)]
    pub(crate) base_url: String,
    #[arg(long)]
    pub(crate) mode: Mode,
    #[arg(long)]
    pub(crate) count: usize,
    #[arg(long)]
    pub(crate) lanes: usize,
}

/// Who sends, and whether a connection is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Our client as it is: no idle connection is used for a create.
    Ours,
    /// Our client over an HTTP client that keeps connections.
    OursReuse,
    /// Bare reqwest without idle connections.
    Bare,
    /// Bare reqwest that keeps connections.
    BareReuse,
}

const REQUEST: &str = include_str!("../../schema/examples/requests/vendor-tea.json");

pub(crate) fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Nothing is encrypted here; reqwest wants a provider all the same.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is a provider already")?;
    let request: Arc<CreateTaskRequest> = Arc::new(serde_json::from_str(REQUEST)?);
    let figures = match args.mode {
        Mode::Ours | Mode::OursReuse => {
            let mut builder = Client::builder().api_key("bench").base_url(&args.base_url);
            if args.mode == Mode::OursReuse {
                builder = builder.transport(Arc::new(HttpTransport::with_client(
                    reqwest::Client::builder().no_proxy().build()?,
                )));
            }
            let client = builder.build()?;
            lanes(&runtime, args, move || {
                let (client, request) = (client.clone(), request.clone());
                async move { client.create(&request).await.map(drop).map_err(Into::into) }
            })
        }
        Mode::Bare | Mode::BareReuse => {
            let idle = if args.mode == Mode::Bare { 0 } else { usize::MAX };
            let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(idle).build()?;
            let url = format!("{}/contents/generations/tasks", args.base_url);
            lanes(&runtime, args, move || {
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

/// `count` operations in `lanes` tasks of one thread.
fn lanes<F>(
    runtime: &tokio::runtime::Runtime,
    args: &Args,
    operation: impl Fn() -> F,
) -> Result<measure::Figures>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    runtime.block_on(operation())?;
    let each = args.count / args.lanes;
    let operation = &operation;
    measure::measured(each * args.lanes, || {
        runtime.block_on(async {
            let local = (0..args.lanes).map(|_| async move {
                for _ in 0..each {
                    operation().await?;
                }
                Result::Ok(())
            });
            futures(local).await
        })
    })
}

/// Drives all at once on this thread; the first error ends it.
async fn futures(all: impl Iterator<Item = impl Future<Output = Result<()>>>) -> Result<()> {
    futures_util::future::try_join_all(all).await.map(drop)
}
