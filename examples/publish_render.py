"""Publishes a render with a movie to look at: first the plan, then the publish, then all again.

It brings its own server. On your site, `ftrack_rs.Session()` takes the place of the sandbox.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from ftrack_rs import _core
from ftrack_rs.sandbox import Sandbox, find_ffmpeg


def render(folder: Path) -> tuple[str, Path | None]:
    """Draw frames, and a movie of them if there is an ffmpeg; return both paths."""
    frames = _core.draw_frames(str(folder), "render", 24, 320, 180)
    first = int(Path(frames[0]).stem.rpartition(".")[2])
    pattern = f"{folder}/render.%04d.png [{first}-{first + len(frames) - 1}]"
    ffmpeg = find_ffmpeg()
    if ffmpeg is None:
        return pattern, None
    movie = folder / "render.mp4"
    command = [ffmpeg, "-loglevel", "error", "-start_number", str(first)]
    command += ["-i", f"{folder}/render.%04d.png", "-pix_fmt", "yuv420p", "-c:v", "libx264"]
    # With the index in front a browser plays the file as it is, so that nothing has to be encoded.
    subprocess.run([*command, "-movflags", "+faststart", str(movie)], check=True)
    return pattern, movie


def main() -> None:
    """Publish to an embedded server, and print what happens."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox() as sandbox,
        sandbox.session() as session,
    ):
        pattern, movie = render(Path(folder))
        task = session.query('Task where parent.name is "des_040"').first()
        for attempt in ("first", "again"):
            publisher = session.publisher(on_event=lambda event: None)
            version = publisher.version("render", type="Render", task=task, comment="Warmer light")
            version.component("main", pattern)
            version.thumbnail(pattern.replace("%04d", f"{1001:04}").partition(" [")[0])
            if movie is not None:
                version.reviewable(movie)
            if attempt == "first":
                print(publisher.plan())
            sandbox.clear_calls()
            published = publisher.run()
            calls, uploads = len(sandbox.calls()), len(sandbox.calls(endpoint="upload"))
            done = "published" if published.changed else "was published before"
            number = published.versions[0].number
            print(f"{attempt}: v{number:03} {done}, {calls} API calls, {uploads} uploads")


if __name__ == "__main__":
    main()
