//! Measures the event server over real sockets: many connections, of which few want what is published.
//!
//! 1,000 connections are open and subscribed, 10 of them to the topic that is published 10,000 times a second. What is
//! reported: events routed and delivered a second, the time from publishing to delivery, and the memory of the process,
//! the clients' ends of all connections included. Afterwards the same without a pause between events.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it measures and has nobody to report errors to"
)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ftrack_protocol::Event;
use ftrack_protocol::socketio::{Packet, decode_event, encode_event};
use ftrack_sandbox::{Sandbox, SandboxOptions};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const CONNECTIONS: usize = 1_000;
const INTERESTED: usize = 10;
const RATE: u64 = 10_000;
const SECONDS: u64 = 5;

/// Events between two pauses of the publisher: a pause of 10 ms is one that timers keep.
const BURST: u64 = RATE / 100;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn main() {
    let server = Sandbox::start(SandboxOptions::default()).expect("a free port");
    Runtime::new().expect("threads").block_on(measure(&server));
}

async fn measure(server: &Sandbox) {
    let delivered = Arc::new(Delivered::default());
    for number in 0..CONNECTIONS {
        let topic = if number < INTERESTED {
            "bench".to_owned()
        } else {
            format!("bench.other.{}", number % 50)
        };
        let socket = connect(server, &topic).await;
        tokio::spawn(listen(socket, Arc::clone(&delivered)));
    }
    let mut publisher = connect(server, "bench.publisher").await;
    println!(
        "{} connections, {INTERESTED} interested, {} MiB resident",
        server.events().connections(),
        resident_mib()
    );
    let mut pause = interval(Duration::from_millis(10));
    pause.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let paced = run(&mut publisher, &delivered, Some(&mut pause)).await;
    println!("at {RATE} events/s: {paced}");
    let unpaced = run(&mut publisher, &delivered, None).await;
    println!("without a pause: {unpaced}");
    println!("{} MiB resident", resident_mib());
}

/// What listeners have received, and how long each event took in microseconds.
#[derive(Default)]
struct Delivered {
    count: AtomicU64,
    micros: parking_lot::Mutex<Vec<u64>>,
}

/// Publishes events for a while, and waits until all have been delivered.
async fn run(
    publisher: &mut Socket,
    delivered: &Delivered,
    mut pause: Option<&mut tokio::time::Interval>,
) -> String {
    delivered.count.store(0, Ordering::Relaxed);
    delivered.micros.lock().clear();
    let events = RATE * SECONDS;
    let started = Instant::now();
    for number in 0..events {
        let data = json!({"number": number, "micros": micros(), "text": "x".repeat(200)});
        let event = Event::new(number.to_string(), "bench", data);
        let packet = encode_event(&event, None).expect("an event");
        publisher
            .feed(Message::text(packet))
            .await
            .expect("a connection");
        if number % BURST == BURST - 1 {
            publisher.flush().await.expect("a connection");
            if let Some(pause) = &mut pause {
                pause.tick().await;
            }
        }
    }
    let expected = events * INTERESTED as u64;
    while delivered.count.load(Ordering::Relaxed) < expected {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut micros = std::mem::take(&mut *delivered.micros.lock());
    micros.sort_unstable();
    let quantile = |percent: usize| micros[(micros.len() - 1) * percent / 100];
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let rate = |count: u64| count as f64 / seconds;
    format!(
        "{:.0} events/s routed, {:.0} deliveries/s, p50 {} us, p99 {} us",
        rate(events),
        rate(expected),
        quantile(50),
        quantile(99)
    )
}

async fn listen(mut socket: Socket, delivered: Arc<Delivered>) {
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.into_text() else {
            continue;
        };
        let Ok(packet) = Packet::decode(&text) else {
            continue;
        };
        if let Ok(event) = decode_event(packet.data)
            && let Some(sent) = event.data["micros"].as_u64()
        {
            delivered.micros.lock().push(micros().saturating_sub(sent));
            delivered.count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn connect(server: &Sandbox, topic: &str) -> Socket {
    let (user, key) = (server.api_user(), server.api_key());
    let address = server.url().trim_start_matches("http://");
    let path = format!("/socket.io/1/?api_user={user}&api_key={key}");
    let answer = http_get(address, &path).await;
    let session = answer.split(':').next().unwrap_or_default();
    let url = format!("ws://{address}/socket.io/1/websocket/{session}");
    let (mut socket, _) = connect_async(url).await.expect("a connection");
    let subscribe = Event::new(
        "subscribe",
        "ftrack.meta.subscribe",
        json!({"subscriber": {"id": session}, "subscription": format!("topic={topic}")}),
    );
    let packet = encode_event(&subscribe, None).expect("an event");
    socket
        .send(Message::text(packet))
        .await
        .expect("a connection");
    socket
}

async fn http_get(address: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = TcpStream::connect(address).await.expect("a server");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a server");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    body.to_owned()
}

/// Microseconds since the first call.
fn micros() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

/// The resident memory of this process, or 0 where the system does not tell.
fn resident_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
