"""Sends the files of one publish from several worker processes, with Dask.

Dask does the distribution; a shard is any object that can be pickled. It holds no key: workers find
`FTRACK_API_KEY` in their environment, as on a farm. Install with `pip install distributed`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from distributed import Client, LocalCluster

from ftrack_rs.publish import Shard, ShardResult
from ftrack_rs.sandbox import Sandbox

FRAMES, WORKERS = 48, 2


def send(shard: Shard) -> ShardResult:
    """Send the files of a shard; runs in a worker."""
    return shard.run()


def main() -> None:
    """Publish a sequence to an embedded server from worker processes, and print what happens."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox() as sandbox,
        sandbox.session() as session,
    ):
        for frame in range(FRAMES):
            Path(folder, f"render.{frame:04}.exr").write_bytes(os.urandom(20_000))
        publisher = session.publisher()
        task = session.query('Task where parent.name is "des_040"').first()
        version = publisher.version("farm", task=task)
        version.component("main", f"{folder}/render.%04d.exr [0-{FRAMES - 1}]")
        shards = publisher.plan().shards(WORKERS)
        os.environ.update(sandbox.env())
        options = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": None}
        with LocalCluster(**options) as cluster, Client(cluster) as client:
            futures = client.map(send, shards)
            results = client.gather(futures)
        # Until here nobody sees anything of the publish on the server.
        published = publisher.finish(results)
        print(f"{len(shards)} shards sent {FRAMES} files: v{published.versions[0].number:03}")


if __name__ == "__main__":
    main()
