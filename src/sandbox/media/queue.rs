//! The worker behind `encode_media`: one encode at a time, in the order they were asked for.
//!
//! ffmpeg uses every core by itself, so that two at once would only make both late. The worker is a task of the
//! server's runtime: when that stops, a running ffmpeg is killed, and the next start reports the job as failed. When the
//! server returns to its first state, whose jobs know nothing of the encode, it is killed as well, and what waits is forgotten.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, MutexGuard, watch};
use tracing::{debug, warn};

use super::encode::{EncodeTask, Output, OutputRole};
use super::encode_rows::{self, Filled, JobState};
use super::ffmpeg::{Ffmpeg, FfmpegError};
use super::file_type::MediaKind;
use super::files::Incoming;
use super::still::{self, StillError};
use crate::app::AppState;
use crate::error::ApiError;
use crate::events::update;
use crate::semantics::UnitOfWork;

/// Largest side of the still that browsers show, in pixels.
const REVIEW_SIZE: u32 = 3840;

/// Largest side of a thumbnail, in pixels.
const THUMBNAIL_SIZE: u32 = 640;

/// Where in a movie its thumbnail is taken: past a slate or a fade, before the end.
const THUMBNAIL_POSITION: f64 = 1.0 / 3.0;

/// The encodes that wait, as seen by those who ask for them.
#[derive(Debug)]
pub struct EncodeQueue {
    tasks: UnboundedSender<Queued>,
    /// How often everything was called off.
    era: watch::Sender<u64>,
    /// Held while something is encoded.
    busy: Mutex<()>,
}

/// An encode, and the era in which it was asked for.
#[derive(Debug)]
pub struct Queued {
    task: EncodeTask,
    era: u64,
}

impl EncodeQueue {
    /// Makes a queue and the end that [`work`] takes from.
    pub fn new() -> (Self, UnboundedReceiver<Queued>) {
        let (tasks, waiting) = unbounded_channel();
        let queue = Self {
            tasks,
            era: watch::Sender::default(),
            busy: Mutex::default(),
        };
        (queue, waiting)
    }

    /// Queues an encode whose rows are committed.
    pub fn submit(&self, task: EncodeTask) {
        let era = *self.era.borrow();
        // Only a server that is stopping takes no tasks; its next start fails the job.
        let _ = self.tasks.send(Queued { task, era });
    }

    /// Ends the encode that runs, forgets those that wait, and returns when all is quiet. None begins while the guard is held.
    pub async fn call_off(&self) -> MutexGuard<'_, ()> {
        self.era.send_modify(|era| *era += 1);
        self.busy.lock().await
    }
}

/// Encodes what is queued until the server stops.
pub async fn work(app: AppState, mut waiting: UnboundedReceiver<Queued>) {
    let mut era = app.encodes.era.subscribe();
    while let Some(Queued {
        task,
        era: asked_in,
    }) = waiting.recv().await
    {
        let job_id = task.job_id.clone();
        let _busy = app.encodes.busy.lock().await;
        tokio::select! {
            biased;
            // The sender is part of the server, and lives as long as this.
            _ = era.wait_for(|era| *era != asked_in) => debug!(job_id, "an encode was called off"),
            outcome = process(&app, task) => if let Err(error) = outcome {
                warn!(job_id, %error, "the state of an encode could not be recorded");
            },
        }
    }
}

/// Why an encode yields nothing.
#[derive(Debug, thiserror::Error)]
enum EncodeError {
    #[error(transparent)]
    Ffmpeg(#[from] FfmpegError),
    #[error(transparent)]
    Still(#[from] StillError),
    #[error("the encoded file could not be stored")]
    Storage(#[from] std::io::Error),
    #[error("the encoder stopped unexpectedly")]
    Panicked,
}

async fn process(app: &AppState, task: EncodeTask) -> Result<(), ApiError> {
    let task = Arc::new(task);
    change(app, &task, |work, task| {
        encode_rows::set_state(work, task, &JobState::Running)
    })
    .await?;
    let finished = match encode(app, &task).await {
        // The version may have been deleted meanwhile, or the source.
        Ok(outputs) => finish(app, &task, outputs)
            .await
            .map_err(|error| error.content),
        Err(error) => Err(reason(&error)),
    };
    match finished {
        Ok(()) => Ok(()),
        Err(reason) => fail(app, &task, reason).await,
    }
}

async fn finish(
    app: &AppState,
    task: &Arc<EncodeTask>,
    outputs: Vec<Filled>,
) -> Result<(), ApiError> {
    let filled = change(app, task, move |work, task| {
        encode_rows::fill(work, task, &outputs)?;
        if !task.keep_original {
            encode_rows::remove_component(work, task.source.as_str())?;
        }
        encode_rows::set_state(work, task, &JobState::Done)
    });
    filled.await?;
    if let Some(version) = &task.version_id {
        app.events.publish(&update::encoded(version));
    }
    if !task.keep_original
        && let Err(error) = app.files.remove(&task.source)
    {
        // The job is done and says so: a file that nothing names any more is no failure of it.
        warn!(source = %task.source, %error, "the file of an encoded component could not be removed");
    }
    Ok(())
}

/// Fails the job and removes its outputs; the source stays whatever was asked for.
async fn fail(app: &AppState, task: &Arc<EncodeTask>, reason: String) -> Result<(), ApiError> {
    for output in &task.outputs {
        app.files.remove(&output.component)?;
    }
    let failed = change(app, task, move |work, task| {
        for output in &task.outputs {
            encode_rows::remove_component(work, output.component.as_str())?;
        }
        encode_rows::set_state(work, task, &JobState::Failed { reason })
    });
    failed.await
}

/// Makes a change in the name of whoever asked for the encode.
async fn change(
    app: &AppState,
    task: &Arc<EncodeTask>,
    write: impl FnOnce(&mut UnitOfWork<'_>, &EncodeTask) -> Result<(), ApiError> + Send + 'static,
) -> Result<(), ApiError> {
    let task = Arc::clone(task);
    app.change(task.caller.clone(), move |work| write(work, &task))
        .await
}

/// Writes an error with its causes.
fn reason(error: &EncodeError) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn encode(app: &AppState, task: &Arc<EncodeTask>) -> Result<Vec<Filled>, EncodeError> {
    let source = app.files.path(&task.source);
    match task.kind {
        MediaKind::Still => encode_still(app, task, source).await,
        MediaKind::ForeignStill => {
            let frame = app.files.receive()?;
            Ffmpeg::find(&app.config.encoding)?
                .frame(&source, 0.0, frame.path())
                .await?;
            encode_still(app, task, frame.path().to_owned()).await
        }
        MediaKind::Movie => encode_movie(app, &task.outputs, &source).await,
    }
}

async fn encode_still(
    app: &AppState,
    task: &Arc<EncodeTask>,
    source: PathBuf,
) -> Result<Vec<Filled>, EncodeError> {
    let (server, pictures) = (app.clone(), Arc::clone(task));
    let drawn = blocking(move || draw_stills(&server, &pictures.outputs, &source)).await?;
    // Here and not above: work on another thread cannot be called off.
    let outputs = drawn.into_iter().zip(&task.outputs);
    outputs
        .map(|(incoming, output)| keep(app, incoming, output, json!({"format": "image"})))
        .collect()
}

fn draw_stills(
    app: &AppState,
    outputs: &[Output],
    source: &Path,
) -> Result<Vec<Incoming>, EncodeError> {
    let picture = still::read(source)?;
    let outputs = outputs.iter().map(|output| {
        let size = if output.role == OutputRole::Thumbnail {
            THUMBNAIL_SIZE
        } else {
            REVIEW_SIZE
        };
        let bytes = still::to_jpeg(&still::fit(&picture, size))?;
        let mut incoming = app.files.receive()?;
        incoming.append(&bytes)?;
        Ok(incoming)
    });
    outputs.collect()
}

async fn encode_movie(
    app: &AppState,
    outputs: &[Output],
    source: &Path,
) -> Result<Vec<Filled>, EncodeError> {
    let ffmpeg = Ffmpeg::find(&app.config.encoding)?;
    let mut filled = Vec::new();
    for output in outputs {
        let incoming = app.files.receive()?;
        let review = match output.role {
            OutputRole::Movie => movie(&ffmpeg, source, incoming.path()).await?,
            OutputRole::Image | OutputRole::Thumbnail => {
                movie_thumbnail(app, &ffmpeg, source, incoming.path()).await?;
                json!({"format": "image"})
            }
        };
        filled.push(keep(app, incoming, output, review)?);
    }
    Ok(filled)
}

/// Makes the movie and describes it as web players expect.
async fn movie(ffmpeg: &Ffmpeg, source: &Path, target: &Path) -> Result<Value, EncodeError> {
    let frames = ffmpeg.movie(source, target).await?;
    // The source may be rotated or larger: what counts is what was written.
    let info = ffmpeg.probe(target).await?;
    Ok(json!({
        "frameIn": 0,
        "frameOut": frames,
        "frameRate": info.frame_rate,
        "width": info.width,
        "height": info.height,
    }))
}

async fn movie_thumbnail(
    app: &AppState,
    ffmpeg: &Ffmpeg,
    source: &Path,
    target: &Path,
) -> Result<(), EncodeError> {
    let length = ffmpeg.probe(source).await?.seconds.unwrap_or_default();
    let frame = app.files.receive()?;
    // A movie of few frames may have none after that position; then nothing is written.
    for position in [length * THUMBNAIL_POSITION, 0.0] {
        ffmpeg.frame(source, position, frame.path()).await?;
        if frame.path().metadata()?.len() > 0 {
            break;
        }
    }
    let target = target.to_owned();
    blocking(move || {
        let picture = still::read(frame.path())?;
        Ok(std::fs::write(
            target,
            still::to_jpeg(&still::fit(&picture, THUMBNAIL_SIZE))?,
        )?)
    })
    .await
}

fn keep(
    app: &AppState,
    incoming: Incoming,
    output: &Output,
    review: Value,
) -> Result<Filled, EncodeError> {
    let size = incoming.path().metadata()?.len();
    app.files.keep(incoming, &output.component)?;
    Ok(Filled {
        component: output.component.clone(),
        role: output.role,
        size,
        review,
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EncodeError> + Send + 'static,
) -> Result<T, EncodeError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| EncodeError::Panicked)?
}
