"""Every fault at every step of a transfer, for ftrack-rs and for the official client.

- `cells`: the faults, the steps, and which combinations make no sense.
- `program`: what a client does in a cell; runs in the client's own process.
- `client`: that process, as seen from here.
- `server`: the embedded server, and what really is on it.
- `run`: one cell from its preparation to its end.
- `evidence`: what is really there afterwards.
- `outcome`: what came of a cell, and which promises that breaks.
- `report`: the page docs/fault-matrix.md, which `python -m fault_matrix` writes.
"""
