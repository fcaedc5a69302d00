//! The command in a company's network: its own certificate authority, a gateway that asks for a
//! header, a proxy that is down. `certificates/` holds what an authority signed whose key exists
//! nowhere any more: one certificate for localhost, valid from 1975 to 4096.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ark_video_test_support::ports::closed_address;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The certificate of the authority.
const AUTHORITY: &str = include_str!("certificates/ca.crt");

/// What it signed: the public half of [`key`].
const LOCALHOST: &[u8] = include_bytes!("certificates/localhost.crt");

/// The Ed25519 key that is 32 times 7, in its PKCS #8 form (RFC 8410): it protects nothing.
fn key() -> PrivatePkcs8KeyDer<'static> {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    PrivatePkcs8KeyDer::from([head.as_slice(), &[7; 32]].concat())
}

/// A server whose certificate is from an unknown authority; it lists no tasks.
struct Gateway {
    base_url: String,
    folder: TempDir,
    /// The heads of the requests.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("store")).unwrap();
        std::fs::write(folder.path().join("store/ca.pem"), AUTHORITY).unwrap();

        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from_pem_slice(LOCALHOST).unwrap()], key().into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("https://localhost:{}/api/v3", listener.local_addr().unwrap().port());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
                seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                let body = r#"{"items":[],"total":0}"#;
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { base_url, folder, requests }
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("store/ca.pem")
    }

    /// Runs the command with these variables and no others: exit code, and both streams.
    async fn run(&self, line: &[&str], env: &[(&str, &str)]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ark-video"));
        command
            .args(line)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("ARK_BASE_URL", &self.base_url)
            .env("ARK_API_KEY", "a-key-of-the-test")
            // What the machine itself trusts decides nothing here.
            .env("SSL_CERT_DIR", self.folder.path().join("empty"))
            .envs(env.iter().copied())
            .stdin(Stdio::null());
        let output = command.output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_authority_is_trusted_by_each_way_of_naming_it() {
    let gateway = Gateway::start().await;
    let authority = gateway.authority().display().to_string();
    // For the system's store stands the folder that SSL_CERT_DIR names.
    let store = gateway.folder.path().join("store").display().to_string();
    std::fs::create_dir(gateway.folder.path().join("ark")).unwrap();
    std::fs::write(gateway.folder.path().join("ark/config.toml"), "ca_cert = '../store/ca.pem'").unwrap();
    for (line, env) in [
        (vec!["list", "--ca-cert", authority.as_str()], vec![]),
        (vec!["list"], vec![("SSL_CERT_FILE", authority.as_str())]),
        (vec!["list"], vec![("SSL_CERT_DIR", store.as_str())]),
        (vec!["list", "--config", "ark/config.toml"], vec![]),
    ] {
        let (code, text) = gateway.run(&line, &env).await;
        assert_eq!(code, 0, "{line:?} {env:?}: {text}");
        assert!(text.contains(r#""items":[]"#), "{text}");
    }
    assert_eq!(gateway.requests.lock().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_authority_is_refused_at_once_with_what_to_do() {
    let gateway = Gateway::start().await;
    let start = Instant::now();
    let (code, text) = gateway.run(&["list"], &[]).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    insta::assert_snapshot!(format!("exit {code}\n{text}"), @r"
    exit 7
    error: The request to list the tasks was not sent: no encrypted connection to localhost (its certificate is from an authority that is not trusted here). If a company's own authority issued it, trust that authority's certificate; trying again is safe.
    hint: nothing was created and nothing is billed
    hint: name a company's own authority with --ca-cert FILE, ca_cert in the configuration, or SSL_CERT_FILE
    ");
    let (code, text) = gateway.run(&["list", "--ca-cert", "none.pem"], &[]).await;
    let folder = gateway.folder.path().canonicalize().unwrap().display().to_string();
    let text = text.replace(&folder, "DIR");
    insta::assert_snapshot!(format!("exit {code}\n{text}"), @r"
    exit 3
    error: cannot read the certificate file DIR/none.pem: there is no such file
    hint: it comes from --ca-cert; nothing was sent
    ");
    assert!(gateway.requests.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_for_a_gateway_are_sent_and_never_shown() {
    let gateway = Gateway::start().await;
    let authority = gateway.authority().display().to_string();
    let config =
        format!("ca_cert = '{authority}'\n[headers]\nX-Team = 'secret-of-file'\nX-Site = 'secret-site'");
    std::fs::write(gateway.folder.path().join("c.toml"), config).unwrap();
    let line = ["list", "--config", "c.toml", "--header", "x-team: secret-of-flag", "--json"];
    let (code, text) = gateway.run(&line, &[]).await;
    assert_eq!(code, 0, "{text}");
    let request = gateway.requests.lock().unwrap().pop().unwrap();
    assert!(
        request.contains("x-team: secret-of-flag\r\n") && request.contains("x-site: secret-site\r\n"),
        "{request}"
    );
    assert!(!request.contains("secret-of-file"), "{request}");
    let (_, shown) = gateway.run(&["config", "--config", "c.toml"], &[]).await;
    assert!(shown.contains("X-Team") && !shown.contains("secret-"), "{shown}");
    for header in ["secret-without-colon", "Authorization: secret-key", "two words: secret-value"] {
        let (code, text) = gateway.run(&["list", "--ca-cert", &authority, "--header", header], &[]).await;
        assert!(matches!(code, 2 | 3) && !text.contains("secret-"), "{code} {text}");
    }
    assert!(gateway.requests.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_down_or_misnamed_is_the_cause() {
    let gateway = Gateway::start().await;
    let closed = closed_address();
    let start = Instant::now();
    let proxy = format!("http://user:pass-word@{closed}");
    let line = ["list", "--base-url", "https://ark.example/api/v3"];
    let (code, text) = gateway.run(&line, &[("HTTPS_PROXY", &proxy)]).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let (before, after) = text.split_once(" (os error ").unwrap();
    let text =
        format!("{before}{}", after.split_once(')').unwrap().1).replace(&closed.to_string(), "ADDRESS");
    insta::assert_snapshot!(format!("exit {code}\n{text}"), @r"
    exit 7
    warning: the key is sent to ark.example, which is not the vendor's (from --base-url)
    error: The request to list the tasks was not sent: no connection to the proxy http://ADDRESS (Connection refused). Start the proxy, or fix the setting that names it; trying again is safe.
    hint: nothing was created and nothing is billed
    ");
    let (code, text) = gateway.run(&line, &[("HTTPS_PROXY", "garbage")]).await;
    insta::assert_snapshot!(format!("exit {code}\n{text}"), @r"
    exit 3
    error: invalid client configuration: HTTPS_PROXY does not name a proxy, so nothing was sent; use a form such as http://host:3128 or socks5://host:1080, or unset it.
    hint: the base URL comes from: --base-url; the key comes from: ARK_API_KEY
    ");
}
