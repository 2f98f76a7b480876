//! What a transfer that broke off leaves to the same call.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use ftrack_client::checksum::Digest;
use ftrack_client::transfer::Uploaded;
use ftrack_client::transfer::journal::{
    AcceptedPart, Call, FileState, Intent, Intents, Journal as _, JournalError, PartsUpload,
    Recalled, State,
};
use rusqlite::Connection;
use tempfile::TempDir;

const MD5: Digest = Digest([7; 16]);

/// A journal, and three files to be transferred.
struct Place {
    folder: TempDir,
    files: Vec<PathBuf>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<_> = (1..4)
            .map(|index| folder.path().join(format!("render.{index}.exr")))
            .collect();
        for (index, file) in files.iter().enumerate() {
            fs::write(file, vec![1; index + 1]).unwrap();
        }
        Self { folder, files }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("made/on demand")
    }

    fn intents(&self) -> Intents {
        Intents::in_folder(self.state())
    }

    fn begin(&self) -> Intent {
        self.intents().begin(&call(), &self.files, true).unwrap()
    }
}

fn call() -> Call {
    Call {
        server: "https://studio.example.com".to_owned(),
        user: "jane".to_owned(),
        location_id: "location".to_owned(),
        path: "render.%d.exr [1-3]".to_owned(),
        data: r#"{"name": "main"}"#.to_owned(),
    }
}

fn parts() -> PartsUpload {
    PartsUpload {
        upload_id: "upload".to_owned(),
        part_size: 8 << 20,
        urls: vec![
            "https://s3/1?sig=s3cr3t".to_owned(),
            "https://s3/2?sig=s3cr3t".to_owned(),
        ],
    }
}

fn part(number: u32) -> AcceptedPart {
    AcceptedPart {
        number,
        etag: format!("tag {number}"),
        md5: MD5,
    }
}

/// What the engine knows of file `index` of a transfer.
fn state<'a>(place: &'a Place, intent: &'a Intent, index: usize) -> FileState<'a> {
    let path = &place.files[index];
    let metadata = fs::metadata(path).unwrap();
    FileState {
        component_id: &intent.file_ids()[index],
        path,
        size: metadata.len(),
        modified: metadata.modified().ok(),
        inode: inode(&metadata),
    }
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have no inode to tell"
)]
fn inode(metadata: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn inode(_metadata: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

fn finish(place: &Place, intent: &Intent, index: usize) {
    let file = state(place, intent, index);
    let uploaded = Uploaded {
        component_id: file.component_id.to_owned(),
        size: file.size,
        md5: Some(MD5),
    };
    intent.record().file_finished(&file, &uploaded);
}

fn send_parts(place: &Place, intent: &Intent, index: usize, numbers: &[u32]) {
    let file = state(place, intent, index);
    intent.record().parts_opened(&file, &parts());
    for number in numbers {
        intent
            .record()
            .part_accepted(&file, &parts(), &part(*number));
    }
}

/// Describes what is known of each file.
fn recalled(place: &Place, intent: &Intent) -> [String; 3] {
    [0, 1, 2].map(
        |index| match intent.record().recall(&state(place, intent, index)) {
            Recalled::Nothing => "nothing".to_owned(),
            Recalled::Finished(md5) => {
                assert_eq!(md5, Some(MD5));
                "finished".to_owned()
            }
            Recalled::Parts(upload, accepted) => {
                assert_eq!(upload, parts());
                assert!(accepted.iter().all(|found| *found == part(found.number)));
                let numbers: Vec<_> = accepted.iter().map(|part| part.number).collect();
                format!("parts {numbers:?}")
            }
        },
    )
}

#[test]
fn the_same_call_continues_with_the_same_components() {
    let place = Place::new();
    let first = place.begin();
    assert_eq!(first.state(), State::New);
    assert_eq!(first.file_ids().len(), 3);
    assert_eq!(recalled(&place, &first), ["nothing"; 3]);
    let (container, ids) = (
        first.container_id().unwrap().to_owned(),
        first.file_ids().to_vec(),
    );
    finish(&place, &first, 0);
    send_parts(&place, &first, 1, &[1]);
    send_parts(&place, &first, 1, &[3, 2]);
    drop(first);

    let second = place.begin();
    assert_eq!(second.state(), State::Unchanged);
    assert_eq!(second.container_id(), Some(container.as_str()));
    assert_eq!(second.file_ids(), ids);
    assert_eq!(
        recalled(&place, &second),
        ["finished", "parts [2, 3]", "nothing"]
    );
    finish(&place, &second, 1);
    drop(second);
    assert_eq!(
        recalled(&place, &place.begin()),
        ["finished", "finished", "nothing"]
    );
}

#[test]
fn files_that_were_changed_are_sent_again() {
    let place = Place::new();
    let first = place.begin();
    let ids = first.file_ids().to_vec();
    finish(&place, &first, 0);
    finish(&place, &first, 1);
    send_parts(&place, &first, 2, &[1]);
    drop(first);
    fs::write(&place.files[1], "rendered again").unwrap();
    fs::write(&place.files[2], "rendered again").unwrap();
    for expected in [State::Changed, State::Unchanged] {
        let again = place.begin();
        assert_eq!(again.state(), expected);
        assert_eq!(again.file_ids(), ids);
        assert_eq!(recalled(&place, &again), ["finished", "nothing", "nothing"]);
    }
}

#[test]
fn a_file_that_is_changed_after_the_beginning_is_sent_again() {
    let place = Place::new();
    let first = place.begin();
    finish(&place, &first, 0);
    drop(first);
    let second = place.begin();
    fs::write(&place.files[0], "rendered again").unwrap();
    assert_eq!(recalled(&place, &second), ["nothing"; 3]);
}

/// Opens the database as somebody else does.
fn database(place: &Place) -> Connection {
    Connection::open(place.state().join("transfers.sqlite")).unwrap()
}

#[test]
fn what_others_forgot_ends_no_record() {
    let place = Place::new();
    let first = place.begin();
    send_parts(&place, &first, 1, &[1]);
    // More than the time of a batch.
    thread::sleep(Duration::from_millis(600));
    let forgotten = database(&place).execute("DELETE FROM upload", []).unwrap();
    assert_eq!(forgotten, 1);
    let file = state(&place, &first, 1);
    first.record().part_accepted(&file, &parts(), &part(2));
    finish(&place, &first, 0);
    drop(first);
    assert_eq!(
        recalled(&place, &place.begin()),
        ["finished", "nothing", "nothing"]
    );
}

#[test]
fn what_cannot_be_written_is_written_later() {
    let place = Place::new();
    let first = place.begin();
    let other = database(&place);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    finish(&place, &first, 0);
    // Longer than anybody waits for a database that is busy.
    thread::sleep(Duration::from_millis(3_600));
    finish(&place, &first, 1);
    other.execute_batch("COMMIT").unwrap();
    drop(first);
    assert_eq!(
        recalled(&place, &place.begin()),
        ["finished", "finished", "nothing"]
    );
}

#[test]
fn nothing_is_left_of_a_transfer_that_is_forgotten() {
    let place = Place::new();
    drop(place.begin());
    let locks = || {
        let names = fs::read_dir(place.state()).unwrap();
        names
            .filter(|entry| {
                let path = entry.as_ref().unwrap().path();
                path.extension()
                    .is_some_and(|extension| extension == "lock")
            })
            .count()
    };
    assert_eq!(locks(), 1);
    let aged = database(&place).execute("UPDATE transfer SET touched_at = 0", []);
    assert_eq!(aged.unwrap(), 1);
    assert_eq!(listed(&place), []);
    assert_eq!(locks(), 0);
}

#[test]
fn another_call_is_another_transfer() {
    let place = Place::new();
    let ids = place.begin().file_ids().to_vec();
    let others = [
        Call {
            server: "other".to_owned(),
            ..call()
        },
        Call {
            user: "other".to_owned(),
            ..call()
        },
        Call {
            location_id: "other".to_owned(),
            ..call()
        },
        Call {
            path: "other".to_owned(),
            ..call()
        },
        Call {
            data: "other".to_owned(),
            ..call()
        },
    ];
    for other in others {
        let intent = place.intents().begin(&other, &place.files, true).unwrap();
        assert_eq!(intent.state(), State::New, "{other:?}");
    }
    let fewer = place
        .intents()
        .begin(&call(), &place.files[..2], true)
        .unwrap();
    assert_eq!(fewer.state(), State::New);
    let single = place
        .intents()
        .begin(&call(), &place.files[..1], false)
        .unwrap();
    assert_eq!(single.container_id(), None);
    assert_eq!(place.begin().file_ids(), ids);
}

#[test]
fn nobody_takes_what_somebody_works_on() {
    let place = Place::new();
    let first = place.begin();
    let second = place.begin();
    assert_eq!(second.state(), State::New);
    assert_ne!(first.file_ids(), second.file_ids());
    let ids = first.file_ids().to_vec();
    let running: Vec<_> = listed(&place)
        .into_iter()
        .map(|(_, running)| running)
        .collect();
    assert_eq!(running, [true, true]);
    for (id, _) in listed(&place) {
        assert!(!place.intents().forget(&id).unwrap());
    }
    drop(first);
    assert_eq!(place.begin().file_ids(), ids);
}

#[test]
fn many_threads_get_a_transfer_each() {
    let place = Place::new();
    let begin = || place.begin();
    let intents: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut ids: Vec<_> = intents.iter().flat_map(Intent::file_ids).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 24);
}

#[test]
fn nothing_is_left_of_what_came_to_its_end() {
    let place = Place::new();
    let intent = place.begin();
    send_parts(&place, &intent, 0, &[1]);
    intent.finish().unwrap();
    assert_eq!(listed(&place), []);
    let names = fs::read_dir(place.state()).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["transfers.sqlite", "transfers.sqlite-journal"]);
    for name in names {
        let content = fs::read(place.state().join(name)).unwrap();
        assert!(!contains(&content, b"s3cr3t"));
    }
}

#[test]
fn what_is_unfinished_is_listed_and_can_be_forgotten() {
    let place = Place::new();
    let intent = place.begin();
    finish(&place, &intent, 1);
    // More than there is of the file does not count.
    send_parts(&place, &intent, 2, &[1, 2]);
    drop(intent);
    let found = place.intents().unfinished().unwrap();
    let [transfer] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(transfer.call, call());
    assert_eq!((transfer.files, transfer.finished_files), (3, 1));
    assert_eq!((transfer.bytes, transfer.finished_bytes), (6, 5));
    assert!(!transfer.is_running);
    assert!(place.intents().forget(&transfer.id).unwrap());
    assert!(!place.intents().forget(&transfer.id).unwrap());
    assert_eq!(listed(&place), []);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let intent = place.begin();
    send_parts(&place, &intent, 0, &[]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.state()), 0o700);
    for entry in fs::read_dir(place.state()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert!(!format!("{:?}", parts()).contains("s3cr3t"));
}

#[test]
fn what_cannot_be_used_is_named() {
    let place = Place::new();
    let blocked = Intents::in_folder(&place.files[0]);
    let error = blocked.begin(&call(), &place.files, true).unwrap_err();
    assert!(matches!(error, JournalError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("render.1.exr"), "{error}");

    fs::create_dir_all(place.state()).unwrap();
    fs::write(
        place.state().join("transfers.sqlite"),
        "no database, and longer than a header of one has to be ".repeat(4),
    )
    .unwrap();
    let error = place.intents().unfinished().unwrap_err();
    assert!(matches!(error, JournalError::Database { .. }), "{error:?}");
    assert!(error.to_string().contains("transfers.sqlite"), "{error}");
}

fn listed(place: &Place) -> Vec<(String, bool)> {
    let found = place.intents().unfinished().unwrap();
    found
        .into_iter()
        .map(|transfer| (transfer.id, transfer.is_running))
        .collect()
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}
