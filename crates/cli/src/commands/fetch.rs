//! `wait` and `download`: one task here, several by `many`. Creates nothing.

use std::time::Duration;

use super::result::{self, Money, Origin};
use super::{many, tasks};
use crate::api_failure;
use crate::args::{DownloadArgs, WaitArgs};
use crate::destination::Destination;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Timeout of the GET for a task's tier.
const TIER_TIMEOUT: Duration = Duration::from_secs(10);

/// `wait ID…`
pub(crate) async fn wait(session: &mut Session, args: &WaitArgs) -> Result<(), Failure> {
    let client = Box::pin(session.client()).await?;
    let [id] = args.ids.as_slice() else { return Box::pin(many::wait(session, &client, args)).await };
    let handle = client.task(id);
    let again = session.again();
    // The tier decides the timeout. If this GET fails, the wait reports the error or retries.
    let longest = args.timing.timeout.unwrap_or(TIER_TIMEOUT).min(TIER_TIMEOUT);
    let tier = tokio::select! {
        task = handle.get() => task.ok().and_then(|task| task.service_tier),
        () = tokio::time::sleep(longest) => None,
        () = session.interrupts.next() => return Err(result::stopped(id, &again)),
    };
    let task =
        result::wait_for(session, &handle, result::wait_options(&args.timing, tier.as_ref(), false)).await?;
    tasks::show(session, &task);
    Ok(())
}

/// `download ID…`
pub(crate) async fn download(session: &mut Session, args: &DownloadArgs) -> Result<(), Failure> {
    if args.ids.len() > 1 && args.save.output.is_some() {
        let message = "-o names one file, but there are several tasks";
        return Err(Failure::new(Exit::Usage, message).hint("say --output-dir DIR instead"));
    }
    let client = Box::pin(session.client()).await?;
    let [id] = args.ids.as_slice() else { return Box::pin(many::download(session, &client, args)).await };
    let to = Destination::new(&args.save, "mp4", &session.cwd);
    to.check(Some(id), false)?;
    let handle = client.task(id);
    let again = session.again();
    let task = tokio::select! {
        task = handle.get() => task.map_err(|error| api_failure::of(&error, &again))?,
        () = session.interrupts.next() => return Err(crate::session::interrupted()),
    };
    let to = Destination::new(&args.save, result::ending(&task), &session.cwd);
    to.check(Some(id), task.last_frame_url().is_some())?;
    let mut saved = result::save(session, &handle, &task, &to, Origin::default()).await?;
    result::report(session, &task, &saved, Money::default());
    saved.trouble.take().map_or(Ok(()), Err)
}
