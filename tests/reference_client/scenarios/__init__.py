"""What the official client does against the embedded server, one function a scenario.

Runs in the official client's own virtual environment, where nothing but that client is installed:
`python -m scenarios` runs every scenario with the server named by the FTRACK_* variables and writes
one JSON line for each: its name and, when it failed, the traceback. The modules are the subjects.
"""
