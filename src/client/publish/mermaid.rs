//! A plan as a Mermaid diagram, which many wikis and web editors draw.

use std::fmt::Write as _;

use super::plan::{NodeKind, Plan};

/// Writes a plan as a flow chart: an arrow leads to what needs the other.
pub fn mermaid(plan: &Plan) -> String {
    let mut text = String::from("flowchart LR\n");
    for (number, node) in plan.nodes.iter().enumerate() {
        let (open, close) = match node.kind {
            NodeKind::Version => ("([", "])"),
            NodeKind::Used => ("[[", "]]"),
            NodeKind::Component | NodeKind::Reviewable | NodeKind::Thumbnail => ("[", "]"),
        };
        let label = format!("{}<br/>{}", escaped(&node.label), escaped(&node.detail));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    n{number}{open}\"{label}\"{close}");
    }
    for (later, earlier) in &plan.edges {
        let _ = writeln!(text, "    n{earlier} --> n{later}");
    }
    let marked: Vec<_> = (0..plan.nodes.len())
        .filter(|number| plan.has_conflict(&plan.nodes[*number].label))
        .map(|number| format!("n{number}"))
        .collect();
    if !marked.is_empty() {
        text.push_str("    classDef conflict stroke:#c0392b,stroke-width:3px\n");
        let _ = writeln!(text, "    class {} conflict", marked.join(","));
    }
    text
}

/// Writes text so that nothing in it is markup.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, letter| {
        match letter {
            '"' => escaped.push_str("#quot;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '&' => escaped.push_str("#amp;"),
            '#' => escaped.push_str("#35;"),
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(letter),
        }
        escaped
    })
}
