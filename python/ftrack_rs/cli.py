"""The command `ftrack-rs`: run the embedded server or a script, and see to transfers.

Each subcommand is a function that takes the parsed arguments and returns an exit code; what it does
lives in the module it imports, so that `--help` costs nothing.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from ftrack_rs import exception
from ftrack_rs._core import VERSION


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those of the process by default.

    Returns:
        The exit code: 0 for success, 1 for a failure that was reported, 130 after Ctrl-C.
    """
    options, unknown = _parser().parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        # The logs of a script are its own.
        with nullcontext() if run is _run else _logging():
            return run(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (exception.Error, OSError, ValueError) as error:
        print(f"ftrack-rs: {error}", file=sys.stderr)
        return 1


@contextmanager
def _logging() -> Iterator[None]:
    """Show warnings and errors, but none of those that a session both logs and raises."""
    logger = logging.getLogger("ftrack_api")
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: not _is_error(record.args))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _is_error(arguments: object) -> bool:
    """Return whether these are the arguments of a log message that consists of an error."""
    return (
        isinstance(arguments, tuple)
        and len(arguments) == 1
        and isinstance(arguments[0], exception.Error)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ftrack-rs", description="A fast ftrack client, and a server to try it with."
    )
    parser.add_argument("--version", action="version", version=f"ftrack-rs {VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="publish a sequence and a movie, and read them back")
    demo.add_argument(
        "--frames", type=int, default=48, metavar="N", help="frames to draw (default 48)"
    )
    demo.add_argument(
        "--keep", action="store_true", help="leave the server running until Ctrl-C afterwards"
    )
    demo.set_defaults(run=_demo)

    sandbox = commands.add_parser("sandbox", help="run the embedded stand-in ftrack server")
    sandbox.add_argument("--port", type=int, default=8080, help="port on 127.0.0.1 (default 8080)")
    sandbox.add_argument(
        "--data", type=Path, metavar="DIR", help="keep everything here (default: temporary)"
    )
    sandbox.add_argument(
        "--seed",
        default="studio",
        metavar="SEED",
        help="what a new server holds: empty, studio (the default), feature, or another film, as in"
        " feature:7",
    )
    sandbox.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="make requests fail, as in upload:status=503:count=2 (docs/testing.md)",
    )
    sandbox.set_defaults(run=_sandbox)

    publish = commands.add_parser("publish", help="publish files as a version, whole or not at all")
    _add_publish_arguments(publish)
    publish.set_defaults(run=_publish)

    run = commands.add_parser("run", help="run a script, with this client in place of ftrack_api")
    run.add_argument("script", type=Path, help="the script, written for ftrack_api")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")
    run.set_defaults(run=_run)

    events = commands.add_parser("events", help="print live events as they come, until Ctrl-C")
    events.add_argument(
        "expression", nargs="?", default="topic=*", help="which ones (default: topic=*)"
    )
    events.add_argument("--json", action="store_true", help="print each as a line of JSON")
    events.add_argument("--count", type=int, metavar="N", help="stop after so many")
    events.set_defaults(run=_events)

    transfers = commands.add_parser("transfers", help="list and resume transfers that broke off")
    transfers.add_argument("action", choices=["list", "resume", "clean"], help="what to do")
    transfers.add_argument(
        "ids", nargs="*", metavar="ID", help="with which; optional: all of them if none is named"
    )
    transfers.set_defaults(run=_transfers)
    for command in commands.choices.values():
        # What is wrong with the words of a command is said with its own usage.
        command.set_defaults(parser=command)
    return parser


def _add_publish_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file, or a sequence such as 'a.%%04d.exr [1-48]'; each becomes a component",
    )
    parser.add_argument(
        "--task",
        required=True,
        metavar="ID|LINK",
        help="the task: its id, the address of its page, or names as in film/sq010/sh010/lighting",
    )
    parser.add_argument("--asset", required=True, metavar="NAME", help="name of the asset")
    parser.add_argument("--type", metavar="TYPE", help="type of the asset")
    parser.add_argument("--comment", default="", metavar="TEXT", help="what to say about it")
    parser.add_argument("--thumbnail", metavar="FILE", help="the picture that stands for it")
    parser.add_argument(
        "--reviewable",
        action="store_true",
        help="show the last file in the web player, encoded by the server if need be",
    )
    parser.add_argument(
        "--force", action="store_true", help="make a new version even if the same is published"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would happen, and do nothing"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _demo(options: argparse.Namespace) -> int:
    from ftrack_rs import demo

    return demo.run(frames=options.frames, keep=options.keep)


def _sandbox(options: argparse.Namespace) -> int:
    from ftrack_rs.sandbox import Sandbox

    for fault in options.fault:
        if ":" not in fault:
            raise ValueError(f"{fault!r} is no fault: it has no kind, as in upload:status=503")
    with Sandbox(data_dir=options.data, port=options.port, seed=options.seed) as sandbox:
        for fault in options.fault:
            sandbox.fault(fault)
        print(f"ftrack stand-in on {sandbox.url}  (Ctrl-C stops it)\n")
        for name, value in sandbox.env().items():
            print(f"export {name}={value}")
        sys.stdout.flush()
        wait_for_interrupt()
    return 0


def _publish(options: argparse.Namespace) -> int:
    from ftrack_rs.publish import console

    _server_settings()
    return console.run(options)


def _run(options: argparse.Namespace) -> int:
    from ftrack_rs.run import run_script

    return run_script(options.script, options.arguments)


def _events(options: argparse.Namespace) -> int:
    from ftrack_rs.event.hub import EventHub
    from ftrack_rs.event.watch import watch

    server_url, api_user, api_key = _server_settings()
    hub = EventHub(server_url, api_user, api_key)
    try:
        watch(hub, options.expression, as_json=options.json, count=options.count)
    except BrokenPipeError:
        # Whoever read has seen enough. What the interpreter flushes at its end has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _transfers(options: argparse.Namespace) -> int:
    from ftrack_rs import transfers

    if options.action == "resume":
        _server_settings()
    return transfers.run(options.action, options.ids)


def _server_settings() -> list[str]:
    """Return the address of the server, the user and the key that a session would use.

    Raises:
        ValueError: If the environment lacks one.
    """
    from ftrack_rs import credentials

    found, missing = [], []
    for name, setting in (
        ("FTRACK_SERVER", credentials.server_url),
        ("FTRACK_API_USER", credentials.api_user),
        ("FTRACK_API_KEY", credentials.api_key),
    ):
        try:
            found.append(setting())
        except TypeError:
            missing.append(name)
    if missing:
        raise ValueError(f"set {', '.join(missing)} to say which server to use, and as whom")
    return found


def wait_for_interrupt() -> None:
    """Block until Ctrl-C or SIGTERM, without using the processor."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        while not stop.wait(3600):
            pass
    except KeyboardInterrupt:
        return
