//! Keys where no key belongs, and a service that repeats the one it got: none is shown.

use std::fs;

use serde_json::json;

use super::service::{Reply, Service};
use crate::cli::Shell;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_wrong_place_is_not_shown() {
    const KEY: &str = "sk-SECRETKEY-0123456789abcdef";
    let service = Service::start(1.0, |_| {
        let message = format!("The API key {KEY} does not exist (Bearer {KEY}).");
        let error = json!({ "code": "AuthenticationError", "message": message, "param": KEY, "type": KEY });
        Reply::json(401, &json!({ "error": error }))
    })
    .await;
    let url = service.base_url.as_str();
    let with = |pairs: &[(&str, &str)]| {
        pairs.iter().fold(Shell::new().set("ARK_API_KEY", KEY), |shell, (name, value)| shell.set(name, value))
    };
    let uuid = "0f9e8d7c-1a2b-3c4d-5e6f-0123456789ab";
    for key in [KEY, uuid] {
        let lines: Vec<(Shell, Vec<&str>)> = vec![
            (with(&[("ARK_REGION", key)]), vec!["list"]),
            (with(&[("ARK_BASE_URL", key)]), vec!["config"]),
            (with(&[("ARK_BASE_URL", key)]), vec!["list"]),
            (with(&[("ARK_PROFILE", key)]), vec!["list"]),
            (with(&[]), vec!["list", "--api-key-file", key]),
            (with(&[]), vec!["list", "--profile", key]),
            (with(&[]), vec!["list", "--base-url", key]),
            (with(&[]), vec!["config", "--base-url", key]),
            (with(&[]), vec!["list", "--config", key]),
            (with(&[]), vec!["config", "--proxy", key]),
            (with(&[]), vec!["generate", key]),
            (with(&[]), vec![key]),
        ];
        for (shell, line) in lines {
            for form in ["--text", "--json"] {
                let ran = shell.run(&[line.as_slice(), &[form]].concat()).await;
                let shown = format!("{}{}", ran.stdout, ran.stderr);
                assert!(!shown.contains("SECRETKEY") && !shown.contains(uuid), "{line:?} {form}: {shown}");
            }
        }
        let shell = with(&[]);
        for (number, text) in [
            format!("{key} = 'x'\n"),
            format!("[{key}]\nmodel = 'm'\n"),
            format!("[profiles.a]\n{key} = 'x'\n"),
            format!("api_key_file = '{key}'\n"),
            format!("base_url = '{key}'\n"),
            format!("[profiles.{key}]\nmodel = 'm'\n"),
        ]
        .iter()
        .enumerate()
        {
            let name = format!("{number}.toml");
            fs::write(shell.folder.path().join(&name), text).unwrap();
            let mut env = vec!["list", "--config", &name];
            env.extend((number == 5).then_some(["--profile", "none"]).into_iter().flatten());
            let ran = Shell::run(&shell, &env).await;
            let shown = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!shown.contains("SECRETKEY") && !shown.contains(uuid), "{text}: {shown}");
        }
    }
    for form in ["--text", "--json"] {
        for line in [&["list"][..], &["get", "cgt-1"], &["generate", "A cat runs"]] {
            let shell = with(&[("ARK_BASE_URL", url)]);
            let ran = shell.run(&[line, &[form]].concat()).await;
            assert!(
                ran.code != 0 && !format!("{}{}", ran.stdout, ran.stderr).contains("SECRETKEY"),
                "{line:?}: {}",
                ran.stderr
            );
        }
    }
}
