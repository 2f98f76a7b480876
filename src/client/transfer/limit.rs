//! How many files and parts move at the same time.
//!
//! Nobody knows beforehand how many requests a network and a storage bear: too few leave a link with latency idle, too many make each other slow. The limit is
//! therefore found out, as TCP does: it grows as long as requests succeed in their usual time, and shrinks when they fail or become slow.
//!
//! Places are given in the order in which they were asked for. Whoever has much to move asks for one place at a time; so everybody takes turns, and small
//! files do not wait behind all parts of a large one.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::link::Flow;
use super::{Control, descriptors};

/// Requests that run together before anything is known.
const START: usize = 4;

/// More connections than this do not make a link faster, and servers begin to refuse them.
const MOST: usize = 64;

/// A request costs as much as moving so many bytes, roughly; with it requests of different sizes can be compared.
const REQUEST_BYTES: u64 = 64 * 1024;

/// Requests are slow when they take so many times as long as the quickest did.
const SLOW_FACTOR: u64 = 2;

/// How many files and parts may move at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concurrency {
    /// As many as turn out to be good; all transfers of the process share one limit.
    #[default]
    Adaptive,
    /// So many for each transfer, whatever others do; at least one.
    Fixed(usize),
}

impl Concurrency {
    /// Returns the limiter for one transfer.
    pub(super) fn limiter(self) -> Limiter {
        let places = match self {
            Self::Adaptive => Places::shared(),
            Self::Fixed(count) => Arc::new(Places::new(count.max(1), false)),
        };
        Limiter {
            places,
            pace: Arc::default(),
        }
    }
}

/// Gives the requests of one transfer their places among those of all transfers.
///
/// What is slow is learnt for each transfer: a disk and a distant storage do not compare.
#[derive(Clone)]
pub(super) struct Limiter {
    places: Arc<Places>,
    pace: Arc<Mutex<Pace>>,
}

/// A place that one request takes until it is dropped.
pub(super) struct Permit {
    limiter: Limiter,
    place: Option<OwnedSemaphorePermit>,
}

impl Limiter {
    /// Waits for a place. Nobody who is paused takes one from others.
    pub(super) async fn place(&self, control: &Control) -> Permit {
        loop {
            control.resumed().await;
            let place = self.acquire().await;
            if !control.is_paused() {
                return place;
            }
        }
    }

    async fn acquire(&self) -> Permit {
        let place = Arc::clone(&self.places.free).acquire_owned().await;
        Permit {
            limiter: self.clone(),
            // The semaphore is never closed, which is the only failure.
            place: place.ok(),
        }
    }
}

impl Permit {
    /// Tells that a request has moved its bytes. What counts is the time that the other side took, not how long we have held it up.
    pub(super) fn succeeded(&self, flow: &Flow) {
        self.moved(flow.moved(), flow.elapsed());
    }

    fn moved(&self, bytes: u64, elapsed: Duration) {
        let slow = self.limiter.pace.lock().is_slow(bytes, elapsed);
        self.limiter.places.adapt(|limit| {
            if slow {
                limit.shrink_to(limit.value - limit.value.div_ceil(8));
            } else {
                limit.grow();
            }
        });
    }

    /// Lets others use the place for a while.
    pub(super) fn lend(&self) -> Lent<'_> {
        self.limiter.places.change(|limit| limit.lent += 1);
        Lent(self)
    }

    /// Tells that a request failed in a way that fewer of them may avoid.
    pub(super) fn failed(&self) {
        let halve = |limit: &mut Limit| limit.shrink_to(limit.value / 2);
        self.limiter.places.adapt(halve);
    }
}

/// A place that others may use until this is dropped.
pub(super) struct Lent<'a>(&'a Permit);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.0.limiter.places.change(|limit| limit.lent -= 1);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.limiter.places.give_back(place);
        }
    }
}

/// The places of all transfers that share a limit.
struct Places {
    free: Arc<Semaphore>,
    limit: Mutex<Limit>,
    is_adaptive: bool,
}

impl Places {
    fn new(count: usize, is_adaptive: bool) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
            limit: Mutex::new(Limit::new(count)),
            is_adaptive,
        }
    }

    /// Returns the places of this process. They are forgotten with the last transfer: what was good then says little about the next.
    ///
    /// A forked child gets new ones: nobody is left there to give back what the parent had taken.
    fn shared() -> Arc<Self> {
        static SHARED: Mutex<(u32, Weak<Places>)> = Mutex::new((0, Weak::new()));
        let process = std::process::id();
        let mut shared = SHARED.lock();
        let found = shared.1.upgrade().filter(|_| shared.0 == process);
        found.unwrap_or_else(|| {
            let places = Arc::new(Self::new(START, true));
            *shared = (process, Arc::downgrade(&places));
            places
        })
    }

    fn adapt(&self, change: impl FnOnce(&mut Limit)) {
        if self.is_adaptive {
            self.change(change);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Limit)) {
        let mut limit = self.limit.lock();
        change(&mut limit);
        self.free.add_permits(limit.take_missing());
    }

    fn give_back(&self, place: OwnedSemaphorePermit) {
        if self.limit.lock().take_surplus() {
            place.forget();
        }
    }
}

/// How many places there should be, and how many there are.
#[derive(Debug)]
struct Limit {
    value: usize,
    /// What the value grows to.
    most: usize,
    places: usize,
    /// Places whose holders do not use them for a while.
    lent: usize,
    /// Successes since the value changed last.
    successes: usize,
    /// Whether nothing has gone wrong yet: then each success adds a place, which doubles them in the time of a request.
    is_untried: bool,
    /// Requests that were under way when the value shrank last: their failures say nothing about the new one.
    outdated: usize,
}

impl Limit {
    fn new(value: usize) -> Self {
        Self {
            value,
            most: MOST.min(descriptors::share()),
            places: value,
            lent: 0,
            successes: 0,
            is_untried: true,
            outdated: 0,
        }
    }

    /// Adds a place at once, or, once something went wrong, after as many successes as there are places.
    fn grow(&mut self) {
        self.outdated = self.outdated.saturating_sub(1);
        self.successes += 1;
        if self.is_untried || self.successes >= self.value {
            self.value = (self.value + 1).min(self.most);
            self.successes = 0;
        }
    }

    fn shrink_to(&mut self, value: usize) {
        if self.outdated > 0 {
            self.outdated -= 1;
            return;
        }
        self.is_untried = false;
        self.successes = 0;
        self.outdated = self.places;
        self.value = value.max(1);
    }

    /// Returns how many places have to be added, and counts them as there.
    fn take_missing(&mut self) -> usize {
        let missing = (self.value + self.lent).saturating_sub(self.places);
        self.places += missing;
        missing
    }

    /// Returns whether a place that becomes free is one too many, and counts it as gone.
    fn take_surplus(&mut self) -> bool {
        let surplus = self.places > self.value + self.lent;
        self.places -= usize::from(surplus);
        surplus
    }
}

/// How quick the requests of one transfer are, in nanoseconds per KiB.
#[derive(Debug, Default)]
struct Pace {
    recent: u64,
    best: u64,
}

impl Pace {
    /// Takes a request into account and returns whether requests have become slow.
    fn is_slow(&mut self, bytes: u64, elapsed: Duration) -> bool {
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let sample = nanoseconds / (bytes.saturating_add(REQUEST_BYTES) / 1024);
        if self.best == 0 {
            (self.recent, self.best) = (sample, sample);
        }
        self.recent = self.recent / 4 * 3 + sample / 4;
        if self.recent < self.best {
            self.best = self.recent;
        } else {
            // Forgets slowly: a network that has become slow for good is not measured by its past.
            self.best += (self.recent - self.best) / 64;
        }
        self.recent > self.best.saturating_mul(SLOW_FACTOR)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;
    use tokio::time::sleep;

    use super::super::Progress;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn adaptive() -> Limiter {
        Limiter {
            places: Arc::new(Places::new(START, true)),
            pace: Arc::default(),
        }
    }

    /// Takes all places that are free.
    async fn take_all(limiter: &Limiter) -> Vec<Permit> {
        let mut permits = Vec::new();
        while limiter.places.free.available_permits() > 0 {
            permits.push(limiter.acquire().await);
        }
        permits
    }

    /// Runs one request in each place that there is, and returns how many those were.
    async fn round(limiter: &Limiter, outcome: impl Fn(&Permit)) -> usize {
        let permits = take_all(limiter).await;
        permits.iter().for_each(outcome);
        permits.len()
    }

    #[tokio::test]
    async fn success_doubles_the_places_in_each_round_up_to_a_bound() {
        let limiter = adaptive();
        let mut rounds = Vec::new();
        for _ in 0..6 {
            rounds.push(round(&limiter, |permit| permit.moved(1_000, SECOND)).await);
        }
        assert_eq!(rounds, [4, 8, 16, 32, 64, 64]);
    }

    #[tokio::test]
    async fn a_round_of_failures_halves_the_places_once_and_then_they_grow_one_by_one() {
        let limiter = adaptive();
        for _ in 0..3 {
            round(&limiter, |permit| permit.moved(1_000, SECOND)).await;
        }
        assert_eq!(round(&limiter, Permit::failed).await, 32);
        let mut rounds = Vec::new();
        for _ in 0..3 {
            rounds.push(round(&limiter, |permit| permit.moved(1_000, SECOND)).await);
        }
        assert_eq!(rounds, [16, 17, 18]);
    }

    #[tokio::test]
    async fn slow_requests_shrink_the_limit_whatever_their_size() {
        let limiter = adaptive();
        round(&limiter, |permit| permit.moved(1 << 20, SECOND)).await;
        round(&limiter, |permit| permit.moved(8 << 20, 8 * SECOND)).await;
        assert_eq!(
            round(&limiter, |permit| permit.moved(1 << 20, 5 * SECOND)).await,
            16
        );
        assert!(take_all(&limiter).await.len() < 16);
    }

    #[tokio::test]
    async fn the_time_of_a_pause_makes_no_request_slow() {
        let limiter = adaptive();
        let permit = limiter.acquire().await;
        for pause in [0, 300] {
            let flow = Flow::new(0, &Progress::new());
            sleep(Duration::from_millis(10)).await;
            flow.excuse(sleep(Duration::from_millis(pause))).await;
            flow.advance(1 << 20);
            permit.succeeded(&flow);
        }
        assert_eq!(limiter.places.limit.lock().value, START + 2);
    }

    #[tokio::test]
    async fn nobody_takes_a_place_in_a_pause() {
        let (limiter, control) = (Concurrency::Fixed(1).limiter(), Control::new());
        let holder = limiter.acquire().await;
        let mut waiting = pin!(limiter.place(&control));
        assert!((&mut waiting).now_or_never().is_none());
        control.pause();
        drop(holder);
        assert!((&mut waiting).now_or_never().is_none());
        assert!(limiter.acquire().now_or_never().is_some());
        control.resume();
        waiting.await;
    }

    #[tokio::test]
    async fn there_is_always_a_place() {
        let limiter = adaptive();
        for _ in 0..9 {
            assert!(round(&limiter, Permit::failed).await > 0);
        }
    }

    #[tokio::test]
    async fn a_fixed_number_stays() {
        let limiter = Concurrency::Fixed(3).limiter();
        assert_eq!(round(&limiter, |permit| permit.moved(1, SECOND)).await, 3);
        assert_eq!(round(&limiter, Permit::failed).await, 3);
        assert_eq!(take_all(&limiter).await.len(), 3);
    }

    #[tokio::test]
    async fn whoever_asks_for_one_place_at_a_time_takes_turns() {
        let limiter = Concurrency::Fixed(1).limiter();
        let order = Mutex::new(Vec::new());
        let file = async |name: &'static str, parts: usize| {
            for _ in 0..parts {
                let _permit = limiter.acquire().await;
                order.lock().push(name);
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(file("huge", 5), file("a", 1), file("b", 1));
        assert_eq!(order.into_inner()[..3], ["huge", "a", "b"]);
    }

    #[tokio::test]
    async fn a_place_that_is_lent_serves_others() {
        let limiter = Concurrency::Fixed(1).limiter();
        let holder = limiter.acquire().await;
        let lent = holder.lend();
        let other = limiter.acquire().await;
        drop(lent);
        drop(other);
        assert!(take_all(&limiter).await.is_empty());
        drop(holder);
        assert_eq!(take_all(&limiter).await.len(), 1);
    }

    #[tokio::test]
    async fn transfers_of_the_process_share_their_places() {
        let (first, second) = (
            Concurrency::Adaptive.limiter(),
            Concurrency::Adaptive.limiter(),
        );
        assert!(Arc::ptr_eq(&first.places, &second.places));
    }
}
