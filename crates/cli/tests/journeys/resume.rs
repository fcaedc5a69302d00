//! `generate` that ended in the middle, with and without a file name: the same command with
//! `--resume` goes on, and nothing is paid twice. What a user cannot have meant is refused before
//! anything is sent.

use std::path::{Path, PathBuf};

use ark_video_simulator::Effect;
use serde_json::Value;

use super::{Ran, Shell};

const BOAT: [&str; 8] =
    ["generate", "A boat.", "-d", "4", "--resolution", "480p", "--poll-interval", "200ms"];

fn boat<'w>(more: &[&'w str]) -> Vec<&'w str> {
    BOAT.into_iter().chain(more.iter().copied()).collect()
}

/// The modes of `generate`, each of which has a record of its own kind.
const MODES: [&[&str]; 9] = [
    &[],
    &["--output-dir", "out"],
    &["--no-wait"],
    &["--no-download"],
    &["--no-sidecar"],
    &["--no-marks", "--tag"],
    &["-o", "boat.mp4"],
    &["-o", "boat.mp4", "--no-sidecar"],
    &["-o", "out/boat.mp4", "--return-last-frame"],
];

impl Shell {
    fn records(&self) -> Vec<(PathBuf, Value)> {
        let Ok(entries) = std::fs::read_dir(self.state.path().join("records")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut all: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .map(|path| (path.clone(), serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()))
            .collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    fn videos(&self) -> usize {
        let count = |folder: PathBuf| {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries
                .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "mp4"))
                .count()
        };
        count(self.folder.path().to_owned()) + count(self.folder.path().join("out"))
    }

    /// A run whose answer is lost on its way: as far as the record goes, this is a kill during the
    /// create.
    async fn lost(&self, more: &[&str]) -> Ran {
        self.simulator.fail_next(Effect::AcceptThenDrop { reset: true }).unwrap();
        let ran = self.run(&boat(more)).await;
        assert_eq!(ran.code, 12, "{more:?}: {}", ran.stderr);
        ran
    }

    async fn with_out() -> Self {
        let shell = Self::new().await;
        std::fs::create_dir(shell.folder.path().join("out")).unwrap();
        shell
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_create_is_found_and_paid_once_in_every_mode() {
    for mode in MODES {
        let shell = Shell::with_out().await;
        let lost = shell.lost(mode).await;
        assert!(
            lost.stderr.contains("search for the task: ark-video reconcile"),
            "{mode:?}: {}",
            lost.stderr
        );
        let resume = [mode, &["--resume"]].concat();
        shell.ok(&boat(&resume)).await;
        assert_eq!(shell.created().await, 1, "{mode:?}");
        let saves = !mode.contains(&"--no-wait") && !mode.contains(&"--no-download");
        assert_eq!(shell.videos(), usize::from(saves), "{mode:?}");
        let again = shell.ok(&boat(&resume)).await;
        assert_eq!(
            again.stderr.contains("is already complete; nothing was sent"),
            saves,
            "{mode:?}: {}",
            again.stderr
        );
        assert_eq!((shell.created().await, shell.videos()), (1, usize::from(saves)), "{mode:?}");
    }
}

/// Makes a record say how far it came.
fn set_back(path: &Path, progress: &str) {
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["progress"] = progress.into();
    if progress == "prepared" {
        value.as_object_mut().unwrap().remove("unknown");
    }
    std::fs::write(path, value.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_down_and_not_sent_is_sent_once() {
    // As a kill before the first byte leaves it, which is known of one start of the machine only.
    // The task of the lost create stands for another's.
    let forms: &[&str] = if cfg!(target_os = "linux") { &["prepared", "submitting"] } else { &["prepared"] };
    for (mode, form) in MODES.iter().flat_map(|mode| forms.iter().map(move |form| (*mode, *form))) {
        let shell = Shell::with_out().await;
        shell.lost(mode).await;
        for (path, _) in shell.records() {
            set_back(&path, form);
            std::fs::remove_file(path.with_extension("sent")).unwrap();
        }
        for name in ["boat.mp4", "out/boat.mp4"] {
            set_back(&shell.folder.path().join(format!("{name}.ark-video.json")), form);
        }
        let resume = [mode, &["--resume"]].concat();
        shell.ok(&boat(&resume)).await;
        assert_eq!((shell.created().await, shell.records().len()), (2, 1), "{mode:?} {form}");
        shell.ok(&boat(&resume)).await;
        assert_eq!(shell.created().await, 2, "{mode:?} {form}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_the_machine_a_missing_mark_proves_nothing() {
    let shell = Shell::new().await;
    shell.lost(&[]).await;
    let (path, mut record) = shell.records().remove(0);
    record["progress"] = "submitting".into();
    record["boot"] = "an earlier one".into();
    std::fs::write(&path, record.to_string()).unwrap();
    std::fs::remove_file(path.with_extension("sent")).unwrap();
    shell.ok(&boat(&["--resume"])).await;
    assert_eq!(shell.created().await, 1, "it is looked for, and found");
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_without_an_earlier_run_starts_and_ends_one() {
    for mode in MODES {
        let shell = Shell::with_out().await;
        let resume = [mode, &["--resume"]].concat();
        for _ in 0..3 {
            shell.ok(&boat(&resume)).await;
        }
        assert_eq!(shell.created().await, 1, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_words_meant_twice_are_two_intents() {
    let shell = Shell::new().await;
    for _ in 0..3 {
        shell.ok(&BOAT).await;
    }
    assert_eq!((shell.created().await, shell.videos(), shell.records().len()), (3, 3, 3));
    let ordinals: Vec<_> =
        shell.records().iter().map(|(_, record)| record["intent"]["ordinal"].clone()).collect();
    assert_eq!(ordinals, [1, 2, 3].map(Value::from));
    // Nothing is open: what is meant is the last one, and that is there.
    shell.ok(&boat(&["--resume"])).await;
    assert_eq!(shell.created().await, 3);
    let other = shell.ok(&["generate", "A bird.", "-d", "4", "--resolution", "480p", "--resume"]).await;
    assert!(!other.stderr.contains("already"), "{}", other.stderr);
    assert_eq!(shell.created().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_did_not_end_are_listed_and_one_has_to_be_named() {
    let shell = Shell::new().await;
    shell.lost(&[]).await;
    let second = shell.lost(&[]).await;
    assert!(second.stderr.contains("an earlier run of this request is unfinished"), "{}", second.stderr);
    let ids: Vec<String> = shell
        .records()
        .iter()
        .map(|(path, _)| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let asked = shell.run(&boat(&["--resume"])).await;
    assert_eq!(asked.code, 2, "{}", asked.stderr);
    assert!(
        ids.iter().all(|id| asked.stderr.contains(id)) && asked.stderr.contains("--resume=ID"),
        "{}",
        asked.stderr
    );
    let unknown = shell.run(&boat(&["--resume=0123456789ab-7"])).await;
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    for id in &ids {
        shell.ok(&boat(&[&format!("--resume={id}")])).await;
    }
    assert_eq!((shell.created().await, shell.videos()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_behind_under_another_name_is_not_paid_for_again() {
    // Started without a name, resumed with one: the video gets it.
    for mode in [&[][..], &["--output-dir", "out"], &["--no-wait"], &["--no-sidecar"]] {
        let shell = Shell::with_out().await;
        shell.lost(mode).await;
        for _ in 0..2 {
            shell.ok(&boat(&["-o", "boat.mp4", "--resume"])).await;
            assert!(shell.folder.path().join("boat.mp4").is_file(), "{mode:?}");
            assert_eq!((shell.created().await, shell.videos()), (1, 1), "{mode:?}");
        }
    }
    // Started under one name, resumed under another or none: which is meant is asked.
    for mode in [&["-o", "other.mp4", "--resume"][..], &["--resume"], &["--output-dir", "out", "--resume"]] {
        let shell = Shell::with_out().await;
        shell.lost(&["-o", "boat.mp4"]).await;
        let asked = shell.run(&boat(mode)).await;
        assert_eq!((asked.code, shell.created().await), (6, 1), "{mode:?}: {}", asked.stderr);
        assert!(
            asked.stderr.contains("boat.mp4 --resume") && asked.stderr.contains("nothing was sent"),
            "{}",
            asked.stderr
        );
        let without: Vec<&str> = mode.iter().copied().filter(|flag| *flag != "--resume").collect();
        shell.ok(&boat(&without)).await;
        assert_eq!((shell.created().await, shell.videos()), (2, 1), "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_pay_once() {
    for mode in [&["--resume"][..], &["--resume", "-o", "boat.mp4"], &["-o", "boat.mp4"]] {
        let shell = Shell::new().await;
        let line = boat(mode);
        let runs = futures_util::future::join_all((0..4).map(|_| shell.run(&line))).await;
        let done = runs.iter().filter(|ran| ran.code == 0).count();
        assert!(done >= 1, "{mode:?}: {:?}", runs.iter().map(|ran| &ran.stderr).collect::<Vec<_>>());
        assert!(runs.iter().all(|ran| matches!(ran.code, 0 | 6)), "{mode:?}");
        assert_eq!(shell.created().await, 1, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_for_the_record_nothing_is_sent() {
    let shell = Shell::new().await;
    std::fs::write(shell.state.path().join("file"), "x").unwrap();
    for place in ["", "file/state"] {
        let place = if place.is_empty() {
            String::new()
        } else {
            shell.state.path().join(place).display().to_string()
        };
        for mode in
            [&[][..], &["--resume"], &["--no-wait"], &["--no-download"], &["-o", "boat.mp4", "--no-sidecar"]]
        {
            let ran = shell.run_at(&boat(mode), &place).await;
            assert_eq!(ran.code, 6, "{mode:?}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("nothing was sent") && ran.stderr.contains("-o FILE"),
                "{}",
                ran.stderr
            );
        }
        assert_eq!(shell.simulator.ledger().accepted, 0);
    }
    // The record is kept beside a video that has a name.
    let ran = shell.run_at(&boat(&["-o", "boat.mp4"]), "").await;
    assert_eq!((ran.code, shell.simulator.ledger().accepted), (0, 1), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_without_its_record_is_not_paid_for_again() {
    for (gone, message) in [("both", "it has no record"), ("sidecar", "is already complete")] {
        let shell = Shell::new().await;
        shell.ok(&boat(&["-o", "boat.mp4"])).await;
        std::fs::remove_file(shell.folder.path().join("boat.mp4.ark-video.json")).unwrap();
        if gone == "both" {
            std::fs::remove_dir_all(shell.state.path().join("records")).unwrap();
        }
        let resumed = shell.run(&boat(&["-o", "boat.mp4", "--resume"])).await;
        assert_eq!(resumed.code, if gone == "both" { 6 } else { 0 }, "{}", resumed.stderr);
        assert!(resumed.stderr.contains(message), "{}", resumed.stderr);
        assert_eq!(shell.created().await, 1, "{gone}");
    }
    // A video that is not the one of the record is not taken for it, and not paid for either.
    let shell = Shell::new().await;
    shell.ok(&boat(&["-o", "boat.mp4"])).await;
    std::fs::write(shell.folder.path().join("boat.mp4"), "another").unwrap();
    let resumed = shell.run(&boat(&["-o", "boat.mp4", "--resume"])).await;
    assert_eq!((resumed.code, shell.created().await), (6, 1), "{}", resumed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_set_where_a_field_is_open_and_no_two_creates_share_one() {
    let shell = Shell::new().await;
    for _ in 0..4 {
        shell.ok(&boat(&["--no-wait"])).await;
    }
    shell.ok(&boat(&["--no-wait", "--no-marks"])).await;
    shell.ok(&boat(&["--no-wait", "--expires-after", "7200"])).await;
    let listed: Value =
        serde_json::from_str(&shell.ok(&["--json", "list", "-n", "100"]).await.stdout).unwrap();
    let items = listed["items"].as_array().unwrap();
    let mut expiries: Vec<i64> =
        items.iter().map(|task| task["execution_expires_after"].as_i64().unwrap()).collect();
    expiries.sort_unstable();
    assert_eq!(expiries[..2], [7200, 172_800], "{expiries:?}");
    assert!(expiries[2..].iter().all(|expiry| (172_801..176_400).contains(expiry)), "{expiries:?}");
    expiries.dedup();
    assert_eq!(expiries.len(), 6, "each create has a mark of its own: {expiries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_and_reconcile_say_the_same_of_a_lost_create() {
    for (mode, effect, code) in [
        (&[][..], Effect::AcceptThenDrop { reset: false }, 0),
        (&[][..], Effect::DropBeforeAccept { reset: false }, 12),
        (&["-o", "boat.mp4"][..], Effect::AcceptThenDrop { reset: false }, 0),
        (&["-o", "boat.mp4"][..], Effect::DropBeforeAccept { reset: false }, 12),
        (&["--no-marks"][..], Effect::AcceptThenDrop { reset: false }, 12),
    ] {
        let shell = Shell::new().await;
        shell.simulator.fail_next(effect).unwrap();
        let lost = shell.run(&boat(mode)).await;
        assert_eq!(lost.code, 12, "{}", lost.stderr);
        let named = lost.stderr.split("ark-video reconcile ").nth(1).unwrap();
        let named = named.split_whitespace().next().unwrap();
        let looked = shell.run(&["--text", "reconcile", named, "--once"]).await;
        assert_eq!(looked.code, code, "{}{}", looked.stdout, looked.stderr);
        let resumed = shell.run(&boat(&[mode, &["--resume"]].concat())).await;
        assert_eq!(resumed.code, code, "{mode:?}: {}", resumed.stderr);
        if code == 12 {
            let verdict = looked.stdout.lines().next().unwrap();
            assert!(resumed.stderr.contains(verdict), "{verdict}\n{}", resumed.stderr);
        }
        assert!(shell.simulator.ledger().accepted <= 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_holds_no_prompt_and_a_refusal_leaves_none() {
    let shell = Shell::new().await;
    shell.lost(&[]).await;
    let (path, record) = shell.records().remove(0);
    let text = record.to_string();
    assert!(!text.contains("A boat.") && text.contains("\"window\""), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::write(&path, "{").unwrap();
    let damaged = shell.run(&boat(&["--resume"])).await;
    assert_eq!((damaged.code, shell.created().await), (6, 1), "{}", damaged.stderr);
    assert!(
        damaged.stderr.contains("cannot read") && damaged.stderr.contains("nothing was sent"),
        "{}",
        damaged.stderr
    );
    std::fs::remove_file(path).unwrap();
    shell.simulator.fail_next(Effect::Refuse { code: "InvalidParameter".to_owned(), message: None }).unwrap();
    assert_eq!(shell.run(&BOAT).await.code, 8);
    assert!(shell.records().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_puts_back_what_was_beside_the_video() {
    let shell = Shell::new().await;
    shell.ok(&boat(&["-o", "boat.mp4"])).await;
    let sidecar = shell.folder.path().join("boat.mp4.ark-video.json");
    let before = std::fs::read(&sidecar).unwrap();
    shell.simulator.fail_next(Effect::Refuse { code: "InvalidParameter".to_owned(), message: None }).unwrap();
    assert_eq!(shell.run(&["generate", "A bird.", "-d", "4", "-o", "boat.mp4", "--overwrite"]).await.code, 8);
    assert_eq!(std::fs::read(&sidecar).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_went_to_another_service_is_said_and_not_paid_for_here() {
    let shell = Shell::new().await;
    shell.lost(&[]).await;
    let (path, mut record) = shell.records().remove(0);
    record["base_url"] = "https://ark.example/api/v3".into();
    std::fs::write(&path, record.to_string()).unwrap();
    let resumed = shell.run(&boat(&["--resume"])).await;
    assert_eq!((resumed.code, shell.created().await), (3, 1), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("https://ark.example/api/v3"), "{}", resumed.stderr);
    // What a service on this machine was sent is nothing to another.
    record["base_url"] = "http://127.0.0.1:9/api/v3".into();
    std::fs::write(&path, record.to_string()).unwrap();
    shell.ok(&boat(&["--resume"])).await;
    assert_eq!(shell.created().await, 2);
}
