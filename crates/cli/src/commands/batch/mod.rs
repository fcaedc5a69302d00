//! `batch`: one file per command or per group of related commands.

mod check;
mod decide;
mod init;
pub(crate) mod journal;
mod next_commands;
mod plan;
mod progress;
mod report;
pub(crate) mod run;
mod status;

use crate::args::{BatchArgs, BatchVerb, CostArgs, CostVerb};
use crate::failure::Failure;
use crate::session::Session;

/// `batch`
pub(crate) async fn run(session: &mut Session, args: &BatchArgs) -> Result<(), Failure> {
    match &args.verb {
        BatchVerb::Check(args) => check::run(session, args).await,
        BatchVerb::Init(args) => init::run(session, args),
        BatchVerb::Plan(args) => plan::run(session, args).await,
        BatchVerb::Run(args) => run::run(session, args).await,
        BatchVerb::Status(args) => status::run(session, args).await,
        BatchVerb::Pause(of) => decide::pause(session, of).await,
        BatchVerb::Resume(of) => decide::resume(session, of).await,
        BatchVerb::Cancel(args) => decide::cancel(session, args).await,
        BatchVerb::Retry(args) => decide::retry(session, args).await,
        BatchVerb::Approve(args) => decide::approve(session, args).await,
        BatchVerb::Assign(args) => decide::assign(session, args).await,
        BatchVerb::Resolve(args) => decide::resolve(session, args).await,
        BatchVerb::Report(args) => report::run(session, args).await,
        BatchVerb::Export(args) => report::export(session, args).await,
    }
}

/// `cost`
pub(crate) async fn cost(session: &Session, args: &CostArgs) -> Result<(), Failure> {
    match &args.verb {
        CostVerb::Report(args) => report::cost_report(session, args).await,
    }
}
