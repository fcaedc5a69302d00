//! Many tasks at once: `wait` and `download` with several ids, or all of the account.

use std::collections::BTreeMap;
use std::pin::pin;

use ark_video::model::{Task, TaskStatus};
use ark_video::{
    Client, DownloadOptions, ListQuery, WatchEvent, WatchOptions, Watched,
    download::{Downloaded, SaveProgress, deadline},
};
use futures_util::StreamExt;
use tokio::sync::mpsc::unbounded_channel;

use super::result::{self, Saved};
use crate::api_failure;
use crate::args::{DownloadArgs, WaitArgs};
use crate::destination::Destination;
use crate::escape;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::session::{Session, interrupted};

/// `wait ID ID …` and `wait --all`: reports each task when it ends.
pub(crate) async fn wait(session: &mut Session, client: &Client, args: &WaitArgs) -> Result<(), Failure> {
    let again = session.again();
    let mut ids = args.ids.clone();
    if args.all {
        for status in [TaskStatus::Queued, TaskStatus::Running] {
            let listed = list(session, client, ListQuery::new().status(status)).await?;
            ids.extend(listed.into_iter().map(|task| task.id));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        session.output.note("no task is queued or running");
        return Ok(());
    }
    let mut options = WatchOptions::new();
    if let Some(timeout) = args.timing.timeout {
        options = options.timeout(timeout);
    }
    let mut watch = client.watch(options);
    ids.iter().for_each(|id| watch.add(Watched::new(id.as_str())));
    let total = ids.len();
    let mut tally = Tally::default();
    let left = {
        let progress = Progress::many(&session.output, total, "ended");
        loop {
            let event = tokio::select! {
                event = watch.next() => event,
                () = session.interrupts.next() => break Some(watch.len()),
            };
            let Some(event) = event else { break None };
            progress.watched(&event);
            if let WatchEvent::Finished { task, .. } = &event {
                super::tasks::show_of(&session.output, task);
            }
            tally.count(&event);
        }
    };
    match left {
        Some(left) => {
            let message = format!("interrupted: {left} of {total} tasks are unfinished; none was cancelled");
            Err(Failure::new(Exit::Interrupted, message).hint(format!(
                "continue with: {again} wait {}",
                ids.iter().map(|id| escape::id(id)).collect::<Vec<_>>().join(" ")
            )))
        }
        None => tally.verdict(total),
    }
}

/// How the tasks of a wait ended.
#[derive(Default)]
struct Tally {
    ended: BTreeMap<&'static str, usize>,
    exit: Option<Exit>,
}

impl Tally {
    fn count(&mut self, event: &WatchEvent) {
        let (word, exit) = match event {
            WatchEvent::Finished { task, .. } => match task.status {
                TaskStatus::Succeeded => return,
                TaskStatus::Failed => ("failed", Exit::TaskEnded),
                TaskStatus::Expired => ("expired", Exit::TaskEnded),
                _ => ("cancelled", Exit::TaskEnded),
            },
            WatchEvent::Gone { .. } => ("unknown to the service", Exit::Result),
            WatchEvent::TimedOut { .. } => ("still running", Exit::StillRunning),
            WatchEvent::CouldNotPoll { .. } => ("could not be polled", Exit::Result),
            _ => return,
        };
        *self.ended.entry(word).or_default() += 1;
        // Unknown outweighs unfinished, and unfinished outweighs finished.
        let weight = |exit: Exit| match exit {
            Exit::Result => 2,
            Exit::StillRunning => 1,
            _ => 0,
        };
        if self.exit.is_none_or(|before| weight(exit) > weight(before)) {
            self.exit = Some(exit);
        }
    }

    fn verdict(&self, total: usize) -> Result<(), Failure> {
        let Some(exit) = self.exit else { return Ok(()) };
        let bad: usize = self.ended.values().sum();
        let parts: Vec<String> = self.ended.iter().map(|(word, count)| format!("{count} {word}")).collect();
        Err(Failure::new(exit, format!("{bad} of {total} tasks did not succeed: {}", parts.join(", "))))
    }
}

/// `download ID ID …` and `download --all-succeeded`: the oldest deadline first.
pub(crate) async fn download(
    session: &mut Session,
    client: &Client,
    args: &DownloadArgs,
) -> Result<(), Failure> {
    let mut trouble = Failures::default();
    let tasks = match args.all_succeeded {
        true => Box::pin(succeeded(session, client, &mut trouble)).await?,
        false => Box::pin(named(session, client, &args.ids, &mut trouble)).await?,
    };
    if tasks.is_empty() && trouble.count == 0 {
        session.output.note("no videos to download");
        return Ok(());
    }
    let total = tasks.len() + trouble.count;
    let mut places = BTreeMap::new();
    let mut jobs = Vec::new();
    let (progress_sender, mut progress_events) = unbounded_channel::<(String, SaveProgress)>();
    for task in tasks {
        let mut to = Destination::new(&args.save, result::ending(&task), &session.cwd);
        to.resume |= args.all_succeeded;
        if let Err(failure) = to.check(Some(&task.id), task.last_frame_url().is_some()) {
            trouble.note(session, &task.id, failure);
            continue;
        }
        let options =
            DownloadOptions::new().existing(to.existing()).sidecar(to.sidecar).output(result::part_of(&task));
        let (sender, id) = (progress_sender.clone(), task.id.clone());
        let on_progress = move |progress: SaveProgress| drop(sender.send((id.clone(), progress)));
        let job = client.task(&task.id).download(to.real(&to.video(&task.id))).options(options);
        jobs.push(job.from_task(task.clone()).progress(on_progress));
        places.insert(task.id.clone(), (to, task));
    }
    let (mut fetched, mut failed) = (Vec::<Downloaded>::new(), Vec::new());
    let interrupted_early = {
        let screen = Progress::many(&session.output, jobs.len(), "fetched");
        drop(progress_sender);
        let mut work = Box::pin(client.download_all(jobs, usize::from(args.at_once)));
        loop {
            tokio::select! {
                Some((id, progress)) = progress_events.recv() => screen.bytes(&id, progress),
                done = work.next() => match done {
                    None => break false,
                    Some((id, Ok(saved_video))) => {
                        screen.done(&id, "saved");
                        fetched.push(saved_video);
                    }
                    Some((id, Err(error))) => {
                        screen.done(&id, "not saved");
                        failed.push((id, api_failure::of(&error, &session.again())));
                    }
                },
                () = session.interrupts.next() => break true,
            }
        }
    };
    for (id, mut failure) in failed {
        if let Some((to, task)) = places.get(&id)
            && !interrupted_early
        {
            let handle = client.task(&id);
            failure = Box::pin(result::with_last_frame(session, &handle, task, to, failure)).await;
        }
        trouble.note(session, &id, failure);
    }
    for saved_video in &fetched {
        let Some((to, _)) = places.get(&saved_video.task.id) else { continue };
        let video = to.video(&saved_video.task.id);
        let mut saved =
            Saved { video, bytes: saved_video.bytes, file: None, last_frame: None, trouble: None };
        if saved_video.task.last_frame_url().is_some() && !interrupted_early {
            let handle = client.task(&saved_video.task.id);
            Box::pin(result::add_last_frame(session, &handle, &mut saved, to)).await;
        }
        result::report(session, &saved_video.task, &saved, result::Money::default());
        if let Some(failure) = saved.trouble.take() {
            trouble.note(session, &saved_video.task.id, failure);
        }
    }
    if interrupted_early {
        let left = total - fetched.len();
        let message = format!("interrupted: {left} of {total} videos are not saved; partial files are kept");
        return Err(Failure::new(Exit::Interrupted, message).hint("run the command again with --resume"));
    }
    trouble.verdict(total)
}

/// The failures among many tasks.
#[derive(Default)]
struct Failures {
    count: usize,
    first: Option<Exit>,
}

impl Failures {
    fn note(&mut self, session: &Session, id: &str, failure: Failure) {
        session.output.warn(escape::one_line(&format!("{id}: {}", failure.message)));
        self.count += 1;
        self.first.get_or_insert(failure.exit);
    }

    fn verdict(&self, total: usize) -> Result<(), Failure> {
        match self.first {
            None => Ok(()),
            Some(exit) if self.count == 0 => {
                Err(Failure::new(exit, "all listed videos are saved, but the list is incomplete"))
            }
            Some(exit) => Err(Failure::new(exit, format!("{} of {total} videos are not saved", self.count))),
        }
    }
}

/// All tasks with a retrievable video, also those of an incomplete list.
async fn succeeded(
    session: &mut Session,
    client: &Client,
    trouble: &mut Failures,
) -> Result<Vec<Task>, Failure> {
    let query = ListQuery::new().status(TaskStatus::Succeeded);
    let (tasks, missing) = listed(session, client, query).await?;
    match missing {
        Some(failure) if tasks.is_empty() => return Err(failure),
        Some(failure) => {
            session.output.warn(escape::one_line(&format!("the list is incomplete: {}", failure.message)));
            trouble.first = Some(failure.exit);
        }
        None => {}
    }
    let now = client.now() / 1000;
    Ok(tasks.into_iter().filter(|task| deadline(task).is_none_or(|at| at > now)).collect())
}

/// These tasks; those without a video are reported and skipped.
async fn named(
    session: &mut Session,
    client: &Client,
    ids: &[String],
    trouble: &mut Failures,
) -> Result<Vec<Task>, Failure> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut found = BTreeMap::new();
    for some in ids.chunks(100) {
        // LIST saves a GET per task; the rest is fetched one by one.
        if let Ok(tasks) = list(session, client, ListQuery::new().task_ids(some)).await {
            found.extend(tasks.into_iter().map(|task| (task.id.clone(), task)));
        }
    }
    let mut tasks = Vec::new();
    for id in ids {
        let listed = found.remove(&id).filter(|task| task.status == TaskStatus::Succeeded);
        let task = match listed {
            Some(task) => Ok(task),
            None => tokio::select! {
                task = async { client.task(&id).get().await } => task,
                () = session.interrupts.next() => return Err(interrupted()),
            },
        };
        match task {
            Ok(task) if task.status == TaskStatus::Succeeded => tasks.push(task),
            Ok(task) => {
                let exit = if task.status.is_terminal() { Exit::TaskEnded } else { Exit::StillRunning };
                let failure =
                    Failure::new(exit, format!("the task is {}: there is no video to save", task.status));
                trouble.note(session, &id, failure);
            }
            Err(error) => trouble.note(session, &id, api_failure::of(&error, &session.again())),
        }
    }
    Ok(tasks)
}

async fn list(session: &mut Session, client: &Client, query: ListQuery) -> Result<Vec<Task>, Failure> {
    let (tasks, missing) = listed(session, client, query).await?;
    missing.map_or(Ok(tasks), Err)
}

/// The listed tasks, and the error if the list is incomplete.
async fn listed(
    session: &mut Session,
    client: &Client,
    query: ListQuery,
) -> Result<(Vec<Task>, Option<Failure>), Failure> {
    let again = session.again();
    let mut tasks = Vec::new();
    let mut listing = pin!(client.list_all(query));
    loop {
        let next = tokio::select! {
            next = listing.next() => next,
            () = session.interrupts.next() => return Err(interrupted()),
        };
        match next {
            Some(Ok(task)) => tasks.push(task),
            Some(Err(error)) => return Ok((tasks, Some(api_failure::of(&error, &again)))),
            None => return Ok((tasks, None)),
        }
    }
}
