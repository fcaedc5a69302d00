//! HTTP: the bearer token, and sessions that share one wallet.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::agent::World;

/// Status and body of a POST.
async fn post(addr: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An event stream stays open: the first events are enough.
    while !answer.windows(12).any(|window| window == b"\"serverInfo\"") {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await.unwrap() {
            0 => break,
            count => answer.extend(&piece[..count]),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_needs_the_token_and_a_known_host() {
    let world = World::new().await;
    for given in [None, Some("a-token-of-the-person")] {
        let mut command = world.command(&["--http", "127.0.0.1:0", "--budget", "20CNY"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(token) = given {
            command.env("ARK_MCP_TOKEN", token);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut addr, mut token) = (None, given.map(str::to_owned));
        while addr.is_none() || token.is_none() {
            let line = lines.next_line().await.unwrap().unwrap();
            if let Some(url) = line.strip_prefix("MCP server: http://") {
                addr = Some(url.trim_end_matches("/mcp").to_owned());
            } else if let Some(printed) = line.strip_prefix("bearer token, until the server stops: ") {
                token = Some(printed.to_owned());
            }
        }
        let (addr, token) = (addr.unwrap(), token.unwrap());
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } });
        let hello = hello.to_string();
        for wrong in ["", "Authorization: Bearer x\r\n", "Authorization: Basic x\r\n"] {
            assert!(post(&addr, wrong, &hello).await.starts_with("HTTP/1.1 401"), "{wrong}");
        }
        let right = format!("Authorization: Bearer {token}\r\n");
        let answer = post(&addr, &right, &hello).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"serverInfo\""), "{answer}");
        let foreign = format!("{right}Origin: https://evil.example\r\n");
        assert!(post(&addr, &foreign, &hello).await.starts_with("HTTP/1.1 403"));
    }
}
