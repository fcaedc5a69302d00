//! What an image in a data URL measures. Nothing is fetched.

use base64::{Engine, engine::general_purpose::STANDARD};

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
    fn the_size_of_an_image_is_read_from_its_head() {
        // A PNG signature and the IHDR of a 300 by 400 image; the rest is not needed.
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x2c\0\0\x01\x90\x08\x02\0\0\0\0\0\0\0";
        let link = format!("data:image/png;base64,{}", STANDARD.encode(png));
        assert_eq!(image_size(&link), Some((300, 400)));
        assert_eq!(image_size("data:image/png;base64,iVBORw0KGgo="), None);
        assert_eq!(image_size("https://a.example/cat.png"), None);
    }
}
