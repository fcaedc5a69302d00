//! Writes one picture as PNG or JPEG.

use super::frame_image::Picture;
use super::{RenderError, SIMULATED, StillFormat};

pub(super) fn encode(picture: &Picture, format: StillFormat) -> Result<Vec<u8>, RenderError> {
    let mut rgb = Vec::with_capacity(picture.width * picture.height * 3);
    for y in 0..picture.height {
        for x in 0..picture.width {
            rgb.extend_from_slice(&picture.pixel(x, y).to_rgb());
        }
    }
    match format {
        StillFormat::Png => png(picture, &rgb)
            .map_err(|e| RenderError::Encoder { part: "PNG of the last frame", detail: e.to_string() }),
        StillFormat::Jpeg => jpeg(picture, &rgb)
            .map_err(|e| RenderError::Encoder { part: "JPEG of the last frame", detail: e.to_string() }),
    }
}

fn png(picture: &Picture, rgb: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width as u32, picture.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.add_text_chunk("Comment".to_owned(), SIMULATED.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(out)
}

fn jpeg(picture: &Picture, rgb: &[u8]) -> Result<Vec<u8>, jpeg_encoder::EncodingError> {
    let mut out = Vec::new();
    // The sides are at most 8688 (`check`), so they fit.
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, 90);
    encoder.add_app_segment(11, SIMULATED.as_bytes().to_vec())?;
    encoder.encode(rgb, picture.width as u16, picture.height as u16, jpeg_encoder::ColorType::Rgb)?;
    Ok(out)
}
