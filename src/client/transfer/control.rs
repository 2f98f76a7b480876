//! The handle of running transfers: stops them, holds them up, and limits what they move in a second.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::DropGuard;

use super::Cancel;
use super::limit::Permit;

/// Unused bandwidth of so much time may be made up for; more would turn a limit into bursts.
const BURST: Duration = Duration::from_millis(100);

/// With a limit, bytes move in pieces of this share of a second: fine enough that a link which is shared stays usable.
const PIECES_PER_SECOND: u64 = 16;

/// Pieces are never smaller than this: a request for each is not free.
const LEAST_PIECE: u64 = 16 * 1024;

/// A cheap clone of one shared state; every clone controls all transfers that were given one.
///
/// A cancelled transfer settles within a second. A paused one keeps its connections; the time of a pause counts for no bound but the total one.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    cancel: Cancel,
    settings: watch::Sender<Settings>,
    bucket: Mutex<Bucket>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Settings {
    paused: bool,
    /// Bytes per second.
    bandwidth: Option<NonZeroU64>,
}

impl Control {
    /// Makes a control of transfers that run freely.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the transfers, paused or not. Doing it twice changes nothing.
    pub fn cancel(&self) {
        self.0.cancel.cancel();
    }

    /// Returns whether the transfers were stopped.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_cancelled()
    }

    /// Lets no more bytes move until [`Control::resume`].
    pub fn pause(&self) {
        self.0
            .settings
            .send_modify(|settings| settings.paused = true);
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.0
            .settings
            .send_modify(|settings| settings.paused = false);
    }

    /// Returns whether the transfers are paused.
    pub fn is_paused(&self) -> bool {
        self.0.settings.borrow().paused
    }

    /// Limits what all transfers under this control move together, in bytes per second; `None` lifts the limit.
    pub fn limit_bandwidth(&self, bytes: Option<NonZeroU64>) {
        *self.0.bucket.lock() = Bucket::default();
        self.0
            .settings
            .send_modify(|settings| settings.bandwidth = bytes);
    }

    /// Returns whether bytes may move at once, however many.
    pub fn is_free(&self) -> bool {
        let Settings { paused, bandwidth } = *self.0.settings.borrow();
        !paused && bandwidth.is_none() && !self.is_cancelled()
    }

    /// Waits until `bytes` may move, or returns false when the transfers were stopped; for bytes that the caller moves.
    pub async fn admitted(&self, bytes: u64) -> bool {
        self.run(self.admit(bytes, None)).await.is_some()
    }

    /// Waits until `bytes` may move. A place is not used in a pause, and lent to others meanwhile.
    pub(super) async fn admit(&self, bytes: u64, place: Option<&Permit>) {
        let mut settings = self.0.settings.subscribe();
        loop {
            let Settings { paused, bandwidth } = *settings.borrow_and_update();
            let _lent = place.filter(|_| paused).map(Permit::lend);
            let wait = match bandwidth {
                _ if paused => Duration::MAX,
                None => return,
                Some(rate) => match self.0.bucket.lock().take(bytes, rate, Instant::now()) {
                    Ok(()) => return,
                    Err(wait) => wait,
                },
            };
            tokio::select! {
                // The sender lives as long as this control.
                _ = settings.changed() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Waits until the transfers are not paused.
    pub(super) async fn resumed(&self) {
        let mut settings = self.0.settings.subscribe();
        // The sender lives as long as this control.
        let _ = settings.wait_for(|settings| !settings.paused).await;
    }

    /// Returns how many bytes, of at most `most`, to move in one piece.
    pub(super) fn piece(&self, most: usize) -> usize {
        let bandwidth = self.0.settings.borrow().bandwidth;
        let piece = bandwidth.map(|rate| (rate.get() / PIECES_PER_SECOND).max(LEAST_PIECE));
        piece
            .and_then(|piece| usize::try_from(piece).ok())
            .map_or(most, |piece| piece.min(most))
    }

    /// Runs `work` until it ends or the transfers are stopped, which drops the work and returns `None`.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.cancel.run(work).await
    }

    /// Returns the switch for work on a blocking thread, see [`Cancel::guarded`].
    pub(crate) fn guarded(&self) -> (Cancel, DropGuard) {
        self.0.cancel.guarded()
    }
}

/// A bucket that leaks at the rate of the limit: who finds it empty may move any number of bytes, and the next waits until they have leaked.
#[derive(Debug, Default)]
struct Bucket {
    /// When everything that was moved will have leaked.
    empty_at: Option<Instant>,
}

impl Bucket {
    /// Takes `bytes` if the bucket is empty, else tells how long that will take.
    fn take(&mut self, bytes: u64, rate: NonZeroU64, now: Instant) -> Result<(), Duration> {
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let start = self.empty_at.unwrap_or(now).max(earliest);
        if start > now {
            return Err(start - now);
        }
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(rate.get());
        let leaking = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.empty_at = Some(start + leaking);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const RATE: NonZeroU64 = NonZeroU64::new(1_000).unwrap();

    /// Takes `bytes` until `end` has passed, as early as possible, and returns how often.
    fn takes_within(bucket: &mut Bucket, bytes: u64, start: Instant, end: Duration) -> u32 {
        let (mut now, mut takes) = (start, 0);
        while now < start + end {
            match bucket.take(bytes, RATE, now) {
                Ok(()) => takes += 1,
                Err(wait) => now += wait,
            }
        }
        takes
    }

    #[test]
    fn a_limit_holds_for_pieces_of_any_size() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        assert_eq!(
            takes_within(&mut Bucket::default(), 10, now, 5 * second),
            500
        );
        assert_eq!(
            takes_within(&mut Bucket::default(), 2_500, now, 5 * second),
            2
        );
    }

    #[test]
    fn an_unused_limit_is_not_saved_up() {
        let mut bucket = Bucket::default();
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        assert_eq!(bucket.take(1, RATE, now), Ok(()));
        let later = now + 1_000 * second;
        assert_eq!(takes_within(&mut bucket, 10, later, second), 110);
    }

    #[tokio::test]
    async fn a_limit_that_is_lifted_lets_waiting_bytes_go() {
        let control = Control::new();
        control.limit_bandwidth(NonZeroU64::new(1));
        control.admit(1_000_000, None).await;
        let (waiting, lift) = (control.admit(1, None), async {
            assert!(control.0.bucket.lock().empty_at.is_some());
            control.limit_bandwidth(None);
        });
        tokio::join!(waiting, lift);
    }

    #[tokio::test]
    async fn nothing_is_admitted_in_a_pause() {
        let control = Control::new();
        control.pause();
        let mut waiting = std::pin::pin!(control.admit(1, None));
        assert!((&mut waiting).now_or_never().is_none());
        assert!(control.is_paused());
        control.resume();
        waiting.await;
    }

    #[test]
    fn pieces_follow_the_limit() {
        let control = Control::new();
        assert_eq!(control.piece(500_000), 500_000);
        control.limit_bandwidth(NonZeroU64::new(1_600_000));
        assert_eq!(control.piece(500_000), 100_000);
        control.limit_bandwidth(NonZeroU64::new(1));
        assert_eq!(control.piece(500_000), 16_384);
    }
}
