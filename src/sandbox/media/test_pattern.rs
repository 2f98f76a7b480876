//! A short animated sequence to try things with: a ball that bounces over a tiled floor, the frame number burned in.
//!
//! The frames are real pictures: noise enough that they do not compress to nothing, motion enough that a movie of them
//! shows whether frames were lost or swapped.

use std::fs::File;
use std::io::{self, BufWriter};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _, Rgb, RgbImage};

use super::digits;

/// The number of the first frame, as studios begin a shot.
pub const FIRST_FRAME: usize = 1001;

/// Draws `count` PNG frames into `dir` as `<stem>.1001.png` and so on, on all cores; returns their paths in order.
pub fn draw_frames(
    dir: &Path,
    stem: &str,
    count: usize,
    width: u32,
    height: u32,
) -> io::Result<Vec<PathBuf>> {
    let scene = Scene::new(width, height);
    let frame_path = |index| dir.join(format!("{stem}.{:04}.png", FIRST_FRAME + index));
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let draw_share = |first: usize| {
        (first..count)
            .step_by(threads)
            .try_for_each(|index| write_png(&frame_path(index), &scene.frame(index, count)))
    };
    thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || draw_share(first)))
            .collect();
        shares.into_iter().try_for_each(|share| {
            share
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a drawing thread panicked")))
        })
    })?;
    Ok((0..count).map(frame_path).collect())
}

/// A colour or a direction.
type Vector = [f32; 3];

/// Towards the lamp: left, up and to the camera. Of length one.
const LIGHT: Vector = [-0.48, 0.64, 0.60];
const BALL: Vector = [0.93, 0.42, 0.20];
const SKY_TOP: Vector = [0.07, 0.09, 0.20];
const SKY_LOW: Vector = [0.62, 0.44, 0.50];
const TILE_LIGHT: Vector = [0.55, 0.56, 0.60];
const TILE_DARK: Vector = [0.20, 0.22, 0.28];

/// Where the floor begins, from the top.
const HORIZON: f32 = 0.55;

/// What stands still, drawn once, and the sizes in pixels of what moves.
struct Scene {
    backdrop: RgbImage,
    width: f32,
    height: f32,
    radius: f32,
}

impl Scene {
    fn new(width: u32, height: u32) -> Self {
        let (w, h) = (real(width), real(height));
        let backdrop = RgbImage::from_fn(width, height, |x, y| {
            let colour = backdrop((real(x) - w / 2.0) / h, real(y) / h);
            pixel(add(colour, grain(x, y)))
        });
        Self {
            backdrop,
            width: w,
            height: h,
            radius: h * 0.16,
        }
    }

    /// Draws one frame of a loop that is `count` frames long.
    fn frame(&self, index: usize, count: usize) -> RgbImage {
        let mut image = self.backdrop.clone();
        let turn = std::f32::consts::TAU * ratio(index, count);
        let centre = self.width * (0.5 - 0.3 * turn.cos());
        let lift = self.height * 0.34 * (turn * 2.0).sin().abs();
        let ground = self.height * 0.84;
        self.draw_shadow(&mut image, centre, ground, lift);
        self.draw_ball(&mut image, centre, ground - self.radius - lift);
        digits::draw(&mut image, &format!("{:04}", FIRST_FRAME + index));
        image
    }

    /// The higher the ball, the larger and paler its shadow.
    fn draw_shadow(&self, image: &mut RgbImage, centre: f32, ground: f32, lift: f32) {
        let spread = 1.0 + lift / self.height;
        let (rx, ry) = (self.radius * spread, self.radius * 0.28 * spread);
        let depth = 0.75 - lift / self.height;
        for (x, y) in within(image, centre, ground, rx, ry) {
            let (dx, dy) = ((real(x) - centre) / rx, (real(y) - ground) / ry);
            let shade = 1.0 - depth * (1.0 - (dx * dx + dy * dy)).max(0.0).sqrt();
            let Rgb(below) = image.get_pixel(x, y);
            image.put_pixel(
                x,
                y,
                pixel(scale(
                    below.map(|channel| f32::from(channel) / 255.0),
                    shade,
                )),
            );
        }
    }

    fn draw_ball(&self, image: &mut RgbImage, centre_x: f32, centre_y: f32) {
        for (x, y) in within(image, centre_x, centre_y, self.radius, self.radius) {
            let normal_x = (real(x) - centre_x) / self.radius;
            let normal_y = (centre_y - real(y)) / self.radius;
            let depth = 1.0 - normal_x * normal_x - normal_y * normal_y;
            if depth > 0.0 {
                image.put_pixel(x, y, pixel(shade_ball([normal_x, normal_y, depth.sqrt()])));
            }
        }
    }
}

/// Sky above the horizon, tiles in perspective below; `x` is zero in the middle, `y` runs from 0 to 1 downwards.
fn backdrop(x: f32, y: f32) -> Vector {
    if y < HORIZON {
        return mix(SKY_TOP, SKY_LOW, y / HORIZON);
    }
    let distance = 0.25 / (y - HORIZON).max(1e-3);
    let (across, along) = ((x * distance * 4.0).floor(), (distance * 4.0).floor());
    let is_light = (across + along).rem_euclid(2.0) < 1.0;
    let tile = if is_light { TILE_LIGHT } else { TILE_DARK };
    // Far tiles fade into the haze, where they would only flicker.
    mix(tile, SKY_LOW, (distance / 6.0).min(1.0))
}

/// Lit by the lamp, with a highlight, a little light from the floor, and the sky at its rim.
fn shade_ball(normal: Vector) -> Vector {
    let lamp = dot(normal, LIGHT).max(0.0);
    let mirrored = 2.0 * dot(normal, LIGHT) * normal[2] - LIGHT[2];
    let highlight = mirrored.max(0.0).powi(40);
    let from_floor = (-normal[1]).max(0.0) * 0.18;
    let rim = (1.0 - normal[2]).powi(3) * 0.5;
    let lit = add(
        scale(BALL, 0.16 + 0.84 * lamp),
        scale(TILE_LIGHT, from_floor),
    );
    add(mix(lit, SKY_LOW, rim), [highlight; 3])
}

/// Film grain: the same for every frame, different for every pixel.
fn grain(x: u32, y: u32) -> Vector {
    let mut hash = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    [(real(hash >> 16 & 0xff) / 255.0 - 0.5) * 0.02; 3]
}

/// The pixels of the rectangle around an ellipse that lie in the image.
fn within(
    image: &RgbImage,
    x: f32,
    y: f32,
    rx: f32,
    ry: f32,
) -> impl Iterator<Item = (u32, u32)> + use<> {
    let (width, height) = image.dimensions();
    let columns = whole(x - rx)..whole(x + rx + 1.0).min(width);
    let rows = whole(y - ry)..whole(y + ry + 1.0).min(height);
    rows.flat_map(move |y| columns.clone().map(move |x| (x, y)))
}

fn write_png(path: &Path, image: &RgbImage) -> io::Result<()> {
    let file = BufWriter::new(File::create(path)?);
    PngEncoder::new_with_quality(file, CompressionType::Fast, FilterType::Sub)
        .write_image(
            image.as_raw(),
            image.width(),
            image.height(),
            ExtendedColorType::Rgb8,
        )
        .map_err(io::Error::other)
}

fn add(a: Vector, b: Vector) -> Vector {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

fn scale(a: Vector, by: f32) -> Vector {
    a.map(|value| value * by)
}

fn mix(a: Vector, b: Vector, share: f32) -> Vector {
    add(scale(a, 1.0 - share), scale(b, share))
}

fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a byte"
)]
fn pixel(colour: Vector) -> Rgb<u8> {
    Rgb(colour.map(|value| (value.clamp(0.0, 1.0) * 255.0) as u8))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "pictures are narrower than 2^24 pixels"
)]
fn real(value: u32) -> f32 {
    value as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "negative values are clamped to zero"
)]
fn whole(value: f32) -> u32 {
    value.max(0.0) as u32
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sequences are shorter than 2^24 frames"
)]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_numbered_frames_that_all_differ() {
        let folder = tempfile::tempdir().unwrap();
        let paths = draw_frames(folder.path(), "ball", 5, 96, 54).unwrap();
        let names: Vec<_> = paths
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names[0], "ball.1001.png");
        assert_eq!(names[4], "ball.1005.png");

        let mut frames: Vec<_> = paths
            .iter()
            .map(|path| image::open(path).unwrap().into_rgb8().into_raw())
            .collect();
        frames.sort();
        frames.dedup();
        assert_eq!(frames.len(), 5);
    }

    #[test]
    fn a_sequence_of_nothing_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            draw_frames(folder.path(), "ball", 0, 96, 54)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(draw_frames(Path::new("/nowhere/at/all"), "ball", 1, 96, 54).is_err());
    }
}
