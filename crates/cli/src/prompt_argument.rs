//! The positional argument: a prompt, a request, or a mistake. A prompt costs money, so it is never
//! guessed: a text that may be a path, a command or a flag's value is rejected with the right
//! spelling. Sends nothing.

use std::path::{Path, PathBuf};

use ark_video::model::catalog::{Catalog, Site};
use clap::Args;

use crate::args::{self, GenerateArgs};
use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{foreign_flags, secrets};

/// The meaning of the argument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Input<'a> {
    Nothing,
    Prompt(&'a str),
    /// `@FILE`: as `-p @FILE`.
    PromptFile(&'a str),
    Json(&'a str),
}

/// Whether an argument names a request file.
pub(crate) fn is_json(argument: &str) -> bool {
    argument == "-" || extension(argument) == "json"
}

/// Whether an argument names a shot list.
pub(crate) fn is_list(word: &str) -> bool {
    kind_of(word) == Some(Kind::List)
}

/// Parses the argument, or suggests the right spelling.
pub(crate) fn read<'a>(argument: Option<&'a str>, cwd: &Path) -> Result<Input<'a>, Failure> {
    let Some(text) = argument else { return Ok(Input::Nothing) };
    let word = text.trim();
    if word.is_empty() {
        return Err(
            usage("the prompt is empty").hint("give a prompt, a request file that ends in .json, or media")
        );
    }
    if word.starts_with('@') {
        return file_of_prompt(word, text, cwd);
    }
    if is_json(word) {
        return Ok(Input::Json(word));
    }
    match misread(word, cwd) {
        None => Ok(Input::Prompt(text)),
        Some(meant) => Err(refusal(word, &meant)),
    }
}

/// `@FILE` is a file with the prompt in it, `@-` standard input.
fn file_of_prompt<'a>(word: &str, text: &'a str, cwd: &Path) -> Result<Input<'a>, Failure> {
    let name = &word[1..];
    let path = place(name, cwd);
    if secrets::may_be_key(name) && !path.exists() {
        let meant = Suggestion {
            what: "may be an API key",
            instead: "export ARK_API_KEY=…, or --api-key-file FILE".to_owned(),
        };
        return Err(refusal(name, &meant));
    }
    if extension(name) == "json" || kind_of(name).is_some_and(|kind| kind != Kind::Text) {
        let meant = Suggestion { what: "names a file of another kind", instead: path_spelling(name, cwd) };
        return Err(refusal(word, &meant));
    }
    if name == "-" || path.exists() || !name.contains(char::is_whitespace) {
        return Ok(Input::PromptFile(text.trim()));
    }
    let meant = Suggestion { what: "starts with @, which names a file", instead: "-p @FILE".to_owned() };
    Err(usage(&format!("the prompt {}; nothing was sent", meant.what))
        .hint(format!("with the prompt in a file: ark-video generate {}", meant.instead))
        .hint("for a prompt that starts with @, put a space before it: -p \" @…\""))
}

/// What the argument seems to be, and its right spelling.
struct Suggestion {
    /// `is a command`.
    what: &'static str,
    instead: String,
}

fn suggest(what: &'static str, instead: impl Into<String>) -> Option<Suggestion> {
    Some(Suggestion { what, instead: instead.into() })
}

fn misread(word: &str, cwd: &Path) -> Option<Suggestion> {
    if let Some(found) = medium_with_prefix(word, cwd) {
        return Some(found);
    }
    if let Some((scheme, _)) = word.split_once("://")
        && !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        return suggest(
            "starts with a URL",
            format!("ark-video generate \"…\" {}", flag_of_medium(first(word))),
        );
    }
    if word.starts_with("data:") {
        return suggest("is a data URL", "ark-video generate \"…\" --first-frame DATA, or --ref DATA");
    }
    if word.starts_with('{') || word.replace(char::is_whitespace, "").starts_with("[{") {
        return suggest("is JSON", "ark-video generate - < request.json (a request on standard input)");
    }
    if place(word, cwd).symlink_metadata().is_ok() {
        return suggest("is a file or a folder here", path_spelling(word, cwd));
    }
    if kind_of(word).is_some() {
        return suggest("names a file that does not exist", path_spelling(word, cwd));
    }
    if let Some((key, value)) = word.split_once('=')
        && is_identifier(key)
        && (is_field(key) || !word.contains(char::is_whitespace))
    {
        return suggest("sets a value", setting_spelling(key, value));
    }
    let mut parts = word.split_whitespace();
    if matches!((parts.next(), parts.next()), (Some("ark-video" | "arkcli"), Some(_))) {
        return suggest("is a command line", "the command without quotes");
    }
    if word.contains(char::is_whitespace) { None } else { bare_word(word) }
}

/// The longest word with digits that may still be a prompt.
const LONGEST_WORD: usize = 20;

/// A single word. One that starts with a letter may be a prompt; a number, a size, an id or a path
/// is not.
fn bare_word(word: &str) -> Option<Suggestion> {
    if let Some(found) = command_of(word) {
        return suggest("is a command", found);
    }
    if let Some(flag) = foreign_flags::value(word) {
        return suggest("is a value of a flag", flag);
    }
    if !word.is_ascii() {
        return None;
    }
    if secrets::may_be_key(word) {
        return suggest("may be an API key", "export ARK_API_KEY=…, or --api-key-file FILE");
    }
    if word.starts_with("cgt-") {
        return suggest(
            "is the id of a task",
            format!("ark-video wait {0}, or ark-video download {0}", quoted(word)),
        );
    }
    let lower = word.to_ascii_lowercase();
    let is_name = |site| !Catalog::builtin().named(word, site).is_empty();
    if ["doubao-", "dreamina-", "seedance-", "ep-", "bytedance/"].iter().any(|head| lower.starts_with(head))
        || [Site::Volcengine, Site::Byteplus].into_iter().any(is_name)
    {
        return suggest("is a model", format!("ark-video generate \"…\" -m {}", quoted(word)));
    }
    if let Some(flag) = measure(&lower) {
        return suggest("is a value of a flag", flag);
    }
    if word.starts_with('-') {
        return suggest("is a flag", "the flag before `--`");
    }
    if word.contains(['/', '\\']) || word.starts_with('~') {
        return suggest(
            "names a path",
            "-p @FILE for a prompt, --ref FILE for media, or ark-video batch run LIST",
        );
    }
    let plain = word.trim_end_matches(['.', '!', '?', ',', ';', ':', '…']);
    let of_a_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'\'';
    let begins = plain.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'\'');
    // `b2` may be a prompt; with digits and as long as this it is an id.
    let is_id = plain.len() > LONGEST_WORD && plain.bytes().any(|byte| byte.is_ascii_digit());
    if begins && plain.bytes().all(of_a_word) && !is_id {
        None
    } else {
        suggest("is a single word that does not seem to be a prompt", "a sentence, in quotes")
    }
}

/// The command of this name, ours or another tool's.
pub(crate) fn command_of(word: &str) -> Option<String> {
    let word = word.trim_start_matches('+').to_ascii_lowercase();
    let root = args::command(None);
    if word == "help" || word == "version" {
        return Some(format!("ark-video --{word}"));
    }
    for command in root.get_subcommands() {
        if command.get_name() == word || command.get_all_aliases().any(|alias| alias == word) {
            return Some(format!("ark-video {word} …"));
        }
    }
    for command in root.get_subcommands() {
        if command.get_subcommands().any(|verb| verb.get_name() == word)
            && foreign_flags::verb(&word).is_none()
        {
            return Some(format!("ark-video {} {word} …", command.get_name()));
        }
    }
    foreign_flags::verb(&word).map(str::to_owned)
}

/// Numbers, ratios, sizes, times and amounts.
fn measure(word: &str) -> Option<String> {
    let number = |text: &str| text.parse::<f64>().is_ok();
    if number(word) {
        return Some(format!("-d {word} for seconds, or --seed {word}"));
    }
    if let Some((width, height)) =
        word.split_once([':', 'x', '*', '/']).filter(|(w, h)| number(w) && number(h))
    {
        let size = foreign_flags::resolution_and_ratio(word).filter(|_| width.len() > 2);
        return Some(match size {
            Some((resolution, ratio)) => format!("--resolution {resolution} -r {ratio}"),
            None => format!("-r {width}:{height}"),
        });
    }
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.is_empty() || !number(digits) {
        return None;
    }
    match &word[digits.len()..] {
        "p" | "k" => Some(format!("--resolution {word}")),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(format!("-d {digits}")),
        "fps" => Some("no flag: every video has 24 frames per second".to_owned()),
        "cny" | "usd" | "tokens" => Some(format!("--max-cost {word}")),
        "m" | "h" | "min" | "ms" => Some(format!("--timeout {word}")),
        _ => None,
    }
}

/// `first:@a.png`, `image:https://…`: the text after the prefix is a path or URL.
fn medium_with_prefix(word: &str, cwd: &Path) -> Option<Suggestion> {
    let (head, rest) = word.split_once(':')?;
    if !["first", "last", "ref", "image", "video", "audio"].contains(&head) {
        return None;
    }
    let bare = rest.strip_prefix('@').unwrap_or(rest);
    let medium = rest.starts_with('@')
        || (!rest.is_empty() && !rest.contains(char::is_whitespace))
        || rest.contains("://")
        || kind_of(bare).is_some()
        || (!rest.starts_with(' ') && place(bare, cwd).exists());
    if medium {
        suggest("names a media file", format!("ark-video generate \"…\" --ref {}", shown(word)))
    } else {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Image,
    Clip,
    List,
    Text,
    Other,
}

/// The kind of a file by its extension.
fn kind_of(name: &str) -> Option<Kind> {
    const IMAGES: &[&str] =
        &["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "heic", "heif", "avif", "svg", "psd"];
    const CLIPS: &[&str] = &[
        "mp4", "mov", "m4v", "webm", "mkv", "avi", "flv", "wmv", "mpg", "mpeg", "3gp", "wav", "mp3", "m4a",
        "aac", "ogg", "flac", "opus",
    ];
    const LISTS: &[&str] = &["toml", "jsonl", "ndjson", "yaml", "yml", "csv", "tsv", "xlsx"];
    const TEXTS: &[&str] = &["txt", "md", "prompt", "rtf", "docx"];
    const OTHERS: &[&str] = &["json5", "jsonc", "py", "sh", "zip", "part", "journal"];
    let extension = extension(name);
    [
        (IMAGES, Kind::Image),
        (CLIPS, Kind::Clip),
        (LISTS, Kind::List),
        (TEXTS, Kind::Text),
        (OTHERS, Kind::Other),
    ]
    .into_iter()
    .find(|(all, _)| all.contains(&extension.as_str()))
    .map(|(_, kind)| kind)
}

fn extension(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
        _ => String::new(),
    }
}

fn place(name: &str, cwd: &Path) -> PathBuf {
    cwd.join(name.strip_prefix("file://").unwrap_or(name))
}

/// The right spelling of a path.
fn path_spelling(word: &str, cwd: &Path) -> String {
    if place(word, cwd).is_dir() {
        return format!("a file of it, or --output-dir {} for the video", shown(word));
    }
    match kind_of(word) {
        Some(Kind::Image | Kind::Clip) => format!("ark-video generate \"…\" {}", flag_of_medium(word)),
        _ if extension(word) == "json" => format!("ark-video generate {}", shown(word)),
        Some(Kind::List) => format!("ark-video batch run {}", shown(word)),
        Some(Kind::Other) => "ark-video generate REQUEST.json, or ark-video batch run LIST".to_owned(),
        Some(Kind::Text) | None => format!("ark-video generate -p {}", shown(&format!("@{word}"))),
    }
}

/// The flags for an image, video or audio file.
fn flag_of_medium(name: &str) -> String {
    let path = name.split(['?', '#']).next().unwrap_or_default();
    match kind_of(path) {
        Some(Kind::Image) => format!("--first-frame {0}, or --ref {0}", shown(name)),
        Some(_) => format!("--ref {}", shown(name)),
        None => format!("--first-frame {0}, or --ref image:{0}", shown(name)),
    }
}

/// `duration=5` as a flag.
fn setting_spelling(key: &str, value: &str) -> String {
    let key = key.trim_end_matches(':').to_ascii_lowercase().replace('_', "-");
    match (key.as_str(), flag_named(&key)) {
        ("prompt" | "text", _) => "ark-video generate -p TEXT".to_owned(),
        (_, Some(flag)) => format!("--{flag} {}", shown(value)),
        _ => foreign_flags::flag(&format!("--{key}"), Some(value))
            .map(|here| here.trim_start_matches("write ").to_owned())
            .unwrap_or_else(|| "a flag: see `ark-video generate --help`".to_owned()),
    }
}

/// The flag of `generate` with this name or alias.
fn flag_named(name: &str) -> Option<String> {
    let generate = GenerateArgs::augment_args(clap::Command::new("generate"));
    let mut flags = generate.get_arguments();
    let is_it = |arg: &&clap::Arg| {
        arg.get_long() == Some(name) || arg.get_all_aliases().unwrap_or_default().contains(&name)
    };
    flags.find(is_it)?.get_long().map(str::to_owned)
}

fn is_identifier(key: &str) -> bool {
    let key = key.trim_end_matches(':');
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// Whether other tools set this with `=`, followed by other text.
fn is_field(key: &str) -> bool {
    let key = key.trim_end_matches(':').to_ascii_lowercase().replace('_', "-");
    let known = [
        "prompt",
        "text",
        "model",
        "input",
        "content",
        "duration",
        "ratio",
        "resolution",
        "seed",
        "negative-prompt",
    ];
    known.contains(&key.as_str())
        || flag_named(&key).is_some()
        || foreign_flags::flag(&format!("--{key}"), None).is_some()
}

fn first(word: &str) -> &str {
    word.split_whitespace().next().unwrap_or_default()
}

/// An argument for a command line in a hint, unless it is long or may be a secret.
fn shown(word: &str) -> String {
    let bare = word.split('?').next().unwrap_or_default();
    if bare.chars().count() > 80 { "FILE".to_owned() } else { quoted(bare) }
}

fn refusal(word: &str, meant: &Suggestion) -> Failure {
    // A rejected argument may be a pasted key.
    let named = match word.chars().count() <= 40 && !secrets::may_be_key(word) {
        true => format!("`{}`", shown(word).trim_matches('\'')),
        false => "the argument".to_owned(),
    };
    let failure = usage(&format!("{named} {} and is not accepted as a prompt; nothing was sent", meant.what));
    failure.hint(format!("write: {}", meant.instead)).hint("if it is the prompt, use -p")
}

fn usage(message: &str) -> Failure {
    Failure::new(Exit::Usage, message)
}
