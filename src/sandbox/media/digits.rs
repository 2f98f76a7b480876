//! A bitmap font of ten digits, for frame numbers burned into pictures.

use image::{Rgb, RgbImage};

const COLUMNS: u32 = 5;
const ROWS: u32 = 7;

/// Pictures are so many times higher than a dot of the font.
const DOTS_PER_HEIGHT: u32 = 120;

const INK: Rgb<u8> = Rgb([0xf4, 0xf4, 0xf0]);

/// Each row of a digit is five bits, the leftmost the highest.
const GLYPHS: [[u8; ROWS as usize]; 10] = [
    [
        0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110,
    ],
    [
        0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110,
    ],
    [
        0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111,
    ],
    [
        0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110,
    ],
    [
        0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010,
    ],
    [
        0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110,
    ],
    [
        0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110,
    ],
    [
        0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000,
    ],
    [
        0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110,
    ],
    [
        0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100,
    ],
];

/// Draws a number into the lower left corner, on a darkened label; what is no digit is left blank.
pub(super) fn draw(image: &mut RgbImage, number: &str) {
    let dot = (image.height() / DOTS_PER_HEIGHT).max(1);
    let length = u32::try_from(number.len()).unwrap_or_default();
    // One dot between digits, two around them.
    let (columns, rows) = (length * (COLUMNS + 1) + 3, ROWS + 4);
    let top = image.height().saturating_sub((rows + 3) * dot);
    let left = 3 * dot;
    for y in 0..rows * dot {
        for x in 0..columns * dot {
            let Some(pixel) = image.get_pixel_mut_checked(left + x, top + y) else {
                continue;
            };
            *pixel = if is_ink(number, x / dot, y / dot) {
                INK
            } else {
                Rgb(pixel.0.map(|channel| channel / 3))
            };
        }
    }
}

/// Whether the dot at this column and row of the label belongs to a digit.
fn is_ink(number: &str, column: u32, row: u32) -> bool {
    let dot = || {
        let (column, row) = (column.checked_sub(2)?, row.checked_sub(2)?);
        let letter = *number.as_bytes().get((column / (COLUMNS + 1)) as usize)?;
        let glyph = GLYPHS.get(usize::from(letter.checked_sub(b'0')?))?;
        let bits = glyph.get(row as usize)?;
        let shift = (COLUMNS - 1).checked_sub(column % (COLUMNS + 1))?;
        Some(bits >> shift & 1 == 1)
    };
    dot().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(number: &str) -> Vec<String> {
        let columns = 2..2 + u32::try_from(number.len()).unwrap() * (COLUMNS + 1);
        let row = |row| {
            columns
                .clone()
                .map(|column| {
                    if is_ink(number, column, row) {
                        '#'
                    } else {
                        '.'
                    }
                })
                .collect()
        };
        (2..2 + ROWS).map(row).collect()
    }

    #[test]
    fn draws_digits_side_by_side() {
        let expect = [
            "..#...#####.",
            ".##.......#.",
            "..#......#..",
            "..#.....#...",
            "..#....#....",
            "..#....#....",
            ".###...#....",
        ];
        assert_eq!(label("17"), expect);
    }

    #[test]
    fn leaves_blank_what_is_no_digit() {
        assert!(label("/a ").concat().bytes().all(|dot| dot == b'.'));
    }

    #[test]
    fn a_picture_smaller_than_the_label_is_no_problem() {
        draw(&mut RgbImage::new(4, 3), "1001");
    }
}
