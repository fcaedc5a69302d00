//! The command against the simulator, in process: what it prints, what it leaves on disk, how it
//! ends.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ark_video_cli::{Env, Interrupts, Signal, Terminal};
use ark_video_simulator::{Options, Simulator};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

/// What a run of the command left behind.
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.stdout, self.stderr))
    }

    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

type Watcher = Box<dyn FnMut(&str) + Send>;

/// Collects output and makes it readable while the command runs.
#[derive(Clone, Default)]
pub(crate) struct Page(Arc<Mutex<(Vec<u8>, Option<Watcher>)>>);

impl Page {
    pub(crate) fn watched(watcher: impl FnMut(&str) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new((Vec::new(), Some(Box::new(watcher))))))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (text, watcher) = &mut *self.0.lock().unwrap();
        text.extend(bytes);
        if let Some(watcher) = watcher {
            watcher(&String::from_utf8_lossy(bytes));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A folder, an environment and a command line.
pub(crate) struct Shell {
    pub(crate) folder: TempDir,
    /// The state directory, apart from the folder that the user sees.
    _state: TempDir,
    env: Vec<(String, String)>,
    /// Whether the JSON of its commands is compared with the schemas.
    has_schemas: bool,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let env = vec![("ARK_STATE_DIR".to_owned(), state.path().display().to_string())];
        Self { folder: tempfile::tempdir().unwrap(), _state: state, env, has_schemas: true }
    }

    /// One whose commands reach this simulator.
    pub(crate) fn at(simulator: &Simulator) -> Self {
        Self::new().set("ARK_BASE_URL", simulator.base_url()).set("ARK_API_KEY", simulator.api_key())
    }

    /// For a service whose answers are not as the schema of the API has them.
    pub(crate) fn without_schemas(self) -> Self {
        Self { has_schemas: false, ..self }
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.env.retain(|(set, _)| set != name);
        self
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn env_of(&self, line: &[&str]) -> (Env, Page, Page) {
        let (stdout, stderr) = (Page::default(), Page::default());
        let mut env = Env::new(["ark-video"].iter().chain(line), self.folder.path());
        env.env = self.env.iter().cloned().collect();
        env.stdout = Box::new(stdout.clone());
        env.stderr = Box::new(stderr.clone());
        (env, stdout, stderr)
    }

    pub(crate) async fn run(&self, line: &[&str]) -> Ran {
        self.run_with(line, |_| {}).await
    }

    pub(crate) async fn run_with(&self, line: &[&str], change: impl FnOnce(&mut Env)) -> Ran {
        let (mut env, stdout, stderr) = self.env_of(line);
        change(&mut env);
        let code = ark_video_cli::run(env).await;
        let ran = Ran { code, stdout: stdout.text(), stderr: stderr.text() };
        if self.has_schemas {
            crate::cli_json::check(line, &ran.stdout, &ran.stderr);
        }
        for (name, key) in &self.env {
            let shown = name.ends_with("_KEY") && (ran.stdout.contains(key) || ran.stderr.contains(key));
            assert!(!shown, "the key is shown: {} {}", ran.stdout, ran.stderr);
        }
        ran
    }

    /// Names in the folder; what is kept beside videos (`NAME.ark-video.json`) is left out.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with(".ark-video.json"))
            .collect();
        names.sort();
        names
    }
}

fn example(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("schema/examples/requests").join(name).display().to_string()
}

async fn fast() -> Simulator {
    Simulator::builder().speed(100.0).start().await.unwrap()
}

/// Tasks that stay queued until the end of the test.
async fn slow() -> Simulator {
    let hour = std::time::Duration::from_secs(3600);
    Simulator::builder().options(Options::default().queued(hour)).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_example_becomes_a_video_without_a_key() {
    let shell = Shell::new();
    let ran = shell.run(&["generate", "--simulate", &example("vendor-tea.json"), "-o", "tea.mp4"]).await.ok();
    let report = ran.json();
    // Five seconds of input were assumed; the smallest charge, 19 seconds for 11 of output, is
    // more.
    let frames = 24 * 19;
    assert_eq!(report["task"]["usage"]["completion_tokens"], frames * 1470 * 630 / 1024);
    assert!(ran.stderr.contains("assumed 5 s for video 1"), "{}", ran.stderr);
    assert_eq!((&report["file"], &report["status"]), (&"tea.mp4".into(), &"succeeded".into()));
    assert_eq!(shell.files(), ["tea.mp4"]);
    let video = std::fs::read(shell.folder.path().join("tea.mp4")).unwrap();
    assert_eq!((report["bytes"].as_u64(), &video[4..8]), (Some(video.len() as u64), &b"ftyp"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_prose_and_progress() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let line = [
        "generate",
        "A cat.",
        "-d",
        "4",
        "--resolution",
        "480p",
        "--return-last-frame",
        "-o",
        "cat.mp4",
        "--poll-interval",
        "200ms",
    ];
    let ran = shell
        .run_with(&line, |env| env.terminal = Terminal { stdout: true, ..Terminal::default() })
        .await
        .ok();
    let id = ran.stdout.split(':').next().unwrap().to_owned();
    assert!(id.starts_with("cgt-"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("saved     cat.mp4 (") && ran.stdout.contains("saved     cat.last.jpeg"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("480p") && ran.stdout.contains(" tokens"), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("estimate: 1.78 to 1.87 CNY ("), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("\ntask {id} created\n")), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("{id}: succeeded after ")), "{}", ran.stderr);
    assert_eq!(shell.files(), ["cat.last.jpeg", "cat.mp4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_name_the_video_is_named_after_its_task() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let ran = shell
        .run(&["gen", "A cat.", "-d", "4", "--resolution", "480p", "-q", "--poll-interval", "200ms"])
        .await
        .ok();
    assert_eq!(ran.stderr, "");
    assert_eq!(shell.files(), [ran.stdout.trim()]);
    assert!(ran.stdout.starts_with("cgt-") && ran.stdout.ends_with(".mp4\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_created_looked_at_fetched_and_forgotten_one_by_one() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let id =
        shell.run(&["generate", "A cat.", "-d", "4", "--resolution", "480p", "--no-wait"]).await.ok().json()
            ["id"]
            .as_str()
            .unwrap()
            .to_owned();
    assert_eq!(
        shell.run(&["wait", &id, "--poll-interval", "200ms"]).await.ok().json()["status"],
        "succeeded"
    );
    assert_eq!(shell.run(&["get", &id]).await.ok().json()["id"], *id);
    let page = shell.run(&["list", "--status", "succeeded", "--ids", &id]).await.ok().json();
    assert_eq!((&page["total"], &page["items"][0]["id"]), (&1.into(), &id.as_str().into()));

    assert_eq!(shell.run(&["download", &id, "-o", "a.mp4"]).await.ok().json()["file"], "a.mp4");
    let again = shell.run(&["download", &id, "-o", "a.mp4"]).await;
    assert_eq!((again.code, again.stderr.lines().next()), (6, Some("error: a.mp4 already exists")));
    shell.run(&["download", &id, "-o", "a.mp4", "--overwrite"]).await.ok();
    assert_eq!(shell.files(), ["a.mp4"]);

    let finished = shell.run(&["cancel", &id]).await;
    assert_eq!(
        finished.code, 8,
        "a finished task must not be forgotten by a late cancel: {}",
        finished.stderr
    );
    let unasked = shell.run(&["forget", &id]).await;
    assert_eq!(
        (unasked.code, unasked.stderr.as_str()),
        (2, "error: confirmation is needed, and there is no terminal\nhint: add --yes to confirm\n")
    );
    shell.run(&["forget", &id, "--yes"]).await.ok();
    let gone = shell.run(&["--json", "get", &id]).await;
    let error: Value = serde_json::from_str(&gone.stderr).unwrap();
    assert_eq!((gone.code, &error["code"], &error["exit_code"]), (8, &"ResourceNotFound".into(), &8.into()));
    assert_eq!((&error["kind"], &error["task_id"]), (&"refused".into(), &id.as_str().into()));
    assert!(error["request_id"].is_string() && error["message"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_before_a_record_is_deleted() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let id = shell
        .run(&["generate", "A cat.", "-d", "4", "--no-download", "-q", "--poll-interval", "200ms"])
        .await
        .ok()
        .stdout
        .trim()
        .to_owned();
    for (answer, code) in [("n\n", 2), ("\n", 2), ("yes\n", 0)] {
        let person = |env: &mut Env| {
            env.terminal = Terminal { stdin: true, stdout: true, ..Terminal::default() };
            env.stdin = Box::new(answer.as_bytes());
        };
        let unseen = shell.run_with(&["forget", &id], person).await;
        assert_eq!(unseen.code, 2, "a question that nobody sees is none");
        let person = |env: &mut Env| {
            env.terminal = Terminal { stdin: true, stdout: true, stderr: true, columns: None };
            env.stdin = Box::new(answer.as_bytes());
        };
        let asked = shell.run_with(&["forget", &id], person).await;
        assert_eq!(asked.code, code, "{}", asked.stderr);
        assert!(asked.stderr.starts_with(&format!("Delete the record of {id}?")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_in_time_and_keeps_the_id() {
    let simulator = slow().await;
    let shell = Shell::at(&simulator);
    let ran = shell.run(&["generate", "A cat.", "--timeout", "1ms", "--profile", "p"]).await;
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let ran = shell.run(&["generate", "A cat.", "--timeout", "1ms", "-o", "a.mp4"]).await;
    assert_eq!(ran.code, 11, "{}", ran.stderr);
    let id = shell.run(&["list", "-q"]).await.ok().stdout.trim().to_owned();
    assert!(
        ran.stderr.contains(&format!(
            "hint: continue with: ark-video wait {id} && ark-video download {id} -o FILE"
        )),
        "{}",
        ran.stderr
    );
    let early = shell.run(&["download", &id]).await;
    assert_eq!(early.code, 11, "{}", early.stderr);
    assert_eq!(shell.run(&["cancel", &id]).await.ok().json()["done"], "cancelled");
    assert_eq!(shell.run(&["wait", &id, "--poll-interval", "200ms"]).await.code, 10);
    assert_eq!(shell.files(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_while_waiting_says_how_to_go_on_and_cancels_nothing() {
    for (signal, code) in [(Signal::Interrupt, 130), (Signal::Terminate, 143), (Signal::HangUp, 129)] {
        interrupted_while_waiting(signal, code).await;
    }
}

async fn interrupted_while_waiting(signal: Signal, code: u8) {
    let simulator = slow().await;
    let shell = Shell::at(&simulator);
    let (press, interrupts) = Interrupts::by_hand();
    let stderr = Page::watched(move |text| {
        if text.contains(" created") {
            press.send(signal).unwrap();
        }
    });
    let seen = stderr.clone();
    let ran = shell
        .run_with(&["generate", "A cat.", "-o", "a.mp4"], |env| {
            env.interrupts = interrupts;
            env.stderr = Box::new(stderr);
        })
        .await;
    assert_eq!(ran.code, code);
    let task = &shell.run(&["list"]).await.ok().json()["items"][0];
    let (id, status) = (task["id"].as_str().unwrap(), &task["status"]);
    assert_eq!(status, "queued");
    let (estimate, rest) = seen.text().split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(estimate.starts_with("estimate: 5.00 to 5.05 CNY ("), "{estimate}");
    assert_eq!(
        rest,
        format!(
            "task {id} created\nerror: interrupted: task {id} was not cancelled; it continues and is billed if it succeeds\n\
             hint: continue with the same command: ark-video generate … -o a.mp4 --resume\n\
             hint: continue with: ark-video wait {id} && ark-video download {id} -o FILE\n"
        )
    );
    assert_eq!(shell.files(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_twice_during_the_create_says_that_a_bill_is_possible() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/api/v3", listener.local_addr().unwrap());
    let shell = Shell::new().set("ARK_API_KEY", "a-key").set("ARK_BASE_URL", &base_url);
    let (press, interrupts) = Interrupts::by_hand();
    let first = press.clone();
    let silent_server = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = [0; 16];
        connection.read_exact(&mut head).await.unwrap();
        first.send(Signal::Interrupt).unwrap();
        connection
    });
    let stderr = Page::watched(move |text| {
        if text.contains("Ctrl-C again exits at once") {
            press.send(Signal::Interrupt).unwrap();
        }
    });
    let seen = stderr.clone();
    let ran = shell
        .run_with(&["generate", "A cat.", "-m", "ep-1"], |env| {
            env.interrupts = interrupts;
            env.stderr = Box::new(stderr);
        })
        .await;
    drop(silent_server.await.unwrap());
    assert_eq!(ran.code, 12);
    insta::assert_snapshot!(seen.text(), @r#"
    note: Rules that depend on the model were skipped: the model behind an endpoint id is the account's own setting.
    estimate: the price is unknown (Which model an endpoint id runs is not known; estimate with the model's own id)
    warning: the request was sent and may be billed; waiting up to 10 s for the response (Ctrl-C again exits at once)
    error: It is unknown whether the task was created: the command was interrupted before the response. It may exist and may be billed; do not send it again before searching for it.
    hint: search for the task: ark-video reconcile fdf70f19ad9f-1
    hint: search for the task: ark-video reconcile --since 10m --model ep-1
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_during_the_create_waits_for_the_answer_and_keeps_the_id() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/api/v3", listener.local_addr().unwrap());
    let shell = Shell::new().set("ARK_API_KEY", "a-key").set("ARK_BASE_URL", &base_url);
    let (press, interrupts) = Interrupts::by_hand();
    let (answer, answered) = tokio::sync::oneshot::channel::<()>();
    let late_server = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}]}") {
            assert_ne!(connection.read_buf(&mut request).await.unwrap(), 0);
        }
        press.send(Signal::Interrupt).unwrap();
        answered.await.unwrap();
        let body = r#"{"id":"cgt-late"}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        tokio::io::AsyncWriteExt::write_all(&mut connection, (head + body).as_bytes()).await.unwrap();
        connection
    });
    let mut answer = Some(answer);
    let stderr = Page::watched(move |text| {
        if text.contains("waiting up to 10 s") {
            answer.take().unwrap().send(()).unwrap();
        }
    });
    let seen = stderr.clone();
    let ran = shell
        .run_with(&["generate", "A cat.", "--no-marks"], |env| {
            env.interrupts = interrupts;
            env.stderr = Box::new(stderr);
        })
        .await;
    drop(late_server.await.unwrap());
    assert_eq!(ran.code, 130, "{}", seen.text());
    assert!(
        seen.text().contains("ark-video wait cgt-late && ark-video download cgt-late"),
        "{}",
        seen.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_as_a_server_says_where_it_is_and_stops_on_ctrl_c() {
    let (press, interrupts) = Interrupts::by_hand();
    let stdout = Page::watched(move |_| press.send(Signal::Interrupt).unwrap());
    let seen = stdout.clone();
    let ran = Shell::new()
        .run_with(&["simulate", "--addr", "127.0.0.1:0", "--seed", "7"], |env| {
            env.interrupts = interrupts;
            env.stdout = Box::new(stdout);
        })
        .await;
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, "stopped; bills of the real service would have been: 0\n")
    );
    let ready: Value = serde_json::from_str(&seen.text()).unwrap();
    assert_eq!((&ready["ready"], &ready["seed"]), (&true.into(), &7.into()));
    assert!(
        ready["base_url"].as_str().unwrap().starts_with("http://127.0.0.1:") && ready["api_key"].is_string()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_stops_when_the_other_end_of_standard_input_closes() {
    let (stdin, parent) = std::io::pipe().unwrap();
    let mut parent = Some(parent);
    let stdout = Page::watched(move |_| drop(parent.take()));
    let ready = stdout.clone();
    let line = ["simulate", "--addr", "127.0.0.1:0", "--until-stdin-closes"];
    let ran = Shell::new()
        .run_with(&line, |env| {
            env.stdin = Box::new(stdin);
            env.stdout = Box::new(stdout);
        })
        .await
        .ok();
    assert!(ready.text().contains("\"ready\":true"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_the_simulator() {
    let ran = Shell::new().run(&["models", "--simulate", "-q", "2-0-fast"]).await.ok();
    assert_eq!(ran.stdout, "doubao-seedance-2-0-fast-260128\ndreamina-seedance-2-0-fast-260128\n");
}

#[tokio::test]
async fn a_dry_run_needs_no_key_and_prints_the_bytes_that_would_be_sent() {
    let shell = Shell::new();
    let ran = shell.run(&["generate", &example("vendor-tea.json"), "--dry-run"]).await.ok();
    let request: ark_video_model::CreateTaskRequest =
        serde_json::from_str(&std::fs::read_to_string(example("vendor-tea.json")).unwrap()).unwrap();
    assert_eq!(ran.stdout.trim_end(), serde_json::to_string(&request).unwrap());
    assert_eq!(shell.files(), [""; 0]);
}

#[tokio::test]
async fn config_says_who_won_and_never_what_the_key_is() {
    let shell = Shell::new().set("ARK_API_KEY", "very-secret").set("ARK_REGION", "eu-west-1");
    let ran = shell.run(&["config", "--text"]).await.ok();
    insta::assert_snapshot!(ran.stdout, @r#"
    API key      set, from ARK_API_KEY
    base URL     https://ark.eu-west.bytepluses.com/api/v3 (from ARK_REGION)
    model        dreamina-seedance-2-0-260128 (from default of the site)
    proxy        from HTTPS_PROXY and related variables
    confirm      never
    authorities  of the system
    headers      none
    storage      none
    config file  none
    profile      none
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_video_is_gone_its_last_frame_is_saved() {
    use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule};
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let line =
        ["generate", "A cat.", "-d", "4", "--resolution", "480p", "--return-last-frame", "--no-wait", "-q"];
    let ids = [(); 2].map(|()| line);
    let mut made = Vec::new();
    for line in ids {
        let id = shell.run(&line).await.ok().stdout.trim().to_owned();
        shell.run(&["wait", &id, "--poll-interval", "200ms"]).await.ok();
        made.push(id);
    }
    let gone = FaultRule::new(Effect::DeadLink).at(FaultPoint::File).hits(3);
    simulator.set_faults(FaultPlan::new().rule(gone.clone())).unwrap();
    let ran = shell.run(&["download", &made[0], "-o", "cat.mp4"]).await;
    assert_eq!((ran.code, shell.files()), (13, vec!["cat.last.jpeg".to_owned()]), "{}", ran.stderr);
    assert!(ran.stderr.contains("the last frame was saved as cat.last.jpeg"), "{}", ran.stderr);
    // The same among several; one request at a time, so that it is the first whose video is gone.
    simulator.set_faults(FaultPlan::new().rule(gone)).unwrap();
    let many = ["download", &made[0], &made[1], "--output-dir", ".", "--at-once", "1"];
    let ran = shell.run(&many).await;
    let frames = shell.files().into_iter().filter(|name| name.ends_with(".last.jpeg")).count();
    assert_eq!((ran.code, frames), (13, 3), "{} {:?}", ran.stderr, shell.files());
    assert_eq!(shell.files().iter().filter(|name| name.ends_with(".mp4")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_comes_as_text_is_shown() {
    use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule};
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    simulator
        .set_faults(FaultPlan::new().rule(FaultRule::new(Effect::TextError).at(FaultPoint::Get)))
        .unwrap();
    let prompt = "A cat. [[fail:OutputVideoSensitiveContentDetected]]";
    let ran = shell.run(&["generate", prompt, "-d", "4", "--poll-interval", "200ms", "--text"]).await;
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("may contain sensitive information") && !ran.stderr.contains("no reason"),
        "{}",
        ran.stderr
    );
}
