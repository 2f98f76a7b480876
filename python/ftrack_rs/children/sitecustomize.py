"""Gives the Python processes that a script starts the client that the script has.

`ftrack-rs run` puts this folder in front of `PYTHONPATH`. Python imports `sitecustomize` whenever
it starts: for `subprocess`, and for each child of `multiprocessing` that is not forked.
"""

import importlib
import os
import sys

sys.path[:] = [path for path in sys.path if path != os.path.dirname(os.path.abspath(__file__))]
del sys.modules["sitecustomize"]
try:
    # The one that stands behind this, if any. Python expects the ImportError if there is none.
    importlib.import_module("sitecustomize")
finally:
    try:
        import ftrack_rs
    except ModuleNotFoundError as error:
        # Another installation, which has its own client.
        if error.name != "ftrack_rs":
            raise
    else:
        ftrack_rs.install_as_ftrack_api()
