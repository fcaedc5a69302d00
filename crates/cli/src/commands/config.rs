//! `config`: shows the settings in use; creates, reads and edits the configuration file. An edit
//! keeps comments and order, and is checked as a whole before it is written, in one step.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use ark_video::files::{Staged, create_private_folder, write_private};
use ark_video::{Client, Proxy};
use serde::Serialize;
use toml_edit::{DocumentMut, Item, Table, Value};

use crate::args::{ConfigArgs, ConfigVerb};
use crate::config::{self, FIELDS, STORAGE_FIELDS};
use crate::escape::one_line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{ConfigField, ConfigPath};
use crate::output::Form;
use crate::session::Session;
use crate::storage;

/// What `config init` writes; nothing in it is set.
const TEMPLATE: &str = include_str!("config.toml");
/// Shown instead of a secret.
const MASK: &str = "********";

/// `config`
pub(crate) async fn run(session: &mut Session, args: &ConfigArgs) -> Result<(), Failure> {
    match &args.verb {
        None => show(session).await,
        Some(ConfigVerb::Init) => init(session),
        Some(ConfigVerb::Set { field, value }) => set(session, field, value).await,
        Some(ConfigVerb::Get { field }) => get(session, field),
        Some(ConfigVerb::Path) => {
            let path = path(session)?;
            let exists = path.is_file();
            print(session, &path.display().to_string(), &ConfigPath { path: &path, exists });
            Ok(())
        }
    }
}

async fn show(session: &mut Session) -> Result<(), Failure> {
    let stdin = if session.key_from_stdin() { session.read_stdin().await? } else { Vec::new() };
    let settings = session.settings(&stdin)?;
    match session.output.form {
        Form::Json => session.output.json(&settings.to_json()),
        Form::Quiet | Form::Text => session.output.line(settings.to_text()),
    }
    Ok(())
}

fn print(session: &Session, text: &str, document: &impl Serialize) {
    match session.output.form {
        Form::Json => session.output.json(document),
        Form::Quiet | Form::Text => session.output.line(one_line(text)),
    }
}

fn path(session: &Session) -> Result<PathBuf, Failure> {
    let named = session.flags.config.as_ref().map(|path| session.cwd.join(path));
    let path = named.or_else(|| config::default_path(&session.env)).ok_or_else(|| {
        wrong("there is no home directory for the configuration file").hint("name a file with --config")
    })?;
    // A link to a file that is kept elsewhere stays a link.
    Ok(path.canonicalize().unwrap_or(path))
}

fn init(session: &Session) -> Result<(), Failure> {
    let path = path(session)?;
    if path.exists() {
        return Err(Failure::new(Exit::Output, format!("{} exists already", path.display()))
            .hint("change a field with: ark-video config set FIELD VALUE"));
    }
    let create = || {
        create_private_folder(path.parent().unwrap_or(Path::new("")))?;
        let mut staged = Staged::beside(&path)?;
        staged.write_all(TEMPLATE.as_bytes())?;
        staged.place_new(&path)
    };
    create().map_err(|error| unwritten(&path, &error))?;
    print(session, &path.display().to_string(), &ConfigPath { path: &path, exists: true });
    Ok(())
}

async fn set(session: &mut Session, field: &str, value: &str) -> Result<(), Failure> {
    let keys = keys(session, field)?;
    if is_key(field) && value != "-" {
        session.output.hide(value);
        return Err(Failure::new(Exit::Usage, "a key on the command line stays in the shell's history")
            .hint(format!("pass it on standard input: ark-video config set {field} - < FILE"))
            .hint("nothing was changed"));
    }
    let value = match value {
        "-" => String::from_utf8_lossy(&session.read_stdin().await?).trim().to_owned(),
        value => value.to_owned(),
    };
    if is_secret(field) {
        session.output.hide(&value);
    }
    let value = if field == "api_key" { ark_video::environment::bare_key(&value).to_owned() } else { value };
    if value.is_empty() {
        return Err(
            Failure::new(Exit::Usage, format!("the value of {field} is empty")).hint("nothing was changed")
        );
    }
    check(field, &value)?;
    let path = path(session)?;
    let mut document = read(&path)?;
    let table = table(document.as_table_mut(), &keys)?;
    // The two exclude each other.
    let other = match field {
        "api_key" => table.remove("api_key_file").map(|_| "api_key_file"),
        "api_key_file" => table.remove("api_key").map(|_| "api_key"),
        _ => None,
    };
    let name = keys.last().map(String::as_str).unwrap_or_default();
    let value = if field == "storage.path_style" { Value::from(value == "true") } else { Value::from(value) };
    match table.get_mut(name).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(name, toml_edit::value(value));
        }
    }
    if field.starts_with("storage.") && !table.contains_key("url") {
        return Err(wrong("the storage has no URL yet; nothing was changed")
            .hint("set it first: ark-video config set storage.url s3://BUCKET/PREFIX"));
    }
    let text = document.to_string();
    config::parse(&path, &text, &session.env)?;
    let write = || {
        create_private_folder(path.parent().unwrap_or(Path::new("")))?;
        write_private(&path, text.as_bytes())
    };
    write().map_err(|error| unwritten(&path, &error))?;
    if let Some(other) = other {
        session.output.note(format_args!("{other} was removed: a section has one of the two"));
    }
    print(session, &path.display().to_string(), &ConfigPath { path: &path, exists: true });
    Ok(())
}

fn get(session: &Session, field: &str) -> Result<(), Failure> {
    let keys = keys(session, field)?;
    let path = path(session)?;
    let document = read(&path)?;
    let item = keys.iter().try_fold(document.as_item(), |item, key| item.get(key));
    let value = match item.and_then(Item::as_value) {
        Some(Value::String(text)) => text.value().as_str(),
        Some(Value::Boolean(is_set)) => {
            if *is_set.value() {
                "true"
            } else {
                "false"
            }
        }
        _ => {
            return Err(wrong(format!("{field} is not set in {}", path.display()))
                .hint("`ark-video config` shows the settings in use and their sources"));
        }
    };
    // A proxy's URL may hold a password.
    let masked = is_secret(field) || (field == "proxy" && value.contains('@'));
    let value = if masked { MASK } else { value };
    print(session, value, &ConfigField { field, value, masked });
    Ok(())
}

/// The file, or an empty one if there is none.
fn read(path: &Path) -> Result<DocumentMut, Failure> {
    if !path.exists() {
        return Ok(DocumentMut::new());
    }
    let text = config::read(path)?;
    text.parse().map_err(|_| {
        wrong(format!("{} is not valid TOML", path.display()))
            .hint("fix it in an editor; nothing was changed")
    })
}

/// The path of a field in the file: below the profile that is named, if one is.
fn keys(session: &Session, field: &str) -> Result<Vec<String>, Failure> {
    let profile = session.flags.profile.iter().flat_map(|name| ["profiles".to_owned(), name.clone()]);
    let own: Vec<String> = match field.split_once('.') {
        Some(("headers", name)) if !name.is_empty() => vec!["headers".to_owned(), name.to_owned()],
        Some(("storage", name)) if STORAGE_FIELDS.contains(&name) => {
            vec!["storage".to_owned(), name.to_owned()]
        }
        None if !["headers", "storage", "profiles"].contains(&field) && FIELDS.contains(&field) => {
            vec![field.to_owned()]
        }
        _ => return Err(unknown(field)),
    };
    Ok(profile.chain(own).collect())
}

/// The text is shown only as far as a field resembles it: it may be a key.
fn unknown(field: &str) -> Failure {
    let near = FIELDS.into_iter().filter(|name| *name != "profiles");
    let near = near.map(|name| (strsim::jaro_winkler(field, name), name));
    let near = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness > 0.7);
    let failure = Failure::new(Exit::Usage, "unknown field of the configuration file");
    let failure = match near {
        Some((_, section @ ("headers" | "storage"))) => failure.hint(format!("did you mean {section}.NAME?")),
        Some((_, name)) => failure.hint(format!("did you mean {name}?")),
        None => failure,
    };
    failure
        .hint("fields: api_key, api_key_file, base_url, model, proxy, confirm_above, ca_cert, headers.NAME")
        .hint(format!("and of storage.NAME: {}", STORAGE_FIELDS.join(", ")))
}

/// The table of a field; those that are missing are created.
fn table<'t>(top: &'t mut Table, keys: &[String]) -> Result<&'t mut Table, Failure> {
    let (_, above) = keys.split_last().unwrap_or((&String::new(), &[]));
    above.iter().try_fold(top, |table, key| {
        let created = || {
            let mut created = Table::new();
            // `[profiles]` above `[profiles.NAME]` says nothing.
            created.set_implicit(true);
            Item::Table(created)
        };
        let item = table.entry(key).or_insert_with(created);
        item.as_table_mut().ok_or_else(|| {
            wrong(format!("{key} is not a table of its own in the configuration file"))
                .hint("change it in an editor; nothing was changed")
        })
    })
}

/// Whether the client, or the store, would take the value.
fn check(field: &str, value: &str) -> Result<(), Failure> {
    let client = Client::builder().api_key("checked").allow_insecure_http(true).proxy(Proxy::Direct);
    let client = match field {
        "api_key" => client.api_key(value),
        "base_url" => client.base_url(value),
        "proxy" => client.proxy(Proxy::url(value)),
        _ => match field.split_once('.') {
            Some(("headers", name)) => client.header(name, value),
            Some((_, name)) => return storage::check(name, value),
            None => return Ok(()),
        },
    };
    client.build().map(drop).map_err(|error| {
        crate::api_failure::of(&error, "ark-video").hint("the configuration file was not changed")
    })
}

fn is_key(field: &str) -> bool {
    ["api_key", "storage.access_key_id", "storage.secret_access_key", "storage.session_token"]
        .contains(&field)
}

fn is_secret(field: &str) -> bool {
    is_key(field) || field.starts_with("headers.")
}

fn wrong(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Configuration, message)
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let why = crate::media::reason(error);
    Failure::new(Exit::Output, format!("cannot write the configuration file {}: {why}", path.display()))
}
