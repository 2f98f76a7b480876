//! Packets as clients and servers send them.

use ftrack_protocol::Event;
use ftrack_protocol::socketio::{
    Acknowledgement, Packet, PacketError, PacketId, PacketKind, decode_event, encode_event,
};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

#[test]
fn packets_of_every_client_are_read() {
    let check = |text: &str, kind: PacketKind, id: Option<u64>, data: &str| {
        let packet = Packet::decode(text).unwrap();
        let number = packet.id.map(|id| id.number);
        assert_eq!(
            (packet.kind, number, packet.data),
            (kind, id, data),
            "{text}"
        );
    };
    check("1::", PacketKind::Connect, None, "");
    check("2::", PacketKind::Heartbeat, None, "");
    check("2:::", PacketKind::Heartbeat, None, "");
    check("2", PacketKind::Heartbeat, None, "");
    check("0", PacketKind::Disconnect, None, "");
    check("5:1+::{\"a\":1}", PacketKind::Event, Some(1), "{\"a\":1}");
    check("5:::{\"a\":1}", PacketKind::Event, None, "{\"a\":1}");
    check("6:::12+[]", PacketKind::Acknowledge, None, "12+[]");
    check("3:7::a:b:c", PacketKind::Message, Some(7), "a:b:c");
}

#[test]
fn other_texts_are_no_packets() {
    for text in ["", "9::", "55::", "x::", "é::", ":::"] {
        assert!(
            matches!(Packet::decode(text), Err(PacketError::Code)),
            "{text}"
        );
    }
    for text in ["5:x::", "5:-1::", "5:+::", "5:99999999999999999999::"] {
        assert!(
            matches!(Packet::decode(text), Err(PacketError::Id)),
            "{text}"
        );
    }
}

#[test]
fn acknowledgements_carry_what_came_of_it() {
    let acknowledgement = Acknowledgement {
        number: 3,
        arguments: vec![json!({"success": true})],
    };
    let text = acknowledgement.encode();
    assert_eq!(text, r#"6:::3+[{"success":true}]"#);
    let packet = Packet::decode(&text).unwrap();
    assert_eq!(
        Acknowledgement::decode(packet.data).unwrap(),
        acknowledgement
    );
    let plain = Acknowledgement::decode("4").unwrap();
    assert_eq!((plain.number, plain.arguments.len()), (4, 0));
    assert_eq!(plain.encode(), "6:::4");
    assert!(Acknowledgement::decode("4+[").is_err());
    assert!(Acknowledgement::decode("").is_err());
}

#[test]
fn an_event_has_exactly_the_known_keys() {
    let mut event = Event::new("e1", "ftrack.test", json!({"a": 1}));
    event.source.insert("id".to_owned(), json!("hub"));
    let text = encode_event(&event, None).unwrap();
    insta::assert_snapshot!(text, @r#"5:::{"name":"ftrack.event","args":[{"topic":"ftrack.test","data":{"a":1},"source":{"id":"hub"},"target":"","id":"e1","sent":null,"inReplyToEvent":null}]}"#);
    assert_eq!(
        decode_event(Packet::decode(&text).unwrap().data).unwrap(),
        event
    );
    let id = PacketId {
        number: 7,
        wants_data: true,
    };
    assert!(
        encode_event(&event, Some(id))
            .unwrap()
            .starts_with("5:7+::{")
    );
}

#[test]
fn events_of_careless_clients_are_read() {
    let data = json!({"name": "ftrack.event", "args": [
        {"topic": "t", "source": null, "target": null, "extra": 1, "in_reply_to_event": "e0"}, "second",
    ]});
    let event = decode_event(&data.to_string()).unwrap();
    assert_eq!(
        (
            event.topic.as_str(),
            event.target.as_str(),
            event.id.as_str()
        ),
        ("t", "", "")
    );
    assert_eq!(event.data, json!({}));
    assert_eq!(event.in_reply_to_event.as_deref(), Some("e0"));
    for data in [
        r#"{"name":"other","args":[{"topic":"t"}]}"#,
        r#"{"name":"ftrack.event"}"#,
    ] {
        assert!(
            matches!(decode_event(data), Err(PacketError::NoEvent)),
            "{data}"
        );
    }
    for data in [
        "",
        "[]",
        r#"{"name":"ftrack.event","args":[1]}"#,
        r#"{"name":"ftrack.event","args":[{}]}"#,
    ] {
        assert!(
            matches!(decode_event(data), Err(PacketError::Data(_))),
            "{data}"
        );
    }
}

#[test]
fn replies_carry_any_value() {
    let event = Event::new("e1", "ftrack.meta.reply", json!([1, "two", null]));
    let text = encode_event(&event, None).unwrap();
    assert_eq!(
        decode_event(Packet::decode(&text).unwrap().data).unwrap(),
        event
    );
}

proptest! {
    #[test]
    fn printing_then_decoding_gives_the_same_packet(
        kind in select(PacketKind::ALL.to_vec()),
        id in option::of((any::<u64>(), any::<bool>())),
        endpoint in "[^:]{0,8}",
        data in any::<String>(),
    ) {
        let id = id.map(|(number, wants_data)| PacketId { number, wants_data });
        let packet = Packet { kind, id, endpoint: &endpoint, data: &data };
        let text = packet.to_string();
        prop_assert_eq!(Packet::decode(&text).map_err(|error| error.to_string()), Ok(packet));
    }

    #[test]
    fn an_acknowledgement_survives_the_way(number: u64, words in proptest::collection::vec(any::<String>(), 0..3)) {
        let arguments = words.into_iter().map(Value::from).collect();
        let acknowledgement = Acknowledgement { number, arguments };
        let text = acknowledgement.encode();
        let packet = Packet::decode(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let decoded = Acknowledgement::decode(packet.data).map_err(|error| error.to_string());
        prop_assert_eq!(decoded, Ok(acknowledgement));
    }

    #[test]
    fn no_text_makes_the_decoders_panic(text in prop_oneof![any::<String>(), "[0-9]:[0-9+]{0,3}:[a-z]?:[\\[\\]{}\":a0,+]{0,20}"]) {
        if let Ok(packet) = Packet::decode(&text) {
            let _ = decode_event(packet.data);
            let _ = Acknowledgement::decode(packet.data);
        }
    }
}
