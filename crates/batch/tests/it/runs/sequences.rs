//! Seeded sequences of what people do to a batch between its runs: kill it, lose or copy its
//! journal, touch its outputs, edit its list, change the clock. The simulator's ledger says what
//! came of it: no second bill that was not asked for, and no paid video that neither a file nor a
//! row names.
//!
//! 40 sequences by default, 200 in `cargo xtask ci --all`; `cargo xtask sequences` runs more, or
//! one again by its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use ark_video_batch::{RunError, State};
use ark_video_simulator::Effect;
use ark_video_test_support::times;

use crate::runs::scene::{Ended, How, Scene};

/// How many, and from which seed on: `COUNT` or `COUNT:SEED`.
const FORM: &str = "ARK_VIDEO_SEQUENCES";
/// So many at a time: a sequence waits more than it works.
const AT_ONCE: usize = 6;
const MINUTE: i64 = 60_000;

/// SplitMix64.
struct Chances(u64);

impl Chances {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % end as u64) as usize
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Rehearse,
    Run,
    Kill,
    LoseAnswer,
    DeleteJournal,
    EmptyJournal,
    LoseLog,
    KeepCopy,
    PutBackCopy,
    CopyFolder,
    MoveFolder,
    TouchOutput,
    RemoveOutput,
    RemoveRecord,
    EditShot,
    EditBack,
    AddShot,
    RemoveShot,
    ChangeClock,
}

/// By how often they are drawn.
const ACTS: [Act; 24] = [
    Act::Rehearse,
    Act::Run,
    Act::Run,
    Act::Run,
    Act::Kill,
    Act::Kill,
    Act::Kill,
    Act::Kill,
    Act::LoseAnswer,
    Act::DeleteJournal,
    Act::DeleteJournal,
    Act::EmptyJournal,
    Act::LoseLog,
    Act::KeepCopy,
    Act::PutBackCopy,
    Act::CopyFolder,
    Act::MoveFolder,
    Act::TouchOutput,
    Act::RemoveOutput,
    Act::RemoveRecord,
    Act::EditShot,
    Act::EditBack,
    Act::AddShot,
    Act::RemoveShot,
];

struct Sequence {
    scene: Scene,
    chances: Chances,
    done: Vec<String>,
    /// Whether each step is printed: for a single sequence.
    shown: bool,
    /// Second bills that were asked for, by the intent.
    meant: BTreeMap<String, u32>,
    /// Tasks of which a person took away everything that named them.
    forgotten: BTreeSet<String>,
    copies: usize,
    kept: bool,
}

impl Sequence {
    async fn new(seed: u64, shown: bool) -> Self {
        let mut chances = Chances(seed);
        let scene = Scene::new(1 + chances.below(4)).await;
        Self {
            scene,
            chances,
            done: Vec::new(),
            shown,
            meant: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            copies: 0,
            kept: false,
        }
    }

    async fn go(&mut self) {
        for _ in 0..3 + self.chances.below(7) {
            let act = match self.chances.below(ACTS.len() + 1) {
                at if at < ACTS.len() => ACTS[at],
                _ => Act::ChangeClock,
            };
            self.note(format!("{act:?}"));
            self.act(act).await;
            self.no_second_bill();
        }
        // To its end, with a person's word where it asks for one.
        self.note("the end".to_owned());
        for _ in 0..3 {
            let how = How::default();
            if matches!(self.run(&how).await, Ended::Done(..)) {
                break;
            }
            self.decide().await;
        }
        self.no_second_bill();
        self.every_task_is_named().await;
    }

    #[expect(clippy::print_stderr, reason = "a sequence that is run again by its seed shows its steps")]
    fn note(&mut self, step: String) {
        if self.shown {
            eprintln!("{step}");
        }
        self.done.push(step);
    }

    fn copy_path(&self) -> PathBuf {
        self.scene.home.path().join("kept.copy")
    }

    async fn act(&mut self, act: Act) {
        let journal = self.scene.journal_path();
        let log = PathBuf::from(format!("{}-wal", journal.display()));
        match act {
            Act::Rehearse => self.rehearse().await,
            Act::Run
                if !matches!(self.run(&How::default()).await, Ended::Done(..))
                    && self.chances.below(2) == 0 =>
            {
                self.decide().await;
            }
            Act::Kill => {
                let kill = Some(self.chances.below(14));
                self.run(&How { kill, ..How::default() }).await;
            }
            Act::LoseAnswer => {
                let effect = match self.chances.below(3) {
                    0 => Effect::DropBeforeAccept { reset: false },
                    _ => Effect::AcceptThenDrop { reset: true },
                };
                self.scene.simulator.fail_next(effect).unwrap();
            }
            Act::DeleteJournal => self.destroy(Scene::delete_journal).await,
            Act::EmptyJournal if journal.exists() => {
                self.destroy(|scene| {
                    scene.delete_journal();
                    fs::write(scene.journal_path(), "").unwrap();
                })
                .await;
            }
            Act::LoseLog if log.exists() => self.destroy(|_| fs::remove_file(&log).unwrap()).await,
            Act::KeepCopy if journal.exists() && !log.exists() => {
                fs::copy(&journal, self.copy_path()).unwrap();
                self.kept = true;
            }
            Act::PutBackCopy if self.kept => {
                let copy = self.copy_path();
                self.destroy(move |scene| {
                    scene.delete_journal();
                    fs::copy(copy, scene.journal_path()).unwrap();
                })
                .await;
            }
            Act::CopyFolder if journal.exists() && self.scene.simulator.ledger().accepted > 0 => {
                self.copy_folder()
            }
            Act::MoveFolder => {
                self.copies += 1;
                let there = self.scene.home.path().join(format!("moved{}", self.copies));
                fs::rename(&self.scene.folder, &there).unwrap();
                self.scene.folder = there;
            }
            Act::TouchOutput => {
                if let Some(path) = self.output() {
                    fs::write(path, "touched").unwrap();
                }
            }
            Act::RemoveOutput => {
                if let Some(path) = self.output() {
                    fs::remove_file(path).unwrap();
                }
            }
            Act::RemoveRecord => {
                let records = Scene::records(&self.scene.folder);
                if !records.is_empty() {
                    let (path, _) = records[self.chances.below(records.len())].clone();
                    let with_video = self.chances.below(2) == 0;
                    self.destroy(move |_| {
                        fs::remove_file(&path).unwrap();
                        if with_video {
                            let video = path.to_string_lossy().replace(".ark-video.json", "");
                            let _ = fs::remove_file(video);
                        }
                    })
                    .await;
                }
            }
            Act::EditShot | Act::EditBack => {
                let at = self.chances.below(self.scene.shots.len());
                let version = &mut self.scene.shots[at].1;
                *version = if matches!(act, Act::EditShot) { *version + 1 } else { (*version - 1).max(1) };
                self.scene.write_list();
            }
            Act::AddShot => {
                self.scene.shots.push((format!("s{}", self.scene.shots.len() + 10), 1));
                self.scene.write_list();
            }
            Act::RemoveShot if self.scene.shots.len() > 1 => {
                self.scene.shots.pop();
                self.scene.write_list();
            }
            Act::ChangeClock => {
                // So far that a search for a lost create, which waits for its time to be over, ends
                // within the test.
                let minutes = [-120, -30, -5, 1, 5, 20][self.chances.below(6)];
                self.scene.clock.shift.fetch_add(minutes * MINUTE, Ordering::SeqCst);
            }
            _ => {}
        }
    }

    fn output(&mut self) -> Option<PathBuf> {
        let is_video = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "mp4");
        let videos: Vec<_> = Scene::files(&self.scene.folder).into_iter().filter(is_video).collect();
        (!videos.is_empty()).then(|| videos[self.chances.below(videos.len())].clone())
    }

    /// The folder as it is, whole, and from now on the copy is used, or the original still is.
    fn copy_folder(&mut self) {
        self.copies += 1;
        let there = self.scene.home.path().join(format!("copy{}", self.copies));
        for path in Scene::files(&self.scene.folder) {
            let target = there.join(path.strip_prefix(&self.scene.folder).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&path, target).unwrap();
        }
        if self.chances.below(2) == 0 {
            self.scene.folder = there;
        }
    }

    async fn run(&mut self, how: &How) -> Ended {
        let ended = self.scene.run(how).await;
        let text = match &ended {
            Ended::Done(summary, _) => format!("{:?}", summary.counts),
            Ended::Killed => "killed".to_owned(),
            Ended::Refused(error) => error.to_string(),
            Ended::Unopened(error) => error.to_string(),
        };
        self.note(format!("  {how:?}: {text}"));
        ended
    }

    /// A refusal is answered: it is meant. What nothing names is then a new intent.
    async fn decide(&mut self) {
        let recorded = Scene::recorded(&self.scene.folder);
        for (name, version) in &self.scene.shots {
            let whose = format!("{name}.{version}");
            if !recorded.contains(&whose) {
                *self.meant.entry(whose).or_default() += 1;
            }
        }
        let ended = self.run(&How { new_journal: true, ..How::default() }).await;
        assert!(!matches!(ended, Ended::Refused(RunError::Lost(_) | RunError::Earlier { .. })), "{ended:?}");
    }

    /// The same list against another service, in a folder of its own as the command does it.
    async fn rehearse(&mut self) {
        let mut scene = Scene::new(0).await;
        scene.shots.clone_from(&self.scene.shots);
        scene.write_list();
        let ended = scene.run(&How::default()).await;
        assert!(matches!(ended, Ended::Done(..)), "{ended:?}");
    }

    /// A person takes something away; tasks that nothing names any more are that person's loss.
    async fn destroy(&mut self, what: impl FnOnce(&Scene)) {
        what(&self.scene);
        let named = self.scene.named().await;
        let unnamed = self.scene.accepted().into_keys().filter(|id| !named.contains(id));
        self.forgotten.extend(unnamed);
    }

    fn no_second_bill(&self) {
        for (whose, bills) in self.scene.bills() {
            let may = 1 + self.meant.get(&whose).copied().unwrap_or_default();
            assert!(bills <= may, "{whose} has {bills} bills, and {may} were meant: {:#?}", self.done);
        }
    }

    async fn every_task_is_named(&self) {
        let named = self.scene.named().await;
        for (id, whose) in self.scene.accepted() {
            let is_named = named.contains(&id) || self.forgotten.contains(&id);
            assert!(is_named, "nothing names {id} of {whose}: {:#?}", self.done);
        }
        for job in self.scene.jobs(&self.scene.journal_path()).await {
            let may_be = matches!(job.state, State::Submitting | State::Unknown);
            assert!(!may_be, "{} is in doubt at the end: {:#?}", job.key, self.done);
        }
    }
}

fn form() -> (u64, u64) {
    let form = std::env::var(FORM).unwrap_or_default();
    let (count, seed) = form.split_once(':').unwrap_or((&form, "1"));
    (count.parse().unwrap_or_else(|_| times(40, 200) as u64), seed.parse().unwrap_or(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sequence_makes_a_second_bill_or_loses_a_paid_video() {
    let (count, first) = form();
    let mut running = tokio::task::JoinSet::new();
    let mut failed = Vec::new();
    let mut seeds = first..first + count;
    loop {
        while running.len() < AT_ONCE
            && let Some(seed) = seeds.next()
        {
            running.spawn(async move {
                let ran = tokio::spawn(async move { Sequence::new(seed, count == 1).await.go().await }).await;
                (seed, ran)
            });
        }
        match running.join_next().await {
            Some(ended) => {
                let (seed, ran) = ended.unwrap();
                failed.extend(ran.is_err().then_some(seed));
            }
            None => break,
        }
    }
    assert!(failed.is_empty(), "repeat one with `cargo xtask sequences --count 1 --seed SEED`: {failed:?}");
}
