"""Turns what a program gives into JSON that is the same for equal behaviour.

Random identifiers, times of the run, addresses and temporary folders differ between two runs of
the same client already; they are replaced by what they stand for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

#: Identifiers made while a program runs: versions 1 and 4, but not the builtin locations.
_RANDOM_ID = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[14][0-9a-f]{3}-[0-9a-f]{4}-(?!20c9d081909b)[0-9a-f]{12}\b"
    r"|\b[0-9a-f]{12}4[0-9a-f]{19}\b",
    re.IGNORECASE,
)
#: The same as folders, as IdStructure writes them.
_ID_FOLDERS = re.compile(r"(?:[0-9a-f]/){4}[0-9a-f]{4}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOW = re.compile(r"20(?:2[4-9]|[3-9]\d)-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:\+00:00|Z)?")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b|(?<=object )\d{6,}|(?<=object at )\d{6,}")
#: Signed texts, which hold when they expire.
_TOKEN = re.compile(r"(?<=token=)[\w.-]+|(?<=signature=)[\w.-]+")
#: Seconds that passed while a program ran, as timers log them.
_ELAPSED = re.compile(r'(?<="duration": )\d(?:\.\d+)?(?=[,}])')
#: Texts as bytes, which the official client writes into its messages.
_BYTES = re.compile(r"""(?<![\w'])b(['"])(.*?)\1""")


def render(value, session=None):
    """Return *value* as something JSON has, with the types that a program can tell apart."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, BaseException):
        return render_exception(value)
    if isinstance(value, type):
        return f"class {value.__name__}"
    name = type(value).__name__
    if hasattr(value, "entity_type") and hasattr(value, "attributes"):
        return f"{name} {value}"
    if name == "Arrow":
        return f"Arrow {value.isoformat()}"
    if isinstance(value, (bytes, bytearray)):
        return f"{name} {bytes(value)!r}"
    if isinstance(value, Mapping):
        pairs = {str(render(key)): render(item) for key, item in value.items()}
        return pairs if name == "dict" else [name, pairs]
    if isinstance(value, (set, frozenset)):
        return [name, *sorted((render(item) for item in value), key=json.dumps)]
    if isinstance(value, Sequence):
        items = [render(item) for item in value]
        return items if name == "list" else [name, *items]
    if name == "Symbol":
        return repr(value)
    return f"{name} object"


def render_exception(error):
    """Return the class and the text of *error*."""
    cls = type(error)
    try:
        text = str(error)
    except Exception as unprintable:
        text = f"<{type(unprintable).__name__} when printed>"
    if cls.__name__ == "ParseError":
        # The official client quotes its parser, or fails to.
        text = ""
    return {
        "raises": f"{cls.__module__}.{cls.__qualname__}",
        "text": " ".join(_BYTES.sub(r"\2", text).split()),
    }


def normalise(outcome, replaced):
    """Return *outcome*, made of JSON, without what differs between two runs.

    Args:
        outcome: What a program gave.
        replaced: Texts of this run, and what each is replaced by.
    """
    text = json.dumps(outcome, sort_keys=True, default=repr)
    for old, new in replaced.items():
        text = text.replace(json.dumps(old)[1:-1], new)
    text = text.replace("ftrack_rs.", "ftrack_api.")
    text = _TOKEN.sub("<token>", _ADDRESS.sub("<address>", _NOW.sub("<now>", text)))
    text = _ELAPSED.sub("0", _ID_FOLDERS.sub("<id folders>", text))
    seen = {}
    text = _RANDOM_ID.sub(
        lambda match: seen.setdefault(match.group().lower(), f"<id {len(seen)}>"), text
    )
    return json.loads(text)
