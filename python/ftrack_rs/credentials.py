"""Which server to use, and as whom: what is given, or else what the environment says."""

from __future__ import annotations

import getpass
import os


def server_url(given: str | None = None) -> str:
    """Return the address of the server.

    Raises:
        TypeError: If neither *given* nor `FTRACK_SERVER` names one.
    """
    url = os.environ.get("FTRACK_SERVER") if given is None else given
    return _required("server_url", url, "FTRACK_SERVER")


def api_key(given: str | None = None) -> str:
    """Return the key.

    Raises:
        TypeError: If neither *given* nor `FTRACK_API_KEY` nor its old name `FTRACK_APIKEY` has one.
    """
    if given is None:
        given = os.environ.get("FTRACK_API_KEY", os.environ.get("FTRACK_APIKEY"))
    return _required("api_key", given, "FTRACK_API_KEY")


def api_user(given: str | None = None) -> str:
    """Return the user: that of the operating system if nothing else names one.

    Raises:
        TypeError: If the operating system names none either.
    """
    user = (os.environ.get("FTRACK_API_USER") or _login_name()) if given is None else given
    if not user:
        raise TypeError(
            'Required "api_user" not specified. Pass as argument, set in environment variable '
            "FTRACK_API_USER or one of the standard environment variables used by Python's getpass "
            "module."
        )
    return user


def _required(argument: str, value: str | None, variable: str) -> str:
    if not value:
        raise TypeError(
            f'Required "{argument}" not specified. Pass as argument or set in environment variable '
            f"{variable}."
        )
    return value


def _login_name() -> str | None:
    try:
        return getpass.getuser()
    except Exception:
        return None
