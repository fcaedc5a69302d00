//! One call, at most one request; and an honest word about each way it can fail.

use std::{
    io::{Read, Write},
    time::Duration,
};

use ark_video_protocol::{Endpoint, MAX_ANSWER};
use ark_video_test_support::ports::closed_address;
use ark_video_transport::{
    HttpTransport, Proxy, RequestBody, SendError, SendErrorKind, SendStage, Timeouts, Transport,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};

use crate::server::{Server, read_request, whole};

fn quick() -> Timeouts {
    Timeouts::new()
        .connect(Duration::from_secs(5))
        .answer(Duration::from_millis(300))
        .read(Duration::from_millis(300))
}

fn transport() -> HttpTransport {
    HttpTransport::new()
}

fn request(method: Method, url: &str, body: impl Into<Bytes>) -> Request<RequestBody> {
    let mut request = Request::new(body.into().into());
    *request.method_mut() = method;
    *request.uri_mut() = url.parse().unwrap();
    request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer secret-key"));
    request
}

async fn create(transport: &HttpTransport, url: &str) -> Result<Response<Bytes>, SendError> {
    transport.send(Endpoint::Create, request(Method::POST, url, r#"{"model":"m"}"#)).await
}

async fn get(transport: &HttpTransport, url: &str) -> Result<Response<Bytes>, SendError> {
    transport.send(Endpoint::Get, request(Method::GET, url, "")).await
}

/// Over a client of the user's own.
fn custom_client() -> HttpTransport {
    HttpTransport::with_client(reqwest::Client::builder().tls_certs_only([]).no_proxy()).unwrap()
}

/// Creates, both ways, and says how it failed, after checking that the server was asked at most
/// once.
async fn failure(server: impl Fn() -> Server) -> (SendStage, SendErrorKind, Option<u16>) {
    let mut seen = Vec::new();
    for transport in [transport(), custom_client()] {
        let server = server();
        let error = create(&transport.with_timeouts(quick()), &server.url("/x")).await.unwrap_err();
        assert!(server.requests().len() <= 1 && server.connections() == 1);
        assert!(!error.message.contains("secret-key") && !error.message.contains("/x"), "{error}");
        seen.push((error.stage, error.kind, error.status));
    }
    assert_eq!(seen[0], seen[1]);
    seen[0]
}

#[tokio::test]
async fn an_answer_comes_back_whole_and_the_request_went_out_as_given() {
    let server = Server::answering(whole("200 OK", "X-Request-Id: 02aa\r\n", r#"{"id":"cgt-1"}"#));
    let answer = create(&transport(), &server.url("/api/v3/x?a=%2F")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, br#"{"id":"cgt-1"}"#.as_slice()));
    assert_eq!(answer.headers()["x-request-id"], "02aa");
    let [seen] = server.requests().try_into().unwrap();
    assert!(seen.starts_with("POST /api/v3/x?a=%2F HTTP/1.1\r\n"), "{seen}");
    assert!(seen.to_lowercase().contains("content-length: 13\r\n"), "{seen}");
    assert!(seen.contains("Bearer secret-key") && seen.ends_with(r#"{"model":"m"}"#), "{seen}");
}

#[tokio::test]
async fn the_head_of_an_answer_may_be_long() {
    let cookies = format!("Set-Cookie: {}\r\n", "c".repeat(4 << 10)).repeat(16);
    let server = Server::answering(whole("200 OK", &cookies, "{}"));
    assert_eq!(create(&transport(), &server.url("/x")).await.unwrap().body(), "{}");
}

#[tokio::test]
async fn an_answer_of_any_status_is_an_answer() {
    let server = Server::answering(whole("502 Bad Gateway", "Content-Type: text/html\r\n", "<html></html>"));
    assert_eq!(create(&transport(), &server.url("/x")).await.unwrap().status(), 502);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_the_key_stays_here() {
    let elsewhere = Server::answering(whole("200 OK", "", "{}"));
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("Location: {}\r\n", elsewhere.url("/stolen"));
        let server = Server::answering(whole(status, &location, ""));
        assert!(create(&transport(), &server.url("/x")).await.unwrap().status().is_redirection());
        let server = Server::answering(whole(status, &location, ""));
        assert!(get(&transport(), &server.url("/x")).await.unwrap().status().is_redirection());
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_is_not_sent() {
    let url = format!("http://{}/x", closed_address());
    for error in [create(&transport(), &url).await.unwrap_err(), get(&transport(), &url).await.unwrap_err()] {
        assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Connect), "{error}");
        assert!(error.message.contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn a_failed_handshake_is_not_sent() {
    let server = Server::raw(|mut stream, _| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let error = create(&transport(), &server.url("/x").replace("http:", "https:")).await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Tls), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_handshake_that_stands_still_and_a_name_without_address_are_not_sent() {
    let silent = Server::raw(|mut stream, _| while stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0) {});
    let hasty = transport().with_timeouts(quick().connect(Duration::from_millis(50)));
    let error = create(&hasty, &silent.url("/x").replace("http:", "https:")).await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Timeout), "{error}");
    assert!(error.message.contains("no connection"), "{error}");
    // Longer than a name can be: nobody is asked for it.
    let nowhere = HttpTransport::builder().proxy(Proxy::Direct).build().unwrap();
    let error = create(&nowhere, &format!("http://{}.invalid/x", "a".repeat(64))).await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Dns), "{error}");
}

#[tokio::test]
async fn once_the_body_was_handed_over_every_failure_may_have_been_sent() {
    use SendErrorKind::{Body, Closed, Timeout};
    let maybe = SendStage::MaybeSent;
    let unread = || Server::raw(|mut stream, _| drop(stream.read(&mut [0])));
    assert_eq!(failure(unread).await.0, maybe);
    assert_eq!(failure(|| Server::answering("")).await, (maybe, Closed, None));
    assert_eq!(failure(|| Server::answering("HTTP/1.1 20")).await, (maybe, Closed, None));
    assert_eq!(failure(|| Server::answering("SSH-2.0-OpenSSH_9.9\r\n\r\n")).await, (maybe, Body, None));
    assert_eq!(failure(|| Server::hanging_after("")).await, (maybe, Timeout, None));
    assert_eq!(failure(|| Server::hanging_after("HTTP/1.1 200 OK\r\nX-A: ")).await, (maybe, Timeout, None));
}

#[tokio::test]
async fn what_the_head_said_is_kept_when_the_rest_does_not_come() {
    use SendErrorKind::{Body, Timeout};
    let head = "HTTP/1.1 200 OK\r\nX-Request-Id: 02aa\r\nContent-Length: 99\r\n\r\n{\"id\":";
    assert_eq!(failure(|| Server::answering(head)).await, (SendStage::MaybeSent, Body, Some(200)));
    assert_eq!(failure(|| Server::hanging_after(head)).await, (SendStage::MaybeSent, Timeout, Some(200)));
    let server = Server::answering(head);
    let error = create(&transport(), &server.url("/x")).await.unwrap_err();
    assert_eq!(error.request_id.as_deref(), Some("02aa"));
}

#[tokio::test]
async fn a_read_gives_up_in_time() {
    let server = Server::hanging_after("");
    let error = get(&transport().with_timeouts(quick()), &server.url("/x")).await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::MaybeSent, SendErrorKind::Timeout), "{error}");
}

#[tokio::test]
async fn answers_are_cut_at_their_limit() {
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 99000000000\r\n\r\n";
    assert_eq!(failure(|| Server::hanging_after(announced)).await.1, SendErrorKind::TooLarge);
    let endless = Server::raw(|mut stream, seen| {
        read_request(&stream, seen);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        while stream.write_all(piece.as_bytes()).is_ok() {}
    });
    let error = create(&transport(), &endless.url("/x")).await.unwrap_err();
    assert_eq!((error.kind, error.status), (SendErrorKind::TooLarge, Some(200)), "{error}");
    let largest = Server::answering(whole("200 OK", "", &"x".repeat(MAX_ANSWER)));
    assert_eq!(create(&transport(), &largest.url("/x")).await.unwrap().body().len(), MAX_ANSWER);
}

#[tokio::test]
async fn a_create_takes_a_new_connection_and_a_read_one_that_is_open() {
    let server = Server::raw(|mut stream, seen| {
        while read_request(&stream, seen).is_some() {
            let _ = stream.write_all(whole("200 OK", "", "{}").as_bytes());
        }
    });
    let transport = transport();
    for expected in 1..=3 {
        create(&transport, &server.url("/x")).await.unwrap();
        assert_eq!(server.connections(), expected);
    }
    for _ in 0..3 {
        get(&transport, &server.url("/x")).await.unwrap();
        assert_eq!(server.connections(), 4);
    }
}

#[tokio::test]
async fn a_create_may_take_an_open_connection_when_it_is_told_to() {
    let server = Server::raw(|mut stream, seen| {
        while read_request(&stream, seen).is_some() {
            let _ = stream.write_all(whole("200 OK", "", "{}").as_bytes());
        }
    });
    let transport = HttpTransport::builder().reuse_for_creates(true).build().unwrap();
    // Settings that come later leave it as it is.
    let transport = transport.with_timeouts(quick());
    for _ in 0..3 {
        create(&transport, &server.url("/x")).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
}

#[tokio::test]
async fn a_body_of_megabytes_arrives_whole_with_its_length() {
    let server = Server::answering(whole("200 OK", "", "{}"));
    let body = "x".repeat(5 << 20);
    let request = request(Method::POST, &server.url("/x"), body);
    transport().send(Endpoint::Create, request).await.unwrap();
    let [seen] = server.requests().try_into().unwrap();
    assert!(seen.to_lowercase().contains("content-length: 5242880\r\n"));
    assert_eq!(seen.len() - seen.find("\r\n\r\n").unwrap() - 4, 5 << 20);
}

#[tokio::test]
async fn an_address_that_would_change_on_the_way_is_not_sent() {
    let server = Server::answering(whole("200 OK", "", "{}"));
    for path in ["/a/../b", "/a/%2e%2e", "/a/./b"] {
        let error = create(&transport(), &server.url(path)).await.unwrap_err();
        assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Invalid), "{path}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_client_of_the_users_own_follows_no_redirect_and_uses_no_connection_twice() {
    let elsewhere = Server::answering(whole("200 OK", "", r#"{"id":"cgt-2"}"#));
    let location = format!("Location: {}\r\n", elsewhere.url("/x"));
    let own = reqwest::Client::builder().tls_certs_only([]).no_proxy();
    let own = own.redirect(reqwest::redirect::Policy::limited(5)).pool_max_idle_per_host(8);
    let own = HttpTransport::with_client(own).unwrap();
    for status in ["307 Temporary Redirect", "302 Found"] {
        let server = Server::answering(whole(status, &location, ""));
        for _ in 0..2 {
            let answer = create(&own, &server.url("/x")).await.unwrap();
            assert!(answer.status().is_redirection(), "{status}");
        }
        assert_eq!((server.connections(), elsewhere.connections()), (2, 0), "{status}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_for_others_and_never_for_this_machine() {
    let proxy = Server::answering(whole("200 OK", "", "{}"));
    let here = Server::answering(whole("200 OK", "", "{}"));
    let url = format!("http://user:pass-word@{}", proxy.address);
    let transport = HttpTransport::builder().proxy(Proxy::url(url)).build().unwrap();
    create(&transport, &here.url("/x")).await.unwrap();
    assert_eq!((proxy.connections(), here.connections()), (0, 1));
    create(&transport, "http://ark.example/x").await.unwrap();
    assert!(proxy.requests()[0].starts_with("POST http://ark.example/x HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_proxy_that_will_not_connect_means_not_sent() {
    let proxy = Server::answering(whole("403 Forbidden", "", ""));
    let url = format!("http://user:pass-word@{}", proxy.address);
    let transport = HttpTransport::builder().proxy(Proxy::url(url)).build().unwrap();
    let error = create(&transport, "https://ark.example/x").await.unwrap_err();
    assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Connect), "{error}");
    assert!(!error.message.contains("pass-word") && !format!("{transport:?}").contains("pass-word"));
    assert!(proxy.requests()[0].starts_with("CONNECT ark.example:443"));
    assert!(!proxy.requests()[0].contains("secret-key"));
}

/// A socket that accepts no connection and refuses none: its queue is full.
async fn silent() -> (tokio::net::TcpListener, Vec<std::net::TcpStream>) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = |_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
    (listener, (0..4).map_while(connect).collect())
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_is_down_is_the_cause_within_five_seconds() {
    let (full, _queue) = silent().await;
    let full = full.local_addr().unwrap();
    for (proxy, why) in [
        (format!("http://user:pass-word@{}", closed_address()), "refused"),
        (format!("socks5://{full}"), "(no answer within 4 s)"),
        (format!("http://{}.invalid:3128", "a".repeat(64)), ".invalid:3128 ("),
    ] {
        let transport = HttpTransport::builder().proxy(Proxy::url(proxy.as_str())).build().unwrap();
        let start = tokio::time::Instant::now();
        for url in ["https://ark.example/x", "http://ark.example/x"] {
            let error = create(&transport, url).await.unwrap_err();
            assert_eq!((error.stage, error.kind), (SendStage::NotSent, SendErrorKind::Proxy), "{error}");
            assert!(error.message.starts_with("no connection to the proxy "), "{error}");
            assert!(error.message.contains(why) && !error.message.contains("pass-word"), "{error}");
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}

#[test]
fn a_proxy_address_is_checked_before_use() {
    for good in ["http://h:3128", "https://h", "socks5://h:1080", "socks5h://u:p@h:1080"] {
        assert!(HttpTransport::builder().proxy(Proxy::url(good)).build().is_ok(), "{good}");
    }
    for bad in ["", "h:3128", "ftp://h", "http://"] {
        assert!(HttpTransport::builder().proxy(Proxy::url(bad)).build().is_err(), "{bad}");
    }
}
