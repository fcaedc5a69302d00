//! Rust source as a flat list of tokens, so that a rule finds `Instant::now` in code and never in a comment, a string or
//! a test. `use` groups are written out (`use a::{b, c}` gives `a::b` and `a::c`). Knows nothing of types: an alias hides.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One token and the line it stands on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) tokens: Vec<Token>,
    /// Names of the modules declared as `#[cfg(test)] mod NAME;`: their files are test code.
    pub(crate) test_modules: Vec<String>,
}

/// Which part of a file to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// All of it.
    All,
    /// What is left without items behind `#[cfg(test)]`.
    Shipped,
}

/// Reads a file; an error says what is not Rust.
pub(crate) fn scan(text: &str, code: Code) -> Result<Scan, String> {
    let stream = TokenStream::from_str(text).map_err(|e| format!("is not Rust that can be read: {e}"))?;
    let mut scan = Scan::default();
    walk(stream, code, &mut scan);
    Ok(scan)
}

/// The lines on which `pattern` occurs: a run of tokens such as `Instant::now`, `println!`, `#[ignore` or `env::var*`
/// (a final star lets the last word go on).
pub(crate) fn lines_with(scan: &Scan, pattern: &str) -> Vec<usize> {
    let (pattern, open_end) = match pattern.strip_suffix('*') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let wanted = words(pattern);
    let Some((last, _)) = wanted.split_last() else { return Vec::new() };
    scan.tokens
        .windows(wanted.len())
        .filter(|window| {
            window.iter().zip(&wanted).enumerate().all(|(at, (token, word))| {
                token.text == *word
                    || (open_end && at + 1 == wanted.len() && token.text.starts_with(last.as_str()))
            })
        })
        .map(|window| window[0].line)
        .collect()
}

/// Splits a pattern into the words that the tokens of a file are compared with.
fn words(pattern: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in pattern.chars() {
        let part_of_word = c.is_alphanumeric() || c == '_';
        match words.last_mut() {
            Some(word) if part_of_word && in_word => word.push(c),
            _ if c.is_whitespace() => {}
            _ => words.push(c.to_string()),
        }
        in_word = part_of_word;
    }
    words
}

fn walk(stream: TokenStream, code: Code, scan: &mut Scan) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < trees.len() {
        if let Some(end) = test_item_end(&trees, at) {
            note_test_module(&trees[at..end], scan);
            if code == Code::Shipped {
                at = end;
                continue;
            }
        }
        if is_word(&trees[at], "use") && !trees.get(at + 1).is_some_and(|next| is_punct(next, '<')) {
            let end = trees[at..].iter().position(|t| is_punct(t, ';')).map_or(trees.len(), |n| at + n);
            for path in use_paths(&trees[at + 1..end], &[]) {
                scan.tokens.extend(path);
                scan.tokens.push(Token { text: ";".into(), line: line_of(&trees[at]) });
            }
            at = end;
            continue;
        }
        match &trees[at] {
            TokenTree::Group(group) => {
                let (open, close) = delimiters(group);
                scan.tokens.push(Token { text: open.into(), line: group.span_open().start().line });
                walk(group.stream(), code, scan);
                scan.tokens.push(Token { text: close.into(), line: group.span_close().start().line });
            }
            tree => scan.tokens.push(token(tree)),
        }
        at += 1;
    }
}

/// Writes out a `use` tree: one run of tokens per imported path.
fn use_paths(trees: &[TokenTree], prefix: &[Token]) -> Vec<Vec<Token>> {
    let mut path = prefix.to_vec();
    for tree in trees {
        match tree {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                return inner
                    .split(|t| is_punct(t, ','))
                    .filter(|part| !part.is_empty())
                    .flat_map(|part| use_paths(part, &path))
                    .collect();
            }
            tree => path.push(token(tree)),
        }
    }
    vec![path]
}

/// Where the item behind a `#[cfg(test)]` at `at` ends; `None` when there is no such attribute.
fn test_item_end(trees: &[TokenTree], at: usize) -> Option<usize> {
    let [hash, TokenTree::Group(attribute), ..] = &trees[at..] else { return None };
    if !is_punct(hash, '#') || !is_cfg_test(attribute) {
        return None;
    }
    let mut end = at + 2;
    while end < trees.len() {
        match &trees[end] {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return Some(end + 1),
            tree if is_punct(tree, ';') => return Some(end + 1),
            _ => end += 1,
        }
    }
    Some(end)
}

/// `cfg(test)` or `cfg(all(test, ..))`; `any(test, ..)` and `not(test)` also build without tests.
fn is_cfg_test(attribute: &Group) -> bool {
    let parts: Vec<TokenTree> = attribute.stream().into_iter().collect();
    let [name, TokenTree::Group(condition)] = parts.as_slice() else { return false };
    let condition: Vec<TokenTree> = condition.stream().into_iter().collect();
    is_word(name, "cfg")
        && match condition.as_slice() {
            [only] => is_word(only, "test"),
            [all, TokenTree::Group(list)] => {
                is_word(all, "all") && list.stream().into_iter().any(|t| is_word(&t, "test"))
            }
            _ => false,
        }
}

fn note_test_module(item: &[TokenTree], scan: &mut Scan) {
    if let [.., keyword, TokenTree::Ident(name), end] = item
        && is_word(keyword, "mod")
        && is_punct(end, ';')
    {
        scan.test_modules.push(name.to_string());
    }
}

fn token(tree: &TokenTree) -> Token {
    // A literal is never part of a pattern, and may be long.
    let text = if matches!(tree, TokenTree::Literal(_)) { "\"\"".to_owned() } else { tree.to_string() };
    Token { text, line: line_of(tree) }
}

fn line_of(tree: &TokenTree) -> usize {
    tree.span().start().line
}

fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}

fn is_punct(tree: &TokenTree, punct: char) -> bool {
    matches!(tree, TokenTree::Punct(p) if p.as_char() == punct)
}

fn delimiters(group: &Group) -> (&'static str, &'static str) {
    match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, pattern: &str, code: Code) -> Vec<usize> {
        lines_with(&scan(text, code).expect("Rust"), pattern)
    }

    #[test]
    fn code_is_found_and_comments_and_strings_are_not() {
        let text = "// Instant::now()\n/// `Instant::now`\nfn f() -> &'static str {\n    let _ = std::time::Instant::now();\n    \"Instant::now()\"\n}\n";
        assert_eq!(found(text, "Instant::now", Code::Shipped), [4]);
    }

    #[test]
    fn macros_and_attributes_are_found() {
        let text = "fn f() {\n  tokio::select! { x = a => { println!(\"x\") } }\n}\n#[ignore = \"slow\"]\nfn g() {}\n";
        assert_eq!(found(text, "println!", Code::Shipped), [2]);
        assert_eq!(found(text, "#[ignore", Code::Shipped), [4]);
        assert!(found(text, "print!", Code::Shipped).is_empty());
    }

    #[test]
    fn a_star_lets_the_last_word_go_on() {
        let text = "fn f() { std::env::var_os(\"A\"); env::vars(); env!(\"B\"); }";
        assert_eq!(found(text, "env::var*", Code::Shipped).len(), 2);
        assert_eq!(found(text, "env::var", Code::Shipped).len(), 0);
    }

    #[test]
    fn use_groups_are_written_out() {
        let text = "use std::{env::{args, var},\n  fs};\nfn f() -> impl Sized + use<> {}\n";
        assert_eq!(found(text, "std::env::var", Code::Shipped), [1]);
        assert_eq!(found(text, "std::fs", Code::Shipped), [1]);
        assert!(found(text, "std::args", Code::Shipped).is_empty());
    }

    #[test]
    fn test_code_is_left_out_only_when_asked() {
        let text = "#[cfg(test)]\nmod tests {\n  fn f() { println!() }\n}\n#[cfg(not(test))]\nfn g() { println!() }\n#[cfg(any(test, feature = \"x\"))]\nfn h() { println!() }\n";
        assert_eq!(found(text, "println!", Code::Shipped), [6, 8]);
        assert_eq!(found(text, "println!", Code::All), [3, 6, 8]);
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_named() {
        let text = "#[cfg(test)]\nmod fixtures;\n#[cfg(all(test, unix))] pub(crate) mod more;\nmod real;\n";
        assert_eq!(scan(text, Code::Shipped).expect("Rust").test_modules, ["fixtures", "more"]);
    }

    #[test]
    fn what_is_not_rust_is_an_error() {
        assert!(scan("fn f( {", Code::All).is_err());
    }
}
