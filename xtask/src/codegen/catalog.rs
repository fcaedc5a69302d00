//! The catalog: `schema/models.json` as Rust statics, so that the built-in one costs nothing at start.
//!
//! Every row has its form in `catalog_forms.rs`. A row that the tables lack, a row that the file lacks and a cell of
//! another form stop the run: a statement that nobody looked at would otherwise be lost, or be wrong, in silence.

use anyhow::{Context, Result, anyhow, bail, ensure};
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Map, Value};

use super::catalog_forms::{
    AUDIO, BILLING, DEFAULTS, FAMILY, FORMAT, Form, IMAGE, LIMITS, MODEL, Member, Members, NEVER, PIXELS,
    PLAN, PRICE, RATE, Rows, SOURCE, SWITCH, VIDEO,
};

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
    let value = value(&cell["value"], &format!("{place}.value"), form)?;
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
            "{place}: codegen does not know `{name}`; teach it to xtask/src/codegen/catalog_forms.rs and to the types in \
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
