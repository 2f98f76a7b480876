//! A plan as a picture.
//!
//! Every version is a column of its own row: its parts stand to the left of it, and rows follow the order in which versions are made. Lines lead from what is needed to
//! what needs it. The picture has no scripts and no fonts of its own, and works on light and dark pages.

use std::fmt::Write as _;

use super::plan::{Node, NodeKind, Plan};

const WIDTH: usize = 250;
const HEIGHT: usize = 40;
const GAP: usize = 10;
/// Space between columns, for the lines.
const LANE: usize = 70;
const MARGIN: usize = 16;
/// Letters that fit a box in the sizes used.
const LETTERS: usize = 34;

/// Draws a plan.
pub fn svg(plan: &Plan) -> String {
    let layout = Layout::of(plan);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" \
         font-family=\"system-ui, sans-serif\" role=\"img\">\n<title>Publishing plan</title>\n",
        layout.width, layout.height
    );
    for (later, earlier) in &plan.edges {
        text.push_str(&layout.line(*earlier, *later));
    }
    for (node, place) in plan.nodes.iter().zip(&layout.places) {
        text.push_str(&draw(node, *place, plan.has_conflict(&node.label)));
    }
    text.push_str("</svg>\n");
    text
}

/// Where the boxes stand, by the position of their node.
struct Layout {
    places: Vec<(usize, usize)>,
    width: usize,
    height: usize,
}

impl Layout {
    /// Stands parts in the first column and versions right of them, each version a column after what it needs.
    fn of(plan: &Plan) -> Self {
        let columns = columns(plan);
        let mut places = vec![(0, 0); plan.nodes.len()];
        let mut top = MARGIN;
        let order: Vec<_> = match plan.order.as_slice() {
            // A cycle has no order.
            [] => (0..plan.versions.len()).collect(),
            order => order.to_vec(),
        };
        for version in order {
            let parts: Vec<_> = (0..plan.nodes.len())
                .filter(|n| plan.nodes[*n].version == version && *n >= plan.versions.len())
                .collect();
            let rows = parts.len().max(1);
            let height = rows * (HEIGHT + GAP) - GAP;
            for (row, part) in parts.into_iter().enumerate() {
                places[part] = (MARGIN, top + row * (HEIGHT + GAP));
            }
            let left = MARGIN + (columns[version] + 1) * (WIDTH + LANE);
            places[version] = (left, top + (height - HEIGHT) / 2);
            top += height + 2 * GAP;
        }
        let last = columns.iter().max().copied().unwrap_or(0);
        Self {
            places,
            width: 2 * MARGIN + (last + 2) * WIDTH + (last + 1) * LANE,
            height: (top + MARGIN).saturating_sub(2 * GAP).max(2 * MARGIN),
        }
    }

    fn line(&self, from: usize, to: usize) -> String {
        let ((x1, y1), (x2, y2)) = (self.places[from], self.places[to]);
        let (x1, y1, y2) = (x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2);
        let half = LANE / 2;
        format!(
            "<path d=\"M{x1} {y1} C{} {y1} {} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#8a94a6\" stroke-width=\"1.5\"/>\n",
            x1 + half,
            x2.saturating_sub(half),
        )
    }
}

/// Counts for each version how many stand before it in a row.
fn columns(plan: &Plan) -> Vec<usize> {
    let mut columns = vec![0; plan.versions.len()];
    for version in &plan.order {
        let before = plan
            .edges
            .iter()
            .filter(|(later, earlier)| later == version && *earlier < columns.len());
        columns[*version] = before
            .map(|(_, earlier)| columns[*earlier] + 1)
            .max()
            .unwrap_or(0);
    }
    columns
}

fn draw(node: &Node, (x, y): (usize, usize), has_conflict: bool) -> String {
    let (fill, stroke) = match node.kind {
        NodeKind::Version => ("#dbeafe", "#2563eb"),
        NodeKind::Component => ("#f1f5f9", "#64748b"),
        NodeKind::Reviewable | NodeKind::Thumbnail => ("#dcfce7", "#16a34a"),
        NodeKind::Used => ("#fef3c7", "#d97706"),
    };
    let (stroke, width) = if has_conflict {
        ("#c0392b", 3)
    } else {
        (stroke, 1)
    };
    let radius = if node.kind == NodeKind::Version {
        HEIGHT / 2
    } else {
        6
    };
    let (label, detail) = (shortened(&node.label), shortened(&node.detail));
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{radius}\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>\n\
         <text x=\"{0}\" y=\"{1}\" font-size=\"13\" font-weight=\"600\" fill=\"#0f172a\">{label}</text>\n\
         <text x=\"{0}\" y=\"{2}\" font-size=\"11\" fill=\"#475569\">{detail}</text>",
        x + 14,
        y + 17,
        y + 32,
    );
    text
}

/// Cuts what does not fit, in front, where paths differ least, and writes it so that nothing is markup.
fn shortened(text: &str) -> String {
    let count = text.chars().count();
    let kept = if count > LETTERS {
        let end: String = text.chars().skip(count - LETTERS + 1).collect();
        format!("\u{2026}{end}")
    } else {
        text.to_owned()
    };
    kept.chars().fold(String::new(), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Other control characters are not allowed in XML.
            _ if letter.is_control() => escaped.push(' '),
            _ => escaped.push(letter),
        }
        escaped
    })
}
