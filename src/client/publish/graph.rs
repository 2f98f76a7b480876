//! What must come before what.

use std::fmt;

/// Nodes, by position, and the pairs (later, earlier) between them.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    earlier: Vec<Vec<usize>>,
}

/// A way from a node back to itself; the first node stands at the end again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<usize>);

impl Graph {
    /// Makes the graph of `count` nodes. Pairs with nodes that do not exist are left out.
    pub fn new(count: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut earlier = vec![Vec::new(); count];
        for (node, before) in edges {
            if node < count && before < count && !earlier[node].contains(&before) {
                earlier[node].push(before);
            }
        }
        Self { earlier }
    }

    /// Returns the nodes that come right before a node.
    pub fn before(&self, node: usize) -> &[usize] {
        &self.earlier[node]
    }

    /// Sorts the nodes into waves: each holds all nodes for which everything has been done in the waves before, in the order of their positions.
    pub fn waves(&self) -> Result<Vec<Vec<usize>>, Cycle> {
        let mut waves: Vec<Vec<usize>> = Vec::new();
        let mut wave_of: Vec<Option<usize>> = vec![None; self.earlier.len()];
        let mut left: Vec<usize> = (0..self.earlier.len()).collect();
        while !left.is_empty() {
            let is_ready = |node: &usize| self.earlier[*node].iter().all(|n| wave_of[*n].is_some());
            let (ready, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ready);
            if ready.is_empty() {
                return Err(self.cycle_among(&rest));
            }
            for node in &ready {
                wave_of[*node] = Some(waves.len());
            }
            waves.push(ready);
            left = rest;
        }
        Ok(waves)
    }

    /// Returns the nodes so that each comes after what it depends on.
    pub fn order(&self) -> Result<Vec<usize>, Cycle> {
        Ok(self.waves()?.concat())
    }

    /// Walks back from one of the nodes of which each waits for another, until a node is met again.
    fn cycle_among(&self, waiting: &[usize]) -> Cycle {
        let mut walk = vec![waiting[0]];
        loop {
            let node = walk[walk.len() - 1];
            let Some(next) = self.earlier[node].iter().find(|n| waiting.contains(n)) else {
                // Cannot be: every node here waits for another of them.
                return Cycle(walk);
            };
            if let Some(start) = walk.iter().position(|met| met == next) {
                walk.drain(..start);
                walk.push(*next);
                return Cycle(walk);
            }
            walk.push(*next);
        }
    }
}

impl Cycle {
    /// Names the nodes along the way.
    pub fn named<'a>(&'a self, labels: &'a [String]) -> impl fmt::Display + 'a {
        let names: Vec<_> = self.0.iter().map(|node| labels[*node].as_str()).collect();
        names.join(" needs ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waves_hold_what_can_be_done_together() {
        let graph = Graph::new(5, [(2, 0), (2, 1), (3, 2), (3, 0)]);
        assert_eq!(graph.waves().unwrap(), [vec![0, 1, 4], vec![2], vec![3]]);
        assert!(Graph::default().order().unwrap().is_empty());
    }

    #[test]
    fn a_cycle_is_named() {
        let graph = Graph::new(4, [(0, 1), (1, 2), (2, 1), (3, 0)]);
        let labels: Vec<_> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let cycle = graph.order().unwrap_err();
        assert_eq!(cycle.named(&labels).to_string(), "b needs c needs b");
        let alone = Graph::new(1, [(0, 0)]).order().unwrap_err();
        assert_eq!(alone.named(&labels).to_string(), "a needs a");
    }

    fn edges() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (1_usize..40).prop_flat_map(|count| {
            let pair = (0..count, 0..count);
            (Just(count), prop::collection::vec(pair, 0..80))
        })
    }

    proptest! {
        #[test]
        fn every_graph_is_ordered_or_shows_a_cycle((count, edges) in edges()) {
            let graph = Graph::new(count, edges.iter().copied());
            match graph.waves() {
                Ok(waves) => {
                    let mut wave_of = vec![None; count];
                    for (number, wave) in waves.iter().enumerate() {
                        for node in wave {
                            prop_assert_eq!(wave_of[*node].replace(number), None);
                        }
                    }
                    prop_assert!(wave_of.iter().all(Option::is_some));
                    for (later, earlier) in &edges {
                        prop_assert!(wave_of[*later] > wave_of[*earlier]);
                    }
                    // No node waits longer than it must.
                    for (node, wave) in wave_of.iter().enumerate() {
                        let expected = graph.before(node).iter().map(|n| wave_of[*n].unwrap() + 1).max();
                        prop_assert_eq!(wave.unwrap(), expected.unwrap_or(0));
                    }
                }
                Err(Cycle(way)) => {
                    prop_assert!(way.len() > 1);
                    prop_assert_eq!(way.first(), way.last());
                    for pair in way.windows(2) {
                        prop_assert!(edges.contains(&(pair[0], pair[1])));
                    }
                }
            }
        }

        #[test]
        fn edges_that_point_back_never_make_a_cycle((count, edges) in edges()) {
            let graph = Graph::new(count, edges.into_iter().filter(|(later, earlier)| earlier < later));
            prop_assert_eq!(graph.order().unwrap().len(), count);
        }
    }
}
