//! The precedence of sources.

use clap::Parser;
use secrecy::ExposeSecret;

use super::*;
use crate::args::Cli;

const FILE: &str = "
    api_key = 'of-file'
    model = 'model-of-file'
    [profiles.work]
    api_key = 'of-work'
    base_url = 'https://work.example/api/v3'
    [profiles.bare]
    model = 'model-of-bare'
";

fn resolved(flags: &[&str], env: &[(&str, &str)]) -> Result<Settings, Failure> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ark-video")).unwrap();
    std::fs::write(folder.path().join("ark-video/config.toml"), FILE).unwrap();
    std::fs::write(folder.path().join("key"), "of-key-file\n").unwrap();
    let cli = Cli::try_parse_from(["ark-video"].iter().chain(flags).chain(&["config"])).unwrap();
    let mut env: BTreeMap<String, String> =
        env.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    env.insert("XDG_CONFIG_HOME".to_owned(), folder.path().display().to_string());
    resolve(&cli.global, &env, folder.path(), b"of-stdin\n", &mut |_| {})
}

fn key(flags: &[&str], env: &[(&str, &str)]) -> String {
    resolved(flags, env).unwrap().key.unwrap().value.expose_secret().to_owned()
}

fn place(flags: &[&str], env: &[(&str, &str)]) -> String {
    resolved(flags, env).unwrap().base_url.value
}

#[test]
fn keys_flag_then_named_profile_then_environment_then_file() {
    let env = [("ARK_API_KEY", "of-env")];
    assert_eq!(key(&["--api-key-file", "key", "--profile", "work"], &env), "of-key-file");
    assert_eq!(key(&["--api-key-file", "-"], &env), "of-stdin");
    assert_eq!(key(&["--profile", "work"], &env), "of-work");
    assert_eq!(key(&["--profile", "bare"], &env), "of-env");
    assert_eq!(key(&[], &[("ARK_API_KEY", "of-env"), ("ARK_PROFILE", "work")]), "of-env");
    assert_eq!(key(&[], &[("SEEDANCE_API_KEY", "of-seedance")]), "of-seedance");
    assert_eq!(key(&[], &[("ARK_PROFILE", "work")]), "of-work");
    assert_eq!(key(&[], &[("ARK_PROFILE", "bare")]), "of-file");
    assert_eq!(key(&[], &[]), "of-file");
}

#[test]
fn places_follow_the_same_order_and_a_byteplus_key_knows_its_site() {
    let env = [("ARK_BASE_URL", "https://env.example")];
    assert_eq!(
        place(&["--base-url", "https://flag.example", "--profile", "work"], &env),
        "https://flag.example"
    );
    assert_eq!(place(&["--profile", "work"], &env), "https://work.example/api/v3");
    assert_eq!(place(&[], &env), "https://env.example");
    assert_eq!(place(&[], &[("ARK_PROFILE", "work")]), "https://work.example/api/v3");
    assert_eq!(place(&[], &[]), BaseUrl::VOLCENGINE);
    assert_eq!(place(&[], &[("ARK_REGION", "eu-west-1")]), BaseUrl::BYTEPLUS_EU);
    assert_eq!(place(&[], &[("BYTEPLUS_API_KEY", "b")]), BaseUrl::BYTEPLUS_AP);
    assert_eq!(place(&["--api-key-file", "key"], &[("BYTEPLUS_API_KEY", "b")]), BaseUrl::VOLCENGINE);
    assert_eq!(
        place(&[], &[("BYTEPLUS_API_KEY", "b"), ("ARK_PROFILE", "work")]),
        "https://work.example/api/v3"
    );
}

#[test]
fn the_default_model_follows_the_site() {
    assert_eq!(resolved(&[], &[]).unwrap().model.value, "model-of-file");
    assert_eq!(resolved(&["--profile", "bare"], &[]).unwrap().model.value, "model-of-bare");
    assert_eq!(
        default_model("https://ark.ap-southeast.bytepluses.com/api/v3"),
        "dreamina-seedance-2-0-260128"
    );
    assert_eq!(default_model("https://bytepluses.com.evil.example"), "doubao-seedance-2-0-260128");
    assert_eq!(default_model("http://127.0.0.1:8787/api/v3"), "doubao-seedance-2-0-260128");
}

#[test]
fn what_names_nothing_is_refused() {
    let refused = |flags: &[&str], env: &[(&str, &str)]| resolved(flags, env).map(|_| ()).unwrap_err();
    assert!(refused(&["--profile", "none"], &[]).hints[0].ends_with("has: bare, work"));
    assert_eq!(refused(&[], &[("ARK_PROFILE", "none")]).exit, Exit::Configuration);
    assert_eq!(refused(&[], &[("ARK_REGION", "mars-1")]).exit, Exit::Configuration);
    assert_eq!(refused(&["--api-key-file", "no-such-file"], &[]).exit, Exit::Configuration);
    assert!(resolved(&["--base-url", "https://h"], &[("ARK_REGION", "mars-1")]).is_ok());
}

#[test]
fn the_key_is_never_shown() {
    let settings = resolved(&["--proxy", "http://u:hidden@h:1"], &[("ARK_API_KEY", "very-secret")]).unwrap();
    let shown = format!("{}\n{}", serde_json::to_string(&settings.to_json()).unwrap(), settings.to_text());
    assert!(shown.contains("ARK_API_KEY"), "{shown}");
    assert!(!shown.contains("very-secret") && !shown.contains("hidden"), "{shown}");
}

#[test]
fn a_key_sent_to_another_host_is_reported() {
    let mut warnings = Vec::new();
    resolved(&["--profile", "work"], &[])
        .unwrap()
        .client(Client::builder(), &mut |warning| warnings.push(warning))
        .unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0]
            .starts_with("the key is sent to work.example, which is not the vendor's (from profile work of "),
        "{warnings:?}"
    );
    let mut none = |warning: String| panic!("{warning}");
    resolved(&[], &[]).unwrap().client(Client::builder(), &mut none).unwrap();
    resolved(&["--base-url", "http://127.0.0.1:1/api/v3"], &[])
        .unwrap()
        .client(Client::builder(), &mut none)
        .unwrap();
}
