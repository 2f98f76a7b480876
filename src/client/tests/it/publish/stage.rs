//! What the tests of publishing share: an embedded server, files, and what is seen of a publish.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ftrack_client::config::Config;
use ftrack_client::publish::{
    self, ComponentSpec, Description, Failed, NodeReport, Plan, Published, Reference, Run,
    RunOptions, Source, Target, Used, VersionSpec, Watch,
};
use ftrack_client::transfer::{Api, Control, Progress, RetryPolicy, TransferOptions};
use ftrack_client::transport::{TransferApi, Transport};
use ftrack_sandbox::{CallFilter, Endpoint, Sandbox, SandboxOptions};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// A server, files, and a task to publish for.
pub(super) struct Stage {
    pub(super) server: Sandbox,
    pub(super) folder: tempfile::TempDir,
    pub(super) api: Arc<dyn Api>,
    pub(super) task: String,
    pub(super) reports: Arc<Mutex<Vec<NodeReport>>>,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let start = || Sandbox::start(SandboxOptions::default()).unwrap();
        let server = tokio::task::spawn_blocking(start).await.unwrap();
        let config = Config::new(server.url(), server.api_user(), server.api_key());
        let transport = Arc::new(Transport::new(config).unwrap());
        let api = Arc::new(TransferApi::new(transport).unwrap());
        let mut stage = Self {
            server,
            folder: tempfile::tempdir().unwrap(),
            api,
            task: String::new(),
            reports: Arc::default(),
        };
        let tasks = stage
            .query("select id from Task where parent.name is \"des_040\"")
            .await;
        tasks[0]["id"].as_str().unwrap().clone_into(&mut stage.task);
        stage
    }

    pub(super) async fn query(&self, expression: &str) -> Vec<Value> {
        let operation = json!({"action": "query", "expression": expression});
        let answers = self.api.call(vec![operation]).await.unwrap();
        answers[0]["data"].as_array().unwrap().clone()
    }

    pub(super) fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(super) fn version(&self, asset: &str, components: Vec<ComponentSpec>) -> VersionSpec {
        VersionSpec {
            target: Target::Asset {
                name: asset.to_owned(),
                asset_type: None,
                parent: None,
            },
            task: Some(Reference::Id(self.task.clone())),
            comment: "first".to_owned(),
            data: serde_json::Map::new(),
            metadata: BTreeMap::from([("shot".to_owned(), "des_040".to_owned())]),
            custom_attributes: BTreeMap::new(),
            components,
            reviewable: None,
            thumbnail: None,
            uses: Vec::new(),
        }
    }

    /// Three versions with four components each; the second uses the first.
    pub(super) fn three_versions(&self) -> Description {
        let versions = ["one", "two", "three"].map(|asset| {
            let components = (0..4).map(|number| {
                let name = format!("{asset}{number}");
                component(&name, &self.file(&format!("{name}.txt"), &name))
            });
            self.version(asset, components.collect())
        });
        let mut description = Description {
            versions: versions.into(),
            depends: Vec::new(),
        };
        description.versions[1].uses = vec![Used::Version(0)];
        description
    }

    pub(super) async fn plan(&self, description: &Description) -> Plan {
        publish::prepare(&*self.api, description).await.unwrap()
    }

    pub(super) async fn run_with(
        &self,
        description: &Description,
        options: RunOptions,
    ) -> Result<Published, Failed> {
        let planned = publish::prepare(&*self.api, description).await;
        let plan = Arc::new(planned.map_err(|error| Failed {
            error,
            nodes: Vec::new(),
            is_published: Some(false),
        })?);
        self.reports.lock().clear();
        let reports = Arc::clone(&self.reports);
        let watch = Watch::new(&plan, move |report| reports.lock().push(report));
        let (progress, control) = (Progress::new(), Control::new());
        let mut run = Run::new(
            Arc::clone(&self.api),
            plan,
            options,
            watch,
            progress,
            control,
        );
        run.run().await
    }

    pub(super) async fn run(&self, description: &Description) -> Result<Published, Failed> {
        self.run_with(description, options()).await
    }

    /// Returns the published assets and their components, with whether the bytes of each are there.
    pub(super) async fn visible(&self) -> Vec<String> {
        let versions = self
            .query(
                "select asset.name, version, is_published, components.name, components.size, \
                 components.component_locations.resource_identifier from AssetVersion \
                 where asset.name in (\"one\", \"two\", \"three\")",
            )
            .await;
        let mut lines: Vec<_> = versions.iter().map(describe).collect();
        lines.sort();
        lines
    }

    /// Returns how many versions of random graphs are published, with how many components and links.
    pub(super) async fn published(&self) -> [usize; 3] {
        let [versions, components, links] = [
            "AssetVersion where asset.name like \"g_\" and is_published is true",
            "FileComponent where version.asset.name like \"g_\"",
            "AssetVersionLink where to.asset.name like \"g_\"",
        ];
        [
            self.query(versions).await.len(),
            self.query(components).await.len(),
            self.query(links).await.len(),
        ]
    }

    /// Returns the number of API calls and of uploads since the last look.
    pub(super) fn counts(&self) -> (usize, usize) {
        let counts = [Endpoint::Api, Endpoint::Upload].map(|endpoint| {
            let calls = self.server.calls(CallFilter {
                endpoint: Some(endpoint),
                action: None,
            });
            calls.len()
        });
        self.server.clear_calls();
        (counts[0], counts[1])
    }

    /// Returns the number of requests below a path that succeeded.
    pub(super) fn answered(&self, path: &str) -> usize {
        let calls = self.server.calls(CallFilter::default());
        let calls = calls.iter().filter(|call| call.path.starts_with(path));
        calls.filter(|call| call.status == Some(200)).count()
    }

    /// Waits until a request has met the fault that is set.
    pub(super) async fn met_fault(&self) {
        let mut look = tokio::time::interval(Duration::from_millis(2));
        while self.server.faults().iter().all(|fault| fault.fired == 0) {
            look.tick().await;
        }
    }
}

fn describe(version: &Value) -> String {
    let components = version["components"].as_array().unwrap();
    let registered = components.iter().filter(|component| {
        !component["component_locations"]
            .as_array()
            .unwrap()
            .is_empty()
    });
    format!(
        "{} v{} published={} components={}/{}",
        version["asset"]["name"].as_str().unwrap(),
        version["version"],
        version["is_published"],
        registered.count(),
        components.len(),
    )
}

pub(super) fn component(name: &str, path: &str) -> ComponentSpec {
    ComponentSpec {
        name: name.to_owned(),
        source: Source::Path(path.to_owned()),
        data: serde_json::Map::new(),
        metadata: BTreeMap::new(),
        locations: Vec::new(),
    }
}

pub(super) fn options() -> RunOptions {
    RunOptions {
        transfer: TransferOptions {
            retry: RetryPolicy {
                attempts: 1,
                first: Duration::from_millis(1),
                max: Duration::from_millis(1),
            },
            ..TransferOptions::default()
        },
        ..RunOptions::default()
    }
}

/// Stops the server, which waits for its threads.
pub(super) async fn stop(stage: Stage) {
    tokio::task::spawn_blocking(|| drop(stage)).await.unwrap();
}
