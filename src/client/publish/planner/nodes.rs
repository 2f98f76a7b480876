//! Lists what of a plan is drawn and watched.

use crate::publish::estimate;
use crate::publish::graph::Graph;
use crate::publish::lookup::Findings;
use crate::publish::plan::{
    Content, EncodeSource, Node, NodeKind, PlannedComponent, PlannedVersion, REVIEWABLE, THUMBNAIL,
};

/// Lists what is drawn and watched.
pub(super) fn nodes_of(
    versions: &[PlannedVersion],
    graph: &Graph,
    findings: &Findings,
) -> (Vec<Node>, Vec<(usize, usize)>) {
    let mut nodes: Vec<Node> = versions
        .iter()
        .enumerate()
        .map(|(version, planned)| Node {
            label: planned.label.clone(),
            kind: NodeKind::Version,
            detail: version_detail(planned),
            version,
        })
        .collect();
    let mut edges: Vec<(usize, usize)> = (0..versions.len())
        .flat_map(|later| {
            graph
                .before(later)
                .iter()
                .map(move |before| (later, *before))
        })
        .collect();
    for (version, planned) in versions.iter().enumerate() {
        for (name, kind, detail) in parts_of(planned, findings) {
            edges.push((version, nodes.len()));
            nodes.push(Node {
                label: format!("{}/{name}", planned.label),
                kind,
                detail,
                version,
            });
        }
    }
    (nodes, edges)
}

fn version_detail(version: &PlannedVersion) -> String {
    let place = if version.existing.is_some() {
        "existing"
    } else if version.asset.exists {
        "next version"
    } else {
        "new asset"
    };
    format!("v{:03}, {place}", version.number)
}

fn parts_of(version: &PlannedVersion, findings: &Findings) -> Vec<(String, NodeKind, String)> {
    let mut parts: Vec<_> = version
        .components
        .iter()
        .map(|component| {
            let detail = component_detail(component);
            (component.name.clone(), NodeKind::Component, detail)
        })
        .collect();
    if let Some(source) = &version.encode {
        let detail = match source {
            EncodeSource::Component(name) => format!("encoded from {name}"),
            EncodeSource::File(file) => format!("encoded, {}", estimate::size(file.size)),
        };
        parts.push((REVIEWABLE.to_owned(), NodeKind::Reviewable, detail));
    }
    if let Some(file) = &version.thumbnail {
        let detail = estimate::size(file.size);
        parts.push((THUMBNAIL.to_owned(), NodeKind::Thumbnail, detail));
    }
    parts.extend(version.uses_existing.iter().map(|id| {
        let path = findings.rows.path(id);
        (
            format!("uses {path}"),
            NodeKind::Used,
            "existing".to_owned(),
        )
    }));
    parts
}

fn component_detail(component: &PlannedComponent) -> String {
    let size = estimate::size(component.size());
    let files = match &component.content {
        Content::File(_) => size,
        Content::Sequence { members, .. } => format!("{} files, {size}", members.len()),
        Content::Container(members) => format!("{} components, {size}", members.len()),
    };
    match &component.media {
        Some(media) => format!("{files}, {}x{}", media.width, media.height),
        None => files,
    }
}
