//! Normalizes flags before the command line is parsed: `--watermark false`, `--json=no`,
//! `--no-draft` and `--audio off` set the flag, and the value never becomes a prompt;
//! `--aspect_ratio` is `--aspect-ratio`, `--format json` is `--json`. Arguments are only rewritten
//! here, not interpreted.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

/// The command line with every boolean flag in the form that the parser accepts.
pub(crate) fn normalized(args: &[OsString], root: &Command) -> Vec<OsString> {
    let mut out: Vec<OsString> = args.iter().take(1).cloned().collect();
    let mut command = root;
    let mut rest = args.iter().skip(1).peekable();
    while let Some(word) = rest.next() {
        if word == "--" {
            out.push(word.clone());
            break;
        }
        if let Some(form) = form(word, rest.peek().copied()) {
            rest.next_if(|_| word == "--format");
            out.push(form);
            continue;
        }
        let word = &with_dashes(word);
        let text = word.to_str().unwrap_or_default();
        if let Some(off) = switched_off(text, command) {
            out.extend(off);
            continue;
        }
        let Some((arg, given)) = flag(text, command) else {
            command = command.find_subcommand(text).unwrap_or(command);
            out.push(word.clone());
            continue;
        };
        if !is_boolean(arg) {
            out.push(word.clone());
            let values = if given.is_none() && arg.get_action().takes_values() { least(arg) } else { 0 };
            out.extend(rest.by_ref().take(values).cloned());
            continue;
        }
        let beside = given.is_none().then(|| rest.peek().and_then(|next| boolean(next))).flatten();
        if beside.is_some() {
            rest.next();
        }
        match (beside.or_else(|| given.and_then(|given| boolean(OsStr::new(given)))), arg.get_long()) {
            (Some(value), Some(name)) => {
                out.extend(switch_args(name, value, arg, command).map(OsString::from))
            }
            // `-q false`: a flag without a long name is left out.
            (Some(true), None) => out.push(OsString::from(text.split('=').next().unwrap_or_default())),
            (Some(false), None) => {}
            // No value, or one that the parser will reject with the flag's name.
            (None, _) => out.push(word.clone()),
        }
    }
    out.extend(rest.cloned());
    out
}

/// `--json` for arkcli's `--format json`; any other format is not one of ours.
fn form(word: &OsStr, next: Option<&OsString>) -> Option<OsString> {
    let format = match word.to_str()?.strip_prefix("--format")? {
        "" => next?.to_str()?,
        rest => rest.strip_prefix('=')?,
    };
    matches!(format, "json" | "text").then(|| format!("--{format}").into())
}

/// `--aspect-ratio=16:9` for `--aspect_ratio=16:9`.
fn with_dashes(word: &OsStr) -> OsString {
    match word.to_str().filter(|word| word.starts_with("--")) {
        Some(text) => {
            let (name, value) = text.split_at(text.find('=').unwrap_or(text.len()));
            format!("{}{value}", name.replace('_', "-")).into()
        }
        None => word.to_owned(),
    }
}

/// The arguments for `--no-NAME` where NAME is a boolean flag; none where it is off anyway.
fn switched_off(word: &str, command: &Command) -> Option<Vec<OsString>> {
    let name = word.strip_prefix("--no-").filter(|_| flag(word, command).is_none())?;
    let (arg, None) = flag(&format!("--{name}"), command).filter(|(arg, _)| is_boolean(arg))? else {
        return None;
    };
    let off = switch_args(arg.get_long()?, false, arg, command);
    Some(off.map(OsString::from).into_iter().collect())
}

/// The boolean flag before this argument, as it was typed.
pub(crate) fn flag_before(args: &[OsString], word: &str, root: &Command) -> Option<String> {
    let verbs = args.iter().filter_map(|arg| arg.to_str());
    let command = verbs.fold(root, |command, word| command.find_subcommand(word).unwrap_or(command));
    let pair = args.windows(2).find(|pair| pair[1] == *word)?;
    let before = pair[0].to_str()?;
    let (arg, given) = flag(before, command)?;
    (is_boolean(arg) && given.is_none()).then(|| before.to_owned())
}

/// The arguments for a switch that is on, off, or has a value.
fn switch_args(name: &str, value: bool, arg: &Arg, command: &Command) -> Option<String> {
    if arg.get_action().takes_values() {
        return Some(format!("--{name}={value}"));
    }
    if value {
        return Some(format!("--{name}"));
    }
    let opposite = match name.strip_prefix("no-") {
        Some(rest) => rest.to_owned(),
        None => format!("no-{name}"),
    };
    let known = command.get_arguments().any(|arg| arg.get_long() == Some(opposite.as_str()));
    known.then(|| format!("--{opposite}"))
}

/// The clap argument of `--name`, `--name=value` or `-n`, and the value after `=`.
fn flag<'c, 'w>(word: &'w str, command: &'c Command) -> Option<(&'c Arg, Option<&'w str>)> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    // A command that is built has the global options too.
    let mut all = command.get_arguments();
    let found = if let Some(long) = name.strip_prefix("--") {
        all.find(|arg| {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(long) || aliases.contains(&long)
        })
    } else {
        let mut letters = name.strip_prefix('-')?.chars();
        let (letter, None) = (letters.next()?, letters.next()) else { return None };
        all.find(|arg| arg.get_short() == Some(letter))
    };
    Some((found?, value))
}

/// A switch, or an option whose value is true or false.
fn is_boolean(arg: &Arg) -> bool {
    match arg.get_action() {
        ArgAction::SetTrue => true,
        ArgAction::Set => arg.get_value_parser().type_id() == TypeId::of::<bool>(),
        _ => false,
    }
}

/// The least number of values of an option.
fn least(arg: &Arg) -> usize {
    arg.get_num_args().map_or(1, |range| range.min_values())
}

/// The spellings of true and false.
fn boolean(word: &OsStr) -> Option<bool> {
    let word = word.to_str()?.to_ascii_lowercase();
    match word.as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn line(line: &str) -> String {
        let rest: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let root = args::command_for(&rest, None);
        let rest: Vec<String> =
            normalized(&rest, &root).into_iter().map(|word| word.into_string().unwrap()).collect();
        rest.join(" ")
    }

    #[test]
    fn a_value_after_a_space_is_the_flags() {
        for (typed, parsed) in [
            ("a generate x --watermark false", "a generate x --watermark=false"),
            ("a generate --watermark YES x", "a generate --watermark=true x"),
            ("a gen --draft=off x", "a gen --draft=false x"),
            ("a generate x --audio no", "a generate x --no-audio"),
            ("a generate x --no-audio=false", "a generate x --audio"),
            ("a generate x --no-wait false", "a generate x --wait"),
            ("a generate x --dry-run 1 -q 0", "a generate x --dry-run"),
            ("a --json true get cgt-1", "a --json get cgt-1"),
            ("a get --quiet=no cgt-1", "a get cgt-1"),
            ("a batch run l.toml --drop-missing true", "a batch run l.toml --drop-missing"),
            ("a simulate --any-key off", "a simulate"),
            ("a generate x --generate_audio false", "a generate x --no-audio"),
            ("a generate x --no-watermark", "a generate x --watermark=false"),
            ("a generate x --no-draft --no-overwrite", "a generate x --draft=false"),
            ("a generate x --wait false", "a generate x --no-wait"),
            ("a generate x --mute off", "a generate x --audio"),
            ("a generate x --aspect_ratio=16_9", "a generate x --aspect-ratio=16_9"),
            ("a get x --format json", "a get x --json"),
            ("a get x --format=text --format mp4", "a get x --text --format mp4"),
            // Not a value of these.
            ("a generate x --watermark maybe", "a generate x --watermark maybe"),
            ("a generate x --watermark=maybe", "a generate x --watermark=maybe"),
            ("a generate --prompt yes --seed 0", "a generate --prompt yes --seed 0"),
            ("a generate -p --draft x", "a generate -p --draft x"),
            ("a models --why 2.5 on", "a models --why 2.5 on"),
            ("a generate --draft r.json", "a generate --draft r.json"),
            ("a simulate --audit -- c --json false", "a simulate --audit -- c --json false"),
        ] {
            assert_eq!(line(typed), parsed, "{typed}");
        }
    }

    /// Whatever flag is added later, its value never becomes a prompt, a name or an id.
    #[test]
    fn every_boolean_flag_of_every_command_takes_its_value() {
        fn walk(command: &Command, path: &str, root: &Command, seen: &mut usize) {
            for arg in command.get_arguments().filter(|arg| is_boolean(arg)) {
                let Some(name) = arg.get_long() else { continue };
                for value in ["true", "false", "yes", "no", "on", "off"] {
                    let rest = format!("{path} --{name} {value}");
                    let rest: Vec<OsString> = rest.split(' ').map(OsString::from).collect();
                    let after = normalized(&rest, root);
                    assert!(!after.contains(&OsString::from(value)), "{path} --{name} {value}: {after:?}");
                    *seen += 1;
                }
            }
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                walk(sub, &format!("{path} {}", sub.get_name()), root, seen);
            }
        }
        let root = args::command(None);
        let mut seen = 0;
        walk(&root, "ark-video", &root, &mut seen);
        assert!(seen > 300, "{seen}");
    }
}
