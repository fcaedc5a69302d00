//! The simulator as it ships, `ark-video simulate`: answers a second beside a bare axum route that
//! returns the same bytes, memory of a hundred thousand tasks, and how long the largest video
//! takes. Load comes from `wrk`; without it that part is left out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use axum::{Router, extract::State, routing};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;
use ark_video_bench::interleaved::{CLIENT, Quiet, SERVER, at_least, at_most};

const TASKS: &str = "/api/v3/contents/generations/tasks";
const CREATE: &str = r#"{"model":"doubao-seedance-2-0-260128","content":[{"type":"text","text":"A paper boat drifts down a rainy gutter."}]}"#;
const SECONDS: u32 = 3;
const MANY: usize = 100_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each server is put under load
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
}

/// All three figures.
pub(crate) fn run(args: &Args) -> Result<()> {
    // Nothing is encrypted here; reqwest needs a provider nevertheless. Another row may have
    // brought one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let program = shipped_command()?;
    throughput(&program, args.rounds)?;
    memory(&program)?;
    largest_video(&program, args.rounds)
}

/// The command as it is shipped: built without what this program asks of the same crates.
pub(crate) fn shipped_command() -> Result<PathBuf> {
    let built = Command::new("cargo")
        .args(["build", "--profile", "bench", "--quiet", "-p", "ark-video-cli"])
        .status()?;
    let program = std::env::current_exe()?.with_file_name("ark-video");
    if built.success() && program.is_file() {
        Ok(program)
    } else {
        Err("the command `ark-video` was not built".into())
    }
}

/// A program that serves, for as long as it is held.
struct Server {
    process: Child,
    base: String,
}

impl Server {
    /// Waits for its first line, which says where it listens.
    fn start(command: &mut Command, base: impl FnOnce(&str) -> Result<String>) -> Result<Self> {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or("a server has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self { process, base: base(line.trim())? })
    }

    fn simulator(program: &Path, flags: &[&str]) -> Result<Self> {
        Self::simulate(&mut Command::new(program), flags)
    }

    fn simulate(command: &mut Command, flags: &[&str]) -> Result<Self> {
        command.args(["simulate", "--addr", "127.0.0.1:0", "--any-key", "--seed", "1", "--json"]).args(flags);
        Self::start(command, |line| {
            let ready: Value = serde_json::from_str(line)?;
            let base = ready["base_url"].as_str().and_then(|url| url.strip_suffix("/api/v3"));
            Ok(base.ok_or("the simulator did not say where it is")?.to_owned())
        })
    }

    fn bare(command: &mut Command, answers: &Path) -> Result<Self> {
        Self::start(command.arg("bare-route").arg(answers), |line| Ok(line.to_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already, or gone now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An answer as the simulator gave it.
#[derive(Serialize, Deserialize)]
struct Answer {
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn json(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

/// One request on a connection of its own.
fn ask(base: &str, request: &str, body: &str) -> Result<Answer> {
    // Links to videos begin with the host that was asked.
    let host = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    let head = format!(
        "{request} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer any\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("an answer has no end of its head")?;
    let mut lines = head.lines();
    if lines.next() != Some("HTTP/1.1 200 OK") {
        return Err(format!("`{request}` was refused: {text}").into());
    }
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    // What every server writes by itself.
    let own = ["content-length", "date", "connection"];
    let headers = headers.filter(|(name, _)| !own.contains(&name.as_str())).collect();
    Ok(Answer { headers, body: body.to_owned() })
}

/// Creates a task; its answer and its id.
fn create(server: &Server, body: &str) -> Result<(Answer, String)> {
    let created = ask(&server.base, &format!("POST {TASKS}"), body)?;
    let id = created.json()?["id"].as_str().ok_or("a create gave no id")?.to_owned();
    Ok((created, id))
}

/// Asks until a task has succeeded.
fn finished(server: &Server, id: &str) -> Result<Answer> {
    loop {
        let task = ask(&server.base, &format!("GET {TASKS}/{id}"), "")?;
        match task.json()?["status"].as_str() {
            Some("queued" | "running") => {}
            Some("succeeded") => return Ok(task),
            _ => return Err(format!("a task ended otherwise: {}", task.body).into()),
        }
    }
}

/// What the bare routes return.
#[derive(Serialize, Deserialize)]
struct Answers {
    created: Answer,
    task: Answer,
}

fn throughput(program: &Path, rounds: usize) -> Result<()> {
    if Command::new("wrk").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        println!("skipped: the simulator's throughput, because wrk is not here (apt-get install wrk)");
        return Ok(());
    }
    let quiet = Quiet::find();
    println!(
        "simulator: `ark-video simulate` beside a bare axum route that returns the same bytes, answers a second ({})",
        quiet.conditions(rounds)
    );
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("post.lua");
    std::fs::write(&script, format!("wrk.method = \"POST\"\nwrk.body = [[{CREATE}]]\n"))?;
    let answers = folder.path().join("answers.json");
    let on_its_own = |program: &Path| quiet.command(Some(SERVER), &program.display().to_string());
    let mut bare = None;
    let mut taken: [Vec<f64>; 4] = Default::default();
    for round in 0..rounds {
        // A new one each round: creates make it larger, and a get must not pay for that.
        let simulator = Server::simulate(&mut on_its_own(program), &[])?;
        let (created, id) = create(&simulator, CREATE)?;
        let task = finished(&simulator, &id)?;
        let bare = match &bare {
            Some(bare) => bare,
            None => {
                std::fs::write(&answers, serde_json::to_vec(&Answers { created, task })?)?;
                bare.insert(Server::bare(&mut on_its_own(&std::env::current_exe()?), &answers)?)
            }
        };
        let load = |server: &Server, path: &str, script: Option<&Path>| {
            wrk(quiet, &format!("{}{path}", server.base), script)
        };
        let get = format!("{TASKS}/{id}");
        for (at, path, script) in [(0, get.as_str(), None), (2, TASKS, Some(script.as_path()))] {
            // Who goes first changes.
            for turn in [round % 2, (round + 1) % 2] {
                let server = if turn == 0 { &simulator } else { bare };
                taken[at + turn].push(load(server, path, script)?);
            }
        }
    }
    let [get, bare_get, post, bare_post] = taken.map(|mut runs| {
        runs.sort_by(f64::total_cmp);
        runs.get(runs.len() / 2).copied().unwrap_or(0.0)
    });
    for (name, ours, bare) in [("GET", get, bare_get), ("POST", post, bare_post)] {
        println!("  {name:<5} {ours:>9.0} /s, bare {bare:>9.0} /s");
        at_least(name, ours / bare, 0.7, "x");
    }
    Ok(())
}

/// Requests a second of one run; a run with a single error counts for nothing.
fn wrk(quiet: Quiet, url: &str, script: Option<&Path>) -> Result<f64> {
    let mut command = quiet.command(Some(CLIENT), "wrk");
    command.args(["-t1", "-c16", &format!("-d{SECONDS}s"), "-H", "Authorization: Bearer any"]);
    if let Some(script) = script {
        command.arg("-s").arg(script).args(["-H", "Content-Type: application/json"]);
    }
    let output = command.arg(url).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate = said.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    match rate.and_then(|rate| rate.trim().parse().ok()) {
        Some(rate) if !said.contains("Non-2xx") && !said.contains("Socket errors") => Ok(rate),
        _ => Err(format!("wrk did not get the answers it should: {said}").into()),
    }
}

/// How large the simulator is with so many tasks in it, none of them forgotten.
fn memory(program: &Path) -> Result<()> {
    let simulator = Server::simulator(program, &[])?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let url = format!("{}{TASKS}", simulator.base);
    let width = 16;
    runtime.block_on(futures_util::future::try_join_all((0..width).map(|_| async {
        for _ in 0..MANY / width {
            let sent = client.post(&url).bearer_auth("any").body(CREATE);
            sent.send().await?.error_for_status()?.bytes().await?;
        }
        Result::Ok(())
    })))?;
    let total = ask(&simulator.base, &format!("GET {TASKS}?page_size=1"), "")?.json()?["total"].clone();
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", simulator.process.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    match peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok()) {
        Some(kb) => {
            println!("simulator: {total} tasks in memory");
            at_most("its peak memory", kb * 1024.0 / 1e6, 200.0, " MB");
        }
        None => println!("skipped: the simulator's memory, which this system does not report"),
    }
    Ok(())
}

/// The largest video there is, of a new task each time, fetched as a client does: rendered first,
/// then, as the floor, the bytes that are kept.
fn largest_video(program: &Path, rounds: usize) -> Result<()> {
    let simulator = Server::simulator(program, &["--queued", "1ms", "--running", "1ms"])?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let fetch = |link: &str| -> Result<(f64, usize)> {
        let start = Instant::now();
        let answer = async { client.get(link).send().await?.error_for_status()?.bytes().await };
        let size = runtime.block_on(answer)?.len();
        Ok((start.elapsed().as_secs_f64(), size))
    };
    let (mut first, mut kept, mut size) = (Vec::new(), Vec::new(), 0);
    for round in 0..rounds {
        // Another seed is another video, so that none is kept.
        let body = format!(
            r#"{{"model":"doubao-seedance-2-0-260128","resolution":"4k","ratio":"16:9","duration":15,"seed":{round},"content":[{{"type":"text","text":"A boat."}}]}}"#
        );
        let (_, id) = create(&simulator, &body)?;
        let task = finished(&simulator, &id)?.json()?;
        let link = task["content"]["video_url"].as_str().ok_or("a task has no link")?;
        let (seconds, bytes) = fetch(link)?;
        first.push(seconds);
        size = bytes;
        kept.push(fetch(link)?.0);
    }
    let [first, kept] = [first, kept].map(|mut runs| {
        runs.sort_by(f64::total_cmp);
        runs[runs.len() / 2]
    });
    println!(
        "simulator: a video of 15 s at 3840x2160 ({:.1} MB); when it is kept, {kept:.3} s",
        size as f64 / 1e6
    );
    at_most("rendered first", first, 1.0, " s");
    Ok(())
}

#[derive(clap::Args)]
pub(crate) struct BareArgs {
    /// The answers, as JSON
    answers: PathBuf,
}

/// The floor: a router that returns the same headers and bytes each time. Prints its address, then
/// serves until it is killed.
pub(crate) fn bare(args: &BareArgs) -> Result<()> {
    let answers: Answers = serde_json::from_slice(&std::fs::read(&args.answers)?)?;
    let kept = |answer: Answer| -> Result<Arc<(HeaderMap, Bytes)>> {
        let mut headers = HeaderMap::new();
        for (name, value) in &answer.headers {
            headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        Ok(Arc::new((headers, Bytes::from(answer.body))))
    };
    type Kept = State<Arc<(HeaderMap, Bytes)>>;
    let same = |State(kept): Kept| async move { (*kept).clone() };
    let read = |State(kept): Kept, _: Bytes| async move { (*kept).clone() };
    let router = Router::new()
        .route(&format!("{TASKS}/{{id}}"), routing::get(same).with_state(kept(answers.task)?))
        .route(TASKS, routing::post(read).with_state(kept(answers.created)?));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(
            axum::serve::ListenerExt::tap_io(listener, |stream| {
                // As the simulator does; a socket that refuses is only slower.
                let _ = stream.set_nodelay(true);
            }),
            router,
        )
        .await?;
        Ok(())
    })
}
