//! A web service over the client: `POST /videos` creates a task, callbacks and a watch follow it,
//! its video is saved. A caller that hangs up costs nothing: the record of the create is resolved
//! when the service starts again.
#![expect(clippy::print_stderr, reason = "an example reports on the terminal")]

use std::path::{Path, PathBuf};

use ark_video::{
    Callbacks, Client, CorrelationOptions, DownloadOptions, Error, IfExists, RetryOptions, TaskHandle, Watch,
    WatchEvent, WatchOptions, Watched, callback::CallbackOptions, model::TextToVideo, reconcile::Reconciled,
    unresolved::FileStore, watch::WatchHandle,
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use tokio::{net::TcpListener, task::JoinSet};

#[derive(Clone)]
struct App {
    client: Client,
    store: FileStore,
    watch: WatchHandle,
    callbacks: Callbacks,
}

#[derive(Deserialize)]
struct Order {
    prompt: String,
    seconds: i64,
}

struct Failure(Error);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self.0 {
            Error::InvalidRequest(_) | Error::Request(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::NotSent(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        };
        (status, Json(self.0)).into_response()
    }
}

async fn create(
    State(app): State<App>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<TaskHandle>), Failure> {
    let request =
        TextToVideo::new("doubao-seedance-2-0-260128", order.prompt).duration(order.seconds).build();
    let create = app.client.create(&request).retry(RetryOptions::new().attempts(3));
    let create = create.correlate(CorrelationOptions::new().tag(true)).callbacks(&app.callbacks);
    let task = create.keep(&app.store).await.map_err(Failure)?;
    app.watch.add(Watched::created(task.id()));
    Ok((StatusCode::ACCEPTED, Json(task)))
}

/// Resolves what an earlier process left, and gives the service and the watch that it feeds.
/// `address` is where the Ark service reaches `/hooks`.
async fn start(client: &Client, address: &str, folder: &Path) -> Result<(Router, Watch), Error> {
    let store = FileStore::open(folder.join("unresolved"))?;
    let mut watch = client.watch(WatchOptions::new());
    for record in client.reconcile_all(&store).await? {
        match record {
            Reconciled::Found { task, .. } => watch.add(Watched::new(task.id())),
            open => eprintln!("unresolved: {open:?}"),
        }
    }
    let callbacks =
        Callbacks::for_watch(client, CallbackOptions::at(format!("{address}/hooks")), watch.handle());
    let hooks = callbacks.clone();
    let app = App { client: client.clone(), store, watch: watch.handle(), callbacks };
    let router = Router::new().route("/videos", post(create)).route_service("/hooks/{token}", hooks);
    Ok((router.with_state(app), watch))
}

/// Saves each video as its task finishes, until the watch ends.
async fn save(client: Client, mut watch: Watch, folder: PathBuf) {
    let mut downloads = JoinSet::new();
    while let Some(event) = watch.next().await {
        match event {
            WatchEvent::Finished { task, .. } if task.video_url().is_some() => {
                let download = client.task(&task.id).download_into(&folder).from_task(*task);
                let options = DownloadOptions::new().existing(IfExists::Keep);
                downloads.spawn(download.options(options).into_future());
            }
            event => eprintln!("{event:?}"),
        }
    }
    while let Some(download) = downloads.join_next().await {
        eprintln!("{download:?}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ARK_API_KEY, ARK_BASE_URL; for a company's own gateway:
    // Client::builder().root_certificate(..).header(..)
    let client = Client::from_env()?;
    let (router, watch) = start(&client, "https://videos.example", Path::new("videos")).await?;
    let saving = tokio::spawn(save(client, watch, "videos".into()));
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, router).await?;
    saving.await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use ark_video_simulator::{Effect, Simulator};
    use axum::{body::Body, http::Request};
    use tower_service::Service;

    use super::*;

    async fn order(router: &mut Router, body: &str) -> StatusCode {
        let request = Request::post("/videos").header("content-type", "application/json");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        router.call(request).await.unwrap().status()
    }

    fn videos(folder: &Path) -> usize {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".mp4")).count()
    }

    #[tokio::test]
    async fn each_video_is_paid_once_and_saved_though_an_answer_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let simulator = Simulator::builder().speed(100.0).start().await.unwrap();
        let client = simulator.client().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let boat = r#"{"prompt": "A paper boat.", "seconds": 4}"#;

        let (mut router, _watch) = start(&client, &address, folder.path()).await.unwrap();
        let invalid = boat.replace('4', "99");
        assert_eq!(order(&mut router, &invalid).await, StatusCode::UNPROCESSABLE_ENTITY);
        simulator.fail_next(Effect::AcceptThenDrop { reset: false }).unwrap();
        assert_eq!(order(&mut router, boat).await, StatusCode::BAD_GATEWAY);

        // The service starts again, and finds the task whose answer was lost.
        let (mut router, mut watch) = start(&client, &address, folder.path()).await.unwrap();
        let serving = tokio::spawn(axum::serve(listener, router.clone()).into_future());
        assert_eq!(order(&mut router, boat).await, StatusCode::ACCEPTED);
        watch.handle().close();
        save(client, watch, folder.path().into()).await;
        assert_eq!((simulator.bills().len(), videos(folder.path())), (2, 2));
        assert_eq!(simulator.ledger().doubles().count(), 0);
        serving.abort();
        simulator.shutdown().await;
    }
}
