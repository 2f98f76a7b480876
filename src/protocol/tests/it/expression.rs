//! The expressions of events: what they mean, and what they refuse.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation is what a test reports"
)]

use std::time::{Duration, Instant};

use ftrack_protocol::Event;
use ftrack_protocol::expression::{Expression, MAX_DEPTH, ParseErrorKind, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn matches(expression: &str, candidate: &Value) -> bool {
    let Ok(matches) = parse(expression).unwrap().matches(candidate);
    matches
}

#[track_caller]
fn check(expression: &str, candidate: &Value, expected: bool) {
    assert_eq!(matches(expression, candidate), expected, "{expression}");
}

#[test]
fn conditions_lead_into_nested_values() {
    let event =
        json!({"topic": "ftrack.update", "data": {"eventType": "Shot", "deep": {"er": "x"}}});
    check("topic=ftrack.update", &event, true);
    check(
        "topic = ftrack.update and data.eventType=Shot",
        &event,
        true,
    );
    check("data.deep.er='x'", &event, true);
    check("data.deep.er.est=x", &event, false);
    check("data.missing!=x", &event, false);
    check("not data.missing=x", &event, true);
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    let event = json!({"a": "1", "b": "2"});
    check("a=1 or a=2 and b=3", &event, true);
    check("(a=1 or a=2) and b=3", &event, false);
    check("not a=1 or b=2", &event, true);
    check("not (a=1 or b=2)", &event, false);
    check("NOT a=2 AND not not b=2", &event, true);
}

#[test]
fn keywords_are_names_where_a_name_is_due() {
    let event = json!({"not": "and", "and": "or", "order": "1", "notable": "1"});
    check("not=and and and=or", &event, true);
    check("not not=or", &event, true);
    check("order=1 or notable=2", &event, true);
    check("notable=1", &event, true);
    let printed = |text: &str| parse(text).unwrap().to_string();
    assert_eq!(printed("not.a=1"), "not .a=1");
    assert_eq!(printed("a='1'and(b=2)"), "a=1 and b=2");
}

#[test]
fn values_are_bare_or_quoted() {
    let event = json!({"a": "x y", "b": "jane+1@studio.example", "c": r"C:\shots", "d": ""});
    check(r#"a="x y""#, &event, true);
    check("a='x y'", &event, true);
    check("b=jane+1@studio.example", &event, true);
    check(r#"c="C:\shots""#, &event, true);
    check("d=''", &event, true);
}

#[test]
fn a_star_at_the_end_asks_for_a_part() {
    let event = json!({"topic": "ftrack.action.launch", "list": ["a", "bc"], "map": {"key": 1}});
    check("topic=ftrack.*", &event, true);
    check("topic='action.*'", &event, true);
    check("topic=*", &event, true);
    check("topic=other*", &event, false);
    check("list=a*", &event, true);
    check("list=b*", &event, false);
    check("map=key*", &event, true);
    check("topic!=ftrack.*", &event, true);
    check("topic=ftrack.*.launch", &event, false);
}

#[test]
fn texts_and_numbers_keep_their_order() {
    let event = json!({"text": "9", "number": 10, "flag": true, "none": null});
    check("text>10", &event, true);
    check("number>9", &event, true);
    check("number>=10.0 and number<=10 and number<11", &event, true);
    check("number=ten", &event, false);
    check("number!=ten", &event, true);
    check("flag=true", &event, true);
    check("none=none", &event, false);
    check("none!=none", &event, true);
    check("none<none", &event, false);
}

#[test]
fn events_answer_like_their_json() {
    let mut event = Event::new("e1", "ftrack.meta.reply", json!({"a": {"b": "c"}}));
    event
        .source
        .insert("user".to_owned(), json!({"username": "jane"}));
    event.in_reply_to_event = Some("e0".to_owned());
    let check = |expression: &str, expected: bool| {
        let Ok(matches) = parse(expression).unwrap().matches(&event);
        assert_eq!(matches, expected, "{expression}");
    };
    check("topic=ftrack.meta.reply and id=e1 and data.a.b=c", true);
    check("source.user.username=jane", true);
    check("in_reply_to_event=e0", true);
    check("topic.length=1", false);
    check("source.id=x", false);
    check("source!=x", true);
    check("target=''", true);
    check("other=x", false);
}

#[test]
fn an_index_learns_what_a_key_must_be() {
    let required = |expression: &str| {
        let expression = parse(expression).unwrap();
        expression.required_value(&["topic"]).map(str::to_owned)
    };
    assert_eq!(required("topic=a").as_deref(), Some("a"));
    assert_eq!(
        required("data.x=1 and (b=2 and topic='a b')").as_deref(),
        Some("a b")
    );
    assert_eq!(required("topic=a*"), None);
    assert_eq!(required("topic!=a"), None);
    assert_eq!(required("topic=a or topic=b"), None);
    assert_eq!(required("not topic=a"), None);
    assert_eq!(required("data.topic=a"), None);
}

#[test]
fn errors_point_at_the_place() {
    let check = |text: &str, span: std::ops::Range<usize>| {
        let error = parse(text).unwrap_err();
        assert_eq!(error.span, span, "{error}");
    };
    check("", 0..0);
    check("  ", 2..2);
    check("topic", 5..5);
    check("topic=", 6..6);
    check("topic=a b", 8..9);
    check("topic=a and", 11..11);
    check("(topic=a", 8..8);
    check("topic=ä", 6..8);
    check("topic~a", 5..6);
    check("topic=\"a", 6..8);
    check("topic=\"a\nb\"", 6..11);
    check("topic='a'b", 9..10);
    insta::assert_snapshot!(
        parse("topic=a b").unwrap_err(),
        @"expected `and`, `or` or the end (column 9 of `topic=a b`)"
    );
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("{}a=1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    let error = parse(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.kind, ParseErrorKind::TooDeep);
    assert_eq!(
        parse(&"not ".repeat(100_000)).unwrap_err().kind,
        ParseErrorKind::TooDeep
    );
}

/// A parser that tries again from every operator would need ages for the nested one.
#[test]
fn time_grows_with_the_length_only() {
    let long = vec!["a=1"; 100_000].join(" and ");
    let nested = format!(
        "{}a=1{}",
        "(".repeat(MAX_DEPTH),
        " or b=2)".repeat(MAX_DEPTH)
    );
    let started = Instant::now();
    assert!(
        matches!(parse(&long).unwrap(), Expression::All(operands) if operands.len() == 100_000)
    );
    assert!(parse(&nested).is_ok());
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

fn expression_text() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-zA-Z0-9_,./*@+-]{1,8}",
        r#""([^"\\\n\r]|""|\\["'\\a*]){0,8}""#,
        r#"'([^'\\\n\r]|''|\\["'\\a*]){0,8}'"#,
    ];
    let operator = select(vec!["=", "!=", ">=", "<=", ">", "<", " = "]);
    let condition = ("[a-zA-Z0-9_.]{1,8}", operator, value)
        .prop_map(|(key, operator, value)| format!("{key}{operator}{value}"));
    condition.prop_recursive(5, 32, 3, |inner| {
        let keyword = select(vec![" and ", " or ", " AND ", "\n or\t"]);
        prop_oneof![
            (vec(inner.clone(), 2..4), keyword).prop_map(|(parts, word)| parts.join(word)),
            inner.clone().prop_map(|inner| format!("not {inner}")),
            inner.prop_map(|inner| format!("( {inner})")),
        ]
    })
}

/// Texts out of the pieces of the language, which come further into the parser than random letters.
fn almost_expression() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "topic", "and", "or", "not", "(", ")", "=", "!=", ">", "\"", "'", "\\", "*", "a.b", "1",
        " ", "\n", "é", "@",
    ]);
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn printing_then_parsing_gives_the_same_tree(text in expression_text()) {
        let expression = parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let printed = expression.to_string();
        prop_assert_eq!(parse(&printed), Ok(expression), "{}", printed);
    }

    #[test]
    fn any_text_is_either_an_expression_or_an_error_with_a_place(
        text in prop_oneof![any::<String>(), almost_expression()]
    ) {
        match parse(&text) {
            Ok(expression) => prop_assert_eq!(parse(&expression.to_string()), Ok(expression)),
            Err(error) => {
                prop_assert!(text.get(error.span.clone()).is_some());
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
