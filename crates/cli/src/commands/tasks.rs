//! `get`, `list`, `cancel` and `forget`.

use std::future::Future;

use ark_video::model::Task;
use ark_video::{Error, ListQuery};

use crate::api_failure;
use crate::args::{ForgetArgs, ListArgs, TaskArgs};
use crate::escape::one_line;
use crate::failure::Failure;
use crate::json::Done;
use crate::output::{Form, Output};
use crate::session::{Session, interrupted};
use crate::summary;

/// `get ID`
pub(crate) async fn get(session: &mut Session, args: &TaskArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    let task = ask(session, client.get(&args.id)).await?;
    show(session, &task);
    Ok(())
}

/// Prints a task in the requested form.
pub(crate) fn show(session: &Session, task: &Task) {
    show_of(&session.output, task);
}

/// As [`show`], while the rest of the session is busy.
pub(crate) fn show_of(output: &Output, task: &Task) {
    match output.form {
        Form::Json => output.json(task),
        Form::Quiet => output.id(&task.id),
        Form::Text => output.line(summary::task(task)),
    }
}

/// `list`
pub(crate) async fn list(session: &mut Session, args: &ListArgs) -> Result<(), Failure> {
    let catalog = session.catalog()?;
    let model = args.model.as_ref().map(|name| session.model_names(&catalog).id(name)).transpose()?;
    let client = session.client().await?;
    let mut query = ListQuery::new()
        .page_size(args.limit)
        .page_num(args.page)
        .task_ids(args.ids.iter().map(String::as_str));
    query.status.clone_from(&args.status);
    query.model = model;
    query.service_tier.clone_from(&args.tier);
    let page = ask(session, client.list(&query)).await?;
    match session.output.form {
        Form::Json => session.output.json(&page),
        Form::Quiet => page.items.iter().for_each(|task| session.output.id(&task.id)),
        Form::Text => session.output.line(summary::list(&page, session.output.columns)),
    }
    Ok(())
}

/// `cancel ID`
pub(crate) async fn cancel(session: &mut Session, args: &TaskArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    ask(session, client.cancel(&args.id)).await?;
    done(session, &args.id, "cancelled", "is cancelled and will not be billed");
    Ok(())
}

/// `forget ID`
pub(crate) async fn forget(session: &mut Session, args: &ForgetArgs) -> Result<(), Failure> {
    let id = &args.task.id;
    if !args.yes {
        session
            .confirm(&format!("Delete the record of {id}? Its video can then no longer be fetched."))
            .await?;
    }
    let client = session.client().await?;
    ask(session, client.forget(id)).await?;
    done(session, id, "forgotten", "is forgotten");
    Ok(())
}

fn done(session: &Session, id: &str, word: &str, sentence: &str) {
    match session.output.form {
        Form::Json => session.output.json(&Done { id, done: word }),
        Form::Quiet => session.output.id(id),
        Form::Text => session.output.line(one_line(&format!("{id} {sentence}"))),
    }
}

/// Sends a request; Ctrl-C aborts it.
pub(crate) async fn ask<T>(
    session: &mut Session,
    question: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    let again = session.again();
    tokio::select! {
        answer = question => answer.map_err(|error| api_failure::of(&error, &again)),
        () = session.interrupts.next() => Err(interrupted()),
    }
}
