//! The faults that are set on a server, and which of them meet a request.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Endpoint, Fault, FaultKind};
use crate::events::EventHub;

/// Where the draws for probabilities start: a fixed point, so that a test that failed fails again.
const SEED: u64 = 0x5eed;

/// Names a fault that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultId(pub u64);

/// A fault and how often it has met a request.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultStatus {
    /// Its id.
    pub id: FaultId,
    /// The fault.
    pub fault: Fault,
    /// How many requests it was for, those it let pass included.
    pub matched: u64,
    /// How many requests it spoiled.
    pub fired: u64,
}

/// A request on its way to the faults.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// The actions of an API call that has been read.
    pub actions: Option<&'a [String]>,
    /// The number of the part, if it uploads one.
    pub part: Option<u32>,
    /// Whether it is the first one of its connection.
    pub is_first: bool,
}

/// The faults of one server.
#[derive(Debug)]
pub struct FaultSet {
    /// Whether there is any, so that a server without faults takes no lock.
    any: AtomicBool,
    state: Mutex<State>,
    /// Counts the clearings.
    cleared: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    faults: Vec<FaultStatus>,
    next_id: u64,
    random: u64,
}

impl Default for FaultSet {
    fn default() -> Self {
        Self {
            any: AtomicBool::new(false),
            state: Mutex::new(State {
                faults: Vec::new(),
                next_id: 1,
                random: SEED,
            }),
            cleared: watch::Sender::new(0),
        }
    }
}

impl FaultSet {
    /// Sets a fault beside those that are set; those of the event server take effect at once, if there is one.
    pub fn set(&self, fault: Fault, events: Option<&EventHub>) -> FaultId {
        match (&fault.kind, events) {
            (FaultKind::DropConnections, Some(events)) => events.drop_all(),
            (FaultKind::CutPacket, Some(events)) => events.cut_all(),
            (FaultKind::Silence, Some(events)) => events.silence(true),
            _ => {}
        }
        let mut state = self.state.lock();
        let id = FaultId(state.next_id);
        state.next_id += 1;
        state.faults.push(FaultStatus {
            id,
            fault,
            matched: 0,
            fired: 0,
        });
        self.any.store(true, Ordering::Release);
        id
    }

    /// Removes all faults; connections they hold or slow down are let go.
    pub fn clear(&self, events: Option<&EventHub>) {
        let mut state = self.state.lock();
        state.faults.clear();
        state.random = SEED;
        self.any.store(false, Ordering::Release);
        // Under the lock, so that whoever meets a fault knows which clearing it waits for.
        self.cleared.send_modify(|clearings| *clearings += 1);
        drop(state);
        if let Some(events) = events {
            events.silence(false);
        }
    }

    /// Returns the faults in the order they were set.
    pub fn list(&self) -> Vec<FaultStatus> {
        self.state.lock().faults.clone()
    }

    /// Returns which faults meet a request, in the order they were set and with one decisive one at most, and how often faults had been cleared then.
    pub fn meet(&self, request: &Arrival<'_>) -> (Vec<FaultKind>, u64) {
        let mut met = Vec::new();
        if !self.any.load(Ordering::Acquire) {
            return (met, self.clearings());
        }
        let mut state = self.state.lock();
        state.meet(request, &mut met);
        (met, self.clearings())
    }

    /// Whether a new connection may be refused.
    pub fn may_refuse_connections(&self) -> bool {
        let refuses = |status: &FaultStatus| status.fault.refuses_connections();
        self.any.load(Ordering::Acquire) && self.state.lock().faults.iter().any(refuses)
    }

    /// Whether a new connection is refused before anything is known of its requests.
    pub fn refuses_connection(&self) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let State { faults, random, .. } = &mut *self.state.lock();
        let mut refusals = faults
            .iter_mut()
            .filter(|status| status.fault.refuses_connections());
        refusals.any(|status| status.fires(random))
    }

    /// Returns how often faults were cleared.
    pub fn clearings(&self) -> u64 {
        *self.cleared.borrow()
    }

    /// Waits until faults have been cleared more often than `clearings` times.
    pub async fn until_cleared(&self, clearings: u64) {
        let mut cleared = self.cleared.subscribe();
        // The sender lives as long as this set.
        let _ = cleared.wait_for(|now| *now > clearings).await;
    }
}

impl State {
    fn meet(&mut self, request: &Arrival<'_>, met: &mut Vec<FaultKind>) {
        for status in &mut self.faults {
            if request.is_first && status.fault.refuses_connections() {
                // It let the connection pass for this request.
                continue;
            }
            let decided = status.fault.kind.is_decisive() && met.iter().any(FaultKind::is_decisive);
            if !decided && status.fault.matches(request) && status.fires(&mut self.random) {
                met.push(status.fault.kind.clone());
            }
        }
    }
}

impl FaultStatus {
    fn fires(&mut self, random: &mut u64) -> bool {
        self.matched += 1;
        let used_up = self
            .fault
            .count
            .is_some_and(|count| self.fired >= u64::from(count));
        let passes = self.matched <= u64::from(self.fault.skip);
        let fires = !used_up && !passes && draw(random) < self.fault.probability;
        self.fired += u64::from(fires);
        fires
    }
}

/// Draws a number from 0 up to, not including, 1 (`SplitMix64`).
#[expect(
    clippy::cast_precision_loss,
    reason = "53 bits are what a float holds exactly"
)]
fn draw(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn arrival(endpoint: Endpoint, actions: Option<&[String]>) -> Arrival<'_> {
        Arrival {
            endpoint,
            actions,
            part: None,
            is_first: false,
        }
    }

    fn met(set: &FaultSet, requests: usize) -> Vec<bool> {
        (0..requests)
            .map(|_| !met_by(set, &arrival(Endpoint::Upload, None)).is_empty())
            .collect()
    }

    fn met_by(set: &FaultSet, request: &Arrival<'_>) -> Vec<FaultKind> {
        set.meet(request).0
    }

    #[test]
    fn a_fault_skips_and_ends() {
        let set = FaultSet::default();
        let fault = Fault::new(Endpoint::Upload, FaultKind::Refuse);
        set.set(fault.after(1).times(2), None);
        assert_eq!(met(&set, 5), [false, true, true, false, false]);
        assert!(met_by(&set, &arrival(Endpoint::Api, None)).is_empty());
        let status = &set.list()[0];
        assert_eq!((status.matched, status.fired), (5, 2));
    }

    #[test]
    fn a_part_is_told_from_others_and_from_whole_files() {
        let set = FaultSet::default();
        set.set(
            Fault::new(Endpoint::Upload, FaultKind::NoEtag).part(2),
            None,
        );
        let met = |part| {
            let request = Arrival {
                part,
                ..arrival(Endpoint::Upload, None)
            };
            !met_by(&set, &request).is_empty()
        };
        assert_eq!([None, Some(1), Some(2)].map(met), [false, false, true]);
    }

    #[test]
    fn draws_repeat_after_clearing() {
        let set = FaultSet::default();
        let mut fault = Fault::new(Endpoint::Any, FaultKind::Refuse);
        fault.probability = 0.5;
        set.set(fault.clone(), None);
        let first = met(&set, 100);
        let fired = first.iter().filter(|fired| **fired).count();
        assert!((30..70).contains(&fired), "{fired}");
        set.clear(None);
        assert_eq!(met(&set, 1), [false]);
        set.set(fault, None);
        assert_eq!(met(&set, 100), first);
    }

    #[test]
    fn slowness_adds_up_and_one_outcome_is_decided() {
        let set = FaultSet::default();
        let latency = FaultKind::Latency(Duration::from_millis(1));
        for kind in [
            latency.clone(),
            FaultKind::Truncate,
            FaultKind::Expired,
            FaultKind::NoEtag,
        ] {
            set.set(Fault::new(Endpoint::Any, kind), None);
        }
        let met = met_by(&set, &arrival(Endpoint::Download, None));
        assert_eq!(met, [latency, FaultKind::Truncate, FaultKind::NoEtag]);
        assert_eq!(set.list()[2].matched, 0);
    }

    #[test]
    fn actions_are_looked_at_when_they_are_known() {
        let set = FaultSet::default();
        let fault = Fault::new(Endpoint::Api, FaultKind::ErrorBody).action("create");
        set.set(fault, None);
        let actions =
            |names: &[&str]| -> Vec<String> { names.iter().map(|&name| name.to_owned()).collect() };
        assert!(met_by(&set, &arrival(Endpoint::Api, None)).is_empty());
        assert!(met_by(&set, &arrival(Endpoint::Api, Some(&actions(&["query"])))).is_empty());
        let batch = actions(&["query", "create"]);
        assert_eq!(
            met_by(&set, &arrival(Endpoint::Api, Some(&batch))),
            [FaultKind::ErrorBody]
        );
    }
}
