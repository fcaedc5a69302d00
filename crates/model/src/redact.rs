//! The `Debug` form of prompts, URLs and unknown fields: recognisable without leaking content.

use std::fmt;

use serde_json::{Map, Value};

/// A text of the user's, as its length.
pub(crate) struct Prompt<'a>(pub(crate) &'a str);

impl fmt::Debug for Prompt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} characters>", self.0.chars().count())
    }
}

/// An address: media type and length of a data URL; of any other what stands before the path's
/// secrets and the query.
pub(crate) struct Url<'a>(pub(crate) &'a str);

impl fmt::Debug for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.short())
    }
}

impl Url<'_> {
    fn short(&self) -> String {
        let url = self.0;
        if url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
            let media = url[5..].split([';', ',']).next().unwrap_or_default();
            let media: String = media.chars().take(32).collect();
            return format!("<data:{media}, {} bytes>", url.len());
        }
        match url.split_once("://") {
            Some(("asset", id)) if id.len() <= 80 => format!("<asset://{id}>"),
            Some((scheme, rest)) if scheme.len() <= 8 => {
                let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = authority.rsplit('@').next().unwrap_or_default();
                let host: String = host.chars().take(100).collect();
                format!("<{scheme}://{host}/…>")
            }
            _ => format!("<{} characters>", url.chars().count()),
        }
    }
}

/// Unknown fields by name only: their content is unknown.
pub(crate) struct Names<'a>(pub(crate) &'a Map<String, Value>);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_their_secrets() {
        let shown = |url: &str| format!("{:?}", Url(url));
        assert_eq!(shown("data:image/png;base64,iVBORw0KGgo="), "<data:image/png, 34 bytes>");
        assert_eq!(
            shown("https://user:pass@h.example.com/secret.mp4?X-Tos-Signature=1"),
            "<https://h.example.com/…>"
        );
        assert_eq!(shown("asset://asset-20260601120000-ab1cd"), "<asset://asset-20260601120000-ab1cd>");
        assert_eq!(shown("iVBORw0KGgo="), "<12 characters>");
        assert_eq!(shown(""), "<0 characters>");
        assert_eq!(shown("dätä"), "<4 characters>");
    }
}
