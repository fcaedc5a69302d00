//! Starts two workers, kills them or lets them die, and restarts them until both report that
//! nothing is left.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use ark_video_batch::CrashPoint;

use crate::kill::cell::Kills;
use crate::support::worker::{CHILD, ORDERS, Orders};

const WORKERS: usize = 2;
/// A worker that ends with an error is started again; so many of them are one too many.
const ERRORS: usize = 20;
/// Nothing was heard for so long: it hangs.
const SILENCE: Duration = Duration::from_secs(90);
const ABORTED: i32 = 6;

/// What a worker had to say.
enum News {
    Letter(String),
    Error(String),
    /// The worker at this place has closed its output.
    Over(usize),
}

/// What the supervisor saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Workers that died, at a step or from `kill -9`.
    pub(crate) kills: usize,
    /// At which steps workers died, and how often.
    pub(crate) steps: Vec<(CrashPoint, usize)>,
    /// Creates of which nobody knew whether they had made a task.
    pub(crate) ambiguous: usize,
    /// Those of them whose task was found.
    pub(crate) found: usize,
    /// Second tasks of one job that a worker noticed.
    pub(crate) extra: usize,
    /// All that workers wrote for people.
    pub(crate) errors_seen: Vec<String>,
}

struct Worker {
    child: Child,
    dies_at: Option<usize>,
}

pub(crate) struct Supervisor {
    orders: Orders,
    kills: Kills,
    chance: u64,
    started: usize,
    places: [Option<Worker>; WORKERS],
    news: Receiver<News>,
    sender: Sender<News>,
    seen: Seen,
    errors: usize,
    next_kill: Option<Instant>,
}

impl Supervisor {
    pub(crate) fn new(orders: Orders, kills: Kills) -> Self {
        let (sender, news) = mpsc::channel();
        let chance = orders.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let places = std::array::from_fn(|_| None);
        let seen = Seen::default();
        Self { orders, kills, chance, started: 0, places, news, sender, seen, errors: 0, next_kill: None }
    }

    /// Until nothing is left to do.
    pub(crate) fn run(mut self) -> Seen {
        self.next_kill = self.plan_kill();
        (0..WORKERS).for_each(|place| self.start(place));
        while self.places.iter().any(Option::is_some) {
            let wait = self.next_kill.map_or(SILENCE, |at| at.saturating_duration_since(Instant::now()));
            match self.news.recv_timeout(wait) {
                Ok(News::Letter(letter)) => match &*letter {
                    "u" => self.seen.ambiguous += 1,
                    "f" => self.seen.found += 1,
                    "x" => self.seen.extra += 1,
                    // The test runner's own lines.
                    _ => {}
                },
                Ok(News::Error(text)) => self.seen.errors_seen.push(text),
                Ok(News::Over(place)) => self.over(place),
                Err(RecvTimeoutError::Timeout) if self.next_kill.is_some() => self.kill(),
                Err(error) => {
                    let journal = &self.orders.journal;
                    panic!("nothing happens any more at {journal} ({error}): {:#?}", self.seen)
                }
            }
        }
        std::mem::take(&mut self.seen)
    }

    fn start(&mut self, place: usize) {
        let may_die = matches!(self.kills, Kills::Steps(most) if self.seen.kills < most);
        let dies_at = may_die.then(|| self.least_seen());
        self.started += 1;
        // The first to die at a step does so as soon as it gets there: whether all steps are seen
        // is not left to chance.
        let is_first = dies_at.is_some_and(|at| self.died_at(at) == 0);
        let share = if is_first { 1.0 } else { self.orders.share };
        let seed = self.orders.seed + self.started as u64;
        let orders = Orders { dies_at, share, seed, ..self.orders.clone() };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(CHILD)
            .env(ORDERS, serde_json::to_string(&orders).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let reader = std::thread::spawn({
                let sender = sender.clone();
                move || pass_on(err, News::Error, &sender)
            });
            pass_on(out, News::Letter, &sender);
            let _ = reader.join();
            let _ = sender.send(News::Over(place));
        });
        self.places[place] = Some(Worker { child, dies_at });
    }

    /// The step at which the fewest have died, and at which no living worker is to.
    fn least_seen(&self) -> usize {
        let armed =
            |at: usize| self.places.iter().flatten().filter(|worker| worker.dies_at == Some(at)).count();
        (0..CrashPoint::ALL.len()).min_by_key(|at| (armed(*at) + self.died_at(*at), *at)).unwrap()
    }

    /// How many have died at a step.
    fn died_at(&self, at: usize) -> usize {
        let point = CrashPoint::ALL[at];
        self.seen.steps.iter().find(|(step, _)| *step == point).map_or(0, |(_, count)| *count)
    }

    fn over(&mut self, place: usize) {
        let Some(mut worker) = self.places[place].take() else { return };
        let status = worker.child.wait().unwrap();
        match (status.success(), status.signal()) {
            (true, _) => return,
            (_, Some(signal)) => {
                self.seen.kills += 1;
                if let Some(at) = worker.dies_at.filter(|_| signal == ABORTED) {
                    let point = CrashPoint::ALL[at];
                    match self.seen.steps.iter_mut().find(|(step, _)| *step == point) {
                        Some((_, count)) => *count += 1,
                        None => self.seen.steps.push((point, 1)),
                    }
                }
            }
            _ => {
                self.errors += 1;
                assert!(self.errors < ERRORS, "workers fail: {:#?}", self.seen.errors_seen);
            }
        }
        self.start(place);
    }

    /// When to kill next.
    fn plan_kill(&mut self) -> Option<Instant> {
        let goes_on = matches!(self.kills, Kills::Random(most) if self.seen.kills < most);
        goes_on.then(|| Instant::now() + Duration::from_millis(200 + self.draw() % 700))
    }

    /// `kill -9` of one, or of both.
    fn kill(&mut self) {
        let first = usize::from(self.draw().is_multiple_of(2));
        let both = self.draw() % 10 < 3;
        for place in [first, 1 - first].into_iter().take(if both { 2 } else { 1 }) {
            if let Some(worker) = &mut self.places[place] {
                let _ = worker.child.kill();
            }
        }
        self.next_kill = self.plan_kill();
    }

    /// Xorshift: kills need no better chance.
    fn draw(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance >> 11
    }
}

/// Sends each line. A closed channel means that the worker was ended.
fn pass_on(from: impl Read, news: fn(String) -> News, sender: &Sender<News>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        let _ = sender.send(news(line));
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        for worker in self.places.iter_mut().flatten() {
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}
