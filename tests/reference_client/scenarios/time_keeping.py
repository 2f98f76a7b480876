"""Time: timers, timelogs, events of the calendar, and how precisely moments are kept."""

from __future__ import annotations

import arrow
import ftrack_api
import ftrack_api.exception

from scenarios.stage import caller, elsewhere, new_project, new_user, scenario, unique


@scenario
def datetimes_keep_microseconds_in_answers_and_seconds_in_queries(session):
    username = unique("user")
    user = session.create("User", {"username": username})
    start = arrow.utcnow()
    timelog = session.create("Timelog", {"user": user, "start": start, "duration": 10})
    session.commit()
    assert timelog["start"] == start
    other = ftrack_api.Session()
    assert other.get("Timelog", timelog["id"])["start"] == start.replace(microsecond=0)


@scenario
def a_user_has_one_timer_which_becomes_a_timelog(session):
    _, _, _, task = new_project(session)
    user = new_user(session)
    session.commit()
    timer = user.start_timer(task, comment="rendering", name="render")
    assert arrow.utcnow() - timer["start"] < arrow.utcnow() - arrow.utcnow().shift(minutes=-1)
    try:
        user.start_timer(task)
    except ftrack_api.exception.NotUniqueError:
        session.rollback()
    else:
        raise AssertionError("a second timer was started")
    second = user.start_timer(task, force=True)
    timelog = user.stop_timer()
    assert timelog["context_id"] == task["id"]
    assert ftrack_api.Session().get("Timer", second["id"]) is None
    assert len(elsewhere(user)["timelogs"]) == 2


@scenario
def logged_time_adds_up(session):
    _, _, _, task = new_project(session)
    task["bid"] = 7200
    user = caller(session)
    for duration in (600, 900):
        task["timelogs"].append(session.create("Timelog", {"user": user, "duration": duration}))
    session.commit()
    again = elsewhere(task)
    assert again["time_logged"] == 1500
    assert again["bid_time_logged_difference"] == 5700
    logs = session.query(f'select context.link from Timelog where context_id is "{task["id"]}"')
    assert {log["context"]["link"][-1]["id"] for log in logs} == {task["id"]}


@scenario
def zones_of_moments_are_told_as_utc(session):
    user = caller(session)
    start = arrow.get("2024-05-01T10:00:00+02:00")
    timelog = session.create("Timelog", {"user": user, "start": start, "duration": 1})
    session.commit()
    assert elsewhere(timelog)["start"] == arrow.get("2024-05-01T08:00:00+00:00")
    for literal in ("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00"):
        found = session.query(f'Timelog where start is "{literal}" and id is "{timelog["id"]}"')
        assert found.one() is timelog, literal


@scenario
def a_calendar_has_events_with_attendants(session):
    project, _, _, _ = new_project(session)
    kind = session.query("Type").first()
    start = arrow.get("2024-05-01T08:00:00+00:00")
    event = session.create(
        "CalendarEvent",
        {
            "name": "delivery",
            "project": project,
            "type": kind,
            "start": start,
            "end": start.shift(days=1),
        },
    )
    session.create("CalendarEventResource", {"calendar_event": event, "resource": caller(session)})
    session.commit()
    again = elsewhere(event)
    assert again["end"] - again["start"] == start.shift(days=1) - start
    assert len(again["calendar_event_resources"]) == 1
