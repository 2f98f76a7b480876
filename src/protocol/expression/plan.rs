//! Many expressions that are tested against the same candidate.
//!
//! A thousand subscribers ask for few different things: a topic, a user, a type of entity. What they ask for in common gets a number, so that whoever tests
//! a candidate looks up each value and makes each comparison once.

use std::collections::HashMap;
use std::hash::Hash;

use super::ast::{Condition, Expression};

/// The values and comparisons that a number of expressions need, each of them once.
#[derive(Debug, Default)]
pub struct Plan {
    paths: Numbered<Vec<String>>,
    conditions: Numbered<Condition>,
}

/// The number of a condition in its [`Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConditionId(pub usize);

/// The number of a path in its [`Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId(pub usize);

impl Plan {
    /// Adds what `expression` needs and returns it with numbers in place of its conditions.
    pub fn add(&mut self, expression: &Expression) -> Expression<ConditionId> {
        let mut add_all =
            |operands: &[Expression]| operands.iter().map(|it| self.add(it)).collect();
        match expression {
            Expression::All(operands) => Expression::All(add_all(operands)),
            Expression::Any(operands) => Expression::Any(add_all(operands)),
            Expression::Not(operand) => Expression::Not(Box::new(self.add(operand))),
            Expression::Condition(condition) => {
                self.paths.number(&condition.key);
                Expression::Condition(ConditionId(self.conditions.number(condition)))
            }
        }
    }

    /// Returns the number of a path, if an expression has it.
    pub fn path(&self, key: &[String]) -> Option<PathId> {
        self.paths.numbers.get(key).copied().map(PathId)
    }

    /// Returns the paths in the order of their numbers.
    pub fn paths(&self) -> impl Iterator<Item = &[String]> {
        self.paths.items.iter().map(Vec::as_slice)
    }

    /// Returns the conditions in the order of their numbers, each with the path of what it compares.
    pub fn conditions(&self) -> impl Iterator<Item = (PathId, &Condition)> {
        self.conditions
            .items
            .iter()
            .map(|condition| (PathId(self.paths.numbers[&condition.key]), condition))
    }
}

/// Things that are numbered in the order in which they first occur.
#[derive(Debug)]
struct Numbered<T> {
    items: Vec<T>,
    numbers: HashMap<T, usize>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    fn number(&mut self, item: &T) -> usize {
        if let Some(number) = self.numbers.get(item) {
            return *number;
        }
        let number = self.items.len();
        self.items.push(item.clone());
        self.numbers.insert(item.clone(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;
    use crate::expression::{Candidate, parse};

    #[test]
    fn what_expressions_share_is_numbered_once() {
        let mut plan = Plan::default();
        for text in [
            "topic=a and data.x=1",
            "not (topic=a or data.x=2)",
            "topic=a and topic!=a",
        ] {
            plan.add(&parse(text).unwrap());
        }
        let paths: Vec<_> = plan.paths().map(|path| path.join(".")).collect();
        assert_eq!(paths, ["topic", "data.x"]);
        let conditions: Vec<_> = plan
            .conditions()
            .map(|(path, condition)| (path.0, condition.to_string()))
            .collect();
        let expected = [
            (0, "topic=a"),
            (1, "data.x=1"),
            (1, "data.x=2"),
            (0, "topic!=a"),
        ];
        assert_eq!(
            conditions,
            expected.map(|(path, text)| (path, text.to_owned()))
        );
    }

    #[test]
    fn a_planned_expression_means_the_same() {
        struct Numbers(Cell<usize>);
        impl Candidate<ConditionId> for Numbers {
            type Error = Infallible;
            fn compare(&self, condition: &ConditionId) -> Result<bool, Infallible> {
                self.0.set(self.0.get() + 1);
                Ok(condition.0 == 1)
            }
        }
        let mut plan = Plan::default();
        let planned = plan.add(&parse("(a=0 and b=1) or (b=1 and not a=0) or c=2").unwrap());
        let candidate = Numbers(Cell::new(0));
        assert_eq!(planned.matches(&candidate), Ok(true));
        assert_eq!(candidate.0.get(), 3, "no more than is needed to know");
    }
}
