//! Where media are: the forms of address that each kind takes, and data URLs, looked over without
//! decoding them.

use super::hosts;
use super::media_address::{Address, article};
use super::report::{Finding, Sink, quoted};
use super::{MediaKind, Rules};
use crate::catalog::{Catalog, Cell, Format, StringSet};
use crate::check::Severity;

pub(crate) fn forms(catalog: &Catalog, kind: MediaKind) -> &Cell<Option<StringSet>> {
    match kind {
        MediaKind::Image => &catalog.media.image.url_forms,
        MediaKind::Video => &catalog.media.video.url_forms,
        MediaKind::Audio => &catalog.media.audio.url_forms,
    }
}

pub(crate) fn formats(catalog: &Catalog, kind: MediaKind) -> &[Format] {
    match kind {
        MediaKind::Image => &catalog.media.image.formats,
        MediaKind::Video => &catalog.media.video.formats,
        MediaKind::Audio => &catalog.media.audio.formats,
    }
}

pub(crate) fn max_bytes(catalog: &Catalog, kind: MediaKind) -> &Cell<i64> {
    match kind {
        MediaKind::Image => &catalog.media.image.max_bytes,
        MediaKind::Video => &catalog.media.video.max_bytes,
        MediaKind::Audio => &catalog.media.audio.max_bytes,
    }
}

/// What stands behind a scheme, whatever the case it is written in.
fn after<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = url.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Whether the address has a form that its kind takes.
pub(crate) fn check(address: &Address<'_>, rules: &Rules<'_>, sink: &mut Sink) {
    let (url, kind) = (address.url, address.kind);
    // The schema has said that it is empty.
    if url.is_empty() {
        return;
    }
    if has_gap(url) && url.trim().contains("://") && after(url.trim(), "data:").is_none() {
        let finding = sink.push(
            "media-address",
            address.pointer(),
            "This URL contains a space or a line break.".into(),
        );
        finding.advice("Write a space as `%20`, and remove any other.");
        return;
    }
    let cell = forms(rules.catalog, kind);
    let takes = |form: &str| cell.value.as_ref().is_none_or(|forms| forms.contains(form));
    let has_name = |rest: &str| !rest.is_empty() && !rest.starts_with(['/', '?', '#']);
    if let Some(rest) = after(url, "https://") {
        if !takes("https") || !has_name(rest) {
            return refuse(address, sink, "media-address", "This is not a complete https URL.");
        }
        hosts::check(address, rest, sink);
    } else if let Some(rest) = after(url, "http://") {
        if !has_name(rest) {
            return refuse(address, sink, "media-address", "This is not a complete http URL.");
        }
        let message = "The service may fail to fetch media over plain http.".to_owned();
        doubt(address, rules, sink, "plain-http-media", "media-plain-http", message)
            .advice("Offer it over https.");
        hosts::check(address, rest, sink);
    } else if let Some(rest) = after(url, "asset://") {
        if !takes("asset") || rest.is_empty() {
            refuse(address, sink, "media-address", "This is not a valid asset URL: the id is missing.");
        }
    } else if after(url, "data:").is_some() {
        if takes("data") {
            data(address, rules, sink);
        } else {
            sink.push(
                "media-form",
                address.pointer(),
                format!("A {kind} cannot be sent as base64; it must be a web URL or an asset."),
            )
            .advice("Upload it where the service can fetch it, or make it an asset.")
            .from(cell)
            .of_known_models();
        }
    } else if after(url, "tos://").is_some() {
        let message = "Whether the service takes tos:// addresses here is not documented.".to_owned();
        doubt(address, rules, sink, "tos-media", "media-tos", message)
            .advice("Use an https address, for example a pre-signed one.")
            .code("InvalidParameter.TosURLInvalid");
    } else {
        let known = cell.value.as_ref().map(StringSet::to_string).unwrap_or_default();
        let message = format!("This URL has an unknown form; {} takes {known}.", article(kind));
        let advice = match (
            kind,
            looks_like_base64(url),
            after(url, "file://").is_some() || url.starts_with(['/', '.']),
        ) {
            (MediaKind::Image | MediaKind::Audio, true, _) => {
                "Write `data:<kind>/<format>;base64,` before base64 data."
            }
            (_, _, true) => "The service cannot read local files: upload it, or send it as a data URL.",
            _ => "Write https://…, asset://… or, where the kind has it, a data URL.",
        };
        sink.push("media-form", address.pointer(), message).advice(advice).from(cell);
    }
}

/// Spaces and line breaks, which no address has.
fn has_gap(url: &str) -> bool {
    // Without an early end, so that several bytes are compared at once.
    url.bytes().fold(false, |gap, byte| gap | (byte <= b' '))
}

fn looks_like_base64(url: &str) -> bool {
    url.len() >= 16 && !url.contains(['.', ':']) && fault(url.as_bytes()).is_none()
}

fn refuse(address: &Address<'_>, sink: &mut Sink, rule: &'static str, message: &str) {
    sink.push(rule, address.pointer(), message.to_owned()).advice("Write it in full.");
}

fn doubt<'s>(
    address: &Address<'_>,
    rules: &Rules<'_>,
    sink: &'s mut Sink,
    switch: &str,
    rule: &'static str,
    message: String,
) -> &'s mut Finding {
    let finding = sink.push(rule, address.pointer(), message);
    if let Some(switch) = rules.catalog.switches.get(switch) {
        (finding.source, finding.date) = (switch.source.clone(), switch.date.clone());
    }
    finding.strength(rules.catalog.strength(switch))
}

/// Aliases that tools write for a format of another name.
const ALIASES: &[(&str, &str)] = &[
    ("jpg", "jpeg"),
    ("tif", "tiff"),
    ("mpeg", "mp3"),
    ("mpeg3", "mp3"),
    ("x-wav", "wav"),
    ("wave", "wav"),
    ("vnd.wave", "wav"),
];

/// `data:<kind>/<format>;base64,<data>`: each part, and whether the data are base64 at all.
fn data(address: &Address<'_>, rules: &Rules<'_>, sink: &mut Sink) {
    const BAD: &str = "InvalidImageURL.InvalidFormat";
    let kind = address.kind;
    let image = kind == MediaKind::Image;
    let wrong = |sink: &mut Sink, rule: &'static str, message: String, advice: &'static str| {
        let finding = sink.push(rule, address.pointer(), message).advice(advice);
        if image {
            finding.code(BAD);
        }
    };
    let form = "Write `data:<kind>/<format>;base64,<data>`.";
    let Some((head, data)) = address.url.split_once(',') else {
        return wrong(sink, "media-data-url", "This data URL has no data.".into(), form);
    };
    let media = &head["data:".len()..];
    let Some(media) = media.strip_suffix(";base64") else {
        return wrong(
            sink,
            "media-data-url",
            "`;base64` is missing before the data of this data URL.".into(),
            form,
        );
    };
    let (found, word) = media.split_once('/').unwrap_or((media, ""));
    if found.bytes().chain(word.bytes()).any(|byte| byte.is_ascii_uppercase()) || !head.starts_with("data:") {
        let message = "The format of a data URL must be in lower case.".into();
        wrong(sink, "media-data-case", message, "Write for example `data:image/png;base64,`.");
    } else if found != kind.as_str() {
        let message = format!("This data URL contains {}, and the item is {}.", quoted(found), article(kind));
        wrong(sink, "media-data-kind", message, "Put it into an item of its own kind, or name its format.");
    } else if !is_measured(address, word, rules) {
        format(address, word, rules, sink);
    }
    if let Some(fault) = fault(data.as_bytes()) {
        wrong(
            sink,
            "media-base64",
            fault.into(),
            "Encode it as standard base64, padded, without line breaks.",
        );
    }
    let limit = max_bytes(rules.catalog, kind);
    let bytes = decoded_len(data.as_bytes());
    if i64::try_from(bytes).map_or(true, |bytes| bytes > limit.value) {
        let message =
            format!("This data URL contains {bytes} bytes; {} may have {}.", article(kind), limit.value);
        sink.push("media-bytes", address.pointer(), message)
            .advice("Make it smaller, or give its address.")
            .from(limit)
            .of_known_models();
    }
}

/// Whether the format is judged by the bytes: they are what the word says, or something that is not
/// read at all.
fn is_measured(address: &Address<'_>, word: &str, rules: &Rules<'_>) -> bool {
    let Some(facts) = rules.facts.get(address.index).filter(|facts| facts.kind == address.kind) else {
        return false;
    };
    let found = facts.format.as_str();
    let read = formats(rules.catalog, address.kind).iter().any(|row| row.name == found);
    !found.is_empty() && (proper(word) == found || !read)
}

fn proper(word: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word, |(_, proper)| proper)
}

/// Whether the format is one that the model reads.
pub(crate) fn format(address: &Address<'_>, word: &str, rules: &Rules<'_>, sink: &mut Sink) {
    let kind = address.kind;
    let all = formats(rules.catalog, kind);
    let proper = proper(word);
    let Some(row) = all.iter().find(|row| row.name == proper || row.data_url.as_deref() == Some(proper))
    else {
        let known: Vec<&str> = all.iter().map(|row| row.name.as_ref()).collect();
        let message = format!(
            "{} is not a known format of {}; expected one of {}.",
            quoted(word),
            article(kind),
            known.join(", ")
        );
        let finding =
            sink.push("media-format", address.pointer(), message).advice("Convert it.").of_known_models();
        if kind == MediaKind::Image {
            finding.code("InvalidImageURL.InvalidFormat");
        }
        return;
    };
    let Some(family) = rules.family_name() else { return };
    if row.families.as_ref().is_some_and(|families| !families.contains(family)) {
        let strength = row.switch.as_deref().map_or(Severity::Error, |switch| rules.catalog.strength(switch));
        let message = format!("{} is documented for other models than Seedance {family}.", row.name);
        let finding = sink
            .push("media-format", address.pointer(), message)
            .advice("Convert it to jpeg or png.")
            .strength(strength);
        (finding.source, finding.date) = (row.source.clone(), row.date.clone());
    }
}

/// What keeps the text from being base64, found without decoding it.
fn fault(data: &[u8]) -> Option<&'static str> {
    let padding = data.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let body = &data[..data.len() - padding];
    if body.is_empty() {
        return Some("The data after `base64,` is missing.");
    }
    // Branch-free, so that 30 MB take a few milliseconds.
    let clean = body.chunks(4096).all(|chunk| {
        chunk.iter().fold(true, |clean, byte| {
            let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
            let digit = byte.wrapping_sub(b'0') < 10;
            clean & (letter | digit | (*byte == b'+') | (*byte == b'/'))
        })
    });
    if !clean {
        Some("The data contains a character that is not base64.")
    } else if !data.len().is_multiple_of(4) {
        Some("The data is truncated: base64 comes in groups of four characters.")
    } else {
        None
    }
}

fn decoded_len(data: &[u8]) -> usize {
    let padding = data.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    (data.len() / 4 * 3).saturating_sub(padding)
}

/// Bytes of base64 that a data URL leaves out: it may stand for a file that is read while it is
/// sent, of which the facts know the size.
pub(crate) fn left_out(url: &str, bytes: u64) -> u64 {
    match url.split_once(',') {
        Some((head, data))
            if after(head, "data:").is_some() && bytes > decoded_len(data.as_bytes()) as u64 =>
        {
            (bytes.div_ceil(3).saturating_mul(4)).saturating_sub(data.len() as u64)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AudioContent, ContentItem, CreateTaskRequest, ImageSource, ImageToVideo, ReferenceToVideo,
        check::Facts,
    };

    fn findings(request: &CreateTaskRequest) -> Vec<(&'static str, Severity, String)> {
        let report = request.check_with(Catalog::builtin(), &Facts::new());
        report
            .findings
            .into_iter()
            .map(|f| (f.rule_name(), f.strength, f.code.unwrap_or_default().into_owned()))
            .collect()
    }

    fn image(url: &str) -> Option<&'static str> {
        findings(&ImageToVideo::new("doubao-seedance-2-0-260128", url).build()).first().map(|found| found.0)
    }

    fn audio(url: &str) -> Option<&'static str> {
        let mut request =
            ReferenceToVideo::new("doubao-seedance-2-0-260128").image("https://a.example.com/b.png").build();
        request
            .content
            .push(ContentItem::from(AudioContent::new(crate::MediaUrl::new(url)).role("reference_audio")));
        findings(&request).first().map(|found| found.0)
    }

    fn video(url: &str) -> Option<&'static str> {
        findings(&ReferenceToVideo::new("doubao-seedance-2-0-260128").video(url).build())
            .first()
            .map(|found| found.0)
    }

    #[test]
    fn each_kind_has_its_forms() {
        for url in [
            "https://a.example.com/b.png",
            "HTTPS://a.example.com/b",
            "asset://asset-1",
            "data:image/png;base64,iVBORw0KGgo=",
        ] {
            assert_eq!(image(url), None, "{url}");
        }
        assert_eq!(audio("data:audio/wav;base64,UklGRiQAAABXQVZF"), None);
        assert_eq!(audio("data:audio/mpeg;base64,UklGRiQA"), None);
        assert_eq!(video("data:video/mp4;base64,AAAA"), Some("media-form"));
        assert_eq!(video("asset://asset-1"), None);
        assert_eq!(video("http://a.example.com/b.mp4"), Some("media-plain-http"));
        assert_eq!(image("tos://bucket/key"), Some("media-tos"));
        for url in [
            "ftp://a/b",
            "/pictures/a.png",
            "C:\\a.png",
            "a.example.com/b.png",
            "iVBORw0KGgoAAAANSUhEUgAA",
            "file:///a",
            "ä",
        ] {
            assert_eq!(image(url), Some("media-form"), "{url}");
        }
        for url in [
            "https://",
            "https:///a",
            "http://",
            "asset://",
            "https://a.example.com/b c.png",
            " https://a/b",
            "asset://a\n",
        ] {
            assert_eq!(image(url), Some("media-address"), "{url}");
        }
        assert_eq!(image(""), Some("empty"));
    }

    #[test]
    fn data_urls_are_looked_over_without_decoding() {
        for (url, rule) in [
            ("data:image/PNG;base64,iVBORw0KGgo=", "media-data-case"),
            ("DATA:image/png;base64,iVBORw0KGgo=", "media-data-case"),
            ("data:image/png;base64,iVBO*w0KGgo=", "media-base64"),
            ("data:image/png;base64,iVBORw0KGgo", "media-base64"),
            ("data:image/png;base64,iVBOR", "media-base64"),
            ("data:image/png;base64,", "media-base64"),
            ("data:image/png;base64,====", "media-base64"),
            ("data:image/png;base64,iVBO\nRw0K", "media-base64"),
            ("data:image/png,iVBORw0KGgo=", "media-data-url"),
            ("data:image/png;base64", "media-data-url"),
            ("data:audio/wav;base64,UklGRiQA", "media-data-kind"),
            ("data:;base64,UklGRiQA", "media-data-kind"),
            ("data:image/svg+xml;base64,UklGRiQA", "media-format"),
        ] {
            assert_eq!(image(url), Some(rule), "{url}");
        }
        let code = |url: &str| findings(&ImageToVideo::new("ep-1", url).build())[0].2.clone();
        assert_eq!(code("data:image/png;base64,*"), "InvalidImageURL.InvalidFormat");
        assert_eq!(code(""), "InvalidImageURL.EmptyURL");
    }

    #[test]
    fn heic_is_for_newer_models() {
        let heic = |model: &str| {
            findings(&ImageToVideo::new(model, "data:image/heic;base64,AAAA").build())
                .first()
                .map(|found| found.1)
        };
        assert_eq!(heic("doubao-seedance-2-0-260128"), None);
        assert_eq!(heic("doubao-seedance-1-0-pro-250528"), Some(Severity::Warning));
        assert_eq!(heic("ep-1"), None);
    }

    #[test]
    fn data_count_against_the_limit() {
        let at = |bytes: usize| {
            let request = ImageToVideo::new("ep-1", ImageSource::data("png", &vec![0; bytes])).build();
            findings(&request).first().map(|found| found.0)
        };
        assert_eq!(at(31_457_279), None);
        assert_eq!(at(31_457_280), Some("media-bytes"));
    }
}
