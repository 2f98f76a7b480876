//! What `benches/transfers.py` measures transfers against: hashing alone, and an uploader that does nothing but send.
//!
//! - `hash FILE...` hashes the files, on as many threads as there are cores that it may use; `read FILE...` reads them in the same chunks, on one, and does nothing else.
//! - `put FILE THREADS` reads lines `ADDRESS PATH OFFSET LENGTH` and PUTs these pieces of the file, each thread over one connection. The kernel moves the
//!   bytes, nothing is hashed, checked or tried again: no client can be faster.
//!
//! Both print one line of JSON.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run has nothing better to do than to end, and it reports by printing"
)]

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use ftrack_client::checksum::{HashOptions, md5_files};
use ftrack_client::transfer::Cancel;
use serde_json::json;

fn main() {
    // Cargo adds an argument that tells a benchmark from a test.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hash", ref files @ ..] => hash(files),
        ["read", ref files @ ..] => read(files),
        ["put", file, threads] => put(
            Path::new(file),
            threads.parse().expect("a number of threads"),
        ),
        // `cargo bench` runs all benchmarks, this one too.
        _ => println!("{{}}"),
    }
}

fn hash(files: &[&str]) {
    let paths: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    // As many threads as there are cores that this process may use.
    let options = HashOptions::default();
    let started = Instant::now();
    let digests = md5_files(&paths, &options, &Cancel::new(), &|_, _| ());
    let seconds = started.elapsed().as_secs_f64();
    let digests: Vec<String> = digests
        .into_iter()
        .map(|digest| digest.expect("a readable file").md5.to_string())
        .collect();
    println!("{}", json!({"seconds": seconds, "digests": digests}));
}

/// Copies the files from the page cache: what is hashed cannot be read any faster.
fn read(files: &[&str]) {
    let mut chunk = vec![0; HashOptions::default().chunk];
    let started = Instant::now();
    for file in files {
        let mut file = File::open(file).expect("a readable file");
        while file.read(&mut chunk).expect("a readable file") > 0 {}
    }
    println!("{}", json!({"seconds": started.elapsed().as_secs_f64()}));
}

/// A piece of the file, and where it goes.
struct Piece {
    number: usize,
    address: String,
    path: String,
    offset: u64,
    length: u64,
}

impl Piece {
    fn parse((number, line): (usize, String)) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let [address, path, offset, length] = words[..] else {
            panic!("a line is ADDRESS PATH OFFSET LENGTH, not {line:?}");
        };
        Self {
            number,
            address: address.to_owned(),
            path: path.to_owned(),
            offset: offset.parse().expect("an offset"),
            length: length.parse().expect("a length"),
        }
    }
}

fn put(file: &Path, threads: usize) {
    let lines = io::stdin().lock().lines().map_while(Result::ok);
    let mut pieces: Vec<Piece> = lines.enumerate().map(Piece::parse).collect();
    let mut tags = vec![String::new(); pieces.len()];
    pieces.reverse();
    let (pieces, sent) = (Mutex::new(pieces), Mutex::new(&mut tags));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| send_pieces(file, &pieces, &sent).expect("the pieces are sent"));
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    println!("{}", json!({"seconds": seconds, "e_tags": tags}));
}

fn send_pieces(
    file: &Path,
    pieces: &Mutex<Vec<Piece>>,
    sent: &Mutex<&mut Vec<String>>,
) -> io::Result<()> {
    let next = || pieces.lock().expect("no thread has failed").pop();
    let mut file = File::open(file)?;
    let mut connection = None;
    while let Some(piece) = next() {
        let stream = match &mut connection {
            Some(stream) => stream,
            None => connection.insert(BufReader::new(connect(&piece.address)?)),
        };
        let tag = send(&mut file, stream, &piece)?;
        sent.lock().expect("no thread has failed")[piece.number] = tag;
    }
    Ok(())
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    // Else the end of a piece waits for the other side to acknowledge what came before.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// PUTs a piece and returns its `ETag`.
fn send(file: &mut File, stream: &mut BufReader<TcpStream>, piece: &Piece) -> io::Result<String> {
    let Piece {
        address,
        path,
        offset,
        length,
        ..
    } = piece;
    let head =
        format!("PUT {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
    file.seek(SeekFrom::Start(*offset))?;
    stream.get_mut().write_all(head.as_bytes())?;
    // From a file to a socket this is sendfile.
    io::copy(&mut file.take(*length), stream.get_mut())?;
    let lines: Vec<String> = stream
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(
        lines[0].contains(" 200 "),
        "the server answers {}",
        lines[0]
    );
    let tag = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("etag").then_some(value)
    });
    Ok(tag.expect("a part has a tag").trim_matches('"').to_owned())
}
