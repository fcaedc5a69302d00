//! The known fault of Apifox exports: a plain YAML scalar that holds `: ` or begins with a reserved
//! character, which no YAML parser takes. Quotes the value of exactly the lines at which the parser
//! stops; every other fault stays a fault.

use serde_json::Value;

use super::strict::{self, Fault};

/// No more lines than this are repaired: a text with more of them is something else.
const MOST: usize = 400;

/// A text that is one YAML document, and a warning for each line that had to be quoted.
/// `first_line` is the number of its first line in the file.
pub(super) fn yaml(text: &str, first_line: usize) -> Result<(Value, Vec<String>), Fault> {
    let original = match strict::yaml(text) {
        Ok(value) => return Ok((value, Vec::new())),
        Err(fault) => fault,
    };
    let moved = |fault: Fault| Fault { line: fault.line + first_line - 1, ..fault };
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let (mut repaired, mut at) = (Vec::new(), original.line);
    while repaired.len() < MOST {
        // Parsers name the line of the fault, or the one after it.
        let candidate = [at, at.saturating_sub(1)]
            .into_iter()
            .filter(|line| *line > 0 && *line <= lines.len() && !repaired.contains(line))
            .find_map(|line| quoted(&lines[line - 1]).map(|text| (line, text)));
        let Some((line, text)) = candidate else { break };
        lines[line - 1] = text;
        repaired.push(line);
        match strict::yaml(&lines.join("\n")) {
            Ok(value) => {
                repaired.sort_unstable();
                let warn = |line: usize| {
                    format!(
                        "line {}: repaired: a plain text that holds `: ` or begins with a reserved character was quoted, as YAML \
                         asks",
                        line + first_line - 1
                    )
                };
                return Ok((value, repaired.into_iter().map(warn).collect()));
            }
            Err(fault) => at = fault.line,
        }
    }
    Err(moved(original))
}

/// The line with its plain value in single quotes; `None` where there is no such value.
fn quoted(line: &str) -> Option<String> {
    let body = line.strip_suffix('\r').unwrap_or(line);
    let mut start = body.len() - body.trim_start_matches(' ').len();
    while body[start..].starts_with("- ") {
        start += 2;
        start += body[start..].len() - body[start..].trim_start_matches(' ').len();
    }
    let rest = &body[start..];
    let colon = rest.find(": ")?;
    let key = &rest[..colon];
    let is_key = !key.is_empty()
        && (key.chars().all(|c| c.is_alphanumeric() || "_-.$/{}".contains(c))
            || (key.len() > 1 && key.starts_with(['\'', '"']) && key.ends_with(['\'', '"'])));
    let value = rest[colon + 2..].trim();
    let reserved = value.starts_with(['@', '`', '%']);
    let plain = !value.is_empty() && !value.starts_with(['\'', '"', '|', '>', '{', '[', '&', '*', '!', '#']);
    if !is_key || !plain || !(reserved || value.contains(": ") || value.ends_with(':')) {
        return None;
    }
    let end = if body.len() < line.len() { "\r" } else { "" };
    Some(format!("{}{key}: '{}'{end}", &body[..start], value.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_texts_with_a_colon_are_quoted_and_named() {
        for (text, value, lines) in [
            ("a: one: two\n", json!({"a": "one: two"}), vec![5]),
            (
                "a:\n  b: Official documentation: https://x.y/z\n  c: it's: so\nd: 1\n",
                json!({"a": {"b": "Official documentation: https://x.y/z", "c": "it's: so"}, "d": 1}),
                vec![6, 7],
            ),
            ("a:\n  - b: c: d\n    e: 1\n", json!({"a": [{"b": "c: d", "e": 1}]}), vec![6]),
            ("a: @x\r\nb: 2\r\n", json!({"a": "@x", "b": 2}), vec![5]),
            ("a: see below:\nb: 2\n", json!({"a": "see below:", "b": 2}), vec![5]),
            ("a: |\n  b: c: d\ne: 1\n", json!({"a": "b: c: d\n", "e": 1}), vec![]),
        ] {
            let (found, warnings) = yaml(text, 5).unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
            assert_eq!(found, value, "{text:?}");
            let named: Vec<bool> = lines
                .iter()
                .zip(&warnings)
                .map(|(line, warning)| warning.starts_with(&format!("line {line}: ")))
                .collect();
            assert_eq!(named, vec![true; lines.len()], "{warnings:?}");
            assert_eq!(warnings.len(), lines.len(), "{warnings:?}");
        }
    }

    #[test]
    fn other_faults_stay_faults_at_their_own_line() {
        for (text, line) in [("a: [1\nb: 2\n", 0), ("a: 1\n\tb: 2\n", 0), ("a: 1\na: 2: 3\nb: [\n", 0)] {
            let fault = yaml(text, 10).unwrap_err();
            assert!(fault.line >= 10 + line, "{fault}");
        }
    }
}
