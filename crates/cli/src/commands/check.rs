//! `check` and `estimate`: checks and cost of requests. No key, no network; sends nothing.

use ark_video::model::catalog::{Availability, Catalog, Model, Site, Span};

use crate::args::{CheckArgs, EstimateArgs, RequestsArgs};
use crate::checking::{Checked, estimate_of, estimate_text};
use crate::cost;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{ComparedModel, Comparison, EstimateDocument, MoneyRange};
use crate::output::Form;
use crate::request::{self, RequestContext, RequestError, RequestInput};
use crate::session::Session;
use crate::summary;

/// `check`
pub(crate) async fn check(session: &mut Session, args: &CheckArgs) -> Result<(), Failure> {
    let catalog = session.catalog()?;
    let parsed = requests(session, &args.requests, &catalog).await?;
    let several = parsed.len() > 1;
    let mut refused = Vec::new();
    for (number, parsed) in parsed.iter().enumerate() {
        let checked = Checked::of(parsed, &catalog)?;
        let checked = if args.force { checked.demoted() } else { checked };
        match session.output.form {
            Form::Json => session.output.json(&checked.document()),
            Form::Quiet => {}
            Form::Text => {
                let gap = if number > 0 { "\n" } else { "" };
                session.output.line(format_args!("{gap}{}", checked.text()));
            }
        }
        refused.extend(checked.verdict(session.output.form != Form::Quiet, "").err());
    }
    match refused.len() {
        0 => Ok(()),
        1 => Err(refused.remove(0)),
        _ if several => {
            let message =
                format!("{} of {} requests are not valid; nothing was sent", refused.len(), parsed.len());
            Err(Failure::new(Exit::Request, message))
        }
        _ => Err(refused.remove(0)),
    }
}

/// `estimate`
pub(crate) async fn estimate(session: &mut Session, args: &EstimateArgs) -> Result<(), Failure> {
    let catalog = session.catalog()?;
    let all = requests(session, &args.requests, &catalog).await?;
    let several = all.len() > 1;
    for (number, parsed) in all.into_iter().enumerate() {
        let parsed = Checked::request(parsed, &catalog)?;
        if args.all_models {
            if number > 0 && session.output.form == Form::Text {
                session.output.line("");
            }
            compare(session, parsed, &catalog, several);
            continue;
        }
        let refused = Checked::of_request(&parsed, &catalog).refused();
        if refused > 0 {
            session.output.warn(format_args!("{} is not valid: see `ark-video check`", parsed.names.whole()));
        }
        let estimate = estimate_of(&parsed, &catalog);
        match session.output.form {
            Form::Json => {
                let file = parsed.names.file.as_deref();
                session.output.json(&EstimateDocument { file, estimate: (&estimate).into() });
            }
            Form::Quiet | Form::Text => {
                let gap = if number > 0 { "\n" } else { "" };
                let head = if several { format!("{}\n", parsed.names.whole()) } else { String::new() };
                session.output.line(format_args!("{gap}{head}{}", estimate_text(&estimate)));
            }
        }
    }
    Ok(())
}

/// `estimate --all-models`: the request with each model of its site that is in service.
fn compare(session: &Session, mut parsed: RequestInput, catalog: &Catalog, several: bool) {
    let site = catalog.model(&parsed.request.model).map_or(Site::Volcengine, |model| model.site);
    let in_service = |model: &&Model| model.site == site && model.status != Availability::Retired;
    let mut models: Vec<ComparedModel<'_>> = Vec::new();
    for model in catalog.models.iter().filter(in_service) {
        parsed.request.model = model.id.to_string();
        let checked = Checked::of_request(&parsed, catalog);
        let accepted = checked.refused() == 0;
        let estimate = estimate_of(&parsed, catalog);
        let price = estimate.price.as_ref().filter(|_| accepted);
        models.push(ComparedModel {
            model: &model.id,
            accepted,
            reasons: checked.refusals().map(|named| named.finding.message.clone()).collect(),
            tokens: estimate.tokens.filter(|_| accepted),
            cost: price.map(|price| MoneyRange::new(Span::new(price.min, price.max), &price.currency)),
        });
    }
    models.sort_by_key(|row| (!row.accepted, row.cost.is_none(), row.cost.as_ref().map(MoneyRange::most)));
    match session.output.form {
        Form::Json => session.output.json(&Comparison { file: parsed.names.file.as_deref(), models }),
        Form::Quiet => {
            models.iter().filter(|row| row.accepted).for_each(|row| session.output.id(row.model));
        }
        Form::Text => {
            let mut rows = vec![["MODEL", "TOKENS", "PRICE", "WHY NOT"].map(str::to_owned)];
            rows.extend(models.iter().map(|row| {
                let unknown = || if row.accepted { "unknown".to_owned() } else { String::new() };
                [
                    row.model.to_owned(),
                    row.tokens.map_or_else(unknown, cost::tokens_text),
                    row.cost.as_ref().map_or_else(unknown, MoneyRange::text),
                    row.reasons.join(" "),
                ]
            }));
            let head = if several { format!("{}\n", parsed.names.whole()) } else { String::new() };
            session.output.line(format_args!("{head}{}", summary::table(&rows, session.output.columns)));
        }
    }
}

/// Each request, or why it could not be built.
async fn requests(
    session: &mut Session,
    args: &RequestsArgs,
    catalog: &Catalog,
) -> Result<Vec<Result<RequestInput, RequestError>>, Failure> {
    let inputs: Vec<Option<&str>> = match args.inputs.as_slice() {
        [] => vec![None],
        [one] => vec![Some(one.as_str())],
        many => {
            if let Some(prompt) = many.iter().find(|input| !request::is_json(input)) {
                let shown: String = prompt.chars().take(20).collect();
                return Err(Failure::new(
                    Exit::Usage,
                    format!("several requests must be .json files, and `{shown}` is not one"),
                )
                .hint("put the prompt in quotes"));
            }
            many.iter().map(|input| Some(input.as_str())).collect()
        }
    };
    let readers = inputs.iter().filter(|input| **input == Some("-")).count()
        + request::wants_stdin(&args.request, None)
        + usize::from(session.key_from_stdin());
    let stdin = session.one_stdin(readers).await?;
    let settings = session.settings(&stdin)?;
    let models = session.model_names(catalog);
    let at = RequestContext {
        default_model: (&settings.model.value, &settings.model.by),
        models: &models,
        cwd: &session.cwd,
        hosts: settings.storage.is_some(),
        stdin: &stdin,
    };
    Ok(inputs.into_iter().map(|input| request::build(&args.request, input, &at)).collect())
}
