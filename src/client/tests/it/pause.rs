//! Transfers that are paused: they keep nothing that others could use.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ftrack_client::transfer::{
    Api as _, Control, CopyItem, DownloadItem, Progress, TransferOptions, UploadItem, copy,
    download, upload,
};
use tokio::time::{sleep, timeout};

use crate::upload_storage::{Server, options};

/// More than there are places at any time.
const FILES: usize = 100;

/// When a transfer is paused.
#[derive(Clone, Copy)]
enum When {
    Before,
    Halfway,
}

fn written(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, [7; 1_000]).unwrap();
    path
}

/// Runs a transfer that is paused, and uploads a file under another control meanwhile.
async fn others_go_on(
    server: &Server,
    when: When,
    transfer: impl AsyncFnOnce(TransferOptions, Progress, Control),
) {
    let (control, progress) = (Control::new(), Progress::new());
    // Few bytes move before the pause, and then no more.
    control.limit_bandwidth(NonZeroU64::new(1));
    let others = async {
        while matches!(when, When::Halfway) && progress.snapshot().transferred_bytes == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        control.pause();
        let folder = tempfile::tempdir().unwrap();
        let item = UploadItem {
            component_id: String::from("other"),
            path: written(folder.path(), "other"),
            file_name: String::from("other.exr"),
            seen: None,
        };
        let (options, progress, free) = (options(), Progress::new(), Control::new());
        let sending = upload(server, vec![item], &options, &progress, &free);
        let sent = timeout(Duration::from_secs(10), sending).await;
        assert_eq!(sent.expect("others wait").unwrap().len(), 1);
    };
    tokio::select! {
        biased;
        () = others => {}
        () = transfer(options(), progress.clone(), control.clone()) => panic!("it is paused"),
    }
}

async fn download_paused(when: When) {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = |number: usize| {
        let name = number.to_string();
        let content = vec![7; 1_000].into();
        server.storage.contents.lock().insert(name.clone(), content);
        DownloadItem {
            component_id: None,
            url: server.url(&name),
            target: folder.path().join(name),
            size: None,
            md5: None,
        }
    };
    let items = (0..FILES).map(item).collect();
    others_go_on(&server, when, async |options, progress, control| {
        let _ = download(server.http(), items, &options, &progress, &control).await;
    })
    .await;
}

async fn copy_paused(when: When) {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = |number: usize| {
        let source = written(folder.path(), &number.to_string());
        CopyItem {
            component_id: None,
            target: source.with_extension("copy"),
            source,
        }
    };
    let items = (0..FILES).map(item).collect();
    others_go_on(&server, when, async |options, progress, control| {
        let _ = copy(items, &options, &progress, &control).await;
        // Where the file system clones, nothing has to move.
        std::future::pending::<()>().await;
    })
    .await;
}

#[tokio::test]
async fn a_paused_download_stops_no_others() {
    download_paused(When::Before).await;
    download_paused(When::Halfway).await;
}

#[tokio::test]
async fn a_paused_copy_stops_no_others() {
    copy_paused(When::Before).await;
    copy_paused(When::Halfway).await;
}
