//! What `check` says of requests as people and programs write them: one snapshot, a file a
//! paragraph. A rule that changes shows here; `cargo insta review` takes the new verdicts over.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use ark_video_simulator::Simulator;
use serde_json::Value;

use crate::cli::Shell;
use crate::examples;

/// Name and path of each, in order.
fn collected() -> Vec<(String, String)> {
    let folder = examples::repository("tests/fixtures/collected-requests");
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".json")).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), folder.join(&name).display().to_string())).collect()
}

#[tokio::test]
async fn check_says_of_each_what_the_table_says() {
    let mut table = String::new();
    let all = collected();
    assert!(all.len() >= 44, "{}", all.len());
    for (name, path) in &all {
        let ran = Shell::new().run(&["check", path]).await;
        let Ok(report) = serde_json::from_str::<Value>(&ran.stdout) else {
            let said = ran.stderr.replace(path.as_str(), name);
            writeln!(table, "{name}: exit {}\n    {}", ran.code, said.trim_end().replace('\n', "\n    "))
                .unwrap();
            continue;
        };
        writeln!(table, "{name}: exit {}", ran.code).unwrap();
        let mut seen = BTreeSet::new();
        for finding in report["findings"].as_array().unwrap() {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            let unique = seen.insert((text("pointer"), text("message")));
            assert!(unique, "{name}: said twice: {finding}");
            writeln!(
                table,
                "    {} {} [{}] {} {}",
                text("strength"),
                text("pointer"),
                text("rule"),
                text("message"),
                text("advice")
            )
            .unwrap();
        }
        for note in report["notes"].as_array().unwrap() {
            writeln!(table, "    note [{}]", note["id"].as_str().unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!("collected_requests", table);
}

/// What `check` refuses, `generate` does not send; a field of another API costs nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_sent() {
    let simulator = Simulator::builder().speed(100.0).start().await.unwrap();
    let shell = Shell::at(&simulator);
    let (mut refused, mut foreign) = (0, 0);
    for (name, path) in collected() {
        let checked = shell.run(&["check", &path]).await;
        if checked.code == 0 {
            continue;
        }
        refused += 1;
        foreign += usize::from(checked.stdout.contains("\"unknown-member\""));
        let ran = shell.run(&["generate", &path, "--no-wait"]).await;
        assert_eq!(ran.code, checked.code, "{name}: {}", ran.stderr);
    }
    assert_eq!(simulator.ledger().accepted, 0);
    assert!(refused >= 15 && foreign >= 6, "{refused} refused, {foreign} of another API");
    let forced = collected().into_iter().find(|(name, _)| name.starts_with("r02")).unwrap().1;
    let ran = shell.run(&["generate", &forced, "--no-wait", "--force"]).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (0, 1), "{}", ran.stderr);
}
