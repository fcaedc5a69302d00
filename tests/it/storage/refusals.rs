//! A store that takes no file: one clear message, nothing sent to the service, nothing billed; and
//! the same command goes on when it takes it.

use std::fs;

use ark_video_cli::{Interrupts, Signal};
use ark_video_simulator::Simulator;
use ark_video_test_support::ports::closed_address;
use ark_video_test_support::s3::{ACCESS_KEY, SECRET_KEY, Server};
use ark_video_test_support::seaweedfs::{READER, SeaweedFs};
use ark_video_test_support::wrong_clock::wrong_clock;
use serde_json::json;

use super::{clip, must_keep_no_secrets, run, with_bucket, with_storage};
use crate::cli::{Page, Ran, Shell};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs s3s-fs"]
async fn a_store_that_takes_no_file_costs_nothing_with_s3() {
    let server = Server::start();
    let simulator = Simulator::builder().speed(300.0).start().await.unwrap();
    let shell = with_bucket(Shell::at(&simulator), &server);
    clip(&shell, "clip.mp4", 97, 1);
    fs::write(shell.folder.path().join("short.mp4"), "no video").unwrap();
    let list = json!({ "defaults": { "model": "doubao-seedance-2-5-260628" },
        "shots": [{ "name": "a", "prompt": "Go.", "references": ["clip.mp4"] }] });
    fs::write(shell.folder.path().join("shots.json"), list.to_string()).unwrap();
    let generate = "generate \"Video 1 goes on.\" -m 2.5 -d 5 --ref";
    // Refused by the checks: nothing is uploaded for it.
    let refused = run(&shell, &format!("{generate} short.mp4 --config c.toml")).await;
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    let refused =
        run(&shell, &format!("{generate} clip.mp4 -d 99 --config c.toml").replace("-d 5 ", "")).await;
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(server.objects("bucket").is_empty());
    let without = run(&shell, &format!("{generate} clip.mp4")).await;
    assert_eq!(without.code, 4, "{}", without.stderr);
    assert!(without.stderr.contains("--storage s3://BUCKET/PREFIX"), "{}", without.stderr);
    let wrong = shell.unset("AWS_SECRET_ACCESS_KEY").set("AWS_SECRET_ACCESS_KEY", "wrong-secret-key-0001");
    for line in
        [&*format!("{generate} clip.mp4 --config c.toml -o a.mp4"), "batch run shots.json --config c.toml"]
    {
        let ran = run(&wrong, line).await;
        assert_eq!(ran.code, 3, "{line}: {}", ran.stderr);
        let message =
            "the storage s3://bucket does not accept the key (SignatureDoesNotMatch); nothing was sent";
        assert!(ran.stderr.contains(message), "{line}: {}", ran.stderr);
        assert!(!ran.stderr.contains("wrong-secret-key"), "{}", ran.stderr);
    }
    let keyless = wrong.unset("AWS_SECRET_ACCESS_KEY").unset("AWS_ACCESS_KEY_ID").set("HOME", "/nowhere");
    let ran = run(&keyless, &format!("{generate} clip.mp4 --config c.toml")).await;
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("there are no credentials for the storage (minio)"), "{}", ran.stderr);
    assert_eq!((simulator.ledger().accepted, simulator.bills().len()), (0, 0));
    must_keep_no_secrets(keyless.folder.path());
}

const GENERATE: &str = "generate \"Video 1 goes on.\" -m 2.5 -d 5 --ref clip.mp4 --config c.toml -o a.mp4";

/// The message and its hints, without the estimate above it.
fn refusal(ran: &Ran) -> String {
    let lines: Vec<&str> = ran.stderr.lines().skip_while(|line| !line.starts_with("error: ")).collect();
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SeaweedFS"]
async fn each_refusal_of_a_store_is_one_message_and_costs_nothing_with_seaweedfs() {
    let (server, full) = (SeaweedFs::start(), SeaweedFs::full());
    let simulator = Simulator::builder().speed(300.0).start().await.unwrap();
    let mut shell = Shell::at(&simulator);
    clip(&shell, "clip.mp4", 97, 1);
    let (bucket, owner) = ("s3://bucket/clips", [ACCESS_KEY, SECRET_KEY]);
    let mut said = String::new();
    for (server, url, keys) in [
        (&server, bucket, ["AKIAWRONG0000000001", SECRET_KEY]),
        (&server, bucket, [ACCESS_KEY, "wrong-secret-key-0001"]),
        (&server, "s3://missing/clips", owner),
        (&server, bucket, READER),
        (&full, bucket, owner),
    ] {
        shell = with_storage(shell, &server.endpoint(), url, keys);
        let ran = run(&shell, GENERATE).await;
        said += &format!("{} {}\n", ran.code, refusal(&ran));
        for key in keys {
            assert!(!ran.stderr.contains(key), "{}", ran.stderr);
        }
    }
    insta::assert_snapshot!(said, @"
    3 error: the storage s3://bucket does not accept the key (InvalidAccessKeyId); nothing was sent, nothing is billed
    hint: Check the access key and the secret key.
    3 error: the storage s3://bucket does not accept the key (SignatureDoesNotMatch); nothing was sent, nothing is billed
    hint: Check the access key and the secret key.
    3 error: the bucket s3://missing does not exist (NoSuchBucket); nothing was sent, nothing is billed
    hint: Create the bucket, or fix its name, region or endpoint.
    3 error: these credentials may not do this in s3://bucket (AccessDenied); nothing was sent, nothing is billed
    hint: Allow these credentials to put, get and list objects under the prefix.
    7 error: the storage s3://bucket could not keep the file (500 InternalError); its disk may be full; nothing was sent, nothing is billed
    hint: Free space in the store if it is full, and run it again: nothing is uploaded twice.
    ");
    assert!(server.objects().is_empty());
    assert_eq!((simulator.ledger().accepted, simulator.bills().len()), (0, 0));
    // The same command, once the store takes the file.
    shell = with_storage(shell, &server.endpoint(), bucket, owner);
    let ran = run(&shell, GENERATE).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!((server.objects().len(), simulator.bills().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SeaweedFS and faketime"]
async fn a_wrong_clock_is_said_and_costs_nothing_with_seaweedfs_and_a_wrong_clock() {
    let name = "storage::refusals::a_wrong_clock_is_said_and_costs_nothing_with_seaweedfs_and_a_wrong_clock";
    if !wrong_clock(2, name) {
        return;
    }
    let server = SeaweedFs::start();
    let simulator = Simulator::builder().speed(300.0).start().await.unwrap();
    let shell = with_storage(
        Shell::at(&simulator),
        &server.endpoint(),
        "s3://bucket/clips",
        [ACCESS_KEY, SECRET_KEY],
    );
    clip(&shell, "clip.mp4", 97, 1);
    let ran = run(&shell, GENERATE).await;
    insta::assert_snapshot!(format!("{} {}", ran.code, refusal(&ran)), @"
    7 error: the clock of this machine differs too much from that of s3://bucket (RequestTimeTooSkewed); nothing was sent, nothing is billed
    hint: Set this machine's clock.
    ");
    assert!(server.objects().is_empty());
    assert_eq!((simulator.ledger().accepted, simulator.bills().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs s3s-fs"]
async fn a_batch_goes_on_when_its_store_is_back_with_s3() {
    let simulator = Simulator::builder().speed(300.0).start().await.unwrap();
    let closed = closed_address();
    let shell = Shell::at(&simulator);
    let shell =
        with_storage(shell, &format!("http://{closed}"), "s3://bucket/clips", [ACCESS_KEY, SECRET_KEY]);
    clip(&shell, "clip.mp4", 97, 1);
    let list = json!({
        "defaults": { "model": "doubao-seedance-2-5-260628", "resolution": "480p", "duration": 5 },
        "shots": [{ "name": "a", "prompt": "Go.", "references": ["clip.mp4"] }, { "name": "b", "prompt": "A boat." }],
    });
    fs::write(shell.folder.path().join("shots.json"), list.to_string()).unwrap();
    let (press, interrupts) = Interrupts::by_hand();
    let stderr = Page::watched(move |text| {
        if text.contains("cannot be reached") {
            press.send(Signal::Interrupt).unwrap();
        }
    });
    let seen = stderr.clone();
    let batch = ["batch", "run", "shots.json", "--config", "c.toml", "--text"];
    let ran = shell
        .run_with(&batch, |env| {
            env.interrupts = interrupts;
            env.stderr = Box::new(stderr);
        })
        .await;
    assert_eq!(ran.code, 130, "{}", seen.text());
    let said = "the storage s3://bucket cannot be reached: ";
    assert!(seen.text().contains(said), "{}", seen.text());
    assert!(
        seen.text().contains("nothing was sent, nothing is billed. Check the endpoint"),
        "{}",
        seen.text()
    );
    assert_eq!(simulator.ledger().accepted, 1, "the shot without a file does not wait");
    let server = Server::start();
    let shell = with_bucket(shell, &server);
    let ran = run(&shell, &batch.join(" ")).await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!((simulator.bills().len(), server.objects("bucket").len()), (2, 1));
    must_keep_no_secrets(shell.folder.path());
}
