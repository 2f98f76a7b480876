//! How a file is cut into parts.

/// What S3 takes at most; the last part may hold what remains.
const MOST_PARTS: u64 = 10_000;

/// The size of all parts but the last: at least one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartSize(u64);

/// One part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Counted from 1.
    pub(super) number: u32,
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Part {
    /// Returns a whole file as one part.
    pub(super) fn whole(size: u64) -> Self {
        Self {
            number: 1,
            offset: 0,
            length: size,
        }
    }
}

const MIB: u64 = 1024 * 1024;

impl PartSize {
    /// Returns the size for a file of `size` bytes: that of ftrack's own clients, which its server is known to take
    /// (<https://github.com/ftrackhq/ftrack-javascript/blob/main/source/util/get_chunk_size.ts>).
    pub(super) fn of(size: u64) -> Self {
        let part = match size.div_ceil(MIB) {
            0..=128 => 8 * MIB,
            129..=1_024 => 16 * MIB,
            1_025..=8_192 => 32 * MIB,
            8_193..=65_536 => 64 * MIB,
            _ => 128 * MIB,
        };
        Self(part.max(size.div_ceil(MOST_PARTS)))
    }

    pub(super) fn bytes(self) -> u64 {
        self.0
    }

    /// Returns the number of parts of a file; an empty one is one part.
    pub(super) fn count(self, size: u64) -> u32 {
        let count = size.div_ceil(self.0).max(1);
        // At most 10,000, see above.
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Returns the parts of a file.
    pub(super) fn parts(self, size: u64) -> impl Iterator<Item = Part> {
        (1..=self.count(size)).map(move |number| {
            let offset = u64::from(number - 1) * self.0;
            Part {
                number,
                offset,
                length: self.0.min(size - offset),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1024 * MIB;

    #[test]
    fn parts_grow_with_the_file_and_there_are_never_too_many() {
        for (size, part, count) in [
            (0, 8 * MIB, 1),
            (16 * MIB + 1, 8 * MIB, 3),
            (128 * MIB, 8 * MIB, 16),
            (128 * MIB + 1, 16 * MIB, 9),
            (GIB, 16 * MIB, 64),
            (GIB + 1, 32 * MIB, 33),
            (8 * GIB + 1, 64 * MIB, 129),
            (64 * GIB + 1, 128 * MIB, 513),
            (10_000 * 128 * MIB + 1, 128 * MIB + 1, 10_000),
        ] {
            let found = PartSize::of(size);
            assert_eq!((found.bytes(), found.count(size)), (part, count), "{size}");
        }
    }

    #[test]
    fn parts_cover_the_file_without_a_gap() {
        for size in [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB] {
            let mut end = 0;
            for (part, number) in PartSize::of(size).parts(size).zip(1..) {
                assert_eq!((part.number, part.offset), (number, end));
                end += part.length;
            }
            assert_eq!(end, size);
        }
    }
}
