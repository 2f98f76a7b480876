//! Which of many expressions a candidate can satisfy, found without testing each of them.
//!
//! Nearly every subscription names one topic, and many one user or entity beside it. The expressions are kept in a tree by what they require outright: looking
//! up the candidate's own values in it leaves few to be tested.

use std::collections::HashMap;

use super::ast::Expression;
use super::plan::{PathId, Plan};

/// The key that is looked at first, as nearly all subscriptions have it.
const TOPIC: &[&str] = &["topic"];

/// How many requirements of an expression are looked up: no more are needed to leave few, and each is one level of the tree, which is walked by recursion.
const MOST_REQUIREMENTS: usize = 8;

/// What a candidate has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held<'a> {
    /// Nothing, which equals no text.
    Nothing,
    /// A text, which equals itself only.
    Text(&'a str),
    /// Anything else: what it equals is not for the index to say.
    Other,
}

/// The places of expressions in a list, by the values that they require.
#[derive(Debug, Default)]
pub struct ExpressionIndex {
    root: Node,
}

/// Expressions that require the same so far.
#[derive(Debug, Default)]
struct Node {
    /// Those that require nothing else.
    places: Vec<usize>,
    branches: Vec<Branch>,
}

/// Expressions that require some value at one path.
#[derive(Debug)]
struct Branch {
    path: PathId,
    by_value: HashMap<String, Node>,
    /// All of them.
    places: Vec<usize>,
}

impl ExpressionIndex {
    /// Takes the expressions of a list, each of them added to `plan`; `None` stands for one that any candidate may satisfy.
    pub fn new<'a>(
        expressions: impl IntoIterator<Item = Option<&'a Expression>>,
        plan: &Plan,
    ) -> Self {
        let mut index = Self::default();
        for (place, expression) in expressions.into_iter().enumerate() {
            let mut required = Vec::new();
            if let Some(expression) = expression {
                expression.required_values(&mut required);
            }
            // Stable: the others stay as they were written.
            required.sort_by_key(|(key, _)| *key != TOPIC);
            let numbered = required
                .into_iter()
                .filter_map(|(key, value)| Some((plan.path(key)?, value)))
                .take(MOST_REQUIREMENTS);
            index.root.add(place, numbered);
        }
        index
    }

    /// Returns the places from `first` on, rising, of what can be satisfied by a candidate that holds these values.
    pub fn candidates<'a>(&self, first: usize, held: impl Fn(PathId) -> Held<'a>) -> Vec<usize> {
        let mut places = Vec::new();
        self.root.collect(&held, &mut places);
        places.retain(|place| *place >= first);
        places.sort_unstable();
        places
    }
}

impl Node {
    fn add<'a>(&mut self, place: usize, required: impl Iterator<Item = (PathId, &'a str)>) {
        let mut node = self;
        for (path, value) in required {
            let branch = node.branch(path);
            branch.places.push(place);
            node = branch.by_value.entry(value.to_owned()).or_default();
        }
        node.places.push(place);
    }

    fn branch(&mut self, path: PathId) -> &mut Branch {
        let known = self.branches.iter().position(|branch| branch.path == path);
        let position = known.unwrap_or_else(|| {
            self.branches.push(Branch {
                path,
                by_value: HashMap::new(),
                places: Vec::new(),
            });
            self.branches.len() - 1
        });
        &mut self.branches[position]
    }

    fn collect<'a>(&self, held: &impl Fn(PathId) -> Held<'a>, places: &mut Vec<usize>) {
        places.extend(&self.places);
        for branch in &self.branches {
            match held(branch.path) {
                Held::Nothing => {}
                Held::Text(text) => {
                    if let Some(node) = branch.by_value.get(text) {
                        node.collect(held, places);
                    }
                }
                Held::Other => places.extend(&branch.places),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Value, json};

    use super::*;
    use crate::expression::parse;

    fn index(texts: &[&str]) -> (ExpressionIndex, Plan, Vec<Expression>) {
        let expressions: Vec<_> = texts.iter().map(|text| parse(text).unwrap()).collect();
        let mut plan = Plan::default();
        for expression in &expressions {
            plan.add(expression);
        }
        let index = ExpressionIndex::new(expressions.iter().map(Some).chain([None]), &plan);
        (index, plan, expressions)
    }

    fn held<'a>(candidate: &'a Value, path: &[String]) -> Held<'a> {
        let found = path
            .iter()
            .try_fold(candidate, |value, name| value.get(name));
        match found {
            None => Held::Nothing,
            Some(Value::String(text)) => Held::Text(text),
            Some(_) => Held::Other,
        }
    }

    fn candidates(
        (index, plan, _): &(ExpressionIndex, Plan, Vec<Expression>),
        candidate: &Value,
        first: usize,
    ) -> Vec<usize> {
        let paths: Vec<_> = plan.paths().collect();
        index.candidates(first, |path| held(candidate, paths[path.0]))
    }

    #[test]
    fn candidates_are_those_whose_requirements_are_met_in_their_order() {
        let indexed = index(&[
            "topic=a",
            "topic=b",
            "not topic=a",
            "data.x=1 and topic=a",
            "topic=a*",
            "topic=a or data.x=1",
            "topic=a and data.x=2 and data.y=3",
        ]);
        let check = |candidate: Value, first, expected: &[usize]| {
            let found = candidates(&indexed, &candidate, first);
            assert_eq!(found, expected, "{candidate} from {first}");
        };
        check(json!({"topic": "a"}), 0, &[0, 2, 4, 5, 7]);
        check(
            json!({"topic": "a", "data": {"x": "1"}}),
            0,
            &[0, 2, 3, 4, 5, 7],
        );
        check(
            json!({"topic": "a", "data": {"x": 1}}),
            2,
            &[2, 3, 4, 5, 6, 7],
        );
        check(json!({"topic": "a", "data": {"x": "2"}}), 5, &[5, 7]);
        check(json!({"topic": "b"}), 0, &[1, 2, 4, 5, 7]);
        check(json!({"topic": ["a"]}), 7, &[7]);
        check(json!({"topic": 1}), 0, &[0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn an_expression_may_require_any_number_of_values() {
        let long = |count| (0..count).map(|name| format!("data.n{}=1", name % 20));
        let text = |count| long(count).collect::<Vec<_>>().join(" and ");
        let indexed = index(&[&text(50_000), &text(20), "topic=b"]);
        let data: serde_json::Map<_, _> = (0..20)
            .map(|name| (format!("n{name}"), json!("1")))
            .collect();
        let candidate = json!({"topic": "a", "data": data});
        assert_eq!(candidates(&indexed, &candidate, 0), [0, 1, 3]);
        assert_eq!(candidates(&indexed, &json!({"topic": "b"}), 0), [2, 3]);
    }

    proptest! {
        #[test]
        fn nothing_that_is_satisfied_is_left_out(
            texts in prop::collection::vec(select(vec![
                "topic=a", "topic=b", "topic=a and n=1", "n=1 and m=2 and topic=a", "n=1", "not n=1",
                "n!=1", "topic=a and (n=1 or m=2)", "topic=a and n=1*", "topic=a and n>0", "n=1 and n=2",
            ]), 0..8),
            topic in select(vec![json!("a"), json!("b"), json!(null)]),
            n in select(vec![json!("1"), json!(1), json!("2"), json!(["1"]), json!(null)]),
            m in select(vec![json!("2"), json!(2)]),
        ) {
            let candidate = json!({"topic": topic, "n": n, "m": m});
            let indexed = index(&texts);
            let found = candidates(&indexed, &candidate, 0);
            for (place, expression) in indexed.2.iter().enumerate() {
                let Ok(matches) = expression.matches(&candidate);
                prop_assert!(!matches || found.contains(&place), "{}", texts[place]);
            }
            prop_assert!(found.is_sorted() && found.contains(&texts.len()));
        }
    }
}
