//! `batch report` as a table or an HTML page, `batch export` as JSON Lines, and `cost report`.

use std::io::{self, BufWriter};
use std::path::Path;

use ark_video::files::Staged;
use ark_video_batch::{Amount, CostReport, Embed, GroupBy, PageOptions, ReportError, grouped};
use jiff::Timestamp;

use super::journal::{self, Opened, each, must_exist, of_journal};
use super::{next_commands, status};
use crate::args::{BatchExportArgs, BatchReportArgs, CostBy, CostReportArgs};
use crate::cost;
use crate::escape::one_line;
use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{CostRow, Written};
use crate::output::Form;
use crate::session::Session;
use crate::summary;

pub(super) async fn run(session: &Session, args: &BatchReportArgs) -> Result<(), Failure> {
    let opened = journal::open(session, &args.of).await?;
    let Some(html) = &args.html else {
        match session.output.form {
            Form::Json => session.output.json(&status::document(&opened, true).await?),
            Form::Quiet | Form::Text => {
                session.output.line(status::text(&opened, true, session.output.columns).await?);
            }
        }
        return Ok(());
    };
    let path = session.cwd.join(html);
    page(session, &opened, args, &path).await?;
    if args.open
        && let Err(error) = open::that_detached(&path)
    {
        session.output.warn(format_args!("cannot open a browser ({error}); open the page yourself"));
    }
    match session.output.form {
        Form::Json => session.output.json(&Written { path: &path }),
        Form::Quiet | Form::Text => session.output.line(one_line(&path.display().to_string())),
    }
    Ok(())
}

/// Writes to a temporary file and renames it, so that there is never a partial page.
async fn page(
    session: &Session,
    opened: &Opened,
    args: &BatchReportArgs,
    path: &Path,
) -> Result<(), Failure> {
    let unwritten = |error: io::Error| {
        Failure::new(Exit::Output, format!("cannot write the page {}: {error}", path.display()))
    };
    if path.exists() && !args.overwrite {
        return Err(Failure::new(Exit::Output, format!("{} already exists", path.display()))
            .hint("replace it with --overwrite, or name another file"));
    }
    let mut file = Staged::beside(path).map_err(unwritten)?;
    let batch = match (&args.of.list, &args.of.journal.journal) {
        (Some(list), _) => format!(" {}", quoted(list)),
        (None, Some(journal)) if !journal.contains("://") => format!(" --journal {}", quoted(journal)),
        (None, _) => format!(" --batch {}", quoted(&opened.batch)),
    };
    let (again, output) = (session.again(), &session.output);
    let options = PageOptions {
        made: Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        embed: if args.embed { Embed::Videos } else { Embed::Links },
        commands: &|job| next_commands::of(job, &again, &batch),
        redact: &|reason| output.without_keys(reason),
    };
    let written = opened.journal.write_report(&opened.batch, BufWriter::new(&mut file), options).await;
    written.map(drop).map_err(|error| match error {
        ReportError::Journal(error) => of_journal(error),
        ReportError::Page(error) => unwritten(error),
        error => Failure::new(Exit::Internal, error.to_string()),
    })?;
    let kept = if args.overwrite { file.replace(path) } else { file.place_new(path) };
    kept.map_err(unwritten)
}

/// One JSON document per job and line.
pub(super) async fn export(session: &Session, args: &BatchExportArgs) -> Result<(), Failure> {
    let opened = journal::open(session, &args.which.of).await?;
    must_exist(&opened, &args.which.shots).await?;
    each(&opened, &[], &args.which.shots, async |job| {
        if args.request {
            session.output.json(&job.planned.request);
        } else {
            session.output.json(&job);
        }
        Ok::<_, Failure>(())
    })
    .await
}

pub(crate) async fn cost_report(session: &Session, args: &CostReportArgs) -> Result<(), Failure> {
    let opened = journal::open(session, &args.of).await?;
    let by = match args.by {
        CostBy::Model => GroupBy::Model,
        CostBy::Day => GroupBy::Day,
        CostBy::Tag => GroupBy::Tag,
    };
    let mut report = CostReport::new(by, args.factor);
    each(&opened, &[], &[], async |job| {
        report.add(&job);
        Ok::<_, Failure>(())
    })
    .await?;
    let lines = report.lines();
    match session.output.form {
        Form::Json => session.output.json(&lines.iter().map(CostRow::from).collect::<Vec<_>>()),
        Form::Quiet => {}
        Form::Text if lines.is_empty() => session.output.line("no task was created yet"),
        Form::Text => {
            let mut rows = vec![
                [
                    "",
                    "SENT",
                    "SETTLED",
                    "UNMETERED",
                    "TOKENS ESTIMATED",
                    "TOKENS BILLED",
                    "ESTIMATED",
                    "BILLED",
                ]
                .map(str::to_owned),
            ];
            rows.extend(lines.iter().map(|line| {
                let money = |micros| match line.currency.as_str() {
                    "" => "?".to_owned(),
                    currency => cost::amount(&Amount::in_unit(currency, micros)),
                };
                [
                    line.group.clone(),
                    line.sent.to_string(),
                    line.settled.to_string(),
                    line.unmetered.to_string(),
                    grouped(line.tokens_estimated),
                    grouped(line.tokens_billed),
                    money(line.estimated),
                    money(line.billed_corrected),
                ]
            }));
            session.output.line(summary::table(&rows, session.output.columns));
            if args.by == CostBy::Tag {
                session.output.note("a shot with several tags counts under each of them");
            }
        }
    }
    Ok(())
}
