//! A server on a bare socket: it can misbehave below HTTP, and it counts what arrived.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What a server has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// Whole requests: head and body as text.
    pub(crate) requests: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    /// Gives each connection to `serve`, which answers on it as it likes; the connection closes
    /// when it returns.
    pub(crate) fn raw(serve: impl Fn(TcpStream, &Mutex<Seen>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (shared, serve) = (seen.clone(), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.lock().unwrap().connections += 1;
                let (shared, serve) = (shared.clone(), serve.clone());
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, seen }
    }

    /// Reads one whole request, writes these bytes, closes.
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::raw(move |mut stream, seen| {
            if read_request(&stream, seen).is_some() {
                let _ = stream.write_all(&answer);
            }
        })
    }

    /// Reads one whole request, writes these bytes, and then says nothing more until the client
    /// goes away.
    pub(crate) fn hanging_after(answer: &'static str) -> Self {
        Self::raw(move |mut stream, seen| {
            if read_request(&stream, seen).is_some() {
                let _ = stream.write_all(answer.as_bytes());
                let _ = stream.read(&mut [0]);
            }
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }
}

/// Reads a request with its body and notes it; `None` when the client has gone.
pub(crate) fn read_request(stream: &TcpStream, seen: &Mutex<Seen>) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        if reader.read_line(&mut text).ok()? == 0 {
            return None;
        }
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    text.push_str(&String::from_utf8_lossy(&body));
    seen.lock().unwrap().requests.push(text.clone());
    Some(text)
}

/// A whole answer with a length.
pub(crate) fn whole(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}
