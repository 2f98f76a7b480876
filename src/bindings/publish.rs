//! Publishing: plans and runs of `client::publish`, which Python describes and reads as JSON.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use ftrack_client::publish::{
    self, Description, Failed, NodeReport, Noted, Placement, Plan, PublishError, Published, Run,
    RunOptions, Shard, ShardResult, Watch,
};
use ftrack_client::transfer::{Api, TransferOptions};
use ftrack_client::transport::TransferApi;
use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::journal::TransferIntent;
use crate::transfer_control::TransferControl;
use crate::{blocking, error};

/// A stage of a run.
type Stage<'a, T> = Pin<Box<dyn Future<Output = Result<T, PublishError>> + Send + 'a>>;

/// What a publish will do.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct PublishPlan {
    plan: Arc<Plan>,
}

#[pymethods]
impl PublishPlan {
    /// Asks the server and looks at the files; changes nothing.
    #[new]
    fn new(py: Python<'_>, client: &Client, description: &str) -> PyResult<Self> {
        let description: Description = read(description)?;
        let api = api(py, client)?;
        let plan = blocking::wait(py, "plan a publish", async move {
            publish::prepare(&*api, &description).await
        })?;
        let plan = plan.map_err(|error| error::from_publish(py, &error, "[]", Some(false)))?;
        Ok(Self {
            plan: Arc::new(plan),
        })
    }

    fn json(&self) -> PyResult<String> {
        write(&*self.plan)
    }

    fn table(&self) -> String {
        publish::table(&self.plan)
    }

    fn svg(&self) -> String {
        publish::svg(&self.plan)
    }

    fn mermaid(&self) -> String {
        publish::mermaid(&self.plan)
    }

    #[getter]
    fn goes_elsewhere(&self) -> bool {
        self.plan.goes_elsewhere()
    }

    #[getter]
    fn is_refused(&self) -> bool {
        !self.plan.obstacles().is_empty()
    }

    /// Returns the files that go to the ftrack server, in the order in which a journal gives them ids.
    fn sent_files(&self) -> Vec<PathBuf> {
        self.plan.sent_files()
    }

    /// Splits the byte work; each part is JSON.
    fn shards(&self, py: Python<'_>, count: usize) -> PyResult<Vec<String>> {
        let shards = publish::split(&self.plan, count)
            .map_err(|error| error::from_publish(py, &error, "[]", Some(false)))?;
        shards.iter().map(write).collect()
    }
}

/// Sends the files of a shard; takes and returns JSON.
#[pyfunction]
pub fn run_shard(
    py: Python<'_>,
    client: &Client,
    shard: &str,
    handle: &TransferControl,
) -> PyResult<String> {
    let shard: Shard = read(shard)?;
    let (api, options) = (api(py, client)?, handle.options(Some(client)));
    let (progress, control) = (handle.progress.clone(), handle.control.clone());
    let sent = blocking::wait(py, "send files", async move {
        shard.run(&*api, &options, &progress, &control).await
    })?;
    match sent {
        Ok(result) => write(&result),
        Err(error) => Err(error::from_publish(py, &error, "[]", Some(false))),
    }
}

/// How a publish is carried out, a dictionary.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Habits {
    force: bool,
    keep_reserved: bool,
    wait_for_encodes: bool,
}

impl Habits {
    fn options(self, transfer: TransferOptions, noted: Option<Noted>) -> RunOptions {
        RunOptions {
            transfer,
            force: self.force,
            keep_reserved: self.keep_reserved,
            wait_for_encodes: self.wait_for_encodes,
            noted,
        }
    }
}

/// A publish under way. Its methods are called by one thread, which also calls whoever watches.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct PublishRun {
    run: Arc<tokio::sync::Mutex<Run>>,
    handle: Py<TransferControl>,
    /// Nobody's while a call tells of them: Python runs then, and no lock may be held.
    reports: Mutex<Option<Receiver<NodeReport>>>,
    on_event: Option<Py<PyAny>>,
}

#[pymethods]
impl PublishRun {
    #[new]
    #[pyo3(signature = (client, plan, handle, on_event, habits, intent=None))]
    fn new(
        py: Python<'_>,
        client: &Client,
        plan: &PublishPlan,
        handle: Py<TransferControl>,
        on_event: Option<Py<PyAny>>,
        habits: Habits,
        intent: Option<&Bound<'_, TransferIntent>>,
    ) -> PyResult<Self> {
        let (sender, reports): (Sender<NodeReport>, _) = channel();
        // Nobody listens any more only when the run is dropped.
        let watch = Watch::new(&plan.plan, move |report| drop(sender.send(report)));
        let noted = intent.map(|intent| intent.get().noted());
        let options = habits.options(handle.get().options(Some(client)), noted);
        let run = Run::new(
            api(py, client)?,
            Arc::clone(&plan.plan),
            options,
            watch,
            handle.get().progress.clone(),
            handle.get().control.clone(),
        );
        Ok(Self {
            run: Arc::new(tokio::sync::Mutex::new(run)),
            handle,
            reports: Mutex::new(Some(reports)),
            on_event,
        })
    }

    /// Makes the versions whose numbers must be known; returns position, id and number of each.
    fn reserve(&self, py: Python<'_>) -> PyResult<Vec<(usize, String, i64)>> {
        self.stage(py, |run| Box::pin(run.reserve()))
    }

    /// Returns the ids of the components of a version, by their names.
    fn component_ids(&self, py: Python<'_>, version: usize) -> Vec<(String, String)> {
        py.detach(|| {
            let ids = self.run.blocking_lock().component_ids(version);
            ids.into_iter().collect()
        })
    }

    /// Tells whoever watches that the data of versions is put into other locations.
    fn placing(&self, py: Python<'_>, versions: Vec<usize>) -> PyResult<()> {
        let run = Arc::clone(&self.run);
        self.watched(py, async move { run.lock().await.placing(&versions) })
    }

    /// Takes note of data in other locations: of each the component, the location, and the resource identifier.
    fn place(&self, py: Python<'_>, placements: Vec<(String, String, String)>) {
        let placements = placements.into_iter().map(|placement| {
            let (component_id, location_id, resource_identifier) = placement;
            Placement {
                component_id,
                location_id,
                resource_identifier,
            }
        });
        py.detach(|| self.run.blocking_lock().place(placements.collect()));
    }

    /// Hashes and sends.
    fn send(&self, py: Python<'_>) -> PyResult<()> {
        self.stage(py, |run| Box::pin(run.send()))
    }

    /// Publishes everything; returns JSON.
    fn register(&self, py: Python<'_>) -> PyResult<String> {
        write::<Published>(&self.stage(py, |run| Box::pin(run.register()))?)
    }

    /// Takes over what shards have sent; takes JSON.
    fn collect(&self, py: Python<'_>, results: Vec<String>) -> PyResult<()> {
        let results: Vec<ShardResult> = results
            .into_iter()
            .map(|result| read(&result))
            .collect::<Result<_, _>>()?;
        self.stage(py, move |run| {
            Box::pin(async move { run.collect(&results).await })
        })
    }

    /// Takes back what was made, unless it is published; returns whether it is, if that is known.
    ///
    /// What takes longer than `patience` seconds is left to the next run of the same publish; then nothing counts as known.
    #[pyo3(signature = (reason, patience=None))]
    fn abandon(
        &self,
        py: Python<'_>,
        reason: String,
        patience: Option<f64>,
    ) -> PyResult<Option<bool>> {
        let run = Arc::clone(&self.run);
        let patience = patience.map_or(Ok(Duration::MAX), Duration::try_from_secs_f64);
        let patience = patience.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let failing = async move {
            let error = PublishError::Abandoned { reason };
            run.lock().await.fail(error).await
        };
        let failed: Option<Failed> = self.watched(py, async move {
            tokio::time::timeout(patience, failing).await.ok()
        })?;
        Ok(failed.and_then(|failed| failed.is_published))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.handle)?;
        visit.call(&self.on_event)
    }
}

impl PublishRun {
    /// Carries out one stage; if it fails, what was made is taken back.
    fn stage<T: Send + 'static>(
        &self,
        py: Python<'_>,
        stage: impl for<'a> FnOnce(&'a mut Run) -> Stage<'a, T> + Send + 'static,
    ) -> PyResult<T> {
        let run = Arc::clone(&self.run);
        let done = self.watched(py, async move {
            let mut run = run.lock().await;
            match stage(&mut run).await {
                Ok(done) => Ok(done),
                Err(error) => Err(run.fail(error).await),
            }
        })?;
        done.map_err(|failed| match write(&failed.nodes) {
            Ok(nodes) => error::from_publish(py, &failed.error, &nodes, failed.is_published),
            Err(error) => error,
        })
    }

    /// Runs `work` while whoever watches is told of every step, in this thread.
    fn watched<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> PyResult<T> {
        // Shared by the threads of Python, of which only one runs a publish.
        let reports = self.reports.lock().take().ok_or_else(|| {
            PyRuntimeError::new_err("The publish runs already, in another thread.")
        })?;
        let tell = |py: Python<'_>| {
            self.handle.get().tick(py)?;
            reports
                .try_iter()
                .try_for_each(|report| self.tell(py, report))
        };
        let done = blocking::wait_ticking(py, "publish", &tell, work)
            .and_then(|done| tell(py).map(|()| done));
        *self.reports.lock() = Some(reports);
        done
    }

    fn tell(&self, py: Python<'_>, report: NodeReport) -> PyResult<()> {
        let Some(on_event) = &self.on_event else {
            return Ok(());
        };
        let NodeReport {
            node,
            state,
            message,
        } = report;
        on_event.call1(py, (node, state.name(), message)).map(drop)
    }
}

fn api(py: Python<'_>, client: &Client) -> PyResult<Arc<dyn Api>> {
    let api = TransferApi::new(Arc::clone(&client.transport))
        .map_err(|error| error::from_client(py, &error))?;
    Ok(Arc::new(api))
}

fn read<T: DeserializeOwned>(json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn write<T: Serialize>(value: &T) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| PyValueError::new_err(error.to_string()))
}
