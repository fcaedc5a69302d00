//! The command on a disk that is full, for real: this test runs itself again where a small disk in
//! memory is mounted, which Linux allows to everybody in a namespace of their own.

use std::{fs, time::Duration};

use ark_video::{Client, ListQuery, download::SaveProgress, model::Task};
use ark_video_simulator::{Options, Simulator};
use futures_util::{StreamExt, TryStreamExt};

use crate::cli::Shell;
use ark_video_test_support::small_disk::small_disk;

const SMALL: [&str; 8] = [
    "--model",
    "doubao-seedance-1-0-pro-fast-251015",
    "--resolution",
    "480p",
    "--ratio",
    "1:1",
    "--duration",
    "2",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a small disk (unshare, mount): `cargo xtask test` runs it where it can"]
async fn a_full_disk_has_an_exit_code_and_stops_creates_on_a_small_disk() {
    let name = "cli_disk_full::a_full_disk_has_an_exit_code_and_stops_creates_on_a_small_disk";
    if small_disk(80, name).is_none() {
        return;
    }
    let options = Options::default().queued(Duration::from_millis(10)).running(Duration::from_millis(10));
    let simulator = Simulator::builder().options(options).start().await.unwrap();
    let shell = Shell::at(&simulator);
    for _ in 0..3 {
        let line = [&["generate", "A boat.", "--no-wait"][..], &SMALL].concat();
        assert_eq!(shell.run(&line).await.code, 0);
    }
    assert_eq!(shell.run(&["wait", "--all"]).await.code, 0);
    let downloads = || simulator.ledger().entries.iter().map(|entry| entry.downloads).sum::<u32>();

    // It fills up while the first of three is fetched: that one has taken its room, the others
    // stop.
    let filler = shell.folder.path().join("filler");
    let target = filler.clone();
    let on_progress = move |_: SaveProgress| fs::write(&target, vec![1; 20 << 20]).unwrap();
    let client = Client::builder().api_key(simulator.api_key()).base_url(simulator.base_url());
    let client = client.build().unwrap();
    let tasks: Vec<Task> = client.list_all(ListQuery::new()).try_collect().await.unwrap();
    let job = |task: Task| {
        let path = shell.folder.path().join(format!("{}.mp4", task.id));
        client.task(&task.id).download(path).from_task(task).progress(on_progress.clone())
    };
    let jobs: Vec<_> = tasks.into_iter().map(job).collect();
    let ends: Vec<_> = client.download_all(jobs, 1).collect().await;
    let results: Vec<_> =
        ends.iter().map(|(_, end)| end.as_ref().map_err(ark_video::Error::message)).collect();
    assert!(results[0].is_ok() && results.len() == 3, "{results:?}");
    assert!(results[1].as_ref().is_err_and(|error| error.contains("there is no room for")), "{results:?}");
    assert!(
        results[2].as_ref().is_err_and(|error| error.contains("because the disk is full")),
        "{results:?}"
    );
    assert_eq!(downloads(), 1);

    let ran = shell.run(&["--json", "download", "--all-succeeded"]).await;
    assert!(ran.code == 15 && ran.stderr.contains(r#""kind":"disk_full""#), "{} {}", ran.code, ran.stderr);
    assert_eq!(downloads(), 1, "nothing was asked for");

    let ran = shell.run(&[&["generate", "Another boat."][..], &SMALL].concat()).await;
    assert!(ran.code == 15 && ran.stderr.contains("full"), "{} {}", ran.code, ran.stderr);
    assert_eq!(simulator.ledger().entries.len(), 3, "nothing was paid for");

    fs::remove_file(filler).unwrap();
    let ran = shell.run(&["download", "--all-succeeded"]).await;
    assert_eq!((ran.code, shell.files().len()), (0, 3), "{}", ran.stderr);
}
