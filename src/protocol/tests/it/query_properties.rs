//! Properties of the grammar that hold for every query and for every text.

use ftrack_protocol::query::{
    Criterion, Direction, Function, Members, Operator, OrderKey, Path, Projection, Quantifier,
    Query, Segment, Value, parse,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Names that are also keywords are attributes like any other, except where a condition may begin.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_][a-zA-Z0-9_]{0,8}".prop_filter("`not` begins a condition", |name| !name
            .eq_ignore_ascii_case("not")),
        select(vec![
            "order", "group", "value", "from", "in", "is", "select", "größe"
        ])
        .prop_map(str::to_owned),
    ]
}

fn entity_type() -> impl Strategy<Value = String> {
    select(vec!["Task", "AssetVersion", "TypedContext", "User"]).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = Path> {
    let segment = (name(), option::weighted(0.2, entity_type()))
        .prop_map(|(name, cast)| Segment { name, cast });
    vec(segment, 1..4).prop_map(|segments| Path { segments })
}

fn value() -> impl Strategy<Value = Value> {
    let is_plain = |word: &String| {
        !["none", "null", "true", "false"].contains(&word.to_ascii_lowercase().as_str())
    };
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Boolean),
        "[a-zA-Z0-9_.:-]{1,12}"
            .prop_filter("other values", is_plain)
            .prop_map(Value::Word),
        any::<String>().prop_map(Value::Text),
        r#"[\\"'%_ a)]{0,12}"#.prop_map(Value::Text),
    ]
}

fn condition() -> impl Strategy<Value = Criterion> {
    let operator = select(vec![
        Operator::Is,
        Operator::IsNot,
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Like,
        Operator::NotLike,
    ]);
    prop_oneof![
        (path(), operator, value()).prop_map(|(path, operator, value)| Criterion::Compare {
            path,
            operator,
            value
        }),
        (path(), any::<bool>(), vec(value(), 1..4)).prop_map(|(path, negated, values)| {
            Criterion::In {
                path,
                negated,
                members: Members::Values(values),
            }
        }),
        (path(), quantifier()).prop_map(|(path, quantifier)| Criterion::Related {
            path,
            quantifier,
            criterion: None
        }),
    ]
}

fn quantifier() -> impl Strategy<Value = Quantifier> {
    select(vec![Quantifier::Any, Quantifier::Has])
}

fn criterion() -> impl Strategy<Value = Criterion> {
    condition().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Criterion::And),
            vec(inner.clone(), 2..4).prop_map(Criterion::Or),
            inner
                .clone()
                .prop_map(|criterion| Criterion::Not(Box::new(criterion))),
            (path(), quantifier(), inner.clone()).prop_map(|(path, quantifier, criterion)| {
                Criterion::Related {
                    path,
                    quantifier,
                    criterion: Some(Box::new(criterion)),
                }
            }),
            (path(), any::<bool>(), path(), entity_type(), inner).prop_map(
                |(path, negated, selected, entity_type, criterion)| {
                    let subquery = Query {
                        projections: vec![Projection::Attribute(selected)],
                        entity_type,
                        criteria: Some(criterion),
                        group_by: Vec::new(),
                        order: Vec::new(),
                        offset: None,
                        limit: Some(1),
                    };
                    Criterion::In {
                        path,
                        negated,
                        members: Members::Subquery(Box::new(subquery)),
                    }
                }
            ),
        ]
    })
}

fn query() -> impl Strategy<Value = Query> {
    let projection = prop_oneof![
        path().prop_map(Projection::Attribute),
        (select(Function::ALL.to_vec()), path())
            .prop_map(|(function, path)| Projection::Aggregate(function, path)),
    ];
    let direction = select(vec![Direction::Ascending, Direction::Descending]);
    let order_key = (path(), direction).prop_map(|(path, direction)| OrderKey { path, direction });
    let number = || option::of(0..i64::MAX.unsigned_abs());
    (
        vec(projection, 0..3),
        entity_type(),
        option::of(criterion()),
        vec(path(), 0..2),
        vec(order_key, 0..3),
        number(),
        number(),
    )
        .prop_map(
            |(projections, entity_type, criteria, group_by, order, offset, limit)| Query {
                projections,
                entity_type,
                criteria,
                group_by,
                order,
                offset,
                limit,
            },
        )
}

/// Texts out of the pieces of the language, which come further into the parser than random letters.
fn almost_query() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "select", "from", "where", "and", "or", "not", "in", "any", "has", "is", "like",
        "order by", "limit", "(", ")", "[", "]", ",", "=", "!=", "\"", "'", "\\", "Task", "name",
        "a.b", "1", "None", " ", "\n", "é", "%", ".",
    ]);
    vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn printing_then_parsing_gives_the_same_tree(query in query()) {
        let printed = query.to_string();
        prop_assert_eq!(parse(&printed).map_err(|error| error.to_string()), Ok(query), "{}", printed);
    }

    #[test]
    fn any_text_is_either_a_query_or_an_error_that_can_be_shown(text in prop_oneof![any::<String>(), almost_query()]) {
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.span.clone()).is_some());
            prop_assert!(error.render().contains('^'));
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
