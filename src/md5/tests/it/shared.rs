//! Streams of many threads share the lanes, and each gets its own MD5.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ftrack_md5::{SharedLanes, SharedMd5, digest};
use proptest::prelude::*;

type Lanes = SharedLanes<Vec<u8>>;

/// Brings a piece and waits for the stream; hashes itself if nobody else does.
fn append(lanes: &Lanes, stream: SharedMd5, piece: &[u8], is_last: bool) -> SharedMd5 {
    let (sender, hashed) = mpsc::channel();
    let give_back = move |stream| sender.send(stream).unwrap();
    if lanes.push(stream, piece.to_vec(), is_last, give_back) {
        lanes.serve();
    }
    hashed.recv_timeout(Duration::from_secs(60)).unwrap()
}

/// Hashes content that comes in pieces of one size.
fn hash(lanes: &Lanes, content: &[u8], size: usize) -> [u8; 16] {
    let mut stream = lanes.begin();
    let mut pieces = content.chunks(size).peekable();
    while let Some(piece) = pieces.next() {
        stream = append(lanes, stream, piece, pieces.peek().is_none());
    }
    stream.digest()
}

fn contents() -> impl Strategy<Value = Vec<(Vec<u8>, usize)>> {
    let content = prop::collection::vec(any::<u8>(), 0..2_000);
    prop::collection::vec((content, 1_usize..500), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn streams_of_many_threads_have_their_own_md5(contents in contents()) {
        let lanes = Lanes::default();
        let digests: Vec<_> = thread::scope(|scope| {
            let hash_one = |(content, size): &'_ (Vec<u8>, usize)| hash(&lanes, content, *size);
            let threads: Vec<_> = contents.iter().map(|it| scope.spawn(move || hash_one(it))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let expected: Vec<_> = contents.iter().map(|(content, _)| digest(content)).collect();
        prop_assert_eq!(digests, expected);
    }
}

/// Bytes that tell when they are read, and when nobody needs them any more.
struct Watched(&'static str, Vec<u8>, mpsc::Sender<(&'static str, bool)>);

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        self.2.send((self.0, true)).unwrap();
        &self.1
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.2.send((self.0, false)).unwrap();
    }
}

#[test]
fn a_row_waits_for_a_stream_of_which_more_is_expected() {
    let (sender, seen) = mpsc::channel();
    let lanes = SharedLanes::default();
    let (late, early) = (lanes.begin(), lanes.begin());
    // May wait for 0.4 s, as so many bytes take that long to hash.
    let many = Watched("early", vec![0; 200_000_000], sender.clone());
    assert!(lanes.push(early, many, true, drop));
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            let few = Watched("late", vec![0], sender);
            assert!(!lanes.push(late, few, true, drop));
        });
        lanes.serve();
    });
    let seen: Vec<_> = seen.try_iter().collect();
    let place = |event| seen.iter().position(|it| *it == event).unwrap();
    assert!(place(("late", true)) < place(("early", false)), "{seen:?}");
}

#[test]
fn a_stream_that_is_given_up_is_waited_for_by_nobody() {
    let lanes = Lanes::default();
    drop(lanes.begin());
    assert_eq!(hash(&lanes, b"abc", 3), digest(b"abc"));
    let given_up = append(&lanes, lanes.begin(), b"ab", false);
    drop(given_up);
    assert_eq!(hash(&lanes, &[7; 1_000], 300), digest(&[7; 1_000]));
}
