//! Hostile texts for every parser of the crate: no panic, no endless run, whatever comes over the wire.
//!
//! A few hundred cases run with the other tests; `make fuzz` runs a million of each, within a limit of memory.

use std::time::{Duration, Instant};

use ftrack_protocol::socketio::{Acknowledgement, Packet, decode_event};
use ftrack_protocol::{expression, query};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Longer than any text here takes on a busy machine, shorter than anybody would wait.
const PATIENCE: Duration = Duration::from_secs(5);

const QUERIES: &[&str] = &[
    r#"select name, parent[Shot].name, count(id) from Task where (status.name is "Done" or not assignments any (resource.username = 'jane')) and bid >= 3.5 order by name desc, id offset 5 limit 10"#,
    r#"Task where parent_id in (select id from Shot where name not_like "%\"x\"%" limit 1) and created_at after "2024-01-01""#,
    r#"(parent_id is "X"and key is "Y") or (parent_id is "Z"and key is "W")"#,
    "select sum(bid) from Task where project_id != none group by status_id, type_id",
];

const EXPRESSIONS: &[&str] = &[
    r#"topic=ftrack.update and (source.user.username="jane" or not data.entities.0.action != 'add*')"#,
    "id=0f1e and data.x >= 10 and data.y<3",
    "topic=ftrack.*",
];

const PACKETS: &[&str] = &[
    r#"5:12+::{"name":"ftrack.event","args":[{"topic":"a","data":{},"source":{"id":"b"},"target":"","id":"c","sent":null,"inReplyToEvent":null}]}"#,
    r#"6:::12+[{"success":true,"message":"é"}]"#,
    "1::",
    "2:::",
    "0::/endpoint",
];

const PIECES: &[&str] = &[
    "(",
    ")",
    "((((((((",
    "))))))))",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "\\\"",
    ",",
    ".",
    ":",
    "::",
    "+",
    "-",
    "=",
    "!",
    "<",
    ">=",
    "*",
    "%",
    " ",
    "\n",
    "\0",
    "\u{2028}",
    "é",
    "😀",
    "and",
    " or ",
    " not ",
    " in (",
    " any (",
    "select ",
    " from ",
    " where ",
    " limit ",
    " order by ",
    "None",
    "true",
    "1e999",
    "18446744073709551616",
    "-1",
    "a.b.c.d",
    "[Shot]",
];

/// What is done to a text at one place.
#[derive(Debug, Clone)]
enum Damage {
    /// Something is put in, so many times.
    Insert(&'static str, usize),
    /// So many characters are taken out.
    Remove(usize),
    /// Any character is put in.
    Character(char),
    /// The rest is cut off.
    Truncate,
    /// All before is written once more.
    Repeat,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => select(PIECES).prop_map(|piece| Damage::Insert(piece, 1)),
        1 => (select(PIECES), 1..2000_usize).prop_map(|(piece, times)| Damage::Insert(piece, times)),
        3 => (1..20_usize).prop_map(Damage::Remove),
        2 => any::<char>().prop_map(Damage::Character),
        1 => Just(Damage::Truncate),
        1 => Just(Damage::Repeat),
    ]
}

/// Texts that once were right.
fn damaged(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    (select(texts), vec((any::<Index>(), damage()), 0..8)).prop_map(|(text, damages)| {
        let mut text: Vec<char> = text.chars().collect();
        for (place, damage) in damages {
            let at = place.index(text.len() + 1);
            let insert: Vec<char> = match damage {
                Damage::Insert(piece, times) => piece.repeat(times).chars().collect(),
                Damage::Character(character) => vec![character],
                Damage::Repeat => text[..at].to_vec(),
                Damage::Remove(count) => {
                    text.drain(at..text.len().min(at + count));
                    continue;
                }
                Damage::Truncate => {
                    text.truncate(at);
                    continue;
                }
            };
            text.splice(at..at, insert);
        }
        text.into_iter().collect()
    })
}

/// Texts that once were right, texts of the right pieces, and any text.
fn hostile(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        6 => damaged(texts),
        3 => vec(select(PIECES), 0..40).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

fn in_time<T>(text: &str, parse: impl FnOnce(&str) -> T) -> Result<T, TestCaseError> {
    let start = Instant::now();
    let result = parse(text);
    let taken = start.elapsed();
    prop_assert!(taken < PATIENCE, "{} bytes take {:?}", text.len(), taken);
    Ok(result)
}

proptest! {
    #[test]
    fn fuzz_the_query_parser(text in hostile(QUERIES)) {
        match in_time(&text, query::parse)? {
            // What was understood can be said again.
            Ok(query) => prop_assert_eq!(query::parse(&query.to_string()).ok(), Some(query)),
            Err(error) => prop_assert!(error.render().contains('^')),
        }
    }

    #[test]
    fn fuzz_the_event_expression_parser(text in hostile(EXPRESSIONS)) {
        match in_time(&text, expression::parse)? {
            Ok(expression) => {
                let printed = expression.to_string();
                prop_assert_eq!(expression::parse(&printed).ok(), Some(expression), "{}", printed);
            }
            Err(error) => prop_assert!(error.column() > 0),
        }
    }

    #[test]
    fn fuzz_the_packet_parser(text in hostile(PACKETS)) {
        in_time(&text, |text| {
            if let Ok(packet) = Packet::decode(text) {
                let _ = decode_event(packet.data);
                let _ = Acknowledgement::decode(packet.data);
            }
        })?;
    }
}
