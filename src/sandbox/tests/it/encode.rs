//! `encode_media`: what becomes of stills and movies, and of those that cannot be encoded.

use std::path::Path;

use ftrack_sandbox::media::test_pattern::draw_frames;
use ftrack_sandbox::{EncodingOptions, Sandbox, SandboxOptions};
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::{Value, json};

use crate::harness::{
    SERVER_LOCATION, call, call_one, component_url, create, create_component, get, query, send,
    start, start_with, unique_id, upload, wait_for,
};

/// A server with a still in its location.
fn with_still() -> (Sandbox, String) {
    let server = start();
    let id = create_component(&server, "plate", ".png", 0);
    upload(&server, &id, &png(1280, 720));
    (server, id)
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(width, height))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn an_upload_is_encoded_by_the_batch_that_completes_it() {
    let server = start();
    let id = create_component(&server, "plate", ".png", 0);
    let bytes = png(64, 32);
    let begin = json!({
        "action": "get_upload_metadata", "component_id": id, "file_name": "a.png", "file_size": bytes.len(), "parts": 1,
    });
    let metadata = call_one(&server, &begin);
    let url = metadata["urls"][0]["signed_url"].as_str().unwrap();
    let answer = send("PUT", url, &[], &bytes);
    let tag = answer.header("etag").unwrap().trim_matches('"');
    let answer = call(
        &server,
        &json!([
            {
                "action": "complete_multipart_upload", "component_id": id, "upload_id": metadata["upload_id"],
                "parts": [{"part_number": 1, "e_tag": tag}],
            },
            {"action": "encode_media", "component_id": id},
        ]),
    );
    let job = answer[1]["job_id"].as_str().unwrap();
    assert_eq!(finished(&server, job).0, "done");
}

fn create_version(server: &Sandbox) -> String {
    let id = unique_id();
    create(server, "AssetVersion", &json!({"id": id, "version": 1}));
    id
}

fn encode(server: &Sandbox, component: &str, version: Option<&str>, keep_original: bool) -> String {
    let operation = json!({
        "action": "encode_media", "component_id": component, "version_id": version, "keep_original": keep_original,
    });
    let answer = call_one(server, &operation);
    assert_eq!(answer["action"], "encode_media");
    answer["job_id"].as_str().unwrap().to_owned()
}

/// Waits for the end of a job and returns its status and data.
fn finished(server: &Sandbox, job: &str) -> (String, Value) {
    wait_for(|| {
        let job = query(
            server,
            &format!("select status, data, finished_at from Job where id is {job}"),
        )
        .remove(0);
        let status = job["status"].as_str().unwrap().to_owned();
        (!job["finished_at"].is_null()).then(|| {
            (
                status,
                serde_json::from_str(job["data"].as_str().unwrap()).unwrap(),
            )
        })
    })
}

fn component(server: &Sandbox, id: &str) -> Value {
    let expression = format!(
        "select name, file_type, size, version_id, metadata, component_locations.location_id from FileComponent where id is {id}"
    );
    query(server, &expression).remove(0)
}

fn exists(server: &Sandbox, id: &str) -> bool {
    !query(
        server,
        &format!("select id from Component where id is {id}"),
    )
    .is_empty()
}

fn output(data: &Value, index: usize) -> &str {
    data["output"][index]["component_id"].as_str().unwrap()
}

#[test]
fn a_still_becomes_a_picture_and_a_thumbnail_of_its_version() {
    let (server, source) = with_still();
    let version = create_version(&server);
    let job = encode(&server, &source, Some(&version), true);
    let (status, data) = finished(&server, &job);
    assert_eq!(status, "done", "{data}");
    assert_eq!(data["source_component_id"], json!(source));
    assert_eq!(data["keep_original"], json!(true));
    assert_eq!(data["output"][0]["format"], "image/jpeg");

    for (index, name, width) in [(0, "ftrackreview-image", 1280), (1, "thumbnail", 640)] {
        let id = output(&data, index);
        let made = component(&server, id);
        assert_eq!(
            (&made["name"], &made["file_type"]),
            (&json!(name), &json!(".jpg"))
        );
        assert_eq!(made["version_id"], json!(version));
        assert_eq!(
            made["component_locations"][0]["location_id"],
            SERVER_LOCATION
        );
        assert_eq!(
            made["metadata"][0]["value"],
            json!({"format": "image"}).to_string()
        );

        let file = get(&component_url(&server, "get", id));
        assert_eq!(made["size"], json!(file.body.len()));
        assert_eq!(image::load_from_memory(&file.body).unwrap().width(), width);
    }
    let shown = query(
        &server,
        &format!("select thumbnail_id from AssetVersion where id is {version}"),
    )
    .remove(0);
    assert_eq!(shown["thumbnail_id"], json!(output(&data, 1)));
    let outputs = query(
        &server,
        &format!("select component_id from JobComponent where job_id is {job}"),
    );
    assert_eq!(outputs.len(), 2);
    assert!(exists(&server, &source));
}

#[test]
fn an_original_that_is_not_kept_is_removed_with_its_file() {
    let (server, source) = with_still();
    let (status, _) = finished(&server, &encode(&server, &source, None, false));
    assert_eq!(status, "done");
    assert!(!exists(&server, &source));
    assert_eq!(get(&component_url(&server, "get", &source)).status, 404);
}

#[test]
fn a_picture_that_cannot_be_read_fails_the_job_and_keeps_the_original() {
    unreadable(".png");
    unreadable(".pdf");
}

fn unreadable(file_type: &str) {
    let server = start();
    let source = create_component(&server, "plate", file_type, 0);
    upload(&server, &source, b"no picture");
    let job = encode(&server, &source, None, false);
    let (status, data) = finished(&server, &job);
    assert_eq!(status, "failed");
    assert_eq!(data["output"], json!([]));
    assert!(
        data["error"]
            .as_str()
            .unwrap()
            .starts_with("cannot read the picture: "),
        "{data}"
    );
    assert!(exists(&server, &source));
    assert!(
        query(
            &server,
            &format!("select component_id from JobComponent where job_id is {job}")
        )
        .is_empty()
    );
    assert!(query(&server, "select id from Component where name is thumbnail").is_empty());
}

#[test]
fn a_movie_without_ffmpeg_fails_with_the_reason() {
    let encoding = EncodingOptions {
        ffmpeg: Some("/nowhere/ffmpeg".into()),
        ..EncodingOptions::default()
    };
    let server = start_with(SandboxOptions {
        encoding,
        ..SandboxOptions::default()
    });
    let source = create_component(&server, "plate", ".mov", 0);
    upload(&server, &source, b"moving pictures");
    let (status, data) = finished(&server, &encode(&server, &source, None, false));
    assert_eq!(status, "failed");
    assert!(
        data["error"]
            .as_str()
            .unwrap()
            .starts_with("ffmpeg was not found"),
        "{data}"
    );

    let still = create_component(&server, "plate", ".png", 0);
    upload(&server, &still, &png(8, 8));
    assert_eq!(
        finished(&server, &encode(&server, &still, None, true)).0,
        "done"
    );
}

#[test]
fn what_cannot_be_encoded_is_refused_at_once() {
    let (server, source) = with_still();
    let no_file = create_component(&server, "plate", ".png", 0);
    let no_picture = create_component(&server, "comp", ".nk", 4);
    upload(&server, &no_picture, b"Root");
    let refused = |component: &str, version: Option<&str>| {
        let operation =
            json!({"action": "encode_media", "component_id": component, "version_id": version});
        let answer = call(&server, &json!([operation]));
        assert_eq!(answer["exception"], "ValidationError", "{answer}");
        answer["content"].as_str().unwrap().to_owned()
    };
    assert!(refused(&no_file, None).contains("has no file"));
    assert!(refused(&no_picture, None).contains(".nk"));
    assert!(refused(&unique_id(), None).contains("does not exist"));
    assert!(refused(&source, Some("nothing")).contains("AssetVersion nothing"));
    assert!(refused("../secret", None).contains("is not an id"));
    assert!(query(&server, "select id from Job").is_empty());
}

#[test]
fn a_batch_that_fails_encodes_nothing() {
    let (server, source) = with_still();
    let encode = json!({"action": "encode_media", "component_id": source, "keep_original": false});
    let answer = call(&server, &json!([encode, {"action": "no_such_action"}]));
    assert!(answer["exception"].is_string(), "{answer}");
    assert!(query(&server, "select id from Job").is_empty());
    assert_eq!(get(&component_url(&server, "get", &source)).status, 200);
}

#[test]
fn jobs_run_one_after_the_other() {
    let (server, source) = with_still();
    let jobs: Vec<_> = (0..5)
        .map(|_| encode(&server, &source, None, true))
        .collect();
    for job in &jobs {
        assert_eq!(finished(&server, job).0, "done");
    }
}

/// Puts a program in the place of ffmpeg.
///
/// It is linked and not written: what a process of another test that is just being started has inherited open for
/// writing cannot be run.
#[cfg(unix)]
fn fake_ffmpeg(folder: &Path, script: &str) -> std::path::PathBuf {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fake_ffmpeg");
    let path = folder.join("ffmpeg");
    std::os::unix::fs::symlink(program, &path).unwrap();
    std::fs::write(folder.join("script"), script).unwrap();
    path
}

/// A server with that program.
#[cfg(unix)]
fn with_ffmpeg(folder: &Path, script: &str) -> Sandbox {
    let encoding = EncodingOptions {
        ffmpeg: Some(fake_ffmpeg(folder, script)),
        ..EncodingOptions::default()
    };
    start_with(SandboxOptions {
        encoding,
        ..SandboxOptions::default()
    })
}

/// A program that never ends, and says who it is.
#[cfg(unix)]
const ENDLESS: &str = "echo $$ > pid; exec sleep 600";

/// Waits for the program that never ends, and returns its process.
#[cfg(unix)]
fn running(folder: &Path) -> String {
    let pid = wait_for(|| {
        let pid = std::fs::read_to_string(folder.join("pid")).ok();
        pid.filter(|pid| pid.ends_with('\n'))
    });
    assert!(is_alive(&pid));
    pid
}

#[cfg(unix)]
fn is_alive(pid: &str) -> bool {
    let probe = std::process::Command::new("kill")
        .args(["-0", pid.trim()])
        .output();
    probe.unwrap().status.success()
}

/// A program that takes any file for a movie, and makes movies and frames of fixed content.
#[cfg(unix)]
const OBLIGING: &str = r#"
for target; do :; done
case "$*" in
    *libx264*) printf 'a movie' > "$target"; echo frame=7 ;;
    *mjpeg*) cat frame.png > "$target" ;;
    *) echo '  Duration: 00:00:00.28, start: 0.0' >&2
       echo '  Stream #0:0: Video: h264, yuv420p, 320x180 [SAR 1:1], 25 fps, 25 tbr' >&2
       exit 1 ;;
esac"#;

#[cfg(unix)]
#[test]
fn a_movie_and_its_frame_become_components_of_the_version() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("frame.png"), png(1280, 720)).unwrap();
    let server = with_ffmpeg(folder.path(), OBLIGING);
    let version = create_version(&server);
    let source = create_component(&server, "plate", ".mov", 0);
    upload(&server, &source, b"moving pictures");
    let (status, data) = finished(&server, &encode(&server, &source, Some(&version), false));
    assert_eq!(status, "done", "{data}");
    assert_eq!(data["output"][0]["format"], "video/mp4");
    assert_eq!(data["output"][1]["format"], "image/jpeg");

    let movie = component(&server, output(&data, 0));
    assert_eq!(
        (&movie["name"], &movie["file_type"]),
        (&json!("ftrackreview-mp4"), &json!(".mp4"))
    );
    assert_eq!(movie["version_id"], json!(version));
    assert_eq!(
        get(&component_url(&server, "get", output(&data, 0))).text(),
        "a movie"
    );
    let review: Value =
        serde_json::from_str(movie["metadata"][0]["value"].as_str().unwrap()).unwrap();
    let expect =
        json!({"frameIn": 0, "frameOut": 7, "frameRate": 25.0, "width": 320, "height": 180});
    assert_eq!(review, expect);

    let thumbnail = get(&component_url(&server, "get", output(&data, 1)));
    assert_eq!(
        image::load_from_memory(&thumbnail.body).unwrap().width(),
        640
    );
    let shown = query(
        &server,
        &format!("select thumbnail_id from AssetVersion where id is {version}"),
    )
    .remove(0);
    assert_eq!(shown["thumbnail_id"], json!(output(&data, 1)));
    assert!(!exists(&server, &source));
}

/// As ffmpeg does it, nothing is written where the movie has no frame after the position, which is no failure.
#[cfg(unix)]
#[test]
fn the_only_frame_of_a_movie_is_its_thumbnail() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("frame.png"), png(8, 8)).unwrap();
    let only_first =
        "*mjpeg*) case \"$*\" in *'-ss 0.000'*) cat frame.png > \"$target\" ;; esac ;;";
    let program = OBLIGING.replace("*mjpeg*) cat frame.png > \"$target\" ;;", only_first);
    let server = with_ffmpeg(folder.path(), &program);
    let source = create_component(&server, "plate", ".mov", 0);
    upload(&server, &source, b"one picture");
    let (status, data) = finished(&server, &encode(&server, &source, None, false));
    assert_eq!(status, "done", "{data}");
}

#[cfg(unix)]
#[test]
fn a_version_that_is_deleted_meanwhile_fails_the_job() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("frame.png"), png(8, 8)).unwrap();
    let wait = "touch began; while [ ! -e go ]; do sleep 0.01; done";
    let server = with_ffmpeg(folder.path(), &format!("{wait}\n{OBLIGING}"));
    let version = create_version(&server);
    let source = create_component(&server, "plate", ".mov", 0);
    upload(&server, &source, b"moving pictures");
    let job = encode(&server, &source, Some(&version), false);
    wait_for(|| folder.path().join("began").exists().then_some(()));
    call_one(
        &server,
        &json!({"action": "delete", "entity_type": "AssetVersion", "entity_key": [version]}),
    );
    std::fs::write(folder.path().join("go"), "").unwrap();

    let (status, data) = finished(&server, &job);
    assert_eq!(status, "failed", "{data}");
    assert!(
        data["error"].as_str().unwrap().contains("does not exist"),
        "{data}"
    );
    assert!(exists(&server, &source));
    assert_eq!(get(&component_url(&server, "get", &source)).status, 200);
}

#[cfg(unix)]
#[test]
fn a_run_of_ffmpeg_has_a_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let time_limit = std::time::Duration::from_millis(50);
    let encoding = EncodingOptions {
        ffmpeg: Some(fake_ffmpeg(folder.path(), ENDLESS)),
        time_limit,
    };
    let server = start_with(SandboxOptions {
        encoding,
        ..SandboxOptions::default()
    });
    let source = create_component(&server, "plate", ".mov", 0);
    upload(&server, &source, b"moving pictures");
    let (status, data) = finished(&server, &encode(&server, &source, None, true));
    assert_eq!(
        (status.as_str(), &data["error"]),
        ("failed", &json!("ffmpeg took longer than 50ms"))
    );
}

#[cfg(unix)]
#[test]
fn stopping_kills_ffmpeg_and_the_next_start_fails_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let options = |encoding| SandboxOptions {
        data_dir: Some(folder.path().join("data")),
        encoding,
        ..SandboxOptions::default()
    };
    let ffmpeg = Some(fake_ffmpeg(folder.path(), ENDLESS));
    let mut server = start_with(options(EncodingOptions {
        ffmpeg,
        ..EncodingOptions::default()
    }));
    let source = create_component(&server, "plate", ".mov", 0);
    upload(&server, &source, b"moving pictures");
    let job = encode(&server, &source, None, false);
    let pid = running(folder.path());
    server.stop();
    wait_for(|| (!is_alive(&pid)).then_some(()));

    let server = start_with(options(EncodingOptions::default()));
    let (status, data) = finished(&server, &job);
    assert_eq!(status, "failed");
    assert_eq!(
        data["error"],
        "the server was stopped before the media was encoded"
    );
    assert_eq!(data["output"], json!([]));
    assert!(exists(&server, &source));
}

#[cfg(unix)]
#[test]
fn a_reset_calls_off_what_is_encoded_and_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_ffmpeg(folder.path(), ENDLESS);
    for name in ["first", "second"] {
        let source = create_component(&server, name, ".mov", 0);
        upload(&server, &source, b"moving pictures");
        encode(&server, &source, None, true);
    }
    let pid = running(folder.path());
    server.reset().unwrap();
    wait_for(|| (!is_alive(&pid)).then_some(()));
    std::fs::remove_file(folder.path().join("pid")).unwrap();

    // The queue works on, and begins with what is asked for now.
    let source = create_component(&server, "plate", ".png", 0);
    upload(&server, &source, &png(8, 8));
    let (status, data) = finished(&server, &encode(&server, &source, None, true));
    assert_eq!(status, "done", "{data}");
    assert!(!folder.path().join("pid").exists());
}

/// Makes a movie of the test pattern with the ffmpeg of this machine, if it has one.
fn movie(folder: &Path) -> Option<Vec<u8>> {
    let ffmpeg = std::env::var_os("IMAGEIO_FFMPEG_EXE").unwrap_or_else(|| "ffmpeg".into());
    draw_frames(folder, "ball", 12, 161, 91).unwrap();
    let movie = folder.join("ball.mov");
    let made = std::process::Command::new(ffmpeg)
        .args([
            "-v",
            "error",
            "-framerate",
            "24",
            "-start_number",
            "1001",
            "-i",
        ])
        .arg(folder.join("ball.%04d.png"))
        .args(["-c:v", "mjpeg", "-q:v", "3"])
        .arg(&movie)
        .status();
    made.ok().filter(std::process::ExitStatus::success)?;
    std::fs::read(movie).ok()
}

#[test]
fn a_movie_becomes_one_that_browsers_play() {
    let folder = tempfile::tempdir().unwrap();
    // Without ffmpeg the other half of the behaviour is tested above.
    let Some(bytes) = movie(folder.path()) else {
        return;
    };
    let server = start();
    let version = create_version(&server);
    let source = create_component(&server, "ball", ".mov", bytes.len());
    upload(&server, &source, &bytes);
    let (status, data) = finished(&server, &encode(&server, &source, Some(&version), false));
    assert_eq!(status, "done", "{data}");
    assert_eq!(data["output"][0]["format"], "video/mp4");

    let movie = component(&server, output(&data, 0));
    assert_eq!(
        (&movie["name"], &movie["file_type"]),
        (&json!("ftrackreview-mp4"), &json!(".mp4"))
    );
    let review: Value =
        serde_json::from_str(movie["metadata"][0]["value"].as_str().unwrap()).unwrap();
    let expect =
        json!({"frameIn": 0, "frameOut": 12, "frameRate": 24.0, "width": 160, "height": 90});
    assert_eq!(review, expect);

    let file = get(&component_url(&server, "get", output(&data, 0)));
    assert_eq!(file.header("content-type"), Some("video/mp4"));
    let position = |mark: &[u8]| {
        file.body
            .windows(4)
            .position(|window| window == mark)
            .unwrap()
    };
    // The index comes before the pictures: the movie plays while it loads.
    assert!(position(b"moov") < position(b"mdat"));

    let thumbnail = get(&component_url(&server, "get", output(&data, 1)));
    let picture = image::load_from_memory(&thumbnail.body).unwrap();
    assert_eq!((picture.width(), picture.height()), (161, 91));
    assert!(!exists(&server, &source));
}
