"""What a program has at hand: a session, entities of its own, a folder, and a notebook."""

from __future__ import annotations

import json
import os
import types
import urllib.request
import uuid

from rendering import render, render_exception

_NAMESPACE = uuid.UUID("5f0e4e5c-7f5a-4b0e-9c1d-0d5c2f1e9a10")


class SetUpError(BaseException):
    """Raised when a program could not be prepared, which is no outcome of it."""


class Context:
    """What a program runs with.

    Attributes:
        api: The client, under the name `ftrack_api`.
        url: Address that records what is written.
        direct_url: Address of the server itself, for what is more than HTTP.
        folder: An empty folder.
        notes: What the program noted, in order.
    """

    # What every server has from the start, by expression.
    _found = {}  # noqa: RUF012 - shared on purpose

    def __init__(self, api, name, recorder, direct_url, folder):
        self.api = api
        self.url = recorder.url
        self.direct_url = direct_url
        self.folder = folder
        self.notes = []
        self._name = name
        self._recorder = recorder
        self._sessions = []

    @property
    def session(self):
        """The session of the program, opened when it is first used."""
        return self._sessions[0] if self._sessions else self.open()

    def open(self, **options):
        """Return a further session; what opening it asked of the server does not count."""
        defaults = {
            "server_url": self.url,
            "plugin_paths": [],
            "schema_cache_path": os.path.dirname(self.folder),
        }
        session = self.api.Session(**{**defaults, **options})
        self._sessions.append(session)
        self._recorder.forget()
        return session

    def close(self):
        """Close all sessions."""
        for session in self._sessions:
            if not session.closed:
                session.recorded_operations.clear()
                session.close()

    def note(self, label, function, *arguments, **options):
        """Note what *function* gives or raises, and return what it gives."""
        try:
            value = function(*arguments, **options)
        except Exception as error:
            self.notes.append([label, render_exception(error)])
            return None
        self.notes.append([label, render(value)])
        return value

    def say(self, label, value):
        """Note *value*."""
        self.notes.append([label, render(value)])

    def id(self, name):
        """Return an identifier for *name* that is the same in every run of this program."""
        return str(uuid.uuid5(_NAMESPACE, f"{self._name}/{name}"))

    def name(self, name):
        """Return a name that no other program uses."""
        return f"{name}_{self.id(name)[:8]}"

    def path(self, name, content=b"content"):
        """Write a file in the folder and return its path."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def call(self, *operations):
        """Have the server do *operations* without any client, and return its answer."""
        headers = {
            "Content-Type": "application/json",
            "ftrack-user": os.environ["FTRACK_API_USER"],
            "ftrack-api-key": os.environ["FTRACK_API_KEY"],
        }
        body = json.dumps(operations).encode()
        request = urllib.request.Request(f"{self.direct_url}/api", body, headers)
        with urllib.request.urlopen(request) as answer:
            results = json.load(answer)
        if isinstance(results, dict):
            raise SetUpError(f"{self._name}: {results}")
        return results

    def make(self, entity_type, label, /, **data):
        """Create an entity on the server, unknown to the session, and return its identifier."""
        operation = self._creation(entity_type, label, **data)
        self.call(operation)
        return operation["entity_data"]["id"]

    def _creation(self, entity_type, label, /, **data):
        key = self.id(f"{entity_type} {label}")
        return {
            "action": "create",
            "entity_type": entity_type,
            "entity_key": [key],
            "entity_data": {"id": key, **data, "__entity_type__": entity_type},
        }

    def tree(self):
        """Create a project with a sequence, shot, task, asset and version on the server.

        Returns:
            Their identifiers, by what they are.
        """
        schema = self.first_id("ProjectSchema where name is 'VFX'", "ProjectSchema")
        asset_type = self.first_id("AssetType where short is 'upload'", "AssetType")
        name = self.name("project")
        operations = []

        def add(entity_type, **data):
            operations.append(self._creation(entity_type, "tree", **data))
            return operations[-1]["entity_data"]["id"]

        project = add("Project", name=name, full_name=name, project_schema_id=schema)
        sequence = add("Sequence", name="sq01", parent_id=project)
        shot = add("Shot", name="sh010", parent_id=sequence)
        task = add("Task", name="comp", parent_id=shot)
        asset = add("Asset", name="comp", context_id=shot, type_id=asset_type)
        version = add("AssetVersion", asset_id=asset, task_id=task, comment="first")
        self.call(*operations)
        return types.SimpleNamespace(
            project=project,
            sequence=sequence,
            shot=shot,
            task=task,
            asset=asset,
            version=version,
        )

    def first_id(self, *expressions):
        """Return the identifier of the first entity that any of *expressions* gives."""
        for expression in expressions:
            if expression not in self._found:
                query = f"select id from {expression} limit 1"
                (result,) = self.call({"action": "query", "expression": query})
                self._found[expression] = result["data"] and result["data"][0]["id"]
            if self._found[expression]:
                return self._found[expression]
        raise SetUpError(f"there is no {expressions}")

    def entities(self):
        """Return the entities of a new :meth:`tree` as the session has them."""
        ids = self.tree()
        session = self.session
        entities = types.SimpleNamespace(
            project=session.get("Project", ids.project),
            sequence=session.get("Sequence", ids.sequence),
            shot=session.get("Shot", ids.shot),
            task=session.get("Task", ids.task),
            asset=session.get("Asset", ids.asset),
            version=session.get("AssetVersion", ids.version),
        )
        self._recorder.forget()
        return entities
