//! Maps paths in a request to their sources: `content[3]` to `--ref hero.mov`, `/duration` to
//! `r.json: duration`. Used for findings and for errors of the service.

use std::collections::BTreeMap;

/// The source of a part of the request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// A flag or an argument.
    Flag(String),
    /// A document and the path in it: a file, standard input, `--extra-body`.
    Within(String),
}

/// The sources of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// The file or stream of the whole request, if there is one.
    pub(crate) file: Option<String>,
    /// Fields with another source than the file.
    pub(crate) fields: BTreeMap<String, Source>,
    /// The items of `content`: source and index there.
    pub(crate) items: Vec<(Source, usize)>,
}

impl Names {
    pub(crate) fn flag(&mut self, field: &str, flag: &str) {
        self.fields.insert(field.to_owned(), Source::Flag(flag.to_owned()));
    }

    /// Whether a field came from --extra-body, which is for fields unknown to the schema.
    pub(crate) fn insists_on(&self, field: &str) -> bool {
        matches!(self.fields.get(field), Some(Source::Within(text)) if text == "--extra-body")
    }

    /// The source of a JSON pointer.
    pub(crate) fn place(&self, pointer: &str) -> String {
        let Some(path) = pointer.strip_prefix('/') else { return self.whole() };
        let parts: Vec<String> =
            path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        self.origin(&parts).unwrap_or_else(|| match &self.file {
            Some(file) => format!("{file}: {}", dotted(&parts)),
            None => dotted(&parts),
        })
    }

    /// The source of the whole request.
    pub(crate) fn whole(&self) -> String {
        self.file.clone().unwrap_or_else(|| "the request".to_owned())
    }

    /// The flag or file of a path such as `content[3].image_url.url` or `duration`, if known.
    pub(crate) fn of_path(&self, path: &str) -> Option<String> {
        let parts: Vec<String> =
            path.split(['.', '[']).map(|part| part.trim_end_matches(']').to_owned()).collect();
        let known = self.origin(&parts);
        known.or_else(|| self.file.as_ref().map(|file| format!("{file}: {path}")))
    }

    fn origin(&self, parts: &[String]) -> Option<String> {
        let within = |said: &Source, path: String| match said {
            Source::Flag(flag) => flag.clone(),
            Source::Within(text) => format!("{text}: {path}"),
        };
        match parts {
            // The service writes `contents` for a setting in the prompt.
            [list, index, rest @ ..] if list == "content" || list == "contents" => {
                let (said, at) = self.items.get(index.parse::<usize>().ok()?)?;
                let mut path = format!("content[{at}]");
                for part in rest {
                    path.push_str(&format!(".{part}"));
                }
                Some(within(said, path))
            }
            [field, ..] => self.fields.get(field).map(|said| within(said, dotted(parts))),
            [] => None,
        }
    }

    /// The field that a message is about: the first name in backticks, if a flag set it.
    pub(crate) fn subject<'m>(&self, message: &'m str) -> Option<&'m str> {
        message.split('`').nth(1).filter(|word| self.fields.contains_key(*word))
    }

    /// A message of the service with every path explained: `content[3].video_url.url` (`--ref
    /// hero.mov`).
    pub(crate) fn explain(&self, message: &str, param: Option<&str>) -> String {
        let mut output = String::with_capacity(message.len());
        let mut rest = message;
        let mut explained = Vec::new();
        let start = |text: &str| ["content[", "contents["].iter().filter_map(|list| text.find(list)).min();
        while let Some(at) = start(rest) {
            let end = at + path_length(&rest[at..]);
            let path = &rest[at..end];
            let quote = rest[end..].starts_with(['`', '\'']);
            let end = end + usize::from(quote);
            output.push_str(&rest[..end]);
            let index = path.split(['[', ']']).nth(1);
            let whole = path.contains(']') && index.is_some_and(|index| index.parse::<usize>().is_ok());
            if let Some(origin) = self.of_path(path).filter(|_| whole && !explained.contains(&path)) {
                output.push_str(&format!(" ({origin})"));
                explained.push(path);
            }
            rest = &rest[end..];
        }
        output.push_str(rest);
        let field =
            param.filter(|param| explained.is_empty() && !param.is_empty() && start(param) != Some(0));
        match field.and_then(|field| Some((field, self.of_path(field)?))) {
            Some((field, origin)) => after_word(&output, field, &origin),
            None => output,
        }
    }
}

/// `content[3].image_url.url` from its parts.
fn dotted(parts: &[String]) -> String {
    let mut path = String::new();
    for part in parts {
        match part.parse::<usize>() {
            Ok(index) => path.push_str(&format!("[{index}]")),
            Err(_) if path.is_empty() => path.push_str(part),
            Err(_) => path.push_str(&format!(".{part}")),
        }
    }
    path
}

/// The length of a path: letters, digits, underscores, brackets, and dots before a letter.
fn path_length(text: &str) -> usize {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '[' | ']' | '.');
    let end = text.find(|c| !inside(c)).unwrap_or(text.len());
    text[..end].trim_end_matches('.').len()
}

/// Inserts the source after the first occurrence of the field alone.
fn after_word(text: &str, field: &str, origin: &str) -> String {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let alone = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + field.len()..].chars().next();
        !before.is_some_and(letter) && !after.is_some_and(letter)
    };
    match text.match_indices(field).map(|(at, _)| at).find(|at| alone(*at)) {
        Some(at) => {
            let mut end = at + field.len();
            end += usize::from(text[end..].starts_with('`'));
            format!("{} ({origin}){}", &text[..end], &text[end..])
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names { file: Some("r.json".into()), ..Names::default() };
        names.flag("duration", "--duration");
        names.items = vec![
            (Source::Flag("the prompt".into()), 0),
            (Source::Within("r.json".into()), 4),
            (Source::Flag("--ref hero.mov".into()), 0),
        ];
        names.fields.insert("seed".into(), Source::Within("--extra-body".into()));
        names
    }

    #[test]
    fn pointers_become_what_the_user_typed() {
        let names = names();
        for (pointer, place) in [
            ("", "r.json"),
            ("/content/2/video_url/url", "--ref hero.mov"),
            ("/content/1/role", "r.json: content[4].role"),
            ("/content/0/text", "the prompt"),
            ("/content/9", "r.json: content[9]"),
            ("/content", "r.json: content"),
            ("/duration", "--duration"),
            ("/seed", "--extra-body: seed"),
            ("/tools/0/type", "r.json: tools[0].type"),
            ("/a~1b", "r.json: a/b"),
        ] {
            assert_eq!(names.place(pointer), place);
        }
        assert_eq!(Names::default().place("/content/1/role"), "content[1].role");
        assert_eq!(Names::default().place(""), "the request");
    }

    #[test]
    fn the_services_paths_are_explained_where_they_stand() {
        let names = names();
        let said = |message: &str, param| names.explain(message, param);
        assert_eq!(
            said(
                "The parameter `content[2].video_url.url` specified in the request is not valid: too short.",
                Some("content[2].video_url.url")
            ),
            "The parameter `content[2].video_url.url` (--ref hero.mov) specified in the request is not valid: too short."
        );
        assert_eq!(
            said("content[1].role and content[2]. content[1].role", None),
            "content[1].role (r.json: content[4].role) and content[2] (--ref hero.mov). content[1].role"
        );
        assert_eq!(
            said(
                "the parameter duration specified in the request is not valid for model m",
                Some("duration")
            ),
            "the parameter duration (--duration) specified in the request is not valid for model m"
        );
        assert_eq!(
            said("the input image 'content[1]' 'content[2]' may contain real person.", Some("content[1]")),
            "the input image 'content[1]' (r.json: content[4]) 'content[2]' (--ref hero.mov) may contain real person."
        );
        assert_eq!(
            said("`contents[2].text.duration` is wrong", Some("contents[2].text.duration")),
            "`contents[2].text.duration` (--ref hero.mov) is wrong"
        );
        assert_eq!(said("`seed` is wrong", Some("seed")), "`seed` (--extra-body: seed) is wrong");
        assert_eq!(names.subject("The parameter `duration` must be -1"), Some("duration"));
        assert_eq!(names.subject("The parameter `ratio` must be -1"), None);
        assert_eq!(said("durations", Some("duration")), "durations");
        assert_eq!(said("content[ content[x]", None), "content[ content[x]");
        assert_eq!(Names::default().explain("`content[1]`: no", Some("content[1]")), "`content[1]`: no");
    }
}
