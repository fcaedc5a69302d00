//! Money where it is spent: estimates before and costs after, confirmations, prices of models,
//! variants, and the plan of a batch.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use ark_video_cli::{Env, Terminal};
use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule, Simulator};
use serde_json::{Value, json};

use crate::cli::{Ran, Shell};

/// 2 s of 480p at 1.0 pro fast: small videos at a known price.
const SHORT: [&str; 10] = [
    "A boat.",
    "-m",
    "doubao-seedance-1-0-pro-fast-251015",
    "-d",
    "2",
    "--resolution",
    "480p",
    "-r",
    "1:1",
    "--poll-interval=200ms",
];

async fn fast() -> Simulator {
    Simulator::builder().speed(300.0).start().await.unwrap()
}

async fn generate(shell: &Shell, more: &[&str]) -> Ran {
    Box::pin(shell.run(&[&["generate"], &SHORT[..], more].concat())).await
}

fn configured(simulator: &Simulator, text: &str) -> Shell {
    let shell = Shell::at(simulator);
    let folder = shell.folder.path().join("config/ark-video");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), text).unwrap();
    let home = shell.folder.path().join("config").display().to_string();
    shell.set("XDG_CONFIG_HOME", &home)
}

/// A user at a terminal who types this.
fn types(answer: &'static str) -> impl FnOnce(&mut Env) {
    move |env| {
        env.terminal = Terminal { stdin: true, stderr: true, ..Terminal::default() };
        env.stdin = Box::new(answer.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_estimate_comes_before_and_the_cost_after() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let ran = generate(&shell, &["-o", "a.mp4"]).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = ran.json();
    let cost = &report["cost"];
    assert_eq!((cost["currency"].as_str(), cost), (Some("CNY"), &report["estimate"]["cost"]["max"]));
    let tokens = report["task"]["usage"]["completion_tokens"].as_u64().unwrap();
    let exact = tokens as f64 * 4.2 / 1e6;
    let amount: f64 = cost["amount"].as_str().unwrap().parse().unwrap();
    assert!((amount - exact).abs() < 1e-6, "{amount} {exact}");
    let estimate = ran.stderr.find("estimate: ").unwrap();
    let created = ran.stderr.find("task cgt-").unwrap();
    let after = ran.stderr.find("cost: ").unwrap();
    assert!(estimate < created && created < after, "{}", ran.stderr);
    assert!(ran.stderr.contains("4.20 CNY per million tokens; list prices of 2026-10"), "{}", ran.stderr);

    let unknown = shell.run(&["generate", "A boat.", "-m", "ep-20260101000000-abcde", "--no-wait"]).await;
    assert!(unknown.stderr.contains("estimate: the price is unknown ("), "{}", unknown.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_above_the_threshold_needs_a_confirmation() {
    let simulator = fast().await;
    let shell = configured(&simulator, "confirm_above = '0.01CNY'");
    let refused = generate(&shell, &["--no-wait"]).await;
    insta::assert_snapshot!(refused.stderr, @r#"
    estimate: 0.08 CNY (19,600 tokens at 4.20 CNY per million tokens; list prices of 2026-10)
    error: confirmation is needed: this may cost up to 0.09 CNY, more than 0.01 CNY; nothing was sent, nothing is billed
    hint: add --yes to confirm
    "#);
    assert_eq!((refused.code, simulator.ledger().accepted), (17, 0));
    for (answer, code, accepted) in [("n\n", 17, 0), ("\n", 17, 0), ("y\n", 0, 1)] {
        let line = [&["generate"], &SHORT[..], &["--no-wait"]].concat();
        let ran = shell.run_with(&line, types(answer)).await;
        assert_eq!((ran.code, simulator.ledger().accepted), (code, accepted), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("This may cost up to 0.09 CNY, more than 0.01 CNY. Send it? [y/N]"),
            "{}",
            ran.stderr
        );
    }
    // Each of these before anything is sent, except the last ones.
    for (flags, code) in [
        (["--confirm-above", "2USD"], 3),
        (["--confirm-above", "10tokens"], 17),
        (["--variants", "3"], 17),
        (["--confirm-above", "5CNY"], 0),
        (["--no-marks", "--yes"], 0),
    ] {
        let before = simulator.ledger().accepted;
        let ran = generate(&shell, &[&["--no-wait"], &flags[..]].concat()).await;
        let sent = simulator.ledger().accepted - before;
        assert_eq!((ran.code, sent), (code, usize::from(code == 0)), "{flags:?} {}", ran.stderr);
    }
    // What is unknown may be above any threshold.
    let endpoint = shell.run(&["generate", "A boat.", "-m", "ep-20260101000000-abcde", "--no-wait"]).await;
    assert_eq!(endpoint.code, 17, "{}", endpoint.stderr);
    assert!(endpoint.stderr.contains("an unknown amount"), "{}", endpoint.stderr);

    let shell = configured(&simulator, "confirm_above = 'SECRET'");
    let wrong = generate(&shell, &["--no-wait"]).await;
    assert_eq!(wrong.code, 3, "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("SECRET"), "{}", wrong.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_variant_is_one_intent_with_one_bill() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let three = ["--variants", "3", "-o", "boat.mp4"];
    let ran = generate(&shell, &three).await;
    assert_eq!((ran.code, simulator.ledger().billed), (0, 3), "{}", ran.stderr);
    assert_eq!(shell.files(), ["boat-1.mp4", "boat-2.mp4", "boat-3.mp4"]);
    let files: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        files.iter().map(|file| &file["file"]).collect::<Vec<_>>(),
        ["boat-1.mp4", "boat-2.mp4", "boat-3.mp4"]
    );
    assert!(ran.stderr.contains("estimate: 3 videos, 0.2"), "{}", ran.stderr);

    // Nothing is created twice, and a fourth one alone is new.
    let again = generate(&shell, &[&three[..], &["--resume"]].concat()).await;
    assert_eq!((again.code, simulator.ledger().accepted), (0, 3), "{}", again.stderr);
    let four = generate(&shell, &["--variants", "4", "-o", "boat.mp4", "--resume"]).await;
    assert_eq!((four.code, simulator.ledger().accepted), (0, 4), "{}", four.stderr);
    let plain = generate(&shell, &["--variants", "2", "-o", "boat.mp4"]).await;
    assert_eq!((plain.code, simulator.ledger().accepted), (6, 4), "{}", plain.stderr);

    let seeds = generate(&shell, &["--seeds", "7,8", "-o", "boat.mp4"]).await;
    assert_eq!((seeds.code, simulator.ledger().accepted), (0, 6), "{}", seeds.stderr);
    let of_seed = |line: &str| serde_json::from_str::<Value>(line).unwrap()["task"]["seed"].clone();
    assert_eq!(seeds.stdout.lines().map(of_seed).collect::<Vec<_>>(), [7, 8]);
    assert!(shell.files().contains(&"boat-seed8.mp4".to_owned()), "{:?}", shell.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_count_all_variants_and_models_without_seeds_name_the_other_flag() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let one = generate(&shell, &["--max-cost", "0.10CNY", "--no-wait"]).await;
    assert_eq!(one.code, 0, "{}", one.stderr);
    for line in [
        &["--variants", "3", "--max-cost", "0.10CNY"][..],
        &["--seeds", "1,1"],
        &["--variants", "2", "--seeds", "1"],
        &["--variants", "2", "--resume=abc-1"],
        &["--variants", "0"],
    ] {
        let ran = generate(&shell, line).await;
        assert!([2, 4].contains(&ran.code), "{line:?} {}", ran.stderr);
    }
    // Every model of today has seeds; an overlay of the catalog has one without.
    let overlay = json!({ "families": { "1.0-pro-fast": { "seed": { "value": false } } } });
    std::fs::write(shell.folder.path().join("newer.json"), overlay.to_string()).unwrap();
    let ran = generate(&shell, &["--seeds", "1,2", "--catalog", "newer.json"]).await;
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("has no seeds") && ran.stderr.contains("--variants COUNT"), "{}", ran.stderr);
    assert_eq!(simulator.ledger().accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_among_variants_stops_the_rest_and_is_resumed() {
    let simulator = fast().await;
    let lost = FaultRule::new(Effect::AcceptThenDrop { reset: false }).at(FaultPoint::Create).hits(1);
    simulator.set_faults(FaultPlan::new().rule(lost)).unwrap();
    let shell = Shell::at(&simulator);
    let three = ["--variants", "3", "-o", "boat.mp4"];
    let ran = generate(&shell, &three).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (12, 1), "{}", ran.stderr);
    assert!(ran.stderr.contains("3 of 3 videos are missing; variant 1: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("reconcile boat-1.mp4"), "{}", ran.stderr);
    let again = generate(&shell, &[&three[..], &["--resume"]].concat()).await;
    assert_eq!((again.code, simulator.ledger().accepted), (0, 3), "{}", again.stderr);
    assert_eq!(shell.files(), ["boat-1.mp4", "boat-2.mp4", "boat-3.mp4"]);
}

#[tokio::test]
async fn models_have_prices_and_one_request_is_compared_over_all() {
    let shell = Shell::new();
    let text = |ran: Ran| ran.stdout;
    let line = ["models", "--offline", "--sort", "price", "--text", "doubao"];
    insta::assert_snapshot!(text(shell.run(&line).await), @r#"
    MODEL                                SITE        FAMILY        STATUS     RESOLUTIONS         SECONDS      1 S OF 720P  MILLION TOKENS
    doubao-seedance-1-0-pro-fast-251015  volcengine  1.0-pro-fast  available  480p 720p 1080p     2 to 12      0.09 CNY     4.20 CNY
    doubao-seedance-1-0-lite-t2v-250428  volcengine  1.0-lite-t2v  shut down  480p 720p 1080p     2 to 12      0.21 CNY     10.00 CNY
    doubao-seedance-1-0-lite-i2v-250428  volcengine  1.0-lite-i2v  shut down  480p 720p 1080p     2 to 12      0.21 CNY     10.00 CNY
    doubao-seedance-1-0-pro-250528       volcengine  1.0-pro       available  480p 720p 1080p     2 to 12      0.31 CNY     15.00 CNY
    doubao-seedance-1-5-pro-251215       volcengine  1.5-pro       retiring   480p 720p 1080p     4 to 12, -1  0.35 CNY     16.00 CNY
    doubao-seedance-2-0-mini-260615      volcengine  2.0-mini      available  480p 720p           4 to 15, -1  0.50 CNY     23.00 CNY
    doubao-seedance-2-0-fast-260128      volcengine  2.0-fast      available  480p 720p           4 to 15, -1  0.80 CNY     37.00 CNY
    doubao-seedance-2-0-260128           volcengine  2.0           available  480p 720p 1080p 4k  4 to 15, -1  0.99 CNY     46.00 CNY
    doubao-seedance-2-5-260628           volcengine  2.5           available  480p 720p 1080p     4 to 30, -1  1.51 CNY     70.00 CNY
    "#);
    let line =
        ["estimate", "A boat.", "-d", "10", "--resolution", "1080p", "-r", "16:9", "--all-models", "--text"];
    insta::assert_snapshot!(text(shell.run(&line).await), @r#"
    MODEL                                TOKENS   PRICE      WHY NOT
    doubao-seedance-1-0-pro-fast-251015  491,640  2.06 CNY
    doubao-seedance-1-0-pro-250528       491,640  7.37 CNY
    doubao-seedance-1-5-pro-251215       488,025  7.81 CNY
    doubao-seedance-2-0-260128           488,025  24.89 CNY
    doubao-seedance-2-5-260628           488,025  37.58 CNY
    doubao-seedance-2-0-fast-260128                          Seedance 2.0-fast makes videos at 480p or 720p, not `1080p`.
    doubao-seedance-2-0-mini-260615                          Seedance 2.0-mini makes videos at 480p or 720p, not `1080p`.
    "#);
    let line = [&line[..9], &["--json"]].concat();
    let json = shell.run(&line).await.json();
    assert_eq!(json["models"][0]["cost"]["max"]["currency"], "CNY", "{json}");
    assert!(json["models"].as_array().unwrap().iter().any(|model| model["accepted"] == false), "{json}");
}

fn write_list(shell: &Shell, shots: &Value) {
    let list = json!({
        "defaults": {
            "model": "doubao-seedance-1-0-pro-fast-251015",
            "resolution": "480p", "ratio": "1:1", "duration": 2,
        },
        "shots": shots,
    });
    std::fs::write(shell.folder.path().join("night.json"), list.to_string()).unwrap();
}

async fn batch(shell: &Shell, args: &[&str]) -> Ran {
    Box::pin(shell.run(&[&["batch"], args].concat())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_writes_nothing_and_is_what_the_run_does() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let shot = |name: &str, prompt: &str| json!({ "name": name, "prompt": prompt });
    write_list(&shell, &json!([shot("one", "One."), shot("two", "Two.")]));
    let plan = batch(&shell, &["plan", "night.json", "--cap", "0.10CNY", "--text"]).await;
    assert_eq!((plan.code, shell.files()), (0, vec!["night.json".to_owned()]), "{}", plan.stderr);
    insta::assert_snapshot!(plan.stdout, @r#"
    SHOT  STEP       AT MOST   WHY
    one   to create  0.08 CNY
    two   to create  0.08 CNY
    plan of night: 2 to create
    cost from here: at most 0.16 CNY (39,200 tokens)
    cap on batch night: 0.10 CNY, 0.00 CNY billed or reserved, 0.10 CNY left; what does not fit is left unsent
    "#);
    let ran = batch(&shell, &["run", "night.json", "--text"]).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("plan of night: 2 to create\ncost from here: at most 0.1"),
        "{}",
        ran.stderr
    );

    write_list(&shell, &json!([shot("one", "One."), shot("two", "Two, at night."), shot("three", "Three.")]));
    let plan = batch(&shell, &["plan", "night.json"]).await.json();
    let steps: Vec<&Value> = plan["shots"].as_array().unwrap().iter().map(|shot| &shot["step"]).collect();
    assert_eq!(steps, ["reuse", "create", "create"], "{plan}");
    assert_eq!(
        (&plan["create"], &plan["reuse"], &plan["from_here"]["jobs"]),
        (&2.into(), &1.into(), &2.into()),
        "{plan}"
    );
    assert_eq!(plan["from_here"]["max_cost"][0]["currency"], "CNY", "{plan}");
    assert_eq!(simulator.ledger().accepted, 2);

    let asked = batch(&shell, &["run", "night.json", "--confirm-above", "0.01CNY"]).await;
    assert_eq!((asked.code, simulator.ledger().accepted), (17, 2), "{}", asked.stderr);
    let after = batch(&shell, &["plan", "night.json"]).await.json();
    assert_eq!(after, plan, "a refused run changes nothing");
    let done = batch(&shell, &["run", "night.json", "--confirm-above", "0.01CNY", "--yes"]).await;
    assert_eq!((done.code, simulator.ledger().accepted), (0, 4), "{}", done.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_what_is_retried_continued_and_blocked() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    write_list(
        &shell,
        &json!([
            { "name": "bad", "prompt": "[[fail:InternalServiceError]] A boat." },
            { "name": "next", "prompt": "It sails on.", "ratio": "adaptive",
              "after": { "shot": "bad", "link": "last_frame" } },
        ]),
    );
    let list = std::fs::read_to_string(shell.folder.path().join("night.json")).unwrap();
    std::fs::write(
        shell.folder.path().join("night.json"),
        list.replace(
            "\"prompt\":\"[[fail:InternalServiceError]]",
            "\"return_last_frame\":true,\"prompt\":\"[[fail:InternalServiceError]]",
        ),
    )
    .unwrap();
    let ran = batch(&shell, &["run", "night.json"]).await;
    assert_eq!(ran.code, 10, "{}{}", ran.stdout, ran.stderr);
    let steps = |plan: &Value| -> Vec<String> {
        plan["shots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|shot| shot["step"].as_str().unwrap().to_owned())
            .collect()
    };
    let plan = batch(&shell, &["plan", "night.json"]).await.json();
    assert_eq!(
        (steps(&plan), &plan["from_here"]["jobs"]),
        (vec!["blocked".to_owned(), "blocked".to_owned()], &0.into()),
        "{plan}"
    );
    assert!(plan["shots"][0]["reason"].as_str().unwrap().contains("batch retry"), "{plan}");
    let retried = batch(&shell, &["retry", "night.json", "--shot", "bad"]).await;
    assert_eq!(retried.code, 0, "{}", retried.stderr);
    let plan = batch(&shell, &["plan", "night.json"]).await.json();
    assert_eq!(steps(&plan), ["retry", "create"], "{plan}");
}
