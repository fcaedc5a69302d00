//! The catalog: `schema/models.json` as Rust statics, so that the built-in one costs nothing at start.
//!
//! Every row has its form in a table here. A row that the tables lack, a row that the file lacks and a cell of
//! another form stop the run: a statement that nobody looked at would otherwise be lost, or be wrong, in silence.

use anyhow::{Context, Result, anyhow, bail, ensure};
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Map, Value};

/// The form of a cell's value, as the types in `crates/model/src/catalog` have it.
#[derive(Clone, Copy)]
enum Form {
    Flag,
    Count,
    Words,
    Text,
    Integer,
    Number,
    Integers,
    Numbers,
    PerhapsNumbers,
    Lengths,
    Steps,
    Factors,
    Seconds,
    Depths,
}

type Rows = &'static [(&'static str, Form)];

const FAMILY: Rows = &[
    ("text_only", Form::Flag),
    ("first_frame", Form::Flag),
    ("first_and_last_frame", Form::Flag),
    ("reference_images", Form::Count),
    ("reference_videos", Form::Count),
    ("reference_audios", Form::Count),
    ("audio_alone", Form::Flag),
    ("reference_items", Form::Count),
    ("edit_extend", Form::Flag),
    ("draft", Form::Flag),
    ("draft_resolution", Form::Words),
    ("draft_token_factor", Form::Factors),
    ("final_resolution", Form::Words),
    ("final_settable", Form::Words),
    ("final_inherited", Form::Words),
    ("callback_url", Form::Flag),
    ("return_last_frame", Form::Flag),
    ("return_last_frame_in_draft", Form::Flag),
    ("service_tier_flex", Form::Flag),
    ("service_tier_flex_in_draft", Form::Flag),
    ("execution_expires_after", Form::Flag),
    ("generate_audio", Form::Flag),
    ("camera_fixed", Form::Flag),
    ("camera_fixed_with_reference_images", Form::Flag),
    ("watermark", Form::Flag),
    ("seed", Form::Flag),
    ("resolution", Form::Words),
    ("resolution_default", Form::Text),
    ("resolution_with_reference_images", Form::Words),
    ("ratio", Form::Words),
    ("ratio_adaptive_text", Form::Flag),
    ("ratio_adaptive_image", Form::Flag),
    ("ratio_adaptive_references", Form::Flag),
    ("ratio_adaptive_required_in_frame_mode", Form::Flag),
    ("ratio_default_text", Form::Text),
    ("ratio_default_image", Form::Text),
    ("ratio_default_references", Form::Text),
    ("duration", Form::Lengths),
    ("frames", Form::Flag),
    ("tools_web_search", Form::Flag),
    ("safety_identifier", Form::Flag),
    ("priority", Form::Flag),
    ("output_format_mov", Form::Flag),
    ("omni_reference_task_type", Form::Words),
    ("input_video_seconds", Form::Seconds),
    ("input_audio_seconds", Form::Seconds),
    ("edit_source_seconds", Form::PerhapsNumbers),
    ("frames_per_second", Form::Integer),
    ("bit_depth", Form::Depths),
];

const LIMITS: Rows = &[
    ("body_bytes", Form::Integer),
    ("prompt_chinese_characters", Form::Integer),
    ("prompt_english_words", Form::Integer),
    ("safety_identifier_characters", Form::Integer),
    ("seed", Form::Integers),
    ("seed_documented", Form::Integers),
    ("priority", Form::Integers),
    ("execution_expires_after", Form::Integers),
    ("frames", Form::Steps),
    ("first_frames", Form::Integer),
    ("last_frames", Form::Integer),
    ("draft_seconds", Form::Integer),
    ("result_url_seconds", Form::Integer),
    ("result_url_downloads", Form::Integer),
    ("record_seconds", Form::Integer),
    ("cancelled_record_seconds", Form::Integer),
    ("trusted_own_result_seconds", Form::Integer),
    ("list_window_seconds", Form::Integer),
    ("list_page_num", Form::Integers),
    ("list_page_size", Form::Integers),
    ("list_task_ids", Form::Integer),
];

const DEFAULTS: Rows = &[
    ("return_last_frame", Form::Flag),
    ("service_tier", Form::Text),
    ("execution_expires_after", Form::Integer),
    ("generate_audio", Form::Flag),
    ("draft", Form::Flag),
    ("camera_fixed", Form::Flag),
    ("watermark", Form::Flag),
    ("seed", Form::Integer),
    ("priority", Form::Integer),
    ("output_format", Form::Text),
    ("omni_reference_task_type", Form::Text),
    ("page_num", Form::Integer),
    ("page_size", Form::Integer),
];

const BILLING: Rows = &[
    ("frames_per_second", Form::Integer),
    ("extra_frames", Form::Integer),
    ("pixels_per_token", Form::Integer),
    ("input_video_floor_seconds", Form::Integer),
    ("free_inputs", Form::Words),
    ("billed_states", Form::Words),
];

const IMAGE: Rows = &[
    ("url_forms", Form::Words),
    ("aspect_ratio", Form::Numbers),
    ("side_pixels", Form::Integers),
    ("max_bytes", Form::Integer),
];

const VIDEO: Rows = &[
    ("url_forms", Form::Words),
    ("codecs", Form::Words),
    ("sound_codecs_mp4", Form::Words),
    ("sound_codecs_mov", Form::Words),
    ("aspect_ratio", Form::Numbers),
    ("side_pixels", Form::Integers),
    ("area_pixels", Form::Integers),
    ("area_pixels_older", Form::Integers),
    ("frames_per_second", Form::Numbers),
    ("frames_per_second_floor", Form::Number),
    ("max_bytes", Form::Integer),
    ("max_bytes_older", Form::Integer),
    ("seconds_grace", Form::Number),
];

const AUDIO: Rows =
    &[("url_forms", Form::Words), ("max_bytes", Form::Integer), ("seconds_grace", Form::Number)];

/// The form of a member of a row of a list.
#[derive(Clone, Copy)]
enum Member {
    Text,
    PerhapsText,
    Site,
    Status,
    Confidence,
    Flag,
    PerhapsFlag,
    Words,
    PerhapsWords,
    Pixels,
    Decimal,
    PerhapsCount,
}

type Members = &'static [(&'static str, Member)];

const SOURCE: Members = &[("title", Member::Text), ("kind", Member::Text), ("date", Member::Text)];

const MODEL: Members = &[
    ("id", Member::Text),
    ("site", Member::Site),
    ("family", Member::Text),
    ("name", Member::Text),
    ("version", Member::Text),
    ("status", Member::Status),
    ("status_date", Member::PerhapsText),
    ("replaced_by", Member::PerhapsText),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

const PLAN: Members = &[
    ("name", Member::Text),
    ("site", Member::Site),
    ("family", Member::Text),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

const NEVER: Members = &[
    ("id", Member::Text),
    ("instead", Member::Text),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

const PIXELS: Members = &[
    ("resolution", Member::Text),
    ("families", Member::Words),
    ("ratio", Member::Text),
    ("width", Member::Pixels),
    ("height", Member::Pixels),
    ("switch", Member::PerhapsText),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

const PRICE: Members = &[
    ("site", Member::Site),
    ("currency", Member::Text),
    ("families", Member::Words),
    ("resolution", Member::PerhapsWords),
    ("input_video", Member::Flag),
    ("audio", Member::PerhapsFlag),
    ("tier", Member::Text),
    ("per_million_tokens", Member::Decimal),
    ("switch", Member::PerhapsText),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

const RATE: Members = &[
    ("operation", Member::Text),
    ("families", Member::PerhapsWords),
    ("resolution", Member::PerhapsWords),
    ("account", Member::PerhapsText),
    ("tier", Member::PerhapsText),
    ("per_minute", Member::PerhapsCount),
    ("per_second", Member::PerhapsCount),
    ("concurrent", Member::PerhapsCount),
    ("tokens_per_day", Member::PerhapsCount),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

const FORMAT: Members = &[
    ("name", Member::Text),
    ("mime", Member::Text),
    ("data_url", Member::PerhapsText),
    ("families", Member::PerhapsWords),
    ("switch", Member::PerhapsText),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

const SWITCH: Members = &[
    ("question", Member::Text),
    ("default", Member::Text),
    ("values", Member::Words),
    ("used_by", Member::Words),
    ("note", Member::PerhapsText),
    ("source", Member::Text),
    ("date", Member::Text),
    ("confidence", Member::Confidence),
];

/// The whole file as Rust.
pub(crate) fn emit(file: &Value) -> Result<TokenStream> {
    whole(file).context("schema/models.json")
}

fn whole(file: &Value) -> Result<TokenStream> {
    let top = object(file, "the file")?;
    let known = [
        "$schema",
        "edition",
        "sources",
        "families",
        "models",
        "plan_names",
        "never_offer",
        "pixels",
        "prices",
        "rates",
        "media",
        "limits",
        "defaults",
        "billing",
        "switches",
    ];
    exactly(top, "the file", &known, &[])?;
    let edition = text(&file["edition"], "edition")?;
    let sources = table(&file["sources"], "sources", quote!(Source), |row, place| {
        members(row, place, SOURCE, "Source")
    })?;
    let families = table(&file["families"], "families", quote!(Family), |row, place| {
        cells(row, place, FAMILY, "Family")
    })?;
    let switches = table(&file["switches"], "switches", quote!(Switch), |row, place| {
        members(row, place, SWITCH, "Switch")
    })?;
    let models = list(&file["models"], "models", MODEL, "Model")?;
    let plan_names = list(&file["plan_names"], "plan_names", PLAN, "PlanName")?;
    let never_offer = list(&file["never_offer"], "never_offer", NEVER, "NeverOffer")?;
    let pixels = list(&file["pixels"], "pixels", PIXELS, "Pixels")?;
    let prices = list(&file["prices"], "prices", PRICE, "Price")?;
    let rates = list(&file["rates"], "rates", RATE, "Rate")?;
    exactly(object(&file["media"], "media")?, "media", &["image", "video", "audio"], &[])?;
    let (image_formats, image) =
        media(&file["media"]["image"], "media.image", IMAGE, "ImageLimits", "IMAGE_FORMATS")?;
    let (video_formats, video) =
        media(&file["media"]["video"], "media.video", VIDEO, "VideoLimits", "VIDEO_FORMATS")?;
    let (audio_formats, audio) =
        media(&file["media"]["audio"], "media.audio", AUDIO, "AudioLimits", "AUDIO_FORMATS")?;
    let limits = cells(&file["limits"], "limits", LIMITS, "Limits")?;
    let defaults = cells(&file["defaults"], "defaults", DEFAULTS, "Defaults")?;
    let billing = cells(&file["billing"], "billing", BILLING, "Billing")?;
    Ok(quote! {
        use std::borrow::Cow::{self, Borrowed};
        use crate::catalog::{
            AudioLimits, Availability, Billing, Catalog, Cell, Confidence::*, Decimal, Defaults, Factors, Family, Format,
            ImageLimits, InputSeconds, Lengths, Limits, MediaLimits, Model, NeverOffer, Pixels, PlanName, Price, Rate, Site,
            Source, Span, Steps, Switch, Table, VideoLimits, Words,
        };
        /// Everything that is known of the models.
        pub(crate) static CATALOG: Catalog = Catalog {
            edition: Borrowed(#edition),
            sources: Table::fixed(&SOURCES),
            families: Table::fixed(&FAMILIES),
            models: Borrowed(&MODELS),
            plan_names: Borrowed(&PLAN_NAMES),
            never_offer: Borrowed(&NEVER_OFFER),
            pixels: Borrowed(&PIXELS),
            prices: Borrowed(&PRICES),
            rates: Borrowed(&RATES),
            media: MediaLimits { image: #image, video: #video, audio: #audio },
            limits: #limits,
            defaults: #defaults,
            billing: #billing,
            switches: Table::fixed(&SWITCHES),
        };
        #sources
        #families
        #models
        #plan_names
        #never_offer
        #pixels
        #prices
        #rates
        #image_formats
        #video_formats
        #audio_formats
        #switches
    })
}

/// Rows by name, as a static.
fn table(
    value: &Value,
    place: &str,
    ty: TokenStream,
    row: impl Fn(&Value, &str) -> Result<TokenStream>,
) -> Result<TokenStream> {
    let name = super::ident(&place.to_uppercase());
    let rows = object(value, place)?
        .iter()
        .map(|(key, value)| {
            let row = row(value, &format!("{place}.{key}"))?;
            Ok(quote!((Borrowed(#key), #row)))
        })
        .collect::<Result<Vec<_>>>()?;
    let count = rows.len();
    Ok(quote!(static #name: [(Cow<'static, str>, #ty); #count] = [#(#rows),*];))
}

/// A list of rows, as a static.
fn list(value: &Value, place: &str, form: Members, ty: &str) -> Result<TokenStream> {
    named_list(value, place, form, ty, &place.to_uppercase())
}

fn named_list(value: &Value, place: &str, form: Members, ty: &str, name: &str) -> Result<TokenStream> {
    let rows = value.as_array().ok_or_else(|| anyhow!("{place}: a list of rows is wanted"))?;
    let rows = rows
        .iter()
        .enumerate()
        .map(|(index, row)| members(row, &format!("{place}[{index}]"), form, ty))
        .collect::<Result<Vec<_>>>()?;
    let (count, ty, name) = (rows.len(), super::ident(ty), super::ident(name));
    Ok(quote!(static #name: [#ty; #count] = [#(#rows),*];))
}

/// One kind of media: its formats as a static, and the struct.
fn media(
    value: &Value,
    place: &str,
    rows: Rows,
    ty: &str,
    formats: &str,
) -> Result<(TokenStream, TokenStream)> {
    let mut rest = object(value, place)?.clone();
    let list = rest.shift_remove("formats").ok_or_else(|| anyhow!("{place}: `formats` is missing"))?;
    let list = named_list(&list, &format!("{place}.formats"), FORMAT, "Format", formats)?;
    let fields = fields(&rest, place, rows)?;
    let (ty, formats) = (super::ident(ty), super::ident(formats));
    Ok((list, quote!(#ty { formats: Borrowed(&#formats), #(#fields),* })))
}

fn cells(value: &Value, place: &str, rows: Rows, ty: &str) -> Result<TokenStream> {
    let fields = fields(object(value, place)?, place, rows)?;
    let ty = super::ident(ty);
    Ok(quote!(#ty { #(#fields),* }))
}

fn fields(value: &Map<String, Value>, place: &str, rows: Rows) -> Result<Vec<TokenStream>> {
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    exactly(value, place, &names, &[])?;
    rows.iter()
        .map(|(name, form)| {
            let cell = cell(&value[*name], &format!("{place}.{name}"), *form)?;
            let name = super::ident(name);
            Ok(quote!(#name: #cell))
        })
        .collect()
}

fn cell(cell: &Value, place: &str, form: Form) -> Result<TokenStream> {
    let members = object(cell, place)?;
    exactly(members, place, &["value", "source", "date", "confidence"], &["sites", "switch", "note"])?;
    let value = self::value(&cell["value"], &format!("{place}.value"), form)?;
    let (source, date) = (text(&cell["source"], place)?, text(&cell["date"], place)?);
    let confidence = confidence(&cell["confidence"], place)?;
    if !["sites", "switch", "note"].iter().any(|name| members.contains_key(*name)) {
        return Ok(quote!(Cell::plain(#value, #source, #date, #confidence)));
    }
    let sites = match members.get("sites") {
        None => Vec::new(),
        Some(sites) => {
            words(sites, place)?.iter().map(|word| site(word, place)).collect::<Result<Vec<_>>>()?
        }
    };
    let option = |name: &str| -> Result<TokenStream> {
        members.get(name).map_or(Ok(quote!(None)), |value| text(value, place).map(|text| quote!(Some(#text))))
    };
    let (switch, note) = (option("switch")?, option("note")?);
    Ok(quote!(Cell::full(#value, #source, #date, #confidence, &[#(#sites),*], #switch, #note)))
}

fn value(value: &Value, place: &str, form: Form) -> Result<TokenStream> {
    let inner = |names: &[&str]| -> Result<()> { exactly(object(value, place)?, place, names, &[]) };
    let whole = |name: &str| integer(&value[name], &format!("{place}.{name}"));
    let float = |name: &str| number(&value[name], &format!("{place}.{name}"));
    Ok(match form {
        Form::Flag => match value {
            Value::Null => quote!(None),
            Value::Bool(flag) => quote!(Some(#flag)),
            other => bail!("{place}: true, false or null is wanted, not {other}"),
        },
        Form::Words if value.is_null() => quote!(None),
        Form::Words => {
            let words = words(value, place)?;
            quote!(Some(Words::fixed(&[#(#words),*])))
        }
        Form::Text if value.is_null() => quote!(None),
        Form::Text => {
            let text = text(value, place)?;
            quote!(Some(Borrowed(#text)))
        }
        Form::Integer => integer(value, place)?,
        Form::Number => number(value, place)?,
        Form::Count => {
            inner(&["min", "max"])?;
            let (min, max) = (count(&value["min"], place)?, count(&value["max"], place)?);
            quote!(Span { min: #min, max: #max })
        }
        Form::Integers => {
            inner(&["min", "max"])?;
            let (min, max) = (whole("min")?, whole("max")?);
            quote!(Span { min: #min, max: #max })
        }
        Form::PerhapsNumbers if value.is_null() => quote!(None),
        Form::Numbers | Form::PerhapsNumbers => {
            inner(&["min", "max"])?;
            let (min, max) = (float("min")?, float("max")?);
            let span = quote!(Span { min: #min, max: #max });
            if matches!(form, Form::Numbers) { span } else { quote!(Some(#span)) }
        }
        Form::Lengths => {
            inner(&["min", "max", "auto", "default"])?;
            let (min, max, default) = (whole("min")?, whole("max")?, whole("default")?);
            let auto = self::value(&value["auto"], place, Form::Flag)?;
            quote!(Lengths { min: #min, max: #max, auto: #auto, default: #default })
        }
        Form::Steps => {
            inner(&["min", "max", "step"])?;
            let (min, max, step) = (whole("min")?, whole("max")?, whole("step")?);
            quote!(Steps { min: #min, max: #max, step: #step })
        }
        Form::Factors if value.is_null() => quote!(None),
        Form::Factors => {
            inner(&["audio", "silent"])?;
            let (audio, silent) = (decimal(&value["audio"], place)?, decimal(&value["silent"], place)?);
            quote!(Some(Factors { audio: #audio, silent: #silent }))
        }
        Form::Seconds if value.is_null() => quote!(None),
        Form::Seconds => {
            inner(&["each_min", "each_max", "total_max"])?;
            let (min, max, total) = (float("each_min")?, float("each_max")?, float("total_max")?);
            quote!(Some(InputSeconds { each_min: #min, each_max: #max, total_max: #total }))
        }
        Form::Depths => {
            let rows = object(value, place)?
                .iter()
                .map(|(name, bits)| {
                    let bits = bits.as_u64().and_then(|bits| u8::try_from(bits).ok());
                    let bits = bits.ok_or_else(|| anyhow!("{place}.{name}: a number of bits is wanted"))?;
                    Ok(quote!((Borrowed(#name), #bits)))
                })
                .collect::<Result<Vec<_>>>()?;
            quote!(Table::fixed(&[#(#rows),*]))
        }
    })
}

fn members(row: &Value, place: &str, form: Members, ty: &str) -> Result<TokenStream> {
    let given = object(row, place)?;
    let (needed, free): (Vec<_>, Vec<_>) =
        form.iter().partition(|(name, form)| !matches!(form, Member::PerhapsText) || NULLABLE.contains(name));
    let names = |list: &[(&'static str, Member)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    exactly(given, place, &names(&needed), &names(&free))?;
    let fields = form
        .iter()
        .map(|(name, form)| {
            let value = member(&row[*name], &format!("{place}.{name}"), *form)?;
            let name = super::ident(name);
            Ok(quote!(#name: #value))
        })
        .collect::<Result<Vec<_>>>()?;
    let ty = super::ident(ty);
    Ok(quote!(#ty { #(#fields),* }))
}

/// Members that are written as null where they do not apply, in place of being left out.
const NULLABLE: &[&str] = &["account", "tier", "data_url"];

fn member(value: &Value, place: &str, form: Member) -> Result<TokenStream> {
    Ok(match form {
        Member::PerhapsText | Member::PerhapsFlag | Member::PerhapsWords | Member::PerhapsCount
            if value.is_null() =>
        {
            quote!(None)
        }
        Member::Text => {
            let text = text(value, place)?;
            quote!(Borrowed(#text))
        }
        Member::PerhapsText => {
            let text = text(value, place)?;
            quote!(Some(Borrowed(#text)))
        }
        Member::Site => site(&text(value, place)?, place)?,
        Member::Status => match text(value, place)?.as_str() {
            "current" => quote!(Availability::Current),
            "allow_list" => quote!(Availability::AllowList),
            "retiring" => quote!(Availability::Retiring),
            "retired" => quote!(Availability::Retired),
            other => bail!("{place}: there is no status `{other}`"),
        },
        Member::Confidence => confidence(value, place)?,
        Member::Flag | Member::PerhapsFlag => {
            let flag = value.as_bool().ok_or_else(|| anyhow!("{place}: true or false is wanted"))?;
            if matches!(form, Member::Flag) { quote!(#flag) } else { quote!(Some(#flag)) }
        }
        Member::Words | Member::PerhapsWords => {
            let words = words(value, place)?;
            let words = quote!(Words::fixed(&[#(#words),*]));
            if matches!(form, Member::Words) { words } else { quote!(Some(#words)) }
        }
        Member::Pixels => count(value, place)?,
        Member::Decimal => decimal(value, place)?,
        Member::PerhapsCount => {
            let count = integer(value, place)?;
            quote!(Some(#count))
        }
    })
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| anyhow!("{place}: an object is wanted"))
}

/// Every needed name is there, and none that is neither needed nor free.
fn exactly(members: &Map<String, Value>, place: &str, needed: &[&str], free: &[&str]) -> Result<()> {
    for name in members.keys() {
        ensure!(
            needed.contains(&name.as_str()) || free.contains(&name.as_str()),
            "{place}: codegen does not know `{name}`; teach it to xtask/src/codegen/catalog.rs and to the types in \
             crates/model/src/catalog"
        );
    }
    for name in needed {
        ensure!(members.contains_key(*name), "{place}: `{name}` is missing");
    }
    Ok(())
}

fn text(value: &Value, place: &str) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| anyhow!("{place}: a text is wanted, not {value}"))
}

fn words(value: &Value, place: &str) -> Result<Vec<String>> {
    let words = value.as_array().ok_or_else(|| anyhow!("{place}: a list of texts is wanted, not {value}"))?;
    words.iter().map(|word| text(word, place)).collect()
}

fn integer(value: &Value, place: &str) -> Result<TokenStream> {
    let whole = value.as_i64().ok_or_else(|| anyhow!("{place}: a whole number is wanted, not {value}"))?;
    let literal = proc_macro2::Literal::i64_unsuffixed(whole);
    Ok(quote!(#literal))
}

fn count(value: &Value, place: &str) -> Result<TokenStream> {
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    let count = count.ok_or_else(|| anyhow!("{place}: a count is wanted, not {value}"))?;
    let literal = proc_macro2::Literal::u32_unsuffixed(count);
    Ok(quote!(#literal))
}

fn number(value: &Value, place: &str) -> Result<TokenStream> {
    let number = value.as_f64().ok_or_else(|| anyhow!("{place}: a number is wanted, not {value}"))?;
    let literal = proc_macro2::Literal::f64_unsuffixed(number);
    Ok(quote!(#literal))
}

/// A decimal text in millionths, exactly.
fn decimal(value: &Value, place: &str) -> Result<TokenStream> {
    let text = text(value, place)?;
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        !whole.is_empty() && digits(whole) && digits(part) && part.len() <= 6 && !text.ends_with('.'),
        "{place}: a decimal number with at most six digits after the point is wanted, not `{text}`"
    );
    let millionths: u64 =
        format!("{whole}{part:0<6}").parse().with_context(|| format!("{place}: `{text}`"))?;
    let literal = proc_macro2::Literal::u64_unsuffixed(millionths);
    Ok(quote!(Decimal::from_millionths(#literal)))
}

fn site(word: &str, place: &str) -> Result<TokenStream> {
    Ok(match word {
        "volcengine" => quote!(Site::Volcengine),
        "byteplus" => quote!(Site::Byteplus),
        other => bail!("{place}: there is no site `{other}`"),
    })
}

fn confidence(value: &Value, place: &str) -> Result<TokenStream> {
    Ok(match text(value, place)?.as_str() {
        "documented" => quote!(Documented),
        "observed" => quote!(Observed),
        "derived" => quote!(Derived),
        "uncertain" => quote!(Uncertain),
        other => bail!("{place}: there is no confidence `{other}`"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fails(change: impl FnOnce(&mut Value)) -> String {
        let text = include_str!("../../../schema/models.json");
        let mut file: Value = serde_json::from_str(text).expect("JSON");
        change(&mut file);
        format!("{:#}", emit(&file).expect_err("must stop"))
    }

    #[test]
    fn what_codegen_does_not_know_stops_it() {
        let error = fails(|file| file["families"]["2.5"]["hover"] = json!({}));
        assert!(error.contains("families.2.5: codegen does not know `hover`"), "{error}");
        let error = fails(|file| file["limits"]["seed"]["unit"] = json!("1"));
        assert!(error.contains("limits.seed: codegen does not know `unit`"), "{error}");
        let error = fails(|file| {
            drop(file["media"]["video"].as_object_mut().map(|video| video.shift_remove("codecs")))
        });
        assert!(error.contains("media.video: `codecs` is missing"), "{error}");
        let error = fails(|file| file["families"]["2.0"]["duration"]["value"] = json!([4, 15]));
        assert!(error.contains("families.2.0.duration.value: an object is wanted"), "{error}");
        let error = fails(|file| file["prices"][0]["per_million_tokens"] = json!("70.1234567"));
        assert!(error.contains("prices[0].per_million_tokens: a decimal number"), "{error}");
        let error = fails(|file| file["models"][0]["site"] = json!("mars"));
        assert!(error.contains("models[0].site: there is no site `mars`"), "{error}");
    }
}
