"""Notes: where they hang, who is told, replies, labels and attachments."""

from __future__ import annotations

import warnings

import ftrack_api
import ftrack_api.symbol

from scenarios.stage import caller, elsewhere, new_project, new_user, new_version, scenario


@scenario
def notes_have_their_author_as_recipient(session):
    _, _, _, task = new_project(session)
    author = session.query(f'User where username is "{session.api_user}"').one()
    session.commit()
    note = task.create_note("Hello", author)
    session.commit()
    note.create_reply("And back", author)
    session.commit()
    other = ftrack_api.Session()
    note = other.get("Note", note["id"])
    assert note["content"] == "Hello"
    assert [reply["content"] for reply in note["replies"]] == ["And back"]
    assert author["id"] in [recipient["resource_id"] for recipient in note["recipients"]]


@scenario
def a_note_hangs_on_what_it_is_written_about(session):
    project, _, shot, task = new_project(session)
    version = new_version(session, task)
    author = caller(session)
    session.commit()
    for entity in (project, shot, task, version):
        note = entity.create_note("About this", author)
        session.commit()
        again = elsewhere(note)
        assert again["parent_id"] == entity["id"]
        assert again["parent_type"] == entity.entity_type, again["parent_type"]
        assert again["author"]["id"] == author["id"]
        assert again["date"]
        assert [item["id"] for item in elsewhere(entity)["notes"]] == [note["id"]]


@scenario
def recipients_are_told_besides_the_author(session):
    _, _, _, task = new_project(session)
    author, user = caller(session), new_user(session)
    group = session.create("Group", {"name": user["username"]})
    session.commit()
    note = task.create_note("Look", author, recipients=[user, group])
    session.commit()
    told = {recipient["resource_id"] for recipient in elsewhere(note)["recipients"]}
    assert told == {author["id"], user["id"], group["id"]}


@scenario
def labels_are_categories(session):
    _, _, _, task = new_project(session)
    author = caller(session)
    session.commit()
    label, category = session.query("NoteLabel").all()[:2]
    labelled = task.create_note("Labelled", author, labels=[label])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        category = session.get("NoteCategory", category["id"])
        categorised = task.create_note("Categorised", author, category=category)
    session.commit()
    assert elsewhere(categorised)["category"]["id"] == category["id"]
    again = elsewhere(labelled)
    assert again["category_id"] == label["id"]
    assert [link["label_id"] for link in again["note_label_links"]] == [label["id"]]


@scenario
def replies_follow_their_note(session):
    _, _, _, task = new_project(session)
    author = caller(session)
    session.commit()
    note = task.create_note("Question", author)
    session.commit()
    reply = note.create_reply("Answer", author)
    session.commit()
    assert len(note["replies"]) == 1
    again = elsewhere(reply)
    assert again["in_reply_to_id"] == note["id"]
    assert (again["parent_id"], again["parent_type"]) == (task["id"], "Task")
    session.delete(note)
    session.commit()
    assert elsewhere(reply) is None


@scenario
def notes_carry_attachments(session):
    _, _, _, task = new_project(session)
    author = caller(session)
    session.commit()
    note = task.create_note("See this", author)
    component = session.create("FileComponent", {"name": "sketch", "file_type": ".png"})
    session.create("NoteComponent", {"note_id": note["id"], "component_id": component["id"]})
    session.commit()
    attached = [item["component_id"] for item in elsewhere(note)["note_components"]]
    assert attached == [component["id"]]


@scenario
def a_note_is_finished_and_changed(session):
    _, _, _, task = new_project(session)
    note = task.create_note("Do this", caller(session))
    session.commit()
    note["content"], note["is_todo"] = "Done", True
    note["completed_by"] = caller(session)
    session.commit()
    again = elsewhere(note)
    assert (again["content"], again["is_todo"]) == ("Done", True)
    author = f'author[User].username is "{session.api_user}"'
    found = session.query(f"Note where {author} and id is {note['id']}")
    assert found.one() is note
