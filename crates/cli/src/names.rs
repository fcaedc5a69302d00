//! Places in a request as the user knows them: `--ref hero.mov` in place of `content[3]`, `r.json: duration` in place of
//! `/duration`. Used for our own findings and for what the service says.

use std::collections::BTreeMap;

/// Who put something into the request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// A flag or an argument that says just this.
    Flag(String),
    /// A text that holds a path to it: a file, standard input, `--extra-body`.
    Within(String),
}

/// Who put what into one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// The file or stream that the whole request came from, if one did.
    pub(crate) file: Option<String>,
    /// Members of the request that something else than the file said.
    pub(crate) fields: BTreeMap<String, Said>,
    /// The items of `content`, with their places in what said them.
    pub(crate) items: Vec<(Said, usize)>,
}

impl Names {
    pub(crate) fn flag(&mut self, field: &str, flag: &str) {
        self.fields.insert(field.to_owned(), Said::Flag(flag.to_owned()));
    }

    /// Whether a field was said by --extra-body, which is for what the API does not have.
    pub(crate) fn insists_on(&self, field: &str) -> bool {
        matches!(self.fields.get(field), Some(Said::Within(text)) if text == "--extra-body")
    }

    /// A JSON pointer as the user knows it.
    pub(crate) fn place(&self, pointer: &str) -> String {
        let Some(path) = pointer.strip_prefix('/') else { return self.whole() };
        let parts: Vec<String> =
            path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        self.origin(&parts).unwrap_or_else(|| match &self.file {
            Some(file) => format!("{file}: {}", dotted(&parts)),
            None => dotted(&parts),
        })
    }

    /// The whole request as the user knows it.
    pub(crate) fn whole(&self) -> String {
        self.file.clone().unwrap_or_else(|| "the request".to_owned())
    }

    /// The flag or the file of a path such as `content[3].image_url.url` or `duration`, where one is known.
    pub(crate) fn of_path(&self, path: &str) -> Option<String> {
        let parts: Vec<String> =
            path.split(['.', '[']).map(|part| part.trim_end_matches(']').to_owned()).collect();
        let known = self.origin(&parts);
        known.or_else(|| self.file.as_ref().map(|file| format!("{file}: {path}")))
    }

    fn origin(&self, parts: &[String]) -> Option<String> {
        let within = |said: &Said, path: String| match said {
            Said::Flag(flag) => flag.clone(),
            Said::Within(text) => format!("{text}: {path}"),
        };
        match parts {
            // The service writes `contents` where a setting in the prompt is wrong.
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

    /// The member that a sentence without a name beside it is about: what stands in back quotes first, if a flag set it.
    pub(crate) fn subject<'m>(&self, message: &'m str) -> Option<&'m str> {
        message.split('`').nth(1).filter(|word| self.fields.contains_key(*word))
    }

    /// A sentence of the service with every path in it explained: `content[3].video_url.url` (`--ref hero.mov`).
    pub(crate) fn explain(&self, message: &str, param: Option<&str>) -> String {
        let mut told = String::with_capacity(message.len());
        let mut rest = message;
        let mut explained = Vec::new();
        let start = |text: &str| ["content[", "contents["].iter().filter_map(|list| text.find(list)).min();
        while let Some(at) = start(rest) {
            let end = at + path_length(&rest[at..]);
            let path = &rest[at..end];
            let quote = rest[end..].starts_with(['`', '\'']);
            let end = end + usize::from(quote);
            told.push_str(&rest[..end]);
            let index = path.split(['[', ']']).nth(1);
            let whole = path.contains(']') && index.is_some_and(|index| index.parse::<usize>().is_ok());
            if let Some(origin) = self.of_path(path).filter(|_| whole && !explained.contains(&path)) {
                told.push_str(&format!(" ({origin})"));
                explained.push(path);
            }
            rest = &rest[end..];
        }
        told.push_str(rest);
        let field =
            param.filter(|param| explained.is_empty() && !param.is_empty() && start(param) != Some(0));
        match field.and_then(|field| Some((field, self.of_path(field)?))) {
            Some((field, origin)) => after_word(&told, field, &origin),
            None => told,
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

/// How far a path reaches: letters, digits, underscores, brackets, and dots that go on.
fn path_length(text: &str) -> usize {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '[' | ']' | '.');
    let end = text.find(|c| !inside(c)).unwrap_or(text.len());
    text[..end].trim_end_matches('.').len()
}

/// Puts the origin behind the first time that the field stands alone.
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
            (Said::Flag("the prompt".into()), 0),
            (Said::Within("r.json".into()), 4),
            (Said::Flag("--ref hero.mov".into()), 0),
        ];
        names.fields.insert("seed".into(), Said::Within("--extra-body".into()));
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
