"""Describes what a package offers: modules, classes with their members, functions and constants.

Runs in the virtual environment of whichever client is described, so it needs nothing but the
standard library: `python describe_surface.py ftrack_api` writes JSON.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys

#: Special methods that client code calls through syntax, and whose signature it may override.
SPECIAL = (
    "__call__",
    "__contains__",
    "__copy__",
    "__delitem__",
    "__enter__",
    "__exit__",
    "__getitem__",
    "__init__",
    "__iter__",
    "__len__",
    "__setitem__",
)
#: Internals that published clients call, override or read; named by class.
INTERNALS = {
    "Event": ["_data"],
    "EventHub": ["_handle", "_handle_packet", "_send_packet"],
    "FileCache": ["_database"],
    "Location": [
        "_add_data",
        "_get_resource_identifiers",
        "_register_component_in_location",
        "_register_components_in_location",
    ],
    "QueryResult": ["_can_fetch_more", "_fetch_more"],
    "Session": [
        "_build_entity_type_classes",
        "_configure_locations",
        "_discover_plugins",
        "_fetch_server_information",
        "_load_schemas",
        "_local_cache",
        "_request",
    ],
    "StandardStructure": ["_format_version", "_get_parts"],
    "Structure": ["_get_sequence_expression"],
}


def describe_package(name):
    """Return a description of every module of the package *name*."""
    package = importlib.import_module(name)
    names = [name]
    for found in pkgutil.walk_packages(package.__path__, f"{name}."):
        leaf = found.name.rpartition(".")[2]
        if not leaf.startswith("_") or leaf == "_centralized_storage_scenario":
            names.append(found.name)
    return {name.partition(".")[2]: describe_module(name) for name in names}


def describe_module(name):
    """Return a description of what the module *name* defines itself."""
    module = importlib.import_module(name)
    package = name.partition(".")[0]
    described = {}
    for attribute in dir(module):
        if attribute.startswith("_") and attribute != "__version__":
            continue
        value = getattr(module, attribute)
        if inspect.ismodule(value):
            continue
        if inspect.isclass(value):
            if in_package(value, package):
                described[attribute] = describe_class(value, package)
        elif inspect.isroutine(value):
            if in_package(value, package):
                described[attribute] = {"kind": "function", "signature": signature_of(value)}
        elif in_package(type(value), package) or attribute.isupper() or attribute == "__version__":
            text = without_addresses(repr(value)).replace(f"{package}.", "")
            described[attribute] = {"kind": "constant", "value": text}
    return described


def in_package(value, package):
    """Return whether *value* is defined in *package*."""
    return (getattr(value, "__module__", None) or "").partition(".")[0] == package


def describe_class(cls, package):
    """Return a description of *cls*: its ancestors and its members, inherited ones included."""
    members = {}
    internals = INTERNALS.get(cls.__name__, ())
    for name in dir(cls):
        if name.startswith("_") and name not in SPECIAL and name not in internals:
            continue
        value = inspect.getattr_static(cls, name)
        if name in SPECIAL and not overrides_special(cls, name):
            continue
        members[name] = describe_member(value, getattr(cls, name, None))
    return {
        "kind": "class",
        "module": cls.__module__.partition(".")[2],
        "ancestors": [
            f"{base.__module__.partition('.')[2]}.{base.__name__}"
            for base in cls.__mro__[1:]
            if in_package(base, package)
        ],
        "builtin_ancestors": sorted(
            base.__name__
            for base in cls.__mro__
            if base.__module__ in ("builtins", "collections.abc") and base is not object
        ),
        "abstract": sorted(getattr(cls, "__abstractmethods__", ())),
        "members": members,
    }


def overrides_special(cls, name):
    """Return whether *cls* has its own *name*, not that of a builtin."""
    for base in cls.__mro__:
        if name in vars(base):
            return inspect.isfunction(vars(base)[name])
    return False


def describe_member(static, value):
    """Return a description of a member found as *static* in a class and read as *value*."""
    if isinstance(static, (classmethod, staticmethod)):
        return {"kind": type(static).__name__, "signature": signature_of(value)}
    if inspect.isroutine(static):
        return {"kind": "method", "signature": signature_of(static)}
    if isinstance(static, property):
        return {"kind": "property", "settable": static.fset is not None}
    if isinstance(static, (str, int, float, bool, type(None))):
        return {"kind": "attribute", "value": static}
    return {"kind": "attribute", "type": type(static).__name__}


def signature_of(function):
    """Return the parameters of *function*: name, kind and default of each, in order."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        [
            parameter.name,
            parameter.kind.name,
            ""
            if parameter.default is parameter.empty
            else without_addresses(repr(parameter.default)),
        ]
        for parameter in parameters
    ]


def without_addresses(text):
    """Return *text* without the address in the representation of an object."""
    return text.partition(" at 0x")[0]


if __name__ == "__main__":
    json.dump(describe_package(sys.argv[1]), sys.stdout, indent=1, sort_keys=True)
