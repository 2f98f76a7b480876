//! Which of many subscriptions an event of some topic can satisfy.
//!
//! Nearly every subscription names one topic, so that looking it up leaves few of them to be tested.

use std::collections::HashMap;
use std::iter::from_fn;

use super::ast::Expression;

/// The places of expressions in a list, by the topic that an event must have to satisfy them.
#[derive(Debug, Default)]
pub struct TopicIndex {
    by_topic: HashMap<String, Vec<usize>>,
    of_any_topic: Vec<usize>,
    all: Vec<usize>,
}

impl TopicIndex {
    /// Takes the expressions of a list; `None` stands for one that events of any topic may satisfy.
    pub fn new<'a>(expressions: impl IntoIterator<Item = Option<&'a Expression>>) -> Self {
        let mut index = Self::default();
        for (place, expression) in expressions.into_iter().enumerate() {
            index.all.push(place);
            match expression.and_then(|expression| expression.required_value(&["topic"])) {
                Some(topic) => index.by_topic.entry(topic.to_owned()).or_default(),
                None => &mut index.of_any_topic,
            }
            .push(place);
        }
        index
    }

    /// Returns, in their order, the places from `first` on of what an event of `topic` can satisfy; of everything, if it has none that is a text.
    pub fn candidates(&self, topic: Option<&str>, first: usize) -> impl Iterator<Item = usize> {
        let (named, others) = match topic {
            Some(topic) => (self.by_topic.get(topic), &self.of_any_topic),
            None => (None, &self.all),
        };
        let rest = |places: &'_ [usize]| places.partition_point(|place| *place < first);
        let named = named.map_or(&[][..], Vec::as_slice);
        merged(&named[rest(named)..], &others[rest(others)..])
    }
}

/// Merges two rising sequences into one.
fn merged<'a>(mut one: &'a [usize], mut other: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    from_fn(move || {
        let is_others_turn = match (one.first(), other.first()) {
            (Some(one), Some(other)) => other < one,
            (one, _) => one.is_none(),
        };
        let next = if is_others_turn { &mut other } else { &mut one };
        let (first, rest) = next.split_first()?;
        *next = rest;
        Some(*first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::parse;

    #[test]
    fn candidates_are_those_of_the_topic_and_those_of_any_in_their_order() {
        let texts = [
            "topic=a",
            "topic=b",
            "not topic=a",
            "topic=a and x=1",
            "topic=a*",
            "topic=a or x=1",
        ];
        let expressions = texts.map(|text| parse(text).unwrap());
        let index = TopicIndex::new(expressions.iter().map(Some).chain([None]));
        let check = |topic, first, expected: &[usize]| {
            let candidates: Vec<_> = index.candidates(topic, first).collect();
            assert_eq!(candidates, expected, "{topic:?} from {first}");
        };
        check(Some("a"), 0, &[0, 2, 3, 4, 5, 6]);
        check(Some("b"), 0, &[1, 2, 4, 5, 6]);
        check(Some("c"), 3, &[4, 5, 6]);
        check(None, 0, &[0, 1, 2, 3, 4, 5, 6]);
        check(None, 6, &[6]);
        check(Some("a"), 7, &[]);
    }
}
