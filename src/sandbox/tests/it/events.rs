//! The event server, as a client sees it that sends and reads raw packets.

use std::time::{Duration, Instant};

use ftrack_protocol::Event;
use ftrack_sandbox::{EventOptions, Sandbox, SandboxOptions};
use serde_json::{Value, json};

use crate::events_client::{EventClient, handshake, session};
use crate::harness::{get, send, start, start_with, wait_for};

fn start_quick(heartbeat: u64, close_timeout: u64, handshake_validity: u64) -> Sandbox {
    start_with(SandboxOptions {
        events: EventOptions {
            heartbeat: Duration::from_millis(heartbeat),
            close_timeout: Duration::from_millis(close_timeout),
            handshake_validity: Duration::from_millis(handshake_validity),
        },
        ..SandboxOptions::default()
    })
}

#[test]
fn the_handshake_takes_credentials_in_headers_and_in_the_url() {
    let server = start();
    let answer = handshake(&server);
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    let parts: Vec<_> = answer.text().split(':').collect();
    assert_eq!(&parts[1..], ["60", "60", "websocket"]);
    let (url, user, key) = (server.url(), server.api_user(), server.api_key());
    assert_eq!(
        get(&format!("{url}/socket.io/1/?api_user={user}&api_key={key}")).status,
        200
    );
    let mixed = format!("{url}/socket.io/1/?api_user={user}");
    let headers = [("ftrack-api-user", user), ("ftrack-api-key", key)];
    assert_eq!(send("GET", &mixed, &headers, b"").status, 200);
}

#[test]
fn the_handshake_refuses_others() {
    let server = start();
    let url = format!("{}/socket.io/1/", server.url());
    for headers in [
        vec![],
        vec![
            ("ftrack-user", server.api_user()),
            ("ftrack-api-key", "wrong"),
        ],
        vec![
            ("ftrack-user", "nobody"),
            ("ftrack-api-key", server.api_key()),
        ],
    ] {
        let answer = send("GET", &url, &headers, b"");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["exception"], "InvalidCredentialsError");
    }
}

#[test]
fn a_session_opens_one_connection() {
    let server = start();
    let session = session(&handshake(&server));
    let websocket = format!("{}/socket.io/1/websocket/{session}", server.url());
    assert_eq!(
        get(&websocket).status,
        400,
        "an ordinary request uses nothing up"
    );
    assert!(EventClient::open(&server, &session).is_ok());
    assert_eq!(EventClient::open(&server, &session).err(), Some(401));
    assert_eq!(EventClient::open(&server, "unknown").err(), Some(401));
}

#[test]
fn a_session_expires() {
    let server = start_quick(5_000, 60_000, 0);
    let session = session(&handshake(&server));
    assert_eq!(EventClient::open(&server, &session).err(), Some(401));
}

#[test]
fn heartbeats_keep_a_connection() {
    let server = start_quick(20, 1_500, 10_000);
    let started = Instant::now();
    let mut client = EventClient::open(&server, &session(&handshake(&server))).unwrap();
    assert_eq!(client.any_packet().as_deref(), Some("1::"));
    for answer in ["2::", "2:::"].into_iter().cycle() {
        assert_eq!(client.any_packet().as_deref(), Some("2::"));
        client.send(answer);
        if started.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    client.publish("test", &json!({}));
}

#[test]
fn a_connection_without_heartbeats_ends() {
    let server = start_quick(20, 100, 10_000);
    EventClient::connect(&server).wait_for_end();
}

#[test]
fn subscribers_get_the_events_they_want_once_each() {
    let server = start();
    let (mut publisher, mut listener) =
        (EventClient::connect(&server), EventClient::connect(&server));
    listener.subscribe("topic=test.a and data.number>1");
    listener.subscribe("topic=test.*");
    listener.subscribe("source.host=elsewhere");
    publisher.publish("test.a", &json!({"number": 2}));
    publisher.publish("other", &json!({"number": 2}));
    publisher.publish("test.b", &json!({}));
    let topics: Vec<_> = listener
        .events_so_far()
        .into_iter()
        .map(|event| event["topic"].clone())
        .collect();
    assert_eq!(topics[..2], ["test.a", "test.b"]);
    assert!(publisher.events_so_far().is_empty());
}

#[test]
fn publishers_hear_themselves() {
    let server = start();
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=test");
    client.publish("test", &json!({"über": "mäßig"}));
    assert_eq!(client.next_event()["data"], json!({"über": "mäßig"}));
}

#[test]
fn events_arrive_with_exactly_the_known_keys_and_the_id_of_the_user() {
    let server = start();
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=test");
    let mut event = client.event("test", &json!({"a": [1, null]}));
    event["extra"] = json!("dropped");
    client.emit(&event);
    let received = client.next_event();
    let user = received["source"]["user"].as_object().unwrap();
    assert_eq!(user["username"], server.api_user());
    assert_eq!(user["id"].as_str().unwrap().len(), 36);
    let mut expected = event.clone();
    expected.as_object_mut().unwrap().remove("extra");
    expected["source"]["user"]["id"] = user["id"].clone();
    assert_eq!(received, expected);
}

#[test]
fn other_users_in_the_source_stay_as_they_are() {
    let server = start();
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=test");
    let mut event = client.event("test", &json!({}));
    event["source"]["user"] = json!({"username": "somebody else"});
    client.emit(&event);
    assert_eq!(
        client.next_event()["source"]["user"],
        json!({"username": "somebody else"})
    );
}

#[test]
fn an_event_without_an_id_gets_one() {
    let server = start();
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=test");
    client.emit(&json!({"topic": "test"}));
    let received = client.next_event();
    assert_eq!(received["id"].as_str().unwrap().len(), 32);
    assert_eq!(received["data"], json!({}));
    assert_eq!(received["target"], "");
}

#[test]
fn replies_find_the_one_who_asked() {
    let server = start();
    let mut asking = EventClient::connect(&server);
    let (mut answering, mut other) = (EventClient::connect(&server), EventClient::connect(&server));
    for client in [&mut asking, &mut answering, &mut other] {
        let own = json!({"id": client.id});
        client.subscribe_as(&own, "topic=ftrack.meta.reply");
    }
    answering.subscribe("topic=test.question");
    asking.publish("test.question", &json!({}));
    let question = answering.next_event();
    let mut reply = answering.event("ftrack.meta.reply", &json!(42));
    reply["target"] = json!(format!("id={}", question["source"]["id"].as_str().unwrap()));
    reply["inReplyToEvent"] = question["id"].clone();
    assert_eq!(answering.emit(&reply), json!({"success": true}));
    let received = asking.next_event();
    assert_eq!(
        (&received["data"], &received["inReplyToEvent"]),
        (&json!(42), &question["id"])
    );
    assert!(answering.events_so_far().is_empty());
    assert!(other.events_so_far().is_empty());
}

#[test]
fn targets_are_tested_against_what_subscribers_say_of_themselves() {
    let server = start();
    let (mut nuke, mut maya) = (EventClient::connect(&server), EventClient::connect(&server));
    for (client, application) in [(&mut nuke, "nuke"), (&mut maya, "maya")] {
        let subscriber =
            json!({"id": application, "applicationId": application, "user": {"id": "u1"}});
        client.subscribe_as(&subscriber, "topic=test");
    }
    let mut event = nuke.event("test", &json!({}));
    for (target, nukes, mayas) in [
        ("applicationId=maya and user.id=\"u1\"", 0, 1),
        ("id=nuke", 1, 0),
        ("id=nuke or id=maya", 1, 1),
        ("not id=nuke", 0, 1),
        ("  ", 1, 1),
        ("id=nobody", 0, 0),
    ] {
        event["target"] = json!(target);
        assert_eq!(nuke.emit(&event), json!({"success": true}));
        assert_eq!(nuke.events_so_far().len(), nukes, "{target}");
        assert_eq!(maya.events_so_far().len(), mayas, "{target}");
    }
}

#[test]
fn a_subscriber_subscribes_once_on_a_connection() {
    let server = start();
    let (mut one, mut other) = (EventClient::connect(&server), EventClient::connect(&server));
    let subscriber = json!({"id": "hub"});
    assert_eq!(
        one.subscribe_as(&subscriber, "topic=a"),
        json!({"success": true})
    );
    let again = one.subscribe_as(&subscriber, "topic=b");
    assert_eq!(again["success"], false);
    assert!(
        again["message"].as_str().unwrap().contains("hub"),
        "{again}"
    );
    assert_eq!(
        other.subscribe_as(&subscriber, "topic=a"),
        json!({"success": true})
    );
    one.publish("b", &json!({}));
    one.publish("a", &json!({}));
    assert_eq!(one.next_event()["topic"], "a");
}

#[test]
fn what_is_unsubscribed_is_not_delivered() {
    let server = start();
    let mut client = EventClient::connect(&server);
    let (first, second) = (client.subscribe("topic=a"), client.subscribe("topic=*"));
    assert_eq!(client.unsubscribe(&first), json!({"success": true}));
    assert_eq!(client.unsubscribe(&second), json!({"success": true}));
    assert_eq!(client.unsubscribe(&second)["success"], false);
    client.publish("a", &json!({}));
    assert!(client.events_so_far().is_empty());
    client.subscribe_as(&json!({"id": first}), "topic=a");
    client.publish("a", &json!({}));
    assert_eq!(client.next_event()["topic"], "a");
}

#[test]
fn mistakes_are_acknowledged_with_a_reason() {
    let server = start();
    let mut client = EventClient::connect(&server);
    let mut check = |event: Value, reason: &str| {
        let answer = client.emit(&event);
        assert_eq!(answer["success"], false, "{event}");
        assert!(
            answer["message"].as_str().unwrap().contains(reason),
            "{answer}"
        );
    };
    let subscribe = |data: Value| json!({"topic": "ftrack.meta.subscribe", "data": data});
    check(
        subscribe(json!({"subscriber": {"id": "a"}, "subscription": "topic~a"})),
        "an operator",
    );
    check(subscribe(json!({"subscriber": {"id": "a"}})), "a condition");
    check(
        subscribe(json!({"subscription": "topic=a"})),
        "no subscriber",
    );
    check(json!({"topic": "a", "target": "id="}), "a value");
    check(json!({"no": "topic"}), "unreadable");
    client.publish("still.there", &json!({}));
}

#[test]
fn packets_that_are_none_are_passed_over() {
    let server = start();
    let mut client = EventClient::connect(&server);
    for packet in [
        "", "9::", "hello", "2::", "2:::", "1::", "6:::1", "8::", "5:::{", "5:x::{}", "5:::{}",
    ] {
        client.send(packet);
    }
    client.send("3:7::hello");
    assert_eq!(client.packet().as_deref(), Some("6:::7"));
    client.send(r#"5:8::{"name":"ftrack.event","args":[{"topic":"a"}]}"#);
    assert_eq!(client.packet().as_deref(), Some("6:::8"));
}

#[test]
fn a_client_that_says_goodbye_is_gone() {
    let server = start();
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=a");
    assert_eq!(server.events().connections(), 1);
    client.send("0::");
    client.wait_for_end();
    wait_for(|| (server.events().connections() == 0).then_some(()));
}

#[test]
fn an_oversized_packet_ends_its_connection_only() {
    let server = start();
    let (mut rude, mut polite) = (EventClient::connect(&server), EventClient::connect(&server));
    let packet = format!("3:::{}", "x".repeat(5 << 20));
    rude.try_send(&packet);
    rude.wait_for_end();
    polite.publish("a", &json!({}));
}

#[test]
fn a_slow_consumer_is_given_up_and_delays_nobody() {
    let server = start();
    let mut slow = EventClient::connect(&server);
    let (mut quick, mut publisher) = (EventClient::connect(&server), EventClient::connect(&server));
    slow.subscribe("topic=big");
    quick.subscribe("topic=big");
    let data = json!({"text": "x".repeat(1 << 20)});
    let mut count = 0;
    while server.events().connections() == 3 {
        assert!(count < 200, "the slow consumer is never given up");
        publisher.publish("big", &data);
        assert_eq!(quick.next_event()["data"], data);
        count += 1;
    }
    publisher.publish("big", &data);
    assert_eq!(quick.next_event()["topic"], "big");
    slow.wait_for_end();
}

#[test]
fn dropped_clients_can_come_back() {
    let server = start();
    let mut client = EventClient::connect(&server);
    let session = session(&handshake(&server));
    server.events().drop_all();
    client.wait_for_end();
    assert_eq!(EventClient::open(&server, &session).err(), Some(401));
    let mut client = EventClient::connect(&server);
    client.publish("a", &json!({}));
}

#[test]
fn a_silent_server_sends_nothing_and_hangs_up_on_nobody() {
    let server = start_quick(20, 1_000, 10_000);
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=*");
    server.events().silence(true);
    server.events().publish(&Event::new("1", "lost", json!({})));
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(1_500) {
        handshake(&server);
    }
    server.events().silence(false);
    client.publish("heard", &json!({}));
    assert_eq!(client.next_event()["topic"], "heard");
}

#[test]
fn a_server_that_stops_hangs_up() {
    let mut server = start();
    let mut client = EventClient::connect(&server);
    server.stop();
    client.wait_for_end();
}

#[test]
fn a_hundred_messages_arrive_in_order() {
    let server = start();
    let (mut publisher, mut listener) =
        (EventClient::connect(&server), EventClient::connect(&server));
    listener.subscribe("topic=count");
    (0..100).for_each(|number| publisher.publish("count", &json!(number)));
    for number in 0..100 {
        assert_eq!(listener.next_event()["data"], json!(number));
    }
}
