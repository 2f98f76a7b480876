from __future__ import annotations

from typing import Any

import pytest

from ftrack_rs import Session


@pytest.fixture
def author(session: Session) -> Any:
    return session.query("User").first()


def test_notes_are_written_and_answered(
    session: Session, other_session: Session, task: Any, author: Any
) -> None:
    note = task.create_note("hello", author, recipients=[author])
    reply = note.create_reply("hello back", author)
    session.commit()
    notes = other_session.get("Task", task["id"])["notes"]
    seen = notes[notes.index(note)]
    assert seen["content"] == "hello"
    assert [item["content"] for item in seen["replies"]] == [reply["content"]]
    assert [item["resource_id"] for item in seen["recipients"]] == [author["id"]]


def test_a_category_is_a_label(session: Session, task: Any, author: Any) -> None:
    label = session.query("NoteLabel").first()
    with pytest.warns(PendingDeprecationWarning, match="category"):
        note = task.create_note("labelled", author, category=label)
    session.commit()
    links = session.query(f"NoteLabelLink where note_id is {note['id']}").all()
    assert [link["label_id"] for link in links] == [label["id"]]
    with pytest.raises(ValueError, match="cannot be set at the same time"):
        task.create_note("x", author, category=label, labels=[label])
