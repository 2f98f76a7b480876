"""The command `ftrack-rs transfers`: lists, resumes and forgets transfers that broke off."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ftrack_rs._core import Journal
from ftrack_rs.journal import NothingLeftError, continuing, restored
from ftrack_rs.progress_bar import size_text
from ftrack_rs.publish.publisher import Publisher
from ftrack_rs.transfer import Transfer

if TYPE_CHECKING:
    from ftrack_rs.session import Session


def run(action: str, ids: Sequence[str]) -> int:
    """Run the command.

    Args:
        action: `list`, `resume` or `clean`.
        ids: The transfers; all if there are none.

    Returns:
        The exit code.

    Raises:
        ValueError: If there is no such transfer, or it cannot be resumed.
    """
    transfers = _selected(ids)
    if action == "list":
        _list(transfers)
    elif action == "resume":
        _resume(transfers, skip_others=not ids)
    else:
        _clean(transfers)
    return 0


def _selected(ids: Sequence[str]) -> list[dict[str, Any]]:
    transfers = {transfer["id"]: transfer for transfer in Journal().unfinished()}
    missing = [identifier for identifier in ids if identifier not in transfers]
    if missing:
        raise ValueError(f"there is no unfinished transfer {', '.join(missing)}")
    return [transfers[identifier] for identifier in ids] if ids else list(transfers.values())


def _list(transfers: list[dict[str, Any]]) -> None:
    for transfer in transfers:
        touched = datetime.datetime.fromtimestamp(transfer["touched_at"])
        state = "running" if transfer["is_running"] else "broken off"
        print(
            f"{transfer['id']}  {touched:%Y-%m-%d %H:%M}  {state}, "
            f"{transfer['finished_files']} of {transfer['files']} files "
            f"({size_text(transfer['finished_bytes'])} of {size_text(transfer['bytes'])})  "
            f"{transfer['path']}  {transfer['user']} at {transfer['server']}"
        )
    if not transfers:
        print("all transfers came to their end")


def _resume(transfers: list[dict[str, Any]], skip_others: bool) -> None:
    from ftrack_rs.session import Session

    with Session() as session:
        for transfer in transfers:
            if transfer["is_running"]:
                print(f"{transfer['id']} is running")
            elif (transfer["server"], transfer["user"]) == (session.server_url, session.api_user):
                _continue(session, transfer)
            elif not skip_others:
                raise ValueError(
                    f"transfer {transfer['id']} belongs to {transfer['user']} at "
                    f"{transfer['server']}; set the FTRACK_* variables accordingly"
                )


def _continue(session: Session, transfer: dict[str, Any]) -> None:
    try:
        with continuing():
            _repeat(session, transfer)
    except NothingLeftError:
        # Somebody else was quicker.
        print(f"{transfer['id']} is running, or has come to its end")


def _repeat(session: Session, transfer: dict[str, Any]) -> None:
    """Make the call of a transfer again."""
    noted = json.loads(transfer["data"])
    if "publish" in noted:
        bar = Transfer(on_progress="bar")
        for version in Publisher.restored(session, noted["publish"], bar).run().versions:
            print(f"{transfer['id']}  {version.label} v{version.number:03}  {version.url}")
        return
    location = session.get("Location", transfer["location_id"])
    if location is None:
        raise ValueError(f"location {transfer['location_id']} is no longer there")
    data = restored(session, noted)
    component = session.create_component(transfer["path"], data, location, on_progress="bar")
    print(f"{transfer['id']}  {transfer['path']} is component {component['id']}")


def _clean(transfers: list[dict[str, Any]]) -> None:
    journal = Journal()
    for transfer in transfers:
        if journal.forget(transfer["id"]):
            print(f"forgot {transfer['id']}")
        else:
            print(f"{transfer['id']} is running")
