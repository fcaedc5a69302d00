//! `models`: the service's models; without a key or with `--offline`, the catalog's; with `--why`,
//! the sources of a catalog row.

use ark_video::model::catalog::{AnyCell, Availability, Catalog, Family, Model, RequestLimits, Site};
use serde_json::Value;

use super::tasks::ask;
use crate::args::{ModelSort, ModelsArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{CatalogModel, CatalogModels, CatalogRow, ServiceModel, ServiceModels};
use crate::output::Form;
use crate::price::{self, MILLION, SECOND};
use crate::session::Session;
use crate::summary;

/// `models`
pub(crate) async fn run(session: &mut Session, args: &ModelsArgs) -> Result<(), Failure> {
    let catalog = session.catalog()?;
    if let Some([subject, topic]) = args.why.as_deref() {
        return why(session, &catalog, subject, topic);
    }
    if args.offline {
        known(session, args, &catalog);
        return Ok(());
    }
    let stdin = if session.key_from_stdin() { session.read_stdin().await? } else { Vec::new() };
    let settings = session.settings(&stdin)?;
    if settings.key.is_none() && !session.flags.simulate {
        known(session, args, &catalog);
        session.output.note(format_args!(
            "from the catalog of {}: without an API key the service cannot be queried",
            catalog.edition
        ));
        return Ok(());
    }
    let connection = session.connect(&settings, catalog.clone()).await?;
    let mut list = ask(session, connection.client.models()).await?;
    let wanted = args.filter.as_deref().unwrap_or_default().to_lowercase();
    let named = ids_named(&catalog, &wanted);
    list.data.retain(|model| {
        let domain = model.domain.as_deref();
        let makes_videos = domain.is_none_or(|domain| domain == "VideoGeneration");
        let text = format!("{} {}", model.id, model.name.as_deref().unwrap_or_default()).to_lowercase();
        (args.all || makes_videos) && (text.contains(&wanted) || named.contains(&model.id.as_str()))
    });
    let row = |model| ServiceModel { model, price: price::of(&catalog, &model.id) };
    let mut models: Vec<_> = list.data.iter().map(row).collect();
    if args.sort == Some(ModelSort::Price) {
        price::sort(&mut models, |row| row.price.as_ref());
    }
    match session.output.form {
        Form::Json => session.output.json(&ServiceModels { data: models, extra: &list.extra }),
        Form::Quiet => models.iter().for_each(|row| session.output.id(&row.model.id)),
        Form::Text => session.output.line(summary::models(&models, session.output.columns)),
    }
    Ok(())
}

/// The ids that a short name stands for, on either site.
fn ids_named<'a>(catalog: &'a Catalog, name: &str) -> Vec<&'a str> {
    let sites = [Site::Volcengine, Site::Byteplus];
    sites.into_iter().flat_map(|site| catalog.named(name, site)).map(|model| model.id.as_ref()).collect()
}

/// The models of the catalog with this name, or whose id contains this text.
pub(crate) fn in_catalog<'c>(catalog: &'c Catalog, filter: &str) -> Vec<CatalogModel<'c>> {
    let wanted = filter.to_lowercase();
    let named = ids_named(catalog, &wanted);
    let known = |model: &&Model| model.id.contains(&wanted) || named.contains(&model.id.as_ref());
    let row = |model: &'c Model| {
        let family = catalog.families.get(&model.family);
        CatalogModel {
            model,
            resolutions: family.and_then(|family| family.resolution.value.as_ref()),
            ratios: family.and_then(|family| family.ratio.value.as_ref()),
            duration: family.map(|family| &family.duration.value),
            price: price::of(catalog, &model.id),
        }
    };
    catalog.models.iter().filter(known).map(row).collect()
}

fn known(session: &Session, args: &ModelsArgs, catalog: &Catalog) {
    let mut models = in_catalog(catalog, args.filter.as_deref().unwrap_or_default());
    if args.sort == Some(ModelSort::Price) {
        price::sort(&mut models, |row| row.price.as_ref());
    }
    match session.output.form {
        Form::Json => session.output.json(&CatalogModels { edition: &catalog.edition, models }),
        Form::Quiet => models.iter().for_each(|known| session.output.id(&known.model.id)),
        Form::Text if models.is_empty() => session.output.line("no models"),
        Form::Text => {
            let head = ["MODEL", "SITE", "FAMILY", "STATUS", "RESOLUTIONS", "SECONDS", SECOND, MILLION];
            let mut rows = vec![head.map(str::to_owned)];
            rows.extend(models.iter().map(row));
            session.output.line(summary::table(&rows, session.output.columns));
        }
    }
}

fn row(known: &CatalogModel<'_>) -> [String; 8] {
    let model = known.model;
    let status = match model.status {
        Availability::Current => "available",
        Availability::AllowList => "selected accounts",
        Availability::Retiring => "retiring",
        _ => "shut down",
    };
    let since = model.status_date.as_ref().map_or(String::new(), |date| format!(" {date}"));
    let seconds = known.duration.map_or(String::new(), |lengths| {
        let auto = if lengths.auto == Some(true) { ", -1" } else { "" };
        format!("{} to {}{auto}", lengths.min, lengths.max)
    });
    let [second, million] = price::cells(known.price.as_ref());
    [
        model.id.to_string(),
        model.site.to_string(),
        model.family.to_string(),
        format!("{status}{since}"),
        known.resolutions.map_or(String::new(), |words| words.iter().collect::<Vec<_>>().join(" ")),
        seconds,
        second,
        million,
    ]
}

fn why(session: &Session, catalog: &Catalog, subject: &str, topic: &str) -> Result<(), Failure> {
    let family = family(catalog, subject)?;
    let rows = answers(catalog, family, topic);
    if rows.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            format!("the catalog has no row or value `{topic}` for {family}"),
        )
        .hint(format!("name a field (duration, tools) or a value (1080p, 16:9, flex, mov, 12s), or show all rows: ark-video models --why {family} all")));
    }
    match session.output.form {
        Form::Json => session.output.json(&rows),
        Form::Quiet => rows.iter().for_each(|rows| session.output.line(rows.row)),
        Form::Text => {
            let texts: Vec<String> = rows.iter().map(|rows| text(rows, topic)).collect();
            session.output.line(texts.join("\n\n"));
        }
    }
    Ok(())
}

/// A family by its own name, a short name, or the id of one of its models.
fn family<'a>(catalog: &'a Catalog, subject: &str) -> Result<&'a str, Failure> {
    let named = ids_named(catalog, subject).into_iter().filter_map(|id| catalog.model(id));
    let mut families: Vec<&str> = named.map(|model| model.family.as_ref()).collect();
    families.dedup();
    let parsed = if let [one] = families.as_slice() { one } else { subject };
    catalog.families.iter().map(|(name, _)| name).find(|name| *name == parsed).ok_or_else(|| {
        let known: Vec<&str> = catalog.families.iter().map(|(name, _)| name).collect();
        Failure::new(Exit::Usage, format!("the catalog has no model or family `{subject}`"))
            .hint(format!("families: {}; `ark-video models --offline` lists the models", known.join(", ")))
    })
}

/// The rows for a topic: by name, by field, or by a value that some family has.
fn answers<'a>(catalog: &'a Catalog, family: &'a str, topic: &str) -> Vec<CatalogRow<'a>> {
    let of_family = |row: &'static str, takes| {
        catalog.why(family, row).map(|why| CatalogRow { family: Some(family), row, takes, why })
    };
    let named = |row: &&&'static str| {
        topic == "all" || **row == topic || row.strip_prefix(topic).is_some_and(|rest| rest.starts_with('_'))
    };
    let mut found: Vec<CatalogRow<'_>> =
        Family::ROWS.iter().filter(named).filter_map(|row| of_family(row, None)).collect();
    let limit = |row: &&'static str| {
        catalog.why_limit(row).map(|why| CatalogRow { family: None, row, takes: None, why })
    };
    found.extend(RequestLimits::ROWS.iter().filter(named).filter_map(limit));
    if found.is_empty() {
        let rows = Family::ROWS.iter().filter_map(|row| Some((*row, takes(catalog, family, row, topic)?)));
        found.extend(rows.filter_map(|(row, takes)| of_family(row, Some(takes))));
    }
    found
}

/// Whether a row's value contains the topic; `None` if the row is about something else.
fn takes(catalog: &Catalog, family: &str, row: &'static str, topic: &str) -> Option<bool> {
    let cell = |family: &str| catalog.families.get(family).and_then(|family| family.cell(row));
    let own = cell(family)?;
    let number = topic.trim_end_matches('s').parse::<i64>().ok();
    match (row, number) {
        ("duration", Some(-1)) => return Some(own.value["auto"] == true),
        ("duration", Some(seconds)) => {
            let end = |name: &str| own.value[name].as_i64().unwrap_or_default();
            return Some((end("min")..=end("max")).contains(&seconds));
        }
        _ => {}
    }
    let lists = |cell: &AnyCell| {
        cell.value.as_array().is_some_and(|values| values.iter().any(|value| value == topic))
    };
    // A value belongs to a row if any family has it there.
    let anywhere = catalog.families.iter().any(|(name, _)| cell(name).as_ref().is_some_and(lists));
    if anywhere && (lists(&own) || !own.value.is_null()) {
        return Some(lists(&own));
    }
    // `flex`, `mov`, `adaptive`, `web_search`: rows that are named after a field and its value.
    let by_value = row.split('_').skip(1).any(|word| word == topic)
        || row.strip_suffix(topic).is_some_and(|field| field.ends_with('_'));
    by_value.then(|| own.value == true)
}

fn text(rows: &CatalogRow<'_>, topic: &str) -> String {
    let (cell, row) = (&rows.why.cell, rows.row);
    let mut text = match rows.family {
        Some(family) => format!("Seedance {family}, {row}: {}", value(&cell.value)),
        None => format!("every model, {row}: {}", value(&cell.value)),
    };
    if let Some(takes) = rows.takes {
        text.push_str(&format!("\n{topic:<9} {}", if takes { "yes" } else { "no" }));
    }
    let mut add = |name: &str, value: &str| text.push_str(&format!("\n{name:<9} {value}"));
    match rows.why.source {
        Some(source) => {
            add("source", &format!("{}: {} ({}), {}", cell.source, source.title, source.kind, cell.date))
        }
        None => add("source", &format!("{}, {}", cell.source, cell.date)),
    }
    add("sure", serde_json::to_value(cell.confidence).unwrap_or_default().as_str().unwrap_or_default());
    if !cell.sites.is_empty() {
        let sites: Vec<&str> = cell.sites.iter().map(|site| site.as_str()).collect();
        add("only on", &sites.join(", "));
    }
    if let (Some(name), Some(switch)) = (&cell.switch, rows.why.switch) {
        add("doubt", &format!("{name}: {} Assumed: {}.", switch.question, switch.default));
    }
    if let Some(note) = &cell.note {
        add("note", note);
    }
    text
}

/// A value as text.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "unknown, or not applicable".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(self::value).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let ends = members.get("min").zip(members.get("max"));
            let range = ends.map(|(min, max)| format!("{min} to {max}"));
            let is_end = |name: &str| ends.is_some() && matches!(name, "min" | "max");
            let rest = members.iter().filter(|(name, value)| !value.is_null() && !is_end(name));
            let rest = rest.map(|(name, value)| format!("{name} {}", self::value(value)));
            range.into_iter().chain(rest).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
