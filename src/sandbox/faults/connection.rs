//! Faults below HTTP: connections that are reset, cut off or slow.
//!
//! A real reset cannot be told from outside a connection, so every accepted one is wrapped. The middleware holds a
//! [`Connection`] to the stream its request came by, and says through it how the stream is to end or how fast it may be.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep_until};

use super::set::FaultSet;

/// How often a limited connection moves bytes: often enough to look even.
const TICK: Duration = Duration::from_millis(10);

/// The most a limited connection reads at once, in bytes.
const READ_BYTES: usize = 16 << 10;

/// How long a connection that is to be refused may take to show its first request: far longer than it does.
const DOUBT: Duration = Duration::from_millis(200);

/// How many bytes show whether faults spare a request.
const SPARED_HEAD: usize = 24;

/// A listener whose connections can fail.
pub struct FaultyListener {
    listener: TcpListener,
    faults: Arc<FaultSet>,
}

impl FaultyListener {
    /// Wraps a listener.
    pub fn new(listener: TcpListener, faults: Arc<FaultSet>) -> Self {
        Self { listener, faults }
    }
}

impl Listener for FaultyListener {
    type Io = FaultyStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (FaultyStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Answers are small and awaited: they must not wait to be merged with later ones.
        let _ = stream.set_nodelay(true);
        (FaultyStream::new(stream, Arc::clone(&self.faults)), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The connection that a request came by.
#[derive(Debug, Clone)]
pub struct Connection(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// An [`End`], as a number.
    end: AtomicU8,
    /// Whether a request has come by it.
    used: AtomicBool,
    /// Whether there is a pace, so that a connection without one takes no lock.
    paced: AtomicBool,
    pace: Mutex<Option<Pace>>,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// As its ends like.
    Open = 0,
    /// Closed once everything that was written is on its way.
    CloseWhenFlushed = 1,
    /// Reset once everything that was written is on its way.
    ResetWhenFlushed = 2,
    /// Reset at once.
    Reset = 3,
    /// Closed when all but the last byte of what is written next is on its way.
    CloseInNextWrite = 4,
}

impl Connection {
    /// Resets the connection: what was written last may never arrive.
    pub fn reset(&self) {
        self.0.set_end(End::Reset);
    }

    /// Resets the connection once everything that was written is on its way.
    pub fn reset_when_flushed(&self) {
        self.0.set_end(End::ResetWhenFlushed);
    }

    /// Closes the connection once everything that was written is on its way.
    pub fn close_when_flushed(&self) {
        self.0.set_end(End::CloseWhenFlushed);
    }

    /// Closes the connection in the middle of what is written next.
    pub fn close_in_next_write(&self) {
        self.0.set_end(End::CloseInNextWrite);
    }

    /// Begins a request, which may be as fast as it can; answers whether it is the first one.
    pub fn begin_request(&self) -> bool {
        // Connections are kept for the next request, which meets faults of its own.
        self.0.paced.store(false, Ordering::Release);
        !self.0.used.swap(true, Ordering::AcqRel)
    }

    /// Sets how fast the connection is for the rest of the request.
    pub fn set_pace(&self, pace: Pace) {
        *self.0.pace.lock() = Some(pace);
        self.0.paced.store(true, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, FaultyListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, FaultyListener>) -> Self {
        Self(Arc::clone(&stream.io().shared))
    }
}

impl Shared {
    fn end(&self) -> End {
        match self.end.load(Ordering::Acquire) {
            1 => End::CloseWhenFlushed,
            2 => End::ResetWhenFlushed,
            3 => End::Reset,
            4 => End::CloseInNextWrite,
            _ => End::Open,
        }
    }

    fn set_end(&self, end: End) {
        self.end.store(end as u8, Ordering::Release);
    }
}

/// How fast a connection is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many bytes may go at once.
    bytes: usize,
    /// How long the next ones wait after that many.
    pause: Duration,
    /// Whether the limit is for what the client sends, too.
    reads: bool,
    /// The number of clearings when it was set: the next one lifts it.
    clearings: u64,
}

impl Pace {
    /// A number of bytes a second in each direction.
    pub fn bandwidth(bytes_per_second: NonZeroU64, faults: &FaultSet) -> Self {
        let speed = usize::try_from(bytes_per_second.get()).unwrap_or(usize::MAX);
        let ticks = usize::try_from(Duration::from_secs(1).as_millis() / TICK.as_millis());
        let bytes = (speed / ticks.unwrap_or(1)).max(1);
        Self {
            bytes,
            pause: Duration::from_secs(1).mul_f64(ratio(bytes, speed)),
            reads: true,
            clearings: faults.clearings(),
        }
    }

    /// A byte of the answer at a time.
    pub fn byte_by_byte(pause: Duration, faults: &FaultSet) -> Self {
        Self {
            bytes: 1,
            pause,
            reads: false,
            clearings: faults.clearings(),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the length of a pause need not be exact"
)]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// A connection that can fail.
pub struct FaultyStream {
    stream: TcpStream,
    shared: Arc<Shared>,
    faults: Arc<FaultSet>,
    reads: Gate,
    writes: Gate,
    /// The time for the first bytes of a connection that is to be refused.
    doubt: Option<Pin<Box<Sleep>>>,
}

impl FaultyStream {
    fn new(stream: TcpStream, faults: Arc<FaultSet>) -> Self {
        let doubt = faults
            .may_refuse_connections()
            .then(|| Box::pin(tokio::time::sleep(DOUBT)));
        Self {
            doubt,
            stream,
            shared: Arc::default(),
            faults,
            reads: Gate::default(),
            writes: Gate::default(),
        }
    }

    fn check(&self) -> io::Result<()> {
        match self.shared.end() {
            End::Reset => Err(io::ErrorKind::ConnectionReset.into()),
            End::Open | End::CloseWhenFlushed | End::ResetWhenFlushed | End::CloseInNextWrite => {
                Ok(())
            }
        }
    }

    /// Refuses the connection if that is to happen to it, and its first request is none that faults spare.
    fn poll_refuse(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(doubt) = &mut self.doubt else {
            return Poll::Ready(Ok(()));
        };
        let mut bytes = [0; SPARED_HEAD];
        let mut head = ReadBuf::new(&mut bytes);
        if self.stream.poll_peek(context, &mut head)?.is_pending() {
            ready!(doubt.as_mut().poll(context));
        }
        self.doubt = None;
        if is_spared(head.filled()) {
            // The next one may be another: it comes by a connection that is kept.
            self.shared.used.store(true, Ordering::Release);
        } else if self.faults.refuses_connection() {
            self.shared.set_end(End::Reset);
            return Poll::Ready(self.check());
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all but the last byte, and pretends to have written that as well.
    fn poll_last_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = bytes.len().saturating_sub(1);
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..most]))?;
        if written < most {
            return Poll::Ready(Ok(written));
        }
        self.shared.set_end(End::CloseWhenFlushed);
        Poll::Ready(Ok(bytes.len()))
    }

    /// Returns the pace of the connection, unless faults have been cleared since it was set.
    fn pace(&self) -> Option<Pace> {
        if !self.shared.paced.load(Ordering::Acquire) {
            return None;
        }
        let pace = *self.shared.pace.lock();
        pace.filter(|pace| pace.clearings == self.faults.clearings())
    }
}

impl Drop for FaultyStream {
    fn drop(&mut self) {
        if self.shared.end() == End::Reset {
            // The peer that is gone already needs no reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        let this = &mut *self;
        ready!(this.poll_refuse(context))?;
        let Some(pace) = this.pace().filter(|pace| pace.reads) else {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        };
        ready!(this.reads.poll_open(context));
        let mut block = [0; READ_BYTES];
        let length = pace.bytes.min(READ_BYTES).min(buffer.remaining());
        let mut limited = ReadBuf::new(&mut block[..length]);
        ready!(Pin::new(&mut this.stream).poll_read(context, &mut limited))?;
        buffer.put_slice(limited.filled());
        this.reads.passed(limited.filled().len(), pace);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        let this = &mut *self;
        if this.shared.end() == End::CloseInNextWrite {
            return this.poll_last_write(context, bytes);
        }
        let Some(pace) = this.pace() else {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        };
        ready!(this.writes.poll_open(context));
        let length = pace.bytes.min(bytes.len());
        let written = ready!(Pin::new(&mut this.stream).poll_write(context, &bytes[..length]))?;
        this.writes.passed(written, pace);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        if self.pace().is_none() && self.shared.end() != End::CloseInNextWrite {
            return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(context, first.map_or(&[], |slice| slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        match self.shared.end() {
            End::Open | End::CloseInNextWrite => Poll::Ready(Ok(())),
            End::CloseWhenFlushed => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            End::ResetWhenFlushed | End::Reset => {
                self.shared.set_end(End::Reset);
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.shared.end() {
            // An orderly end would come before the reset.
            End::Reset => Poll::Ready(Ok(())),
            End::Open | End::CloseWhenFlushed | End::ResetWhenFlushed | End::CloseInNextWrite => {
                Pin::new(&mut self.stream).poll_shutdown(context)
            }
        }
    }
}

/// Whether a request begins like one of those that set and clear faults, which no fault reaches.
fn is_spared(head: &[u8]) -> bool {
    let path = head.iter().position(|byte| *byte == b' ');
    path.is_some_and(|space| head[space + 1..].starts_with(b"/sandbox/"))
}

/// Keeps one direction of a connection to its pace.
#[derive(Default)]
struct Gate {
    /// When the next bytes may pass.
    opens: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Gate {
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(opens) = self.opens.filter(|opens| *opens > Instant::now()) else {
            return Poll::Ready(());
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(opens)));
        if timer.deadline() != opens {
            timer.as_mut().reset(opens);
        }
        timer.as_mut().poll(context)
    }

    fn passed(&mut self, bytes: usize, pace: Pace) {
        let now = Instant::now();
        // A timer that fired late is made up for, an idle time is not.
        let since = self.opens.filter(|opens| *opens + 2 * TICK > now);
        let pause = pace.pause.mul_f64(ratio(bytes, pace.bytes));
        self.opens = Some(since.unwrap_or(now) + pause);
    }
}
