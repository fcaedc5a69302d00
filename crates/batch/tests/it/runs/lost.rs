//! A journal that is lost, emptied, rolled back or copied is not a new one: nothing is paid twice,
//! and what cannot be known is asked.

use std::fs;
use std::path::{Path, PathBuf};

use ark_video_batch::{EventKind, LostCause, RunError, State};
use ark_video_simulator::Effect;

use crate::runs::scene::{BATCH, Ended, How, Scene};

/// What happened to the journal.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Loss {
    Deleted,
    DeletedWithItsMark,
    Emptied,
    EmptiedWithoutMark,
    LogLost,
    EarlierPutBack,
    EarlierPutBackWithoutMark,
    MovedAway,
    FolderCopied,
    ListCopiedWithoutJournal,
    FolderMoved,
}

const ALL: [Loss; 11] = [
    Loss::Deleted,
    Loss::DeletedWithItsMark,
    Loss::Emptied,
    Loss::EmptiedWithoutMark,
    Loss::LogLost,
    Loss::EarlierPutBack,
    Loss::EarlierPutBackWithoutMark,
    Loss::MovedAway,
    Loss::FolderCopied,
    Loss::ListCopiedWithoutJournal,
    Loss::FolderMoved,
];

fn copy_files(scene: &Scene, to: &Path, journal: bool) {
    for path in Scene::files(&scene.folder) {
        let name = path.strip_prefix(&scene.folder).unwrap();
        if journal || !name.to_string_lossy().contains(".journal") {
            let target = to.join(name);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&path, target).unwrap();
        }
    }
}

impl Loss {
    /// A scene of which a run was killed while its first shots were on their way, then lost its
    /// journal.
    async fn after_a_kill(self) -> Scene {
        let mut scene = Scene::new(3).await;
        let early = scene.folder.join("early");
        if matches!(self, Self::EarlierPutBack | Self::EarlierPutBackWithoutMark) {
            // Planned, and nothing sent.
            assert!(matches!(scene.run(&How { paused: true, ..How::default() }).await, Ended::Done(..)));
            assert_eq!(scene.simulator.ledger().accepted, 0);
            for rest in ["", "-wal"] {
                let from = format!("{}{rest}", scene.journal_path().display());
                let _ = fs::copy(from, format!("{}{rest}", early.display()));
            }
        }
        self.finish(&scene).await;
        self.lose(&mut scene, &early);
        scene
    }

    async fn finish(self, scene: &Scene) {
        // With the log lost, everything that was written is lost: the file itself is empty still.
        let kill = (self == Self::LogLost).then_some(8);
        let ended = scene.run(&How { kill, ..How::default() }).await;
        assert_eq!(matches!(ended, Ended::Killed), self == Self::LogLost, "{ended:?}");
    }

    fn lose(self, scene: &mut Scene, early: &Path) {
        let journal = scene.journal_path();
        let (elsewhere, there) =
            (scene.home.path().join("elsewhere.sqlite"), scene.home.path().join("there"));
        match self {
            Self::Deleted => scene.delete_journal(),
            Self::DeletedWithItsMark => {
                scene.delete_journal();
                scene.delete_mark();
            }
            Self::Emptied | Self::EmptiedWithoutMark => {
                scene.delete_journal();
                fs::write(&journal, "").unwrap();
                if self == Self::EmptiedWithoutMark {
                    scene.delete_mark();
                }
            }
            Self::LogLost => fs::remove_file(format!("{}-wal", journal.display())).unwrap(),
            Self::EarlierPutBack | Self::EarlierPutBackWithoutMark => {
                scene.delete_journal();
                for rest in ["", "-wal"] {
                    let from = format!("{}{rest}", early.display());
                    let _ = fs::rename(from, format!("{}{rest}", journal.display()));
                }
                if self == Self::EarlierPutBackWithoutMark {
                    scene.delete_mark();
                }
            }
            Self::MovedAway => fs::rename(&journal, elsewhere).unwrap(),
            Self::FolderCopied | Self::ListCopiedWithoutJournal => {
                copy_files(scene, &there, self == Self::FolderCopied);
                scene.folder = there;
            }
            Self::FolderMoved => {
                fs::rename(&scene.folder, &there).unwrap();
                scene.folder = there;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_records_name_is_taken_over_however_the_journal_was_lost() {
    for loss in ALL {
        let scene = loss.after_a_kill().await;
        let before = scene.bills();
        let ended = scene.run(&How::default()).await;
        // With the log lost only some of the shots were sent; the others are asked about.
        if loss == Loss::LogLost && before.len() < 3 {
            assert!(matches!(ended, Ended::Refused(_)), "{loss:?}: {ended:?}");
            assert_eq!(scene.bills(), before, "{loss:?}");
            let ended = scene.run(&How { new_journal: true, ..How::default() }).await;
            assert!(matches!(ended, Ended::Done(..)), "{loss:?}: {ended:?}");
        } else {
            let Ended::Done(summary, _) = ended else { panic!("{loss:?}: {ended:?}") };
            assert_eq!(summary.counts, [(State::Settled, 3)].into(), "{loss:?}");
        }
        assert!(scene.bills().values().all(|count| *count == 1), "{loss:?}: {:?}", scene.bills());
        let jobs = scene.jobs(&scene.journal_path()).await;
        assert!(jobs.iter().all(|job| job.state == State::Settled), "{loss:?}: {jobs:?}");
        assert!(jobs.iter().all(|job| job.settled.as_ref().is_some_and(|cost| cost.tokens > 0)), "{loss:?}");
        // And the same again is what was done.
        let again = scene.run(&How::default()).await;
        assert!(matches!(again, Ended::Done(..)), "{loss:?}: {again:?}");
        assert_eq!(scene.bills().values().sum::<u32>(), 3, "{loss:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_record_names_is_asked_and_never_sent() {
    for loss in ALL {
        // In a folder that was moved, or copied whole when all was done, the journal knows
        // everything.
        if matches!(loss, Loss::FolderMoved | Loss::FolderCopied | Loss::LogLost) {
            continue;
        }
        let scene = loss.after_a_kill().await;
        let gone = scene.folder.join("out/s1.mp4.ark-video.json");
        fs::remove_file(&gone).unwrap();
        fs::remove_file(scene.folder.join("out/s1.mp4")).unwrap();
        let before = scene.bills();
        for _ in 0..2 {
            match scene.run(&How::default()).await {
                Ended::Refused(RunError::Lost(lost)) => {
                    let expected = match loss {
                        Loss::Deleted | Loss::Emptied | Loss::MovedAway => LostCause::Replaced,
                        _ => LostCause::Records,
                    };
                    assert_eq!((&lost.cause, lost.count, lost.recorded), (&expected, 1, 2), "{loss:?}");
                    assert_eq!(lost.shots, ["s1"]);
                    let text = lost.to_string();
                    assert!(text.contains("nothing was sent") && text.contains("s1"), "{text}");
                }
                Ended::Refused(RunError::Earlier { .. }) => assert_eq!(loss, Loss::EarlierPutBack),
                other => panic!("{loss:?}: {other:?}"),
            }
            assert_eq!(scene.bills(), before, "{loss:?}");
        }
        let ended = scene.run(&How { new_journal: true, ..How::default() }).await;
        let Ended::Done(summary, events) = ended else { panic!("{loss:?}: {ended:?}") };
        assert_eq!(summary.counts, [(State::Settled, 3)].into(), "{loss:?}");
        let adopted = events.iter().filter(|event| matches!(event, EventKind::Adopted { task_id: Some(_) }));
        assert_eq!(adopted.count(), 2, "{loss:?}");
        assert_eq!(
            scene.bills(),
            [("s0.1", 1), ("s1.1", 2), ("s2.1", 1)].map(|(id, n)| (id.to_owned(), n)).into()
        );
        assert!(matches!(scene.run(&How::default()).await, Ended::Done(..)), "meant once is meant for good");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_has_unsent_shots_is_no_second_journal() {
    let mut scene = Scene::new(3).await;
    assert!(matches!(scene.run(&How { paused: true, ..How::default() }).await, Ended::Done(..)));
    let here = scene.folder.clone();
    let there = scene.home.path().join("there");
    copy_files(&scene, &there, true);
    scene.folder = there;
    let ended = scene.run(&How::default()).await;
    let Ended::Refused(RunError::Lost(lost)) = ended else { panic!("{ended:?}") };
    assert!(matches!(&lost.cause, LostCause::Copy(original) if original.starts_with(&here)), "{lost:?}");
    assert_eq!(scene.simulator.ledger().accepted, 0);
    // Also with an edited list, and with all that it says it is a copy: its list is its own.
    scene.shots[0].1 = 2;
    scene.write_list();
    let edited = scene.run(&How::default()).await;
    assert!(matches!(edited, Ended::Refused(RunError::Lost(_))), "{edited:?}");
    // The original goes on.
    scene.folder = here;
    assert!(matches!(scene.run(&How::default()).await, Ended::Done(..)));
    assert_eq!(scene.simulator.ledger().accepted, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_of_which_nothing_was_sent_may_be_thrown_away() {
    let scene = Scene::new(2).await;
    assert!(matches!(scene.run(&How { paused: true, ..How::default() }).await, Ended::Done(..)));
    assert_eq!(scene.simulator.ledger().accepted, 0);
    scene.delete_journal();
    let ended = scene.run(&How::default()).await;
    assert!(matches!(ended, Ended::Done(..)), "{ended:?}");
    assert_eq!(scene.simulator.ledger().accepted, 2);
}

/// What is beside the output of a shot that a new journal has not sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_taken_over_by_the_same_shot_and_by_no_other() {
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap();
    type Change = (&'static str, fn(String) -> String, bool);
    let changes: [Change; 6] = [
        ("as it was", |text| text, true),
        ("of another journal", |text| text.replace("\"journal\": \"", "\"journal\": \"0"), true),
        (
            "of an earlier version",
            |text| text.replace("\"intent\"", "\"was\"").replace("\"row\"", "\"had\""),
            true,
        ),
        (
            "of another request",
            |text| text.replace("version 1", "version 9").replace("\"hash\": \"", "\"hash\": \"0"),
            false,
        ),
        ("cut off", |text| text[..text.len() / 2].to_owned(), false),
        ("no JSON", |_| "a video".to_owned(), false),
    ];
    for (what, change, taken) in changes {
        let scene = Scene::new(1).await;
        assert!(matches!(scene.run(&How::default()).await, Ended::Done(..)));
        scene.delete_journal();
        scene.delete_mark();
        let path = scene.folder.join("out/s0.mp4.ark-video.json");
        fs::write(&path, change(text(&path))).unwrap();
        let ended = scene.run(&How { new_journal: !taken, ..How::default() }).await;
        match &ended {
            Ended::Done(summary, _) if taken => {
                assert_eq!(summary.counts, [(State::Settled, 1)].into(), "{what}");
            }
            // The video that is there is not known to be its own: its place is taken.
            Ended::Refused(RunError::Targets(_)) if !taken => {}
            _ => panic!("{what}: {ended:?}"),
        }
        assert_eq!(scene.simulator.ledger().accepted, 1, "{what}");
    }
}

/// How far the create had come that the record is of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_is_found_again_whatever_its_record_knew() {
    for lose_answer in [false, true] {
        for kill in 1..9 {
            let scene = Scene::new(1).await;
            if lose_answer {
                scene.simulator.fail_next(Effect::AcceptThenDrop { reset: true }).unwrap();
            }
            scene.run(&How { kill: Some(kill), ..How::default() }).await;
            scene.delete_journal();
            scene.delete_mark();
            let ended = scene.run(&How::default()).await;
            let bills = scene.simulator.ledger().accepted;
            assert!(bills <= 1, "{lose_answer} {kill}: {bills} bills, {ended:?}");
            let jobs = scene.jobs(&scene.journal_path()).await;
            let job = jobs.first().unwrap();
            let known = job.task_id.is_some() || bills == 0 && job.state == State::Held;
            assert!(known, "{lose_answer} {kill}: {job:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_list_of_the_same_name_replaces_nothing() {
    #[derive(Debug, Clone, Copy)]
    enum Change {
        Nothing,
        Edited,
        Moved,
        MovedAndEdited,
        ByAnotherPath,
        CopiedAsItIs,
        CopiedAndEdited,
        ReplacedByAnother,
    }
    use Change::*;
    for (change, taken) in [
        (Nothing, true),
        (Edited, true),
        (Moved, true),
        (MovedAndEdited, true),
        (ByAnotherPath, true),
        (CopiedAsItIs, true),
        (CopiedAndEdited, false),
        (ReplacedByAnother, false),
    ] {
        let mut scene = Scene::new(2).await;
        // One journal for all lists.
        let shared = scene.home.path().join("shared.journal");
        let plan = async |scene: &Scene, list: PathBuf| {
            let journal = scene.open(&shared).await.unwrap();
            let report =
                ark_video_batch::ListReport::read(&list, ark_video::model::catalog::Catalog::builtin())
                    .unwrap();
            let jobs = report.into_list().unwrap();
            let options =
                ark_video_batch::PlanOptions { list: Some(list), ..ark_video_batch::PlanOptions::default() };
            let planned = journal.plan(BATCH, &jobs, options).await;
            let left = journal.jobs(&ark_video_batch::JobFilter::default(), None, 10).await.unwrap();
            journal.close().await;
            (planned, left.into_iter().map(|job| job.planned.request_hash).collect::<Vec<_>>())
        };
        let (planned, before) = plan(&scene, scene.list()).await;
        planned.unwrap();
        let there = scene.home.path().join("there");
        let mut list = scene.list();
        match change {
            Nothing => {}
            Edited | MovedAndEdited => scene.shots[0].1 = 2,
            Moved | ByAnotherPath | CopiedAsItIs | CopiedAndEdited | ReplacedByAnother => {}
        }
        match change {
            Moved | MovedAndEdited => {
                fs::rename(&scene.folder, &there).unwrap();
                scene.folder = there;
            }
            CopiedAsItIs | CopiedAndEdited => {
                copy_files(&scene, &there, false);
                scene.folder = there;
            }
            ReplacedByAnother => {
                fs::remove_file(scene.list()).unwrap();
                fs::create_dir(&there).unwrap();
                scene.folder = there;
            }
            _ => {}
        }
        if matches!(change, CopiedAndEdited | ReplacedByAnother) {
            scene.shots = vec![("s0".to_owned(), 8), ("s1".to_owned(), 9)];
        }
        if !matches!(change, ByAnotherPath) {
            scene.write_list();
            list = scene.list();
        }
        if matches!(change, ByAnotherPath) {
            list = scene.folder.join("..").join("here").join("l.json");
        }
        let (planned, after) = plan(&scene, list).await;
        assert_eq!(planned.is_ok(), taken, "{change:?}: {planned:?}");
        if let Err(error) = planned {
            assert_eq!(error.kind(), ark_video_batch::JournalErrorKind::OtherList, "{error}");
            assert!(error.to_string().contains("batch name of its own"), "{error}");
            assert_eq!(before, after, "{change:?}: nothing was replaced");
        }
    }
}
