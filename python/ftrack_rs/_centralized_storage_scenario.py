"""The storage scenario "everything on one storage that everybody mounts".

ftrack keeps the choice of a studio in a setting. :func:`register` sets a location up from it when a
session starts; :func:`register_configuration` answers the dialogue in which an administrator makes
the choice. The dialogue is a series of events: each holds the values of one form and all that was
chosen before, and is answered with the next form.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from ftrack_rs.accessor.disk import DiskAccessor
from ftrack_rs.event.base import Event
from ftrack_rs.exception import LocationError
from ftrack_rs.logging import LazyLogMessage as L
from ftrack_rs.structure.standard import StandardStructure

scenario_name = "ftrack.centralized-storage"

Item = dict[str, Any]
Configuration = dict[str, Any]

_LOGGER_NAME = "ftrack_api._centralized_storage_scenario"

_NEW_LOCATION = "create_new_location"

_BUILTIN_LOCATIONS = frozenset(
    {"ftrack.origin", "ftrack.unmanaged", "ftrack.connect", "ftrack.server", "ftrack.review"}
)

_DEFAULT_LOCATION = {
    "location_label": "Studio location",
    "location_name": "studio.central-storage-location",
    "location_description": "The central storage of the studio, which holds all components.",
}

# Key in the setting, name of the form field, label, and an example.
_PLATFORMS = (
    ("linux", "linux_mount_point", "Linux", "/mnt/storage"),
    ("osx", "osx_mount_point", "macOS", "/Volumes/storage"),
    ("windows", "windows_mount_point", "Windows", "\\\\server\\storage"),
)


def register(session: Any) -> None:
    """Let *session* set the location up when ftrack says that the scenario is active."""
    ActivateCentralizedStorageScenario().register(session)


def register_configuration(session: Any) -> None:
    """Let *session* answer the dialogue that configures the scenario."""
    ConfigureCentralizedStorageScenario().register(session)


class ActivateCentralizedStorageScenario:
    """Sets the location up from the setting.

    Attributes:
        session: The session, once registered.
    """

    def __init__(self) -> None:
        """Initialise without a session."""
        self.logger = logging.getLogger(f"{_LOGGER_NAME}.{type(self).__name__}")
        self.session: Any = None

    def register(self, session: Any) -> None:
        """Subscribe to the events of *session*."""
        self.session = session
        is_active = f'data.storage_scenario.scenario="{scenario_name}"'
        subscribe = session.event_hub.subscribe
        subscribe(f"topic=ftrack.storage-scenario.activate and {is_active}", self.activate)
        subscribe(f"topic=ftrack.connect.verify-startup and {is_active}", self._verify_startup)

    def activate(self, event: Event) -> None:
        """Give the location of the scenario its accessor and structure.

        Raises:
            LocationError: If the setting is incomplete, or says nothing about this platform.
        """
        scenario = event["data"]["storage_scenario"]
        try:
            data = scenario["data"]
            identity = {"id": data["location_id"], "name": data["location_name"]}
            prefix = _mount_point(scenario)
        except KeyError as error:
            raise LocationError(
                "The storage scenario has no {key}, so its location cannot be set up.",
                {"key": error},
            ) from error
        location = self.session.create("Location", data=identity, reconstructing=True)
        location.accessor = DiskAccessor(prefix=prefix)
        location.structure = StandardStructure()
        location.priority = 1
        self.logger.info(L("Location {0!r} is set up from {1!r}.", location, scenario))

    def _verify_startup(self, event: Event) -> str | None:
        """Return what is wrong with the storage on this machine, or None."""
        prefix = _mount_point(event["data"]["storage_scenario"])
        if not prefix:
            return (
                "The storage scenario names no mount point for this operating system, so files may "
                "not be stored and tracked correctly."
            )
        if not os.path.isdir(prefix):
            return (
                f"The storage {prefix} does not exist, so files may not be stored and tracked "
                "correctly. Is the network drive mounted? On a new storage, make the folder first."
            )
        return None


def _mount_point(scenario: Mapping[str, Any]) -> str | None:
    """Return where the storage is mounted on this platform; None where it is nowhere.

    Raises:
        KeyError: If the scenario does not say.
    """
    mount_points = scenario["data"]["accessor"]["mount_points"]
    if sys.platform == "win32":
        platform = "windows"
    else:
        platform = "osx" if sys.platform == "darwin" else "linux"
    prefix: str | None = mount_points[platform]
    return prefix


class ConfigureCentralizedStorageScenario:
    """Answers the dialogue that configures the scenario.

    Attributes:
        session: The session, once registered.
    """

    def __init__(self) -> None:
        """Initialise without a session."""
        self.logger = logging.getLogger(f"{_LOGGER_NAME}.{type(self).__name__}")
        self.session: Any = None

    def register(self, session: Any) -> None:
        """Subscribe to the events of *session*."""
        self.session = session
        is_user = f'source.user.username="{session.api_user}"'
        session.event_hub.subscribe(
            f"topic=ftrack.storage-scenario.discover and {is_user}",
            self.discover_centralized_scenario,
        )
        session.event_hub.subscribe(
            "topic=ftrack.storage-scenario.configure "
            f'and data.scenario_id="{scenario_name}" and {is_user}',
            self.configure_scenario,
        )

    @property
    def storage_scenario(self) -> Any:
        """The setting."""
        return self.session.query(
            'select value from Setting where name is "storage_scenario" and group is "STORAGE"'
        ).one()

    @property
    def existing_centralized_storage_configuration(self) -> Configuration | None:
        """What the setting says of this scenario; None if it is about another one."""
        import json

        try:
            setting = json.loads(self.storage_scenario["value"])
        except (ValueError, TypeError):
            return None
        if not isinstance(setting, dict) or setting.get("scenario") != scenario_name:
            return None
        return setting.get("data") or {}

    def discover_centralized_scenario(self, event: Event) -> dict[str, str]:
        """Return how the scenario is offered to the administrator."""
        return {
            "id": scenario_name,
            "name": "Centralized storage scenario",
            "description": (
                "(Recommended) All files are kept on one storage, which everybody in the studio "
                "has mounted."
            ),
        }

    def configure_scenario(self, event: Event) -> dict[str, Any]:
        """Return the form that follows the one in *event*, or save what was chosen."""
        values = dict(event["data"].get("values", {}))
        configuration: Configuration = values.pop("configuration", None) or {}
        step = values.get("step", "select_scenario")
        if values:
            configuration[step] = values
        self.logger.info(L("Configuring the scenario after step {0}: {1!r}.", step, configuration))
        answer = {
            "select_scenario": self._ask_location,
            "select_location": self._check_location,
            "configure_location": self._check_new_location,
            "select_mount_point": self._ask_confirmation,
            "confirm_summary": self._save,
        }
        form = answer[step](configuration)
        return form.as_answer(configuration)

    def _check_location(self, configuration: Configuration) -> _Form:
        identifier = configuration["select_location"].get("location_id")
        if identifier == _NEW_LOCATION:
            return self._ask_new_location(configuration)
        if self.session.query(f'Location where id is "{identifier}"').first():
            return self._ask_mount_points(configuration)
        form = self._ask_location(configuration)
        return form.with_warning("The selected location does not exist. Please choose another one.")

    def _check_new_location(self, configuration: Configuration) -> _Form:
        chosen = configuration["configure_location"]
        name = chosen.get("location_name")
        warnings = []
        if not all(chosen.get(field) for field in _DEFAULT_LOCATION):
            warnings.append("Name, label and description of the location cannot be empty.")
        if name and '"' in name:
            warnings.append("The name of the location cannot contain double quotes.")
        elif name and self.session.query(f'Location where name is "{name}"').first():
            warnings.append(f"There is a location named {name} already. Please change the name.")
        if not warnings:
            return self._ask_mount_points(configuration)
        form = self._ask_new_location(configuration)
        return form.with_warning(" ".join(warnings))

    def _ask_location(self, configuration: Configuration) -> _Form:
        existing = self.existing_centralized_storage_configuration or {}
        current = existing.get("location_id")
        options: list[Item] = [{"label": "Create new location", "value": _NEW_LOCATION}]
        options += [
            {
                "label": f"{location['label']} ({location['name']})",
                "description": location["description"],
                "value": location["id"],
            }
            for location in self.session.query("select name, label, description from Location")
            if location["name"] not in _BUILTIN_LOCATIONS
        ]
        text = "#Select location#\nChoose the location that stands for your central storage."
        if current is not None:
            text += (
                "\n\n**Be careful: components published to the present location are no longer "
                "available to everybody when you switch to another one.**"
            )
        elif len(options) == 1:
            current = _NEW_LOCATION
        choice = {
            "type": "enumerator",
            "label": "Location",
            "name": "location_id",
            "value": current,
            "data": options,
        }
        return _Form("select_location", [_label(text), choice])

    def _ask_new_location(self, configuration: Configuration) -> _Form:
        chosen = {**_DEFAULT_LOCATION, **configuration.get("configure_location", {})}
        text = (
            "#Create location#\nDescribe the new location. If this is the first time that you set "
            "up a storage scenario, keep what is filled in."
        )
        fields = [
            _text_field(name.replace("location_", "").capitalize(), name, chosen[name])
            for name in _DEFAULT_LOCATION
        ]
        return _Form("configure_location", [_label(text), *fields])

    def _ask_mount_points(self, configuration: Configuration) -> _Form:
        existing = self.existing_centralized_storage_configuration or {}
        mount_points = existing.get("accessor", {}).get("mount_points", {})
        text = (
            "#Mount points#\nWhere is the storage mounted? Fill in every platform that you use: "
            "on the others, files can be neither saved nor read."
        )
        fields = [
            {**_text_field(label, name, mount_points.get(key, "")), "empty_text": f"E.g. {example}"}
            for key, name, label, example in _PLATFORMS
        ]
        return _Form("select_mount_point", [_label(text), *fields])

    def _ask_confirmation(self, configuration: Configuration) -> _Form:
        text = self._get_confirmation_text(configuration)
        return _Form("confirm_summary", [_label(text)], state="confirm")

    def _get_confirmation_text(self, configuration: Configuration) -> str:
        """Return everything that was chosen, for the administrator to read through."""
        chosen = configuration["select_mount_point"]
        mounts = [(label, chosen.get(name)) for _, name, label, _ in _PLATFORMS]
        mount_text = "\n".join(f"* {label}: {path or '*Not set*'}" for label, path in mounts)
        missing = " and ".join(label for label, path in mounts if not path)
        if missing:
            mount_text += f"\n\nWithout a mount point the location does not work on {missing}."
        return (
            "#Confirm storage setup#\n\nPlease check what is about to be saved. You can change it "
            f"at any time.\n##Location##\n\n{self._get_location_text(configuration)}\n"
            f"##Mount points##\n\n{mount_text}"
        )

    def _get_location_text(self, configuration: Configuration) -> str:
        identifier = configuration["select_location"]["location_id"]
        if identifier != _NEW_LOCATION:
            location = self.session.get("Location", identifier)
            return f"The existing location {location['label']} will be used."
        chosen = configuration["configure_location"]
        return (
            "A new location will be created:\n\n"
            f"* Label: {chosen['location_label']}\n"
            f"* Name: {chosen['location_name']}\n"
            f"* Description: {chosen['location_description']}\n"
        )

    def _save(self, configuration: Configuration) -> _Form:
        import json

        location = self._get_chosen_location(configuration)
        chosen = configuration["select_mount_point"]
        mount_points = {key: chosen.get(name) for key, name, _, _ in _PLATFORMS}
        data = {
            "location_id": location["id"],
            "location_name": location["name"],
            "accessor": {"mount_points": mount_points},
        }
        setting = self.storage_scenario
        setting["value"] = json.dumps({"scenario": scenario_name, "data": data})
        self.session.commit()
        self.session.event_hub.publish(
            Event("ftrack.storage-scenario.configure-done"), on_error="ignore"
        )
        text = (
            "#Done!#\n\nThe storage scenario is configured. **Restart ftrack Connect and other "
            "applications to make them use it.**"
        )
        return _Form("save_configuration", [_label(text)], state="done")

    def _get_chosen_location(self, configuration: Configuration) -> Any:
        identifier = configuration["select_location"]["location_id"]
        if identifier != _NEW_LOCATION:
            return self.session.query(f'Location where id is "{identifier}"').one()
        chosen = configuration["configure_location"]
        fields = ("name", "label", "description")
        return self.session.create(
            "Location", {field: chosen[f"location_{field}"] for field in fields}
        )


class _Form:
    """One form of the dialogue, and the step that its values belong to."""

    def __init__(self, step: str, items: list[Item], state: str = "configuring") -> None:
        self._step = step
        self._items = items
        self._state = state

    def with_warning(self, text: str) -> _Form:
        return _Form(self._step, [_label(f"**{text}**"), *self._items], self._state)

    def as_answer(self, configuration: Configuration) -> dict[str, Any]:
        """Return the form as ftrack expects it, with what comes back along with its values."""
        hidden = [
            {"type": "hidden", "name": "configuration", "value": configuration},
            {"type": "hidden", "name": "step", "value": self._step},
        ]
        return {"items": [*self._items, *hidden], "state": self._state}


def _label(text: str) -> Item:
    return {"type": "label", "value": text}


def _text_field(label: str, name: str, value: Any) -> Item:
    return {"type": "text", "label": label, "name": name, "value": value}
