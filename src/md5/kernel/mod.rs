//! The code that computes: the same steps for each kind of vector unit.

mod portable;
mod rounds;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512vl;

use std::iter;

/// The bytes that MD5 takes in one step.
pub(crate) type Block = [u8; 64];

/// The four words that a block changes.
pub(crate) type State = [u32; 4];

/// The state before the first block.
pub(crate) const INITIAL: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Which code computes. There is a value only for what this CPU can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Unit);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// Works on any CPU.
    pub const PORTABLE: Self = Self(Unit::Portable);

    /// Returns all that this CPU can do, the slowest first.
    pub fn all() -> Vec<Self> {
        iter::once(Self::PORTABLE).chain(Self::vectors()).collect()
    }

    /// Returns the fastest that this CPU can do.
    pub fn best() -> Self {
        Self::vectors().next_back().unwrap_or(Self::PORTABLE)
    }

    #[cfg(target_arch = "x86_64")]
    fn vectors() -> impl DoubleEndedIterator<Item = Self> {
        let avx2 = is_x86_feature_detected!("avx2").then_some(Self(Unit::Avx2));
        // The second is lacked by coprocessors only that are no longer made.
        let has_avx512 =
            is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        let avx512 = has_avx512.then_some(Self(Unit::Avx512));
        [avx2, avx512].into_iter().flatten()
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn vectors() -> impl DoubleEndedIterator<Item = Self> {
        iter::empty()
    }

    /// Returns how many streams the smallest vector holds. It costs the same to advance fewer.
    pub fn lanes(self) -> usize {
        match self.0 {
            Unit::Portable => portable::LANES,
            #[cfg(target_arch = "x86_64")]
            Unit::Avx2 => avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Unit::Avx512 => avx512vl::LANES,
        }
    }

    /// Returns how many streams keep the CPU busy: one large vector or two small ones, what was faster (benches/throughput.rs).
    pub fn best_width(self) -> usize {
        match self.0 {
            Unit::Portable => 2 * portable::LANES,
            #[cfg(target_arch = "x86_64")]
            Unit::Avx2 => 2 * avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Unit::Avx512 => avx512::LANES,
        }
    }

    /// Advances each state by the blocks of its input. All inputs have the same length, and there are as many as fill whole vectors, at most [`Kernel::best_width`].
    pub(crate) fn compress(self, states: &mut [State], inputs: &[&[Block]]) {
        let is_smallest = states.len() == self.lanes();
        match (self.0, is_smallest) {
            (Unit::Portable, true) => portable::compress::<1>(states, inputs),
            (Unit::Portable, false) => portable::compress::<2>(states, inputs),
            // SAFETY, of all four: a kernel exists only where the CPU was found to have its instructions.
            #[cfg(target_arch = "x86_64")]
            (Unit::Avx2, true) => unsafe { avx2::compress::<1>(states, inputs) },
            #[cfg(target_arch = "x86_64")]
            (Unit::Avx2, false) => unsafe { avx2::compress::<2>(states, inputs) },
            #[cfg(target_arch = "x86_64")]
            (Unit::Avx512, true) => unsafe { avx512vl::compress::<1>(states, inputs) },
            #[cfg(target_arch = "x86_64")]
            (Unit::Avx512, false) => unsafe { avx512::compress::<1>(states, inputs) },
        }
    }
}
