//! Random queries that every catalog makes sense of: names of the catalog, and values that the data has.

use ftrack_protocol::query::{
    Criterion, Direction, Members, Operator, OrderKey, Path, Projection, Quantifier, Query,
    Segment, Value as Literal,
};
use ftrack_sandbox::schema::{Attribute, AttributeKind, Catalog, DataType, EntityType, Join};
use rusqlite::types::Value;

use crate::naive::{COMPUTED, Database, Row};

/// Relations one behind the other in a path.
const LONGEST_PATH: usize = 3;

/// Conditions one inside the other.
const DEEPEST: usize = 4;

/// Numbers that decide. Used up, they are all 0, which is the simplest choice everywhere: so shrinking works.
pub struct Choices {
    numbers: std::vec::IntoIter<u32>,
}

impl Choices {
    pub fn new(numbers: Vec<u32>) -> Self {
        Self {
            numbers: numbers.into_iter(),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.numbers.next().unwrap_or(0)).unwrap() % bound
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// Makes queries about what a database holds.
pub struct Writer<'d> {
    database: &'d Database,
    /// The types that have rows.
    types: Vec<&'static EntityType>,
}

impl<'d> Writer<'d> {
    pub fn new(database: &'d Database) -> Self {
        let types = Catalog::get().types();
        let has_rows = |entity_type: &&EntityType| !database.rows(entity_type).is_empty();
        Self {
            database,
            types: types.filter(has_rows).collect(),
        }
    }

    pub fn query(&self, choices: &mut Choices) -> Query {
        let entity_type = *choices.pick(&self.types);
        let mut query = self.about(entity_type, 0, choices);
        query.order = (0..choices.below(3))
            .filter_map(|_| order_key(entity_type, choices))
            .collect();
        query
    }

    fn about(
        &self,
        entity_type: &'static EntityType,
        depth: usize,
        choices: &mut Choices,
    ) -> Query {
        let page = |choices: &mut Choices, size| {
            let number = u64::try_from(choices.below(size)).unwrap();
            choices.chance(20).then_some(number)
        };
        Query {
            projections: Vec::new(),
            entity_type: entity_type.name.clone(),
            criteria: choices
                .chance(95)
                .then(|| self.criterion(entity_type, depth, choices)),
            group_by: Vec::new(),
            order: Vec::new(),
            offset: page(choices, 20),
            limit: page(choices, 50).map(|limit| limit + 1),
        }
    }

    fn criterion(
        &self,
        entity_type: &'static EntityType,
        depth: usize,
        choices: &mut Choices,
    ) -> Criterion {
        if depth >= DEEPEST {
            return self.condition(entity_type, depth, choices);
        }
        let depth = depth + 1;
        match choices.below(12) {
            0..=4 => self.condition(entity_type, depth, choices),
            5 | 6 => Criterion::And(self.operands(entity_type, depth, choices)),
            7 | 8 => Criterion::Or(self.operands(entity_type, depth, choices)),
            9 | 10 => Criterion::Not(Box::new(self.criterion(entity_type, depth, choices))),
            _ => self.related(entity_type, depth, choices),
        }
    }

    fn operands(
        &self,
        entity_type: &'static EntityType,
        depth: usize,
        choices: &mut Choices,
    ) -> Vec<Criterion> {
        let count = 2 + choices.below(2);
        (0..count)
            .map(|_| self.criterion(entity_type, depth, choices))
            .collect()
    }

    /// Writes `path any (...)`; a condition where nothing is related.
    fn related(
        &self,
        entity_type: &'static EntityType,
        depth: usize,
        choices: &mut Choices,
    ) -> Criterion {
        let (mut segments, mut target) = path(entity_type, choices);
        if segments.is_empty() {
            let Some((segment, next)) = step(entity_type, false, choices) else {
                return self.condition(entity_type, depth, choices);
            };
            segments.push(segment);
            target = next;
        }
        let criterion = choices
            .chance(80)
            .then(|| self.criterion(target, depth, choices));
        Criterion::Related {
            path: Path { segments },
            quantifier: *choices.pick(&[Quantifier::Any, Quantifier::Has]),
            criterion: criterion.map(Box::new),
        }
    }

    fn condition(
        &self,
        entity_type: &'static EntityType,
        depth: usize,
        choices: &mut Choices,
    ) -> Criterion {
        let (mut segments, owner) = path(entity_type, choices);
        if choices.chance(5)
            && let Some((segment, _)) = step(owner, false, choices)
        {
            segments.push(Segment {
                cast: None,
                ..segment
            });
            let operator = *choices.pick(&[Operator::Is, Operator::IsNot]);
            return compare(segments, operator, Literal::None);
        }
        let leaves: Vec<_> = owner
            .attributes()
            .iter()
            .filter(|attribute| is_leaf(attribute))
            .collect();
        let leaf = *choices.pick(&leaves);
        segments.push(named(&leaf.name));
        if let Some(target) = referred(owner, leaf)
            && choices.chance(30)
        {
            return self.in_subquery(segments, target, depth, choices);
        }
        if choices.chance(10) {
            let operator = *choices.pick(&[Operator::Is, Operator::IsNot]);
            return compare(segments, operator, Literal::None);
        }
        let kind = Kind::of(owner, leaf);
        if choices.chance(15) && kind != Kind::Variable {
            let count = 1 + choices.below(3);
            let mut values: Vec<_> = (0..count)
                .map(|_| self.literal(owner, leaf, kind, choices))
                .collect();
            if choices.chance(10) {
                values.push(Literal::None);
            }
            return Criterion::In {
                path: Path { segments },
                negated: choices.chance(40),
                members: Members::Values(values),
            };
        }
        let operator = *choices.pick(kind.operators());
        let literal = match operator {
            Operator::Like | Operator::NotLike => self.pattern(owner, leaf, choices),
            _ => self.literal(owner, leaf, kind, choices),
        };
        compare(segments, operator, literal)
    }

    fn in_subquery(
        &self,
        segments: Vec<Segment>,
        target: &'static EntityType,
        depth: usize,
        choices: &mut Choices,
    ) -> Criterion {
        let mut query = self.about(target, depth.max(DEEPEST - 1), choices);
        let selected = Path {
            segments: vec![named("id")],
        };
        query.projections = vec![Projection::Attribute(selected)];
        Criterion::In {
            path: Path { segments },
            negated: choices.chance(40),
            members: Members::Subquery(Box::new(query)),
        }
    }

    /// Returns a value that some row has, or one near it.
    fn literal(
        &self,
        owner: &EntityType,
        leaf: &Attribute,
        kind: Kind,
        choices: &mut Choices,
    ) -> Literal {
        let value = self.some_value(owner, leaf, choices);
        match kind {
            Kind::Flag => Literal::Boolean(choices.chance(50)),
            Kind::Number | Kind::Variable => Literal::Word(match value {
                Some(Value::Integer(number)) => number.to_string(),
                Some(Value::Real(number)) => format!("{number}"),
                _ => choices.pick(&["0", "1", "-7", "3600", "2.5"]).to_string(),
            }),
            Kind::Moment | Kind::Text => Literal::Text(match value {
                Some(Value::Text(text)) if kind == Kind::Text && choices.chance(30) => {
                    text.to_uppercase()
                }
                Some(Value::Text(text)) => text,
                _ if kind == Kind::Moment => "2026-01-12T08:30:00".to_owned(),
                _ => choices
                    .pick(&["", "nothing", "o'%\"_\\", "Zoë"])
                    .to_string(),
            }),
        }
    }

    /// Returns a pattern that some row is like, perhaps.
    fn pattern(&self, owner: &EntityType, leaf: &Attribute, choices: &mut Choices) -> Literal {
        let text = match self.some_value(owner, leaf, choices) {
            Some(Value::Text(text)) => text,
            _ => "a".to_owned(),
        };
        let middle: String = text.chars().skip(1).take(4).collect();
        let start: String = text.chars().take(3).collect();
        Literal::Text(match choices.below(6) {
            0 => format!("%{middle}%"),
            1 => format!("{start}%"),
            2 => format!("_{middle}%"),
            3 => format!("%{}", middle.to_uppercase()),
            4 => format!("{start}\\%"),
            _ => text,
        })
    }

    fn some_value(
        &self,
        owner: &EntityType,
        leaf: &Attribute,
        choices: &mut Choices,
    ) -> Option<Value> {
        let column = match &leaf.kind {
            AttributeKind::Column { column, .. } => column,
            AttributeKind::Reference {
                join: Join::Columns { pairs, .. },
                ..
            } => &pairs[0].0,
            _ => return None,
        };
        let rows: Vec<&Row> = self.database.rows(owner);
        let at = choices.below(rows.len().max(1));
        rows.get(at).map(|row| row[column].clone())
    }
}

fn order_key(entity_type: &'static EntityType, choices: &mut Choices) -> Option<OrderKey> {
    let mut owner = entity_type;
    let mut segments = Vec::new();
    for _ in 0..choices.below(3) {
        let (segment, target) = step(owner, true, choices)?;
        segments.push(segment);
        owner = target;
    }
    let leaves: Vec<_> = owner
        .attributes()
        .iter()
        .filter(|attribute| is_leaf(attribute))
        .collect();
    let leaf = *choices.pick(&leaves);
    segments.push(named(&leaf.name));
    Some(OrderKey {
        path: Path { segments },
        direction: *choices.pick(&[Direction::Ascending, Direction::Descending]),
    })
}

/// Follows some relations, of any kind.
fn path(
    entity_type: &'static EntityType,
    choices: &mut Choices,
) -> (Vec<Segment>, &'static EntityType) {
    let mut owner = entity_type;
    let mut segments = Vec::new();
    while segments.len() < LONGEST_PATH && choices.chance(40) {
        let Some((segment, target)) = step(owner, false, choices) else {
            break;
        };
        segments.push(segment);
        owner = target;
    }
    (segments, owner)
}

/// Follows one relation, sometimes with a cast; `is_single` asks for one that columns describe.
fn step(
    owner: &'static EntityType,
    is_single: bool,
    choices: &mut Choices,
) -> Option<(Segment, &'static EntityType)> {
    let targets = owner.attributes().iter().filter_map(|attribute| {
        let target = match &attribute.kind {
            AttributeKind::Reference { target, join } => {
                let fits = !is_single || matches!(join, Join::Columns { .. });
                fits.then_some(*target)?
            }
            AttributeKind::Collection { target, .. } => (!is_single).then_some(*target)?,
            _ => return None,
        };
        Some((attribute, target))
    });
    let relations: Vec<_> = targets.collect();
    if relations.is_empty() {
        return None;
    }
    let (attribute, target) = *choices.pick(&relations);
    let catalog = Catalog::get();
    let target = catalog.type_by_id(target);
    let mut segment = named(&attribute.name);
    if !target.subtypes.is_empty() && choices.chance(30) {
        let cast = catalog.type_by_id(*choices.pick(&target.subtypes));
        segment.cast = Some(cast.name.clone());
        return Some((segment, cast));
    }
    Some((segment, target))
}

/// What a value is compared as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    Moment,
    Variable,
}

impl Kind {
    fn of(owner: &EntityType, leaf: &Attribute) -> Self {
        let data_type = match &leaf.kind {
            AttributeKind::Column { data_type, .. } | AttributeKind::Computed { data_type, .. } => {
                *data_type
            }
            _ => DataType::Text,
        };
        match data_type {
            DataType::Integer | DataType::Float => Self::Number,
            DataType::Boolean => Self::Flag,
            DataType::DateTime => Self::Moment,
            DataType::Variable => Self::Variable,
            DataType::Text => Self::Text,
            other => panic!("{}.{} is of type {other:?}", owner.name, leaf.name),
        }
    }

    fn operators(self) -> &'static [Operator] {
        const ALL: &[Operator] = &[
            Operator::Is,
            Operator::IsNot,
            Operator::Greater,
            Operator::GreaterOrEqual,
            Operator::Less,
            Operator::LessOrEqual,
            Operator::Like,
            Operator::NotLike,
        ];
        match self {
            Self::Text => ALL,
            Self::Number | Self::Moment => &ALL[..6],
            Self::Flag => &ALL[..2],
            // Texts among the values have rules of their own for the rest.
            Self::Variable => &ALL[..1],
        }
    }
}

fn compare(segments: Vec<Segment>, operator: Operator, value: Literal) -> Criterion {
    Criterion::Compare {
        path: Path { segments },
        operator,
        value,
    }
}

fn named(name: &str) -> Segment {
    Segment {
        name: name.to_owned(),
        cast: None,
    }
}

/// Whether an attribute has a value that can be compared, and that the naive evaluator knows.
fn is_leaf(attribute: &Attribute) -> bool {
    let is_plain = |data_type: &DataType| {
        !matches!(
            data_type,
            DataType::Json | DataType::Object | DataType::Array
        )
    };
    match &attribute.kind {
        AttributeKind::Column { data_type, .. } => {
            is_plain(data_type) && !attribute.is_entity_type_name
        }
        AttributeKind::Computed { function, .. } => COMPUTED.contains(&function.as_str()),
        AttributeKind::Reference {
            join: Join::Columns { pairs, .. },
            ..
        } => pairs.len() == 1,
        AttributeKind::Reference { .. } | AttributeKind::Collection { .. } => false,
    }
}

/// Returns the type that a reference is about, if its rows are known by `id`.
fn referred(owner: &EntityType, leaf: &Attribute) -> Option<&'static EntityType> {
    let AttributeKind::Reference { target, .. } = &owner.attribute(&leaf.name)?.kind else {
        return None;
    };
    let target = Catalog::get().type_by_id(*target);
    (target.primary_key == ["id"]).then_some(target)
}
