//! Who watches a publish learns of every step of every node.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use super::plan::Plan;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Nothing was done yet.
    Queued,
    /// Its files are hashed.
    Hashing,
    /// Its files are sent.
    Transferring,
    /// Its files were sent; the storage compares their MD5.
    Verifying,
    /// It is written into the database.
    Registering,
    /// The server makes it playable.
    Encoding,
    /// It is published.
    Done,
    /// It is not published.
    Failed,
}

impl NodeState {
    /// Returns its name, as it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Hashing => "hashing",
            Self::Transferring => "transferring",
            Self::Verifying => "verifying",
            Self::Registering => "registering",
            Self::Encoding => "encoding",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A step of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// The node, such as `lighting/main`.
    pub node: String,
    /// Where it stands now.
    pub state: NodeState,
    /// What went wrong, or what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Keeps the states of all nodes and reports each change. Clones share them.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

struct Shared {
    positions: HashMap<String, usize>,
    nodes: Mutex<Vec<NodeReport>>,
    report: Box<dyn Fn(NodeReport) + Send + Sync>,
}

impl Watch {
    /// Starts with every node of a plan queued. `report` is called from any thread and must return quickly.
    pub fn new(plan: &Plan, report: impl Fn(NodeReport) + Send + Sync + 'static) -> Self {
        let nodes: Vec<_> = plan
            .nodes
            .iter()
            .map(|node| NodeReport {
                node: node.label.clone(),
                state: NodeState::Queued,
                message: None,
            })
            .collect();
        let positions = nodes
            .iter()
            .enumerate()
            .map(|(position, report)| (report.node.clone(), position));
        nodes.iter().cloned().for_each(&report);
        Self(Arc::new(Shared {
            positions: positions.collect(),
            nodes: Mutex::new(nodes),
            report: Box::new(report),
        }))
    }

    /// Returns where every node stands.
    pub fn nodes(&self) -> Vec<NodeReport> {
        self.0.nodes.lock().clone()
    }

    /// Notes that a node has come further; a step back or in place is no news.
    pub(super) fn advance(&self, node: &str, state: NodeState) {
        self.set(node, state, None);
    }

    /// Tells more of a node that stays where it is; the same again is no news.
    pub(super) fn remark(&self, node: &str, message: String) {
        let change = |known: &mut NodeReport| {
            let is_news = known.message.as_ref() != Some(&message);
            known.message = Some(message);
            is_news
        };
        self.change(node, change);
    }

    /// Notes the end of a node, and what is to be said about it.
    pub(super) fn end(&self, node: &str, state: NodeState, message: String) {
        self.set(node, state, Some(message));
    }

    /// Fails every node that is not done.
    pub(super) fn fail_rest(&self, message: &str) {
        let open: Vec<_> = self
            .nodes()
            .into_iter()
            .filter(|report| report.state < NodeState::Done)
            .collect();
        for NodeReport { node, state, .. } in open {
            self.end(&node, NodeState::Failed, failure(state, message));
        }
    }

    fn set(&self, node: &str, state: NodeState, message: Option<String>) {
        let change = |known: &mut NodeReport| {
            let is_news = state > known.state;
            if is_news {
                (known.state, known.message) = (state, message);
            }
            is_news
        };
        self.change(node, change);
    }

    /// Changes what is known of a node, and reports it if that is news.
    fn change(&self, node: &str, change: impl FnOnce(&mut NodeReport) -> bool) {
        let Some(position) = self.0.positions.get(node) else {
            return;
        };
        let news = {
            let mut nodes = self.0.nodes.lock();
            let known = &mut nodes[*position];
            change(known).then(|| known.clone())
        };
        if let Some(report) = news {
            (self.0.report)(report);
        }
    }
}

/// A node that was not begun has not failed by itself.
fn failure(state: NodeState, message: &str) -> String {
    match state {
        NodeState::Queued => format!("not begun: {message}"),
        _ => message.to_owned(),
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Watch")
            .field(&*self.0.nodes.lock())
            .finish()
    }
}
