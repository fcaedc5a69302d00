//! A link cannot lead a download into a private network, however it is written and whatever its
//! name resolves to.

use ark_video_protocol::{SendError, SendErrorKind, SendStage, download::AddressPolicy};
use ark_video_transport::{HttpTransport, Proxy, Transport};
use http::Request;

use crate::server::{Server, whole};

async fn open(transport: &HttpTransport, url: &str, reach: AddressPolicy) -> Result<u16, SendError> {
    let mut request = Request::new(());
    *request.uri_mut() = url.parse().unwrap();
    transport.open(request, reach).await.map(|answer| answer.status().as_u16())
}

#[tokio::test]
async fn names_and_addresses_out_of_reach_are_not_connected_to() {
    let server = Server::answering(whole("200 OK", "", "x"));
    let port = server.address.port();
    let own = reqwest::Client::builder().tls_certs_only([]).no_proxy();
    for transport in [HttpTransport::new(), HttpTransport::with_client(own).unwrap()] {
        // Libraries read all of these as 127.0.0.1.
        for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"] {
            let url = format!("http://{host}:{port}/");
            let error = open(&transport, &url, AddressPolicy::Public).await.unwrap_err();
            assert_eq!(
                (error.stage, error.kind),
                (SendStage::NotSent, SendErrorKind::Invalid),
                "{host}: {error}"
            );
            assert!(error.message.contains("private network or on this machine"), "{error}");
        }
    }
    assert_eq!(server.connections(), 0);
    let transport = HttpTransport::new();
    for (host, reach) in [
        ("127.0.0.1", AddressPolicy::Loopback),
        ("localhost", AddressPolicy::Loopback),
        ("localhost", AddressPolicy::Anywhere),
    ] {
        assert_eq!(open(&transport, &format!("http://{host}:{port}/"), reach).await, Ok(200), "{host}");
    }
}

#[tokio::test]
async fn a_proxy_may_be_where_a_storage_may_not() {
    let proxy = Server::answering(whole("200 OK", "", "x"));
    let url = format!("http://localhost:{}", proxy.address.port());
    let transport = HttpTransport::builder().proxy(Proxy::url(url)).build().unwrap();
    assert_eq!(open(&transport, "http://tos.example/a", AddressPolicy::Public).await, Ok(200));
    assert!(proxy.requests()[0].starts_with("GET http://tos.example/a HTTP/1.1\r\n"));
}
