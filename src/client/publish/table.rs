//! A plan as a table of text.

use std::fmt::Write as _;

use super::estimate::size;
use super::plan::{Conflict, Node, NodeKind, Plan, Warning};

/// Writes a plan for a terminal: what is made, what it takes, and what speaks against it.
pub fn table(plan: &Plan) -> String {
    let mut text = String::new();
    let rows = (0..plan.versions.len()).flat_map(|version| rows(plan, version));
    lines(&mut text, ["VERSION", "", "PLACE", "SIZE"], rows);
    text.push('\n');
    let steps = plan.steps.iter().map(|step| {
        [
            step.name.clone(),
            count(step.calls),
            count(step.files),
            if step.bytes == 0 {
                String::new()
            } else {
                size(step.bytes)
            },
        ]
    });
    lines(&mut text, ["STEP", "CALLS", "FILES", "SIZE"], steps);
    let warnings = plan.warnings.iter().map(Warning::to_string);
    list(&mut text, "WARNINGS", warnings);
    list(
        &mut text,
        "CONFLICTS",
        plan.conflicts.iter().map(Conflict::to_string),
    );
    text
}

/// Returns a version, and below it what belongs to it.
fn rows(plan: &Plan, position: usize) -> impl Iterator<Item = [String; 4]> {
    let version = &plan.versions[position];
    let title = [
        version.label.clone(),
        plan.nodes[position].detail.clone(),
        version.asset.parent.clone(),
        size(version.bytes()),
    ];
    let is_part = move |node: &&Node| node.version == position && node.kind != NodeKind::Version;
    let parts = plan.nodes.iter().filter(is_part).map(|node| {
        let name = node.label.strip_prefix(&version.label);
        let kind = match node.kind {
            NodeKind::Used => "link",
            NodeKind::Reviewable => "encode",
            NodeKind::Thumbnail => "thumbnail",
            NodeKind::Component | NodeKind::Version => "component",
        };
        [
            format!("  {}", name.unwrap_or(&node.label).trim_start_matches('/')),
            kind.to_owned(),
            node.detail.clone(),
            String::new(),
        ]
    });
    std::iter::once(title).chain(parts)
}

fn list(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.collect();
    if !lines.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{title}\n{}", lines.join("\n"));
    }
}

fn count(number: usize) -> String {
    if number == 0 {
        String::new()
    } else {
        number.to_string()
    }
}

/// Writes rows below their titles, in columns as wide as they need.
fn lines<const N: usize>(
    text: &mut String,
    titles: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let rows: Vec<_> = std::iter::once(titles.map(str::to_owned))
        .chain(rows)
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
