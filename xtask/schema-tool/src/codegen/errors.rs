//! The error table: `schema/errors.json` as a sorted Rust table.

use anyhow::{Context, Result, bail, ensure};
use proc_macro2::TokenStream;
use quote::quote;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorTable {
    #[expect(dead_code, reason = "read by editors")]
    #[serde(rename = "$schema")]
    schema: String,
    #[expect(dead_code, reason = "read by people")]
    edition: String,
    codes: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    #[serde(default)]
    prefix: bool,
    http: Vec<u16>,
    #[serde(rename = "async")]
    later: bool,
    class: String,
    may_have_acted: bool,
    #[serde(default)]
    unless_message_contains: Vec<Exception>,
    wire: ExceptionRow,
    meaning: String,
    advice: String,
    source: String,
    confidence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    phrases: Vec<String>,
    class: String,
    advice: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionRow {
    message: String,
    evidence: String,
    source: Option<String>,
}

/// The table as Rust.
pub(crate) fn emit(errors: &Value) -> Result<TokenStream> {
    let mut table: ErrorTable = serde_json::from_value(errors.clone()).context("schema/errors.json")?;
    table.codes.sort_by(|a, b| a.code.cmp(&b.code));
    for pair in table.codes.windows(2) {
        ensure!(pair[0].code != pair[1].code, "schema/errors.json lists `{}` twice", pair[0].code);
    }
    let rows = table.codes.iter().map(row).collect::<Result<Vec<_>>>()?;
    Ok(quote! {
        use crate::error_code::{ErrorClass, ErrorInfo, Exception};
        /// Every error code that is known, sorted.
        pub const ERROR_CODES: &[ErrorInfo] = &[#(#rows),*];
    })
}

fn row(row: &Row) -> Result<TokenStream> {
    let Row { code, prefix, http, later, may_have_acted, meaning, advice, source, confidence, .. } = row;
    let class = class(code, &row.class)?;
    let ExceptionRow { message: wire, evidence, source: wire_source } = &row.wire;
    ensure!(
        (evidence == "invented") == wire_source.is_none(),
        "schema/errors.json: `{code}` names a source of its text unless that is invented"
    );
    ensure!(
        !wire.contains("Request id"),
        "schema/errors.json: the text of `{code}` goes without the request id"
    );
    let exceptions = row
        .unless_message_contains
        .iter()
        .map(|exception| {
            let (phrases, class) = (&exception.phrases, self::class(code, &exception.class)?);
            let lower = phrases.iter().all(|phrase| phrase.to_lowercase() == *phrase);
            ensure!(lower, "schema/errors.json: the phrases of `{code}` must be in lower case");
            let advice = match &exception.advice {
                Some(advice) => quote!(Some(#advice)),
                None => quote!(None),
            };
            Ok(quote!(Exception { phrases: &[#(#phrases),*], class: #class, advice: #advice }))
        })
        .collect::<Result<Vec<_>>>()?;
    let is_invented = evidence == "invented";
    Ok(quote! {
        ErrorInfo {
            code: #code, family: #prefix, http: &[#(#http),*], after_acceptance: #later, class: #class, may_have_acted: #may_have_acted,
            exceptions: &[#(#exceptions),*], wire: #wire, is_invented: #is_invented, meaning: #meaning, advice: #advice, source: #source, confidence: #confidence,
        }
    })
}

fn class(code: &str, class: &str) -> Result<TokenStream> {
    Ok(match class {
        "caller_mistake" => quote!(ErrorClass::CallerMistake),
        "moderation" => quote!(ErrorClass::Moderation),
        "account" => quote!(ErrorClass::Account),
        "throttled" => quote!(ErrorClass::Throttled),
        "not_found" => quote!(ErrorClass::NotFound),
        "conflict" => quote!(ErrorClass::Conflict),
        "server" => quote!(ErrorClass::Server),
        other => bail!("schema/errors.json: `{code}` has the class `{other}`, which does not exist"),
    })
}
