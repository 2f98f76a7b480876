//! The order in which the operations of a batch are carried out.

use std::collections::HashMap;

use ftrack_protocol::Value;

use super::operation::Operation;

/// Hands out operations as they were sent, but what a create refers to is created before it.
///
/// Clients create children before their parents when that is how they were asked to.
pub(super) struct Order<'o> {
    /// Which operation creates the entity of an id.
    creates: HashMap<&'o str, usize>,
    state: Vec<State>,
    next: usize,
    /// Operations that wait for the one above them.
    waiting: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unvisited,
    Waiting,
    Done,
}

impl<'o> Order<'o> {
    /// Looks through a batch.
    pub fn of(operations: &'o [Operation]) -> Self {
        let mut creates = HashMap::new();
        for (index, operation) in operations.iter().enumerate() {
            if let Some(id) = created_id(operation) {
                // What is deleted and created once more was there for others before.
                creates.entry(id).or_insert(index);
            }
        }
        Self {
            creates,
            state: vec![State::Unvisited; operations.len()],
            next: 0,
            waiting: Vec::new(),
        }
    }

    /// Returns the number of the operation that is next.
    pub fn next(&mut self, operations: &[Operation]) -> Option<usize> {
        loop {
            let Some(&index) = self.waiting.last() else {
                while self.state.get(self.next) == Some(&State::Done) {
                    self.next += 1;
                }
                self.state.get(self.next)?;
                self.wait(self.next);
                continue;
            };
            if let Some(earlier) = self.prerequisite(&operations[index]) {
                self.wait(earlier);
            } else {
                self.waiting.pop();
                self.state[index] = State::Done;
                return Some(index);
            }
        }
    }

    fn wait(&mut self, index: usize) {
        self.state[index] = State::Waiting;
        self.waiting.push(index);
    }

    /// Returns a create that has to come before `operation`; in a circle, none.
    fn prerequisite(&self, operation: &Operation) -> Option<usize> {
        let Operation::Create(write) = operation else {
            return None;
        };
        let mut ids = write
            .attributes
            .iter()
            .filter_map(|(_, value)| match value {
                Value::Text(id) => Some(&**id),
                Value::Entity(entity) => entity.get("id")?.as_str(),
                _ => None,
            });
        ids.find_map(|id| {
            let index = *self.creates.get(id)?;
            (self.state[index] == State::Unvisited).then_some(index)
        })
    }
}

fn created_id(operation: &Operation) -> Option<&str> {
    let Operation::Create(write) = operation else {
        return None;
    };
    let attribute = write.attributes.iter().find(|(name, _)| &**name == "id");
    match (attribute, write.entity_key.as_slice()) {
        (Some((_, id)), _) | (None, [id]) => id.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftrack_protocol::{EntityData, Write};

    /// A create of `id` that refers to `parent`.
    fn create(id: &str, parent: &str) -> Operation {
        let parent = EntityData {
            entity_type: "Shot".into(),
            attributes: vec![("id".into(), Value::from(parent))],
        };
        Operation::Create(Write {
            entity_type: "Shot".into(),
            entity_key: vec![Value::from(id)],
            attributes: vec![("parent".into(), Value::Entity(parent))],
        })
    }

    fn check(operations: &[Operation], expected: &[usize]) {
        let mut order = Order::of(operations);
        let all: Vec<usize> = std::iter::from_fn(|| order.next(operations)).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn what_is_referred_to_comes_first_and_all_else_as_sent() {
        check(&[], &[]);
        check(&[create("a", "-"), create("b", "a")], &[0, 1]);
        check(
            &[create("c", "b"), create("b", "a"), create("a", "-")],
            &[2, 1, 0],
        );
        check(
            &[Operation::QuerySchemas, create("b", "a"), create("a", "-")],
            &[0, 2, 1],
        );
    }

    #[test]
    fn circles_are_followed_once() {
        check(&[create("a", "b"), create("b", "a")], &[1, 0]);
        check(&[create("a", "a")], &[0]);
    }

    #[test]
    fn what_is_created_once_more_stays_where_it_is() {
        let operations = [create("a", "a"), Operation::QuerySchemas, create("a", "a")];
        check(&operations, &[0, 1, 2]);
    }

    #[test]
    fn long_chains_need_no_stack() {
        let chain: Vec<Operation> = (0..50_000)
            .map(|n| create(&n.to_string(), &(n + 1).to_string()))
            .collect();
        let expected: Vec<usize> = (0..50_000).rev().collect();
        check(&chain, &expected);
    }
}
