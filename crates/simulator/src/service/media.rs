//! The forms that a media URL may have: web address, asset, data URL. Nothing is fetched.

use ark_video_model::ContentItem;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::complaint::{Checked, Complaint};
use crate::catalog::catalog;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Image,
    Video,
    Audio,
}

/// Checks the URL of an item, if it has one.
pub(crate) fn check(at: usize, item: &ContentItem) -> Checked<()> {
    match item {
        ContentItem::Image(image) => {
            url(Kind::Image, &image.image_url.url, || format!("content[{at}].image_url.url"))
        }
        ContentItem::Video(video) => {
            url(Kind::Video, &video.video_url.url, || format!("content[{at}].video_url.url"))
        }
        ContentItem::Audio(audio) => {
            url(Kind::Audio, &audio.audio_url.url, || format!("content[{at}].audio_url.url"))
        }
        _ => Ok(()),
    }
}

fn url(kind: Kind, url: &str, param: impl Fn() -> String) -> Checked<()> {
    if url.is_empty() {
        let empty = Complaint::invalid(param(), "the url is empty");
        return Err(if kind == Kind::Image { empty.code("InvalidImageURL.EmptyURL") } else { empty });
    }
    if let Some(data) = url.strip_prefix("data:") {
        return match kind {
            Kind::Video => Err(Complaint::invalid(param(), "video_url must be a web url or an asset")),
            Kind::Image => self::data(data, "image/", |word| catalog().image_format(word))
                .map_err(|why| Complaint::invalid(param(), why).code("InvalidImageURL.InvalidFormat")),
            Kind::Audio => self::data(data, "audio/", |word| catalog().audio_format(word))
                .map_err(|why| Complaint::invalid(param(), why)),
        };
    }
    if let Some(asset) = url.strip_prefix("asset://") {
        let named = !asset.is_empty() && asset.bytes().all(|byte| byte.is_ascii_graphic());
        return if named { Ok(()) } else { Err(Complaint::invalid(param(), "the asset is not found")) };
    }
    if let Some(object) = url.strip_prefix("tos://") {
        let whole = object.split_once('/').is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
        let bad = || {
            Complaint::invalid(param(), "it must have the form tos://bucket/key")
                .code("InvalidParameter.TosURLInvalid")
        };
        return if whole { Ok(()) } else { Err(bad()) };
    }
    if is_web(url) { Ok(()) } else { Err(Complaint::invalid(param(), "invalid url specified")) }
}

/// Whether it is an http or https address with a host. Loose on purpose: paths with any letters are common.
pub(crate) fn is_web(url: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let head = url.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &url[scheme.len()..])
    });
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !url.chars().any(|character| character.is_control() || character == ' ')
    })
}

/// Checks what follows `data:`. Only the alphabet of the base64 text is looked at, not every byte that it stands for.
fn data(data: &str, prefix: &str, known: impl Fn(&str) -> bool) -> Result<(), &'static str> {
    let Some((head, body)) = data.split_once(',') else { return Err("the data url has no data") };
    let Some(word) = head.strip_prefix(prefix).and_then(|head| head.strip_suffix(";base64")) else {
        return Err("the data url must have the form data:<type>/<format>;base64,<data>");
    };
    if !known(word) {
        return Err("the format of the data url is not supported; it must be written in lower case");
    }
    let bare = body.trim_end_matches('=');
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    if bare.is_empty() || bare.len() % 4 == 1 || body.len() - bare.len() > 2 || !bare.bytes().all(alphabet) {
        return Err("the data url is not valid base64");
    }
    Ok(())
}

/// Width and height of an image in a data URL, where its first bytes tell.
pub(crate) fn image_size(url: &str) -> Option<(u32, u32)> {
    const HEAD: usize = 64 * 1024;
    let body = url.strip_prefix("data:")?.split_once(',')?.1;
    // Whole groups of four only; a head that is cut short is enough for every format.
    let head = body.get(..body.len().min(HEAD) / 4 * 4)?;
    let size = imagesize::blob_size(&STANDARD.decode(head).ok()?).ok()?;
    let side = |pixels: usize| u32::try_from(pixels).ok().filter(|pixels| *pixels > 0);
    Some((side(size.width)?, side(size.height)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_its_own_forms() {
        use Kind::{Audio, Image, Video};
        for (kind, text, good) in [
            (Image, "https://a.example/ü.png?x=1", true),
            (Image, "HTTP://a.example", true),
            (Image, "data:image/png;base64,iVBORw0KGgo=", true),
            (Image, "data:image/PNG;base64,iVBORw0KGgo=", false),
            (Image, "data:image/png,iVBORw0KGgo=", false),
            (Image, "data:image/png;base64,%%%", false),
            (Image, "data:image/png;base64,", false),
            (Image, "asset://asset-20260601120000-ab1cd", true),
            (Image, "asset://", false),
            (Image, "cat.png", false),
            (Image, "https://", false),
            (Image, "file:///etc/passwd", false),
            (Image, "tos://bucket/key", true),
            (Image, "tos://bucket", false),
            (Video, "https://a.example/v.mp4", true),
            (Video, "asset://asset-1", true),
            (Video, "data:video/mp4;base64,AAAA", false),
            (Audio, "data:audio/wav;base64,UklGRiQAAABXQVZF", true),
            (Audio, "data:image/png;base64,UklGRg==", false),
            (Audio, "", false),
        ] {
            assert_eq!(url(kind, text, String::new).is_ok(), good, "{text}");
        }
    }

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
