//! A publish against the embedded server: whole, or not at all, whatever goes wrong on the way.

mod stage;

use std::collections::BTreeSet;
use std::sync::Arc;

use ftrack_client::publish::{
    self, Description, Failed, NodeReport, NodeState, Noted, Plan, Published, Reference, Run,
    RunOptions, Target, Used, Watch,
};
use ftrack_client::transfer::journal::{Call, Intent, Intents, Journal, State};
use ftrack_client::transfer::{Concurrency, Control, Progress};
use ftrack_sandbox::{Endpoint, Fault, FaultKind};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use self::stage::{Stage, component, options, stop};

const ALL: [&str; 3] = [
    "one v1 published=true components=4/4",
    "three v1 published=true components=4/4",
    "two v1 published=true components=4/4",
];

fn states(nodes: &[NodeReport], state: NodeState) -> usize {
    nodes.iter().filter(|node| node.state == state).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_published_in_a_few_calls_and_once() {
    let stage = Stage::new().await;
    let description = stage.three_versions();
    stage.counts();
    let published = stage.run(&description).await.unwrap();
    assert_eq!(stage.counts(), (4, 12));
    assert_eq!(stage.visible().await, ALL);
    assert!(published.versions.iter().all(|version| !version.was_there));
    let links = stage.query("select from.asset.name, to.asset.name from AssetVersionLink where to.asset.name is \"two\"").await;
    assert_eq!(links[0]["from"]["asset"]["name"], "one");
    let reports = stage.reports.lock().clone();
    let of_one: Vec<_> = reports
        .iter()
        .filter(|report| report.node == "one/one0")
        .map(|report| report.state)
        .collect();
    assert_eq!(
        of_one,
        [
            NodeState::Queued,
            NodeState::Hashing,
            NodeState::Transferring,
            NodeState::Verifying,
            NodeState::Registering,
            NodeState::Done,
        ]
    );

    stage.counts();
    let again = stage.run(&description).await.unwrap();
    assert_eq!(stage.counts(), (3, 0));
    assert!(again.versions.iter().all(|version| version.was_there));
    let ids = |published: &Published| -> Vec<String> {
        published
            .versions
            .iter()
            .map(|version| version.id.clone())
            .collect()
    };
    assert_eq!(ids(&again), ids(&published));
    assert_eq!(stage.visible().await, ALL);

    let force = RunOptions {
        force: true,
        ..options()
    };
    let forced = stage.run_with(&description, force).await.unwrap();
    assert!(forced.versions.iter().all(|version| version.number == 2));
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_makes_the_next_version() {
    let stage = Stage::new().await;
    let description = stage.three_versions();
    stage.run(&description).await.unwrap();
    stage.file("one2.txt", "changed");
    let published = stage.run(&description).await.unwrap();
    let numbers: Vec<_> = published
        .versions
        .iter()
        .map(|version| (version.number, version.was_there))
        .collect();
    // The second uses the first, so it is another one as well.
    assert_eq!(numbers, [(2, false), (2, false), (1, true)]);
    stop(stage).await;
}

/// What goes wrong with the n-th request to an endpoint.
async fn check_fault(stage: &Stage, description: &Description, fault: Fault) {
    stage.server.reset().unwrap();
    let text = format!("{fault:?}");
    stage.server.fault(fault);
    let outcome = stage.run(description).await;
    stage.server.clear_faults();
    match &outcome {
        Ok(_) => assert_eq!(stage.visible().await, ALL, "{text}"),
        Err(Failed { error, nodes, .. }) => {
            assert_eq!(stage.visible().await, [""; 0], "{text}: {error}");
            assert_eq!(states(nodes, NodeState::Done), 0, "{text}");
            assert_eq!(states(nodes, NodeState::Failed), nodes.len(), "{text}");
            assert!(!error.to_string().contains("signature"), "{text}: {error}");
        }
    }
    let second = stage.run(description).await.unwrap();
    assert_eq!(stage.visible().await, ALL, "{text}");
    let was_there = second.versions.iter().all(|version| version.was_there);
    assert_eq!(was_there, outcome.is_ok(), "{text}");
}

/// How many calls a publish makes, at most; a call more finds no fault.
const CALLS: u32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_publishes_all_or_nothing() {
    let stage = Stage::new().await;
    let description = stage.three_versions();
    for call in 0..CALLS {
        for kind in [
            FaultKind::ErrorBody,
            FaultKind::LostAnswer,
            FaultKind::Refuse,
        ] {
            let fault = Fault::new(Endpoint::Api, kind).after(call).times(1);
            check_fault(&stage, &description, fault).await;
        }
    }
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_taken_publishes_nothing() {
    let stage = Stage::new().await;
    let description = stage.three_versions();
    for file in 0..12 {
        for kind in [FaultKind::Refuse, FaultKind::LostAnswer] {
            let fault = Fault::new(Endpoint::Upload, kind).after(file).times(1);
            check_fault(&stage, &description, fault).await;
        }
    }
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_fails_removes_what_it_sent() {
    let stage = Stage::new().await;
    let description = stage.three_versions();
    for (endpoint, kind, request) in [
        (Endpoint::Upload, FaultKind::Refuse, 11),
        (Endpoint::Api, FaultKind::ErrorBody, 3),
    ] {
        stage.server.clear_calls();
        let fault = Fault::new(endpoint, kind);
        stage.server.fault(fault.after(request).times(1));
        stage.run(&description).await.unwrap_err();
        stage.server.clear_faults();
        let arrived = stage.answered("/upload/");
        assert!(arrived > 0);
        // What was sent and not answered any more may have arrived too.
        assert!(
            stage.answered("/component/remove") >= arrived,
            "{endpoint:?}"
        );
    }
    stop(stage).await;
}

/// Versions by the number of their components, and which of those before it each uses.
fn random_graph() -> impl Strategy<Value = Vec<(usize, Vec<Index>)>> {
    let uses = prop::collection::vec(any::<Index>(), 0..3);
    prop::collection::vec((0_usize..3, uses), 1..6)
}

/// Describes a random graph, and returns how many components and links it has.
fn describe_graph(stage: &Stage, graph: &[(usize, Vec<Index>)]) -> (Description, [usize; 2]) {
    let (mut description, mut counts) = (Description::default(), [0, 0]);
    for (position, (components, uses)) in graph.iter().enumerate() {
        let components = (0..*components).map(|number| {
            let name = format!("g{position}c{number}");
            component(&name, &stage.file(&format!("{name}.txt"), &name))
        });
        let mut version = stage.version(&format!("g{position}"), components.collect());
        let used: BTreeSet<_> = uses
            .iter()
            .filter(|_| position > 0)
            .map(|index| index.index(position))
            .collect();
        counts[0] += version.components.len();
        counts[1] += used.len();
        version.uses = used.into_iter().map(Used::Version).collect();
        description.versions.push(version);
    }
    (description, counts)
}

#[tokio::test(flavor = "multi_thread")]
async fn random_graphs_are_published_whole_or_not_at_all() {
    let stage = Stage::new().await;
    let mut runner = TestRunner::deterministic();
    let cases = (random_graph(), 0..8_u32, any::<bool>());
    for _ in 0..8 {
        stage.server.reset().unwrap();
        let (graph, request, is_call) = cases.new_tree(&mut runner).unwrap().current();
        let (description, [components, links]) = describe_graph(&stage, &graph);
        let endpoint = if is_call {
            Endpoint::Api
        } else {
            Endpoint::Upload
        };
        let fault = Fault::new(endpoint, FaultKind::Refuse);
        stage.server.fault(fault.after(request).times(1));
        let outcome = stage.run(&description).await;
        stage.server.clear_faults();
        let all = [graph.len(), components, links];
        let expected = if outcome.is_ok() { all } else { [0; 3] };
        assert_eq!(stage.published().await, expected, "{graph:?} {request}");
        stage.run(&description).await.unwrap();
        assert_eq!(stage.published().await, all, "{graph:?} {request}");
    }
    stop(stage).await;
}

/// A publisher that ends in the middle of a request, as a killed process does.
async fn check_killed(
    stage: &Arc<Stage>,
    description: &Description,
    endpoint: Endpoint,
    request: u32,
) {
    stage.server.reset().unwrap();
    stage.server.fault(
        Fault::new(endpoint, FaultKind::Hold)
            .after(request)
            .times(1),
    );
    let (runs, described) = (Arc::clone(stage), description.clone());
    let publisher = tokio::spawn(async move { runs.run(&described).await.map(drop) });
    stage.met_fault().await;
    publisher.abort();
    assert!(publisher.await.unwrap_err().is_cancelled());
    stage.server.clear_faults();
    let left = stage.visible().await;
    assert!(
        left.is_empty() || left == ALL,
        "{endpoint:?} {request}: {left:?}"
    );
    stage.run(description).await.unwrap();
    assert_eq!(stage.visible().await, ALL, "{endpoint:?} {request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_is_killed_leaves_all_or_nothing() {
    let stage = Arc::new(Stage::new().await);
    let description = stage.three_versions();
    for call in 0..CALLS - 1 {
        check_killed(&stage, &description, Endpoint::Api, call).await;
    }
    for file in 0..12 {
        check_killed(&stage, &description, Endpoint::Upload, file).await;
    }
    let stage = Arc::into_inner(stage).unwrap();
    stop(stage).await;
}

/// Options with a journal in a folder of the stage, and what keeps the publish noted.
fn noted(stage: &Stage, plan: &Plan) -> (RunOptions, Intent) {
    let call = Call {
        server: stage.server.url().to_owned(),
        user: "jane".to_owned(),
        location_id: "server".to_owned(),
        path: "publish".to_owned(),
        data: "{}".to_owned(),
    };
    let intents = Intents::in_folder(stage.folder.path().join("state"));
    let intent = intents.begin(&call, &plan.sent_files(), false).unwrap();
    let mut options = options();
    options.transfer.journal = Some(Arc::clone(intent.record()) as Arc<dyn Journal>);
    options.transfer.concurrency = Concurrency::Fixed(1);
    options.noted = Some(Noted {
        file_ids: intent.file_ids().to_vec(),
        is_continued: intent.state() != State::New,
    });
    (options, intent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_is_noted_sends_only_the_rest_after_a_kill() {
    let stage = Arc::new(Stage::new().await);
    let small = stage.three_versions();
    let large = stage.file("large.mov", "");
    let file = std::fs::File::options().write(true).open(&large).unwrap();
    file.set_len(20 << 20).unwrap();
    let mut in_parts = small.clone();
    in_parts.versions[2].components = vec![component("large", &large)];
    for (description, request, total) in [(&small, 11, 12), (&in_parts, 2, 8 + 3)] {
        let plan = stage.plan(description).await;
        stage.server.reset().unwrap();
        stage.counts();
        let kind = FaultKind::BlackHole;
        let fault = Fault::new(Endpoint::Upload, kind).after(request).times(1);
        stage.server.fault(fault);
        let (options, intent) = noted(&stage, &plan);
        let (runs, described) = (Arc::clone(&stage), description.clone());
        let publisher =
            tokio::spawn(async move { runs.run_with(&described, options).await.map(drop) });
        stage.met_fault().await;
        publisher.abort();
        assert!(publisher.await.unwrap_err().is_cancelled());
        stage.server.clear_faults();
        // The lock of the process ends with it.
        drop(intent);
        let (options, intent) = noted(&stage, &plan);
        stage.run_with(description, options).await.unwrap();
        intent.finish().unwrap();
        assert_eq!(stage.answered("/upload/"), total, "killed at {request}");
        assert_eq!(stage.visible().await.len(), 3);
    }
    let stage = Arc::into_inner(stage).unwrap();
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_not_written_to_by_who_continues() {
    let stage = Stage::new().await;
    let description = stage.three_versions();
    let plan = stage.plan(&description).await;
    let (options, intent) = noted(&stage, &plan);
    let first = stage.run_with(&description, options).await.unwrap();
    // The process was killed before it could forget the publish.
    drop(intent);
    stage.file("one0.txt", "changed");
    let (options, _intent) = noted(&stage, &plan);
    assert!(options.noted.as_ref().unwrap().is_continued);
    let second = stage.run_with(&description, options).await.unwrap();
    assert_eq!(second.versions[0].number, 2);
    for (old, new) in first.versions.iter().zip(&second.versions) {
        assert_eq!(old.components == new.components, new.was_there);
    }
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stays_lost_is_told_and_found_again() {
    let stage = Stage::new().await;
    let description = stage.three_versions();
    // From the last call on, nothing answers any more.
    stage
        .server
        .fault(Fault::new(Endpoint::Api, FaultKind::LostAnswer).after(3));
    let failed = stage.run(&description).await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "nobody knows whether the publish is there; run it again, which finds out"
    );
    stage.server.clear_faults();
    assert_eq!(stage.visible().await, ALL);
    let again = stage.run(&description).await.unwrap();
    assert!(again.versions.iter().all(|version| version.was_there));
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_send_and_the_publish_registers() {
    let stage = Stage::new().await;
    let mut description = stage.three_versions();
    description.versions[0].thumbnail = Some(stage.file("t.txt", "picture").into());
    let plan = Arc::new(stage.plan(&description).await);
    let shards = publish::split(&plan, 4).unwrap();
    assert_eq!(shards.len(), 4);
    let mut results = Vec::new();
    for shard in &shards {
        let json = serde_json::to_string(shard).unwrap();
        assert!(!json.contains(stage.server.api_key()));
        let sent = shard
            .run(
                &*stage.api,
                &options().transfer,
                &Progress::new(),
                &Control::new(),
            )
            .await;
        results.push(sent.unwrap());
    }
    assert_eq!(stage.visible().await, [""; 0]);
    let run = || {
        let (progress, control) = (Progress::new(), Control::new());
        let watch = Watch::new(&plan, |_| {});
        Run::new(
            Arc::clone(&stage.api),
            Arc::clone(&plan),
            options(),
            watch,
            progress,
            control,
        )
    };
    let missing = run().collect(&results[1..]).await.unwrap_err();
    assert!(missing.to_string().contains("was not sent"), "{missing}");
    assert_eq!(stage.visible().await, [""; 0]);
    let mut whole = run();
    whole.collect(&results).await.unwrap();
    whole.register().await.unwrap();
    assert_eq!(stage.visible().await, ALL);
    // The same publish without shards is the same publish, and finds the components that were sent.
    let again = stage.run(&description).await.unwrap();
    assert!(again.versions.iter().all(|version| version.was_there));
    let (name, id) = &again.versions[0].components[0];
    let found = stage
        .query(&format!("select name from Component where id is \"{id}\""))
        .await;
    assert_eq!(found[0]["name"], *name);
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_with_the_same_picture_share_one_thumbnail() {
    let stage = Stage::new().await;
    let mut description = stage.three_versions();
    for (number, version) in description.versions.iter_mut().enumerate() {
        version.thumbnail = Some(stage.file(&format!("t{number}.txt"), "picture").into());
    }
    stage.counts();
    let published = stage.run(&description).await.unwrap();
    assert_eq!(stage.counts().1, 13);
    let thumbnails: Vec<_> = published
        .versions
        .iter()
        .map(|v| v.thumbnail_id.clone())
        .collect();
    assert!(thumbnails[0].is_some() && thumbnails.iter().all(|id| *id == thumbnails[0]));
    // The next version has a picture of its own, even if it looks the same: deleting one keeps the other.
    stage.file("one0.txt", "changed");
    let next = stage.run(&description).await.unwrap();
    assert_eq!(next.versions[0].number, 2);
    assert_ne!(next.versions[0].thumbnail_id, thumbnails[0]);
    assert_eq!(next.versions[2].thumbnail_id, thumbnails[2]);
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_version_gets_more_components_once() {
    let stage = Stage::new().await;
    let description = stage.three_versions();
    let published = stage.run(&description).await.unwrap();
    let more = |name: &str, content: &str| {
        let mut version =
            stage.version("", vec![component(name, &stage.file("more.txt", content))]);
        version.target = Target::ExistingVersion(Reference::Id(published.versions[0].id.clone()));
        Description {
            versions: vec![version],
            depends: Vec::new(),
        }
    };
    stage.run(&more("more", "content")).await.unwrap();
    assert_eq!(
        stage.visible().await[0],
        "one v1 published=true components=5/5"
    );
    let again = stage.run(&more("more", "content")).await.unwrap();
    assert!(again.versions[0].was_there);
    let taken = stage.run(&more("more", "other content")).await.unwrap_err();
    assert!(
        taken.to_string().contains("has this component already"),
        "{taken}"
    );
    assert_eq!(
        stage.visible().await[0],
        "one v1 published=true components=5/5"
    );
    stop(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_versions_take_no_more_calls_than_one() {
    let stage = Stage::new().await;
    let versions = (0..10).map(|asset| {
        let components = (0..5).map(|number| {
            let name = format!("a{asset}c{number}");
            for frame in 0..20 {
                stage.file(&format!("{name}.{frame:04}.exr"), "x");
            }
            let folder = stage.folder.path().to_str().unwrap();
            component(&name, &format!("{folder}/{name}.%04d.exr [0-19]"))
        });
        stage.version(&format!("many{asset}"), components.collect())
    });
    let description = Description {
        versions: versions.collect(),
        depends: Vec::new(),
    };
    stage.counts();
    stage.run(&description).await.unwrap();
    assert_eq!(stage.counts(), (5, 1000));
    stop(stage).await;
}
