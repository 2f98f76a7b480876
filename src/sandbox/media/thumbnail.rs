//! Thumbnails of stills, made when they are first asked for.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use image::{DynamicImage, Rgb, RgbImage};

use super::file_id::FileId;
use super::files::FileStore;
use super::still::{self, StillError};

/// The largest thumbnail; larger requests are answered with this.
const MAX_SIZE: u32 = 4096;

/// Returns a PNG of the component's picture that fits a square of `size` pixels; blocks on disk and processor.
///
/// `source` is the picture: the file of the component, or a frame of it.
///
/// # Errors
/// The source is not a picture the server can read.
pub fn thumbnail(
    files: &FileStore,
    component: &FileId,
    source: &Path,
    size: u32,
) -> Result<Vec<u8>, StillError> {
    let size = size.clamp(1, MAX_SIZE);
    // Before the file is read: what is read later can only be newer than the name says.
    let cached = files.thumbnail(component, size)?;
    if let Ok(bytes) = fs::read(&cached) {
        return Ok(bytes);
    }
    let picture = still::read(source)?;
    let bytes = still::to_png(&still::fit(&picture, size))?;
    // Two requests may write at once: each renames a whole file into place.
    let mut incoming = files.receive()?;
    incoming.append(&bytes)?;
    files.keep_thumbnail(incoming, &cached)?;
    Ok(bytes)
}

/// Returns the PNG that stands for what has no thumbnail: a landscape in a frame, in quiet greys.
pub fn placeholder() -> &'static [u8] {
    static PLACEHOLDER: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let picture = DynamicImage::from(RgbImage::from_fn(WIDTH, HEIGHT, landscape));
        // Encoding into memory cannot fail; an empty answer would be no worse than a panic.
        still::to_png(&picture).unwrap_or_default()
    });
    &PLACEHOLDER
}

const WIDTH: u32 = 300;
const HEIGHT: u32 = 200;

fn landscape(x: u32, y: u32) -> Rgb<u8> {
    const SKY: Rgb<u8> = Rgb([0x3a, 0x3f, 0x47]);
    const SUN: Rgb<u8> = Rgb([0x8a, 0x92, 0x9e]);
    const HILL: Rgb<u8> = Rgb([0x5b, 0x63, 0x6e]);
    let near_sun = x.abs_diff(200).pow(2) + y.abs_diff(70).pow(2) < 20_u32.pow(2);
    // Two slopes with their tops at (110, 80) and (190, 115).
    let behind_hills = y < 160 && (y > 80 + x.abs_diff(110) || y > 115 + x.abs_diff(190));
    match (behind_hills, near_sun) {
        (true, _) => HILL,
        (false, true) => SUN,
        (false, false) => SKY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_fits_the_square_and_keeps_its_proportions() {
        let folder = tempfile::tempdir().unwrap();
        let files = FileStore::open(folder.path()).unwrap();
        let id = FileId::unique();
        let picture = DynamicImage::from(RgbImage::new(64, 32));
        let mut incoming = files.receive().unwrap();
        incoming.append(&still::to_png(&picture).unwrap()).unwrap();
        files.keep(incoming, &id).unwrap();

        for _ in ["made", "cached"] {
            let small = thumbnail(&files, &id, &files.path(&id), 16).unwrap();
            let small = image::load_from_memory(&small).unwrap();
            assert_eq!((small.width(), small.height()), (16, 8));
        }
        let same = thumbnail(&files, &id, &files.path(&id), 1000).unwrap();
        let same = image::load_from_memory(&same).unwrap();
        assert_eq!((same.width(), same.height()), (64, 32));
    }

    #[test]
    fn a_thumbnail_of_a_file_that_is_replaced_meanwhile_is_not_kept_for_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let files = FileStore::open(folder.path()).unwrap();
        let id = FileId::unique();
        let keep = |width: u32| {
            let picture = DynamicImage::from(RgbImage::new(width, 8));
            let mut incoming = files.receive().unwrap();
            incoming.append(&still::to_png(&picture).unwrap()).unwrap();
            files.keep(incoming, &id).unwrap();
        };
        keep(16);
        // As a request does that was slow with the first file.
        let cached = files.thumbnail(&id, 100).unwrap();
        let mut late = files.receive().unwrap();
        late.append(b"the first file").unwrap();
        keep(32);
        files.keep_thumbnail(late, &cached).unwrap();
        let shown = thumbnail(&files, &id, &files.path(&id), 100).unwrap();
        assert_eq!(image::load_from_memory(&shown).unwrap().width(), 32);
    }

    #[test]
    fn the_placeholder_is_a_picture() {
        let picture = image::load_from_memory(placeholder()).unwrap();
        assert_eq!((picture.width(), picture.height()), (WIDTH, HEIGHT));
    }
}
