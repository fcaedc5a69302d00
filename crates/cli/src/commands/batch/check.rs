//! `batch check`: checks and estimates a list of shots. No key, no network; sends nothing.

use ark_video::model::{catalog::Catalog, estimate::Estimate};
use ark_video_batch::{ListFormat, ListOptions, ListReport, ShotList, ShotReport, Sum, grouped};

use crate::args::{BatchCheckArgs, FormatArg, ShotListArgs};
use crate::cost;
use crate::escape::one_line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::ListDocument;
use crate::output::Form;
use crate::session::Session;
use crate::settings::Settings;
use crate::storage;
use crate::summary;

/// The name of standard input in messages.
const STDIN: &str = "standard input";

pub(super) async fn run(session: &mut Session, args: &BatchCheckArgs) -> Result<(), Failure> {
    let catalog = session.catalog()?;
    let settings = session.settings(&[])?;
    let mut report = read(session, &args.of, &settings, &catalog).await?;
    report.check_targets(args.overwrite);
    match session.output.form {
        Form::Json => session.output.json(&ListDocument::from(&report)),
        Form::Quiet => {}
        Form::Text => session.output.line(text(&report, session.output.columns)),
    }
    verdict(&report, session.output.form == Form::Quiet)?;
    let Some(most) = &args.max_cost else { return Ok(()) };
    report.totals.all.within(most).map_err(|why| {
        Failure::new(Exit::Request, format!("--max-cost {most}: {why}; nothing was sent, nothing is billed"))
    })
}

/// Reads a list, or standard input as one. The model of the settings is for CSV and text lists that
/// name none.
pub(super) async fn read(
    session: &mut Session,
    of: &ShotListArgs,
    settings: &Settings,
    catalog: &Catalog,
) -> Result<ListReport, Failure> {
    let mut options = ListOptions {
        format: of.format.map(format_of),
        model: Some(settings.model.value.clone()),
        hosts_media: settings.storage.is_some(),
        ..ListOptions::default()
    };
    for (field, value) in &of.set {
        options.set(field, value).map_err(|why| Failure::new(Exit::Usage, format!("--set: {why}")))?;
    }
    if of.list == "-" {
        let text = session.read_stdin().await?;
        return Ok(of_text(session, &options, text, STDIN, catalog));
    }
    let bytes = crate::media::read_file("the list", &of.list, &session.cwd)?;
    Ok(of_text(session, &options, bytes, &of.list, catalog))
}

/// Reads a list from a file.
pub(super) fn of_file(session: &Session, list: &str, catalog: &Catalog) -> Result<ListReport, Failure> {
    let bytes = crate::media::read_file("the list", list, &session.cwd)?;
    Ok(of_text(session, &ListOptions::default(), bytes, list, catalog))
}

fn of_text(
    session: &Session,
    options: &ListOptions,
    bytes: Vec<u8>,
    name: &str,
    catalog: &Catalog,
) -> ListReport {
    let path = session.cwd.join(name);
    let base = path.parent().unwrap_or(&session.cwd);
    let models = session.model_names(catalog);
    options.of_text_with_names(bytes, name, base, catalog, &|name| models.id_in_list(name))
}

fn format_of(format: FormatArg) -> ListFormat {
    match format {
        FormatArg::Toml => ListFormat::Toml,
        FormatArg::Json => ListFormat::Json,
        FormatArg::Jsonl => ListFormat::JsonLines,
        FormatArg::Csv => ListFormat::Csv,
        FormatArg::Text => ListFormat::Text,
    }
}

/// The reason why no part of the list would be sent, if there is one.
pub(super) fn verdict(report: &ListReport, alone: bool) -> Result<(), Failure> {
    let count = report.refusals().count();
    if count == 0 {
        return Ok(());
    }
    let reasons = if count == 1 { "1 reason".to_owned() } else { format!("{count} reasons") };
    let mut message = format!("{} is rejected ({reasons}); nothing was sent, nothing is billed", report.file);
    if alone {
        report.refusals().for_each(|finding| message.push_str(&format!("\n  {finding}")));
    }
    let exit = if report.is_refused_by_targets() { Exit::Output } else { Exit::Request };
    let failure = Failure::new(exit, message);
    if report.refusals().any(|finding| matches!(&*finding.rule, "media-form" | "body-too-large")) {
        return Err(storage::HOW_TO.into_iter().fold(failure, Failure::hint));
    }
    Err(failure)
}

/// The report as text: a table of shots, the findings, the cost.
fn text(report: &ListReport, columns: Option<u16>) -> String {
    let mut lines = Vec::new();
    if !report.shots.is_empty() {
        let mut rows =
            vec![["SHOT", "JOBS", "MODEL", "TOKENS EACH", "PRICE EACH", "AFTER"].map(str::to_owned)];
        rows.extend(report.shots.iter().map(row));
        lines.push(summary::table(&rows, columns));
        lines.push(String::new());
    }
    lines.extend(report.findings.iter().map(|finding| one_line(&finding.to_string())));
    if !report.findings.is_empty() {
        lines.push(String::new());
    }
    let models = &report.totals.models;
    if models.len() > 1 {
        lines.extend(models.iter().map(|(model, sum)| one_line(&format!("{model}: {}", counted(sum)))));
    }
    let shots = report.shots.len();
    let all = counted(&report.totals.all);
    lines.push(one_line(&format!("{}: {shots} {}, {all}", report.batch, plural("shot", shots as u64))));
    lines.join("\n")
}

fn row(shot: &ShotReport) -> [String; 6] {
    let name = if shot.refused { format!("{} (refused)", shot.name) } else { shot.name.clone() };
    let tokens = shot.estimate.as_ref().and_then(|estimate| estimate.tokens).map(cost::tokens_text);
    [
        name,
        shot.jobs.len().to_string(),
        shot.model.to_string(),
        tokens.unwrap_or_else(|| "?".to_owned()),
        shot.estimate.as_deref().and_then(price).unwrap_or_else(|| "?".to_owned()),
        shot.after.clone().unwrap_or_default(),
    ]
}

fn price(estimate: &Estimate) -> Option<String> {
    let price = estimate.price.as_ref()?;
    Some(format!("{} {}", cost::range(price.min, price.max), price.currency))
}

fn plural(what: &str, count: u64) -> String {
    format!("{what}{}", if count == 1 { "" } else { "s" })
}

/// `15 jobs; 1633500 tokens; 75.00 to 80.00 CNY`
fn counted(sum: &Sum) -> String {
    let mut text = format!("{} {}", grouped(sum.jobs), plural("job", sum.jobs));
    if let Some(tokens) = sum.tokens {
        text.push_str(&format!("; {} tokens", cost::tokens_text(tokens)));
    }
    for (currency, price) in &sum.price {
        text.push_str(&format!("; {} {currency}", cost::range(price.min, price.max)));
    }
    if sum.unknown_tokens > 0 {
        text.push_str(&format!("; unknown for {}", sum.unknown_tokens));
    } else if sum.unknown_price > 0 {
        text.push_str(&format!("; price unknown for {}", sum.unknown_price));
    }
    text
}

/// The list, or every reason why it is rejected.
pub(super) fn planned(session: &Session, report: ListReport) -> Result<ShotList, Failure> {
    verdict(&report, true)?;
    let refused =
        |report: Box<ListReport>| Failure::new(Exit::Request, format!("{} is rejected", report.file));
    let list = report.into_list().map_err(refused)?;
    if list.is_empty() {
        session.output.note("the list has no shots");
    }
    Ok(list)
}
