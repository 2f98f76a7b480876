"""Runs every scenario with a session of its own, or those whose names hold an argument."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import traceback

import ftrack_api

import scenarios
from scenarios.stage import SCENARIOS


def main(wanted):
    """Run the scenarios whose names hold one of *wanted*, or all."""
    for module in pkgutil.iter_modules(scenarios.__path__):
        if module.name != "__main__":
            importlib.import_module(f"scenarios.{module.name}")
    for name, function in SCENARIOS.items():
        if wanted and not any(word in name for word in wanted):
            continue
        outcome = {"name": name, "failure": None}
        try:
            with ftrack_api.Session() as session:
                function(session)
        except BaseException:
            outcome["failure"] = traceback.format_exc()
        print(json.dumps(outcome), flush=True)


main(sys.argv[1:])
