//! A client of the server that knows JSON-RPC and nothing else, and the folder and the simulator
//! that its servers share.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ark_video_simulator::Simulator;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;

/// The cheapest model.
pub(crate) const MODEL: &str = "doubao-seedance-1-0-pro-fast-251015";

/// A folder and a simulator whose time runs a hundred times as fast.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) simulator: Simulator,
}

impl World {
    pub(crate) async fn new() -> Self {
        let simulator = Simulator::builder().speed(100.0).start().await.unwrap();
        let world = Self { folder: tempfile::tempdir().unwrap(), simulator };
        std::fs::create_dir(world.root()).unwrap();
        world
    }

    pub(crate) fn root(&self) -> std::path::PathBuf {
        self.folder.path().join("root")
    }

    pub(crate) fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ark-video"));
        command.arg("mcp").args(flags).current_dir(self.root()).env_clear();
        command.env("ARK_STATE_DIR", self.folder.path().join("state"));
        command.env("ARK_BASE_URL", self.simulator.base_url()).env("ARK_API_KEY", self.simulator.api_key());
        command.kill_on_drop(true);
        command
    }

    /// Starts a server and greets it.
    pub(crate) async fn start(&self, flags: &[&str]) -> Agent {
        Agent::start(self.command(flags), json!({}), Value::Null).await
    }

    /// The folder of open quotes.
    pub(crate) fn quotes(&self) -> std::path::PathBuf {
        self.folder.path().join("state/mcp.journal.quotes")
    }

    /// What the simulator billed, in millionths.
    pub(crate) fn spent(&self) -> f64 {
        let bills = serde_json::to_value(self.simulator.bills()).unwrap();
        let price = |bill: &Value| bill["price"]["amount"].as_str().unwrap().parse::<f64>().unwrap();
        bills.as_array().unwrap().iter().map(price).sum()
    }
}

/// Nothing after it was closed.
type Stdin = Arc<tokio::sync::Mutex<Option<ChildStdin>>>;
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A connected client.
pub(crate) struct Agent {
    child: Child,
    stdin: Stdin,
    waiting: Waiting,
    next: AtomicU64,
    /// Everything that the server sent without being asked.
    pub(crate) sent: Arc<Mutex<Vec<Value>>>,
    /// The answer to `initialize`.
    pub(crate) greeting: Value,
}

impl Agent {
    /// `answer`: what the person answers when asked.
    pub(crate) async fn start(mut command: Command, capabilities: Value, answer: Value) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdin: Stdin = Arc::new(tokio::sync::Mutex::new(child.stdin.take()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (waiting, sent) = (Waiting::default(), Arc::new(Mutex::new(Vec::new())));
        let (expected, unasked, replies) = (waiting.clone(), sent.clone(), stdin.clone());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let message: Value = serde_json::from_str(&line).unwrap();
                let id = message["id"].as_u64();
                if message.get("method").is_none() {
                    if let Some(sender) = id.and_then(|id| expected.lock().unwrap().remove(&id)) {
                        let _ = sender.send(message);
                    }
                    continue;
                }
                unasked.lock().unwrap().push(message.clone());
                if id.is_some() {
                    write(&replies, &json!({ "jsonrpc": "2.0", "id": id, "result": answer })).await;
                }
            }
            // Those that still wait learn that the server is gone.
            expected.lock().unwrap().clear();
        });
        let mut agent = Self { child, stdin, waiting, next: AtomicU64::new(1), sent, greeting: Value::Null };
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": capabilities,
            "clientInfo": { "name": "test", "version": "1" } });
        agent.greeting = agent.ask("initialize", hello).await.unwrap()["result"].clone();
        write(&agent.stdin, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        agent
    }

    /// The answer to a request; `None` if the server is gone.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Option<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, sender);
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        if !write(&self.stdin, &message).await {
            return None;
        }
        answer.await.ok()
    }

    /// What a tool answers; errors have `code`. `None` if the server is gone.
    pub(crate) async fn try_call(&self, tool: &str, arguments: Value) -> Option<Value> {
        let meta = json!({ "progressToken": tool });
        let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        let answer = self.ask("tools/call", params).await?;
        let result = &answer["result"];
        assert!(result.is_object(), "{tool}: {answer}");
        let value = result["structuredContent"].clone();
        assert_eq!(
            result["isError"] == json!(true),
            value.get("code").is_some() && value.get("money").is_some()
        );
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, value);
        Some(value)
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.try_call(tool, arguments).await.unwrap()
    }

    /// Calls a tool that has to succeed.
    pub(crate) async fn ok(&self, tool: &str, arguments: Value) -> Value {
        let value = self.call(tool, arguments).await;
        assert!(value.get("code").is_none() || value.get("message").is_none(), "{tool}: {value}");
        value
    }

    /// Calls a tool that has to fail with this code.
    pub(crate) async fn fails(&self, tool: &str, arguments: Value, code: &str) -> Value {
        let value = self.call(tool, arguments).await;
        assert_eq!(value["code"], code, "{tool}: {value}");
        for field in ["message", "money", "advice"] {
            assert!(value[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {value}");
        }
        value
    }

    /// The token of a quote.
    pub(crate) async fn token(&self, request: Value) -> String {
        self.ok("quote", request).await["token"].as_str().unwrap().to_owned()
    }

    /// Quotes, confirms and waits until it has ended.
    pub(crate) async fn make(&self, request: Value) -> Value {
        let token = self.token(request).await;
        self.ok("confirm", json!({ "token": token })).await;
        self.ok("wait", json!({ "id": token, "timeout_seconds": 60 })).await
    }

    /// Ends the server as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Closes its input, as a client does at its end; the exit code.
    pub(crate) async fn close(mut self) -> Option<i32> {
        drop(self.stdin.lock().await.take());
        self.child.wait().await.unwrap().code()
    }
}

/// Whether it could be written.
async fn write(stdin: &Stdin, message: &Value) -> bool {
    match &mut *stdin.lock().await {
        Some(stdin) => stdin.write_all(format!("{message}\n").as_bytes()).await.is_ok(),
        None => false,
    }
}

/// The cheapest request.
pub(crate) fn boat(prompt: &str) -> Value {
    json!({ "model": MODEL, "prompt": prompt, "duration": 2, "resolution": "480p", "ratio": "1:1" })
}

/// The files of a folder with this extension.
pub(crate) fn files(folder: &Path, extension: &str) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|found| found == extension)).count()
}
