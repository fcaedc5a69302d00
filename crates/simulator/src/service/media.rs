//! What the media of a request are: in data URLs read by the media crate as the checks read them,
//! behind other URLs as the host has measured them. Fetches nothing.

use std::collections::BTreeMap;

use ark_video_media::{facts_of_request, facts_of_url};
use ark_video_model::{
    CreateTaskRequest,
    check::{Facts, MediaFacts, MediaKind},
};

use crate::options::Options;

/// Facts of media behind URLs.
pub(crate) type Measured = BTreeMap<String, MediaFacts>;

/// What is known of the media of a request; nothing where the options ignore them.
pub(crate) fn facts(request: &CreateTaskRequest, options: &Options, measured: &Measured) -> Facts {
    if options.ignores_media {
        return Facts::new();
    }
    let mut facts = facts_of_request(request);
    for (index, item) in request.content.iter().enumerate() {
        if let Some(known) = item.media().and_then(|(_, url)| measured.get(url)) {
            facts.insert(index, known.clone());
        }
    }
    facts
}

/// Width and height of an image in a data URL, if its first bytes contain them.
pub(crate) fn image_size(url: &str) -> Option<(u32, u32)> {
    let facts = facts_of_url(url, MediaKind::Image).ok()??;
    facts.width.zip(facts.height)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn the_size_of_an_image_is_read_from_its_head() {
        // A PNG signature and the IHDR of a 300 by 400 image; the rest is not needed.
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x2c\0\0\x01\x90\x08\x02\0\0\0\0\0\0\0";
        let link = format!("data:image/png;base64,{}", STANDARD.encode(png));
        assert_eq!(image_size(&link), Some((300, 400)));
        assert_eq!(image_size("data:image/png;base64,iVBORw0KGgo="), None);
        assert_eq!(image_size("https://a.example/cat.png"), None);
    }
}
