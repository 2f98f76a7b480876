//! Pictures: reading, resizing and writing stills.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, ImageReader};

/// JPEG quality of everything the server writes: no visible loss, at a tenth of a PNG's size.
const JPEG_QUALITY: u8 = 90;

/// A picture that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the picture")]
pub struct StillError {
    #[from]
    source: image::ImageError,
}

impl From<std::io::Error> for StillError {
    fn from(error: std::io::Error) -> Self {
        Self {
            source: error.into(),
        }
    }
}

/// Reads a PNG or JPEG file, whatever its name says.
pub fn read(path: &Path) -> Result<DynamicImage, StillError> {
    Ok(ImageReader::open(path)?.with_guessed_format()?.decode()?)
}

/// Shrinks a picture to fit a square of `size` pixels, keeping its proportions; never enlarges it.
pub fn fit(image: &DynamicImage, size: u32) -> DynamicImage {
    if image.width().max(image.height()) <= size {
        image.clone()
    } else {
        image.thumbnail(size, size)
    }
}

/// Writes a picture as JPEG, without its transparency.
pub fn to_jpeg(image: &DynamicImage) -> Result<Vec<u8>, StillError> {
    let mut bytes = Vec::new();
    image
        .to_rgb8()
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
    Ok(bytes)
}

/// Writes a picture as PNG.
pub fn to_png(image: &DynamicImage) -> Result<Vec<u8>, StillError> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}
