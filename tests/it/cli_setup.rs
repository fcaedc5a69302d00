//! `doctor`, `config` and `version`: what they find and write, and that no secret is shown.

use ark_video_simulator::Simulator;
use ark_video_test_support::ports::closed_address;
use serde_json::{Value, json};

use crate::cli::{Ran, Shell};

/// Name and status of each line.
fn lines(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = ran.json()["checks"].as_array().unwrap().clone();
    checks.iter().map(|check| (text(&check["name"]), text(&check["status"]))).collect()
}

fn status(ran: &Ran, name: &str) -> String {
    let found = lines(ran).into_iter().find(|(found, _)| found == name);
    found.map_or_else(|| "none".to_owned(), |(_, status)| status)
}

fn detail<'r>(report: &'r Value, name: &str) -> &'r Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_nothing_wrong_and_creates_nothing() {
    let simulator = Simulator::start().await.unwrap();
    let shell = Shell::at(&simulator);
    let ran = shell.run(&["doctor", "--json"]).await;
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    let names: Vec<String> = lines(&ran).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["key", "base URL", "proxy", "TLS", "service", "clock", "catalog", "journal", "disk"]);
    let bad = lines(&ran)
        .into_iter()
        .filter(|(name, status)| name != "catalog" && name != "disk" && status != "ok");
    assert_eq!(bad.count(), 0, "{}", ran.stdout);
    assert!(!ran.stdout.contains(simulator.api_key()), "{}", ran.stdout);
    assert_eq!((simulator.ledger().accepted, shell.files()), (0, Vec::<String>::new()));
    let text = shell.run(&["doctor", "--text"]).await;
    assert!(
        text.stdout.starts_with("ok    key            from ARK_API_KEY; the service accepts it\n"),
        "{}",
        text.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_what_is_wrong_with_its_fix_and_its_exit_code() {
    let simulator = Simulator::start().await.unwrap();
    let closed = closed_address();
    let unreachable = format!("http://{closed}/api/v3");
    let root = simulator.base_url().trim_end_matches("/api/v3").to_owned();
    for (shell, line, name, others) in [
        (
            Shell::at(&simulator).set("ARK_API_KEY", "wrong-key-of-the-test"),
            vec![],
            "key",
            vec![("service", "ok")],
        ),
        (Shell::at(&simulator).unset("ARK_API_KEY"), vec![], "key", vec![("disk", "ok")]),
        (Shell::at(&simulator), vec!["--base-url", &root], "base URL", vec![("service", "ok")]),
        (
            Shell::at(&simulator),
            vec!["--base-url", &unreachable],
            "service",
            vec![("key", "warn"), ("clock", "warn")],
        ),
        (Shell::at(&simulator), vec!["--config", "none.toml"], "configuration", vec![]),
        (Shell::at(&simulator), vec!["--journal", "none.journal"], "journal", vec![("key", "ok")]),
        (Shell::at(&simulator), vec!["--output-dir", "none"], "disk", vec![("key", "ok")]),
    ] {
        let ran = shell.run(&[&["doctor", "--json"], line.as_slice()].concat()).await;
        assert!(ran.code != 0, "{name}: {}", ran.stdout);
        assert_eq!(status(&ran, name), "fail", "{}", ran.stdout);
        for (other, expected) in others {
            // A full disk of the machine that runs the test is not what is tested.
            let found = status(&ran, other);
            assert!(found == expected || other == "disk" && found != "fail", "{other}: {}", ran.stdout);
        }
        let report = ran.json();
        assert_eq!(report["status"], "fail");
        assert!(!detail(&report, name)["fix"].as_str().unwrap_or_default().is_empty(), "{report}");
        assert!(
            ran.stderr.contains("nothing was created") && !ran.stderr.contains("wrong-key"),
            "{}",
            ran.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_opens_the_journals_of_the_folder() {
    let simulator = Simulator::start().await.unwrap();
    let shell = Shell::at(&simulator);
    std::fs::write(shell.folder.path().join("night.toml.journal"), "not a journal").unwrap();
    let ran = shell.run(&["doctor", "--json"]).await;
    assert_eq!((ran.code, status(&ran, "journal").as_str()), (16, "fail"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_configuration_file_is_created_edited_and_read() {
    let shell = Shell::new();
    let file = shell.folder.path().join("ark/config.toml");
    let run =
        async |line: &[&str]| shell.run(&[&["--config", "ark/config.toml", "config"], line].concat()).await;
    assert_eq!(run(&["path", "--json"]).await.json()["exists"], false);
    assert_eq!(run(&["init"]).await.code, 0);
    assert_eq!(run(&["init"]).await.code, 6, "it exists");
    let template = std::fs::read_to_string(&file).unwrap();
    for line in [
        vec!["set", "model", "doubao-seedance-1-5-pro-251215"],
        vec!["set", "headers.X-Team", "secret-of-a-team"],
        vec!["set", "proxy", "http://user:secret-word@proxy.example:3128"],
        vec!["set", "base_url", "https://ark.ap-southeast.bytepluses.com/api/v3", "--profile", "bp"],
        vec!["set", "storage.url", "s3://bucket/clips"],
        vec!["set", "storage.provider", "r2"],
        vec!["set", "storage.endpoint", "https://a.r2.cloudflarestorage.com"],
        vec!["set", "storage.path_style", "true"],
        vec!["set", "storage.url", "tos://bucket", "--profile", "bp"],
        vec!["set", "model", "m"],
    ] {
        let ran = run(&line).await;
        assert_eq!(ran.code, 0, "{line:?} {}", ran.stderr);
        assert!(
            !ran.stdout.contains("secret") && !ran.stderr.contains("secret"),
            "{}{}",
            ran.stdout,
            ran.stderr
        );
    }
    let line = ["--config", "ark/config.toml", "config", "set", "storage.secret_access_key", "-"];
    let key = |env: &mut ark_video_cli::Env| env.stdin = Box::new("secret-of-a-store\n".as_bytes());
    let ran = shell.run_with(&line, key).await;
    assert!(ran.code == 0 && !ran.stdout.contains("secret-of"), "{}{}", ran.stdout, ran.stderr);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(template.lines().all(|line| text.contains(line)), "a comment is gone: {text}");
    let storage = "[storage]\nurl = \"s3://bucket/clips\"\nprovider = \"r2\"\nendpoint = \"https://a.r2.cloudflarestorage.com\"\npath_style = true\nsecret_access_key = \"secret-of-a-store\"\n";
    assert!(text.contains(storage), "{text}");
    for (line, value, masked) in [
        (vec!["model"], "m", false),
        (vec!["headers.X-Team"], "********", true),
        (vec!["proxy"], "********", true),
        (vec!["storage.url"], "s3://bucket/clips", false),
        (vec!["storage.provider"], "r2", false),
        (vec!["storage.path_style"], "true", false),
        (vec!["storage.secret_access_key"], "********", true),
        (vec!["storage.url", "--profile", "bp"], "tos://bucket", false),
        (vec!["base_url", "--profile", "bp"], "https://ark.ap-southeast.bytepluses.com/api/v3", false),
    ] {
        let got = run(&[&["get", "--json"], line.as_slice()].concat()).await.json();
        assert_eq!((&got["value"], &got["masked"]), (&json!(value), &json!(masked)), "{line:?}");
    }
    assert_eq!(run(&["get", "ca_cert"]).await.code, 3);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn an_edit_that_the_client_would_not_take_changes_nothing() {
    let shell = Shell::new();
    let file = shell.folder.path().join("c.toml");
    std::fs::write(&file, "# mine\nmodel = 'm' # the usual one\n").unwrap();
    let before = std::fs::read_to_string(&file).unwrap();
    let run =
        async |line: &[&str]| shell.run(&[&["--config", "c.toml", "config", "set"], line].concat()).await;
    for (line, code) in [
        (["modle", "m"], 2),
        (["profiles", "m"], 2),
        (["headers", "m"], 2),
        (["api_key", "sk-SECRETKEY-0123456789abcdef"], 2),
        (["base_url", "ftp://h"], 3),
        (["proxy", "garbage"], 3),
        (["headers.Authorization", "Bearer SECRETKEY0123456789"], 3),
        (["storage", "s3://bucket"], 2),
        (["storage.urls", "s3://bucket"], 2),
        (["storage.region", "cn-beijing"], 3),
        (["storage.path_style", "yes"], 2),
        (["storage.access_key_id", "SECRETKEY0123456789"], 2),
        (["storage.secret_access_key", "SECRETKEY0123456789"], 2),
    ] {
        let ran = run(&line).await;
        assert_eq!(ran.code, code, "{line:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("SECRETKEY"), "{}", ran.stderr);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before, "{line:?}");
    }
    assert!(run(&["modle", "m"]).await.stderr.contains("did you mean model?"));
    let from_stdin = async |text: &str| {
        let text = text.to_owned();
        let line = ["--config", "c.toml", "config", "set", "api_key", "-"];
        shell.run_with(&line, move |env| env.stdin = Box::new(std::io::Cursor::new(text.into_bytes()))).await
    };
    let ran = from_stdin("sk-SECRETKEY-0123456789abcdef\n").await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stdout.contains("SECRETKEY") && !ran.stderr.contains("SECRETKEY"));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, format!("{before}api_key = \"sk-SECRETKEY-0123456789abcdef\"\n"));
    let ran = run(&["api_key_file", "key"]).await;
    assert!(ran.code == 0 && ran.stderr.contains("api_key was removed"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{before}api_key_file = \"key\"\n"));
}

#[tokio::test]
async fn the_version_says_what_it_was_built_from() {
    let shell = Shell::new();
    let version = shell.run(&["version", "--json"]).await.json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    for field in ["catalog", "schema"] {
        let date = version[field].as_str().unwrap();
        assert!(date.len() == 10 && date.starts_with("20"), "{field}: {date}");
    }
    assert!(version["target"].as_str().unwrap().contains('-'), "{version}");
    assert!(!version["commit"].as_str().unwrap().is_empty(), "{version}");
    let text = shell.run(&["version", "--verbose", "--text"]).await.stdout;
    let first: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first, ["ark-video", "commit", "catalog", "schema", "target"]);
    assert_eq!(shell.run(&["version", "--text"]).await.stdout.lines().count(), 1);
}
