"""The options that say how to reach a server, and the client they open."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import isymphony

from .exits import UsageError
from .progress import SLICE, Progress
from .text import plain


def seconds(text: str) -> float:
    """A number of seconds, or of things in one, that is not negative."""
    with contextlib.suppress(ValueError):
        number = float(text)
        if 0 <= number < float("inf"):
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number that is not negative")


def number(text: str) -> int:
    """A whole number that is not negative, and that nobody means to be larger."""
    return whole(text, 1_000_000)


def port(text: str) -> int:
    """The number of a port."""
    return whole(text, 65535)


def whole(text: str, most: int) -> int:
    """A whole number from 0 on."""
    with contextlib.suppress(ValueError):
        number = int(text)
        if 0 <= number <= most:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {most}")


def add_options(
    parser: argparse.ArgumentParser,
    *,
    timeout: float = 10.0,
    timed: str = "how long to wait for the server, to be read and to answer an action",
) -> None:
    """The URL and the options of a command that talks to a server."""
    parser.add_argument("url", metavar="URL", help="the server, as in http://pbx:58080 or https://pbx:55050")
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--user",
        metavar="NAME",
        help="log in as NAME; the password is that of ISYMPHONY_PASSWORD, or it is asked for. "
        "Without --user: the credentials of the URL, or ISYMPHONY_USERNAME and ISYMPHONY_PASSWORD",
    )
    group.add_argument(
        "--core-server",
        metavar="SLUG",
        action="append",
        help="only this core server; may be given more than once",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=timeout,
        help=f"{timed} (default: %(default)g)",
    )
    group.add_argument(
        "--ca-file", metavar="FILE", type=Path, help="certificates to trust, PEM: the server's or its CA's"
    )
    group.add_argument(
        "--client-cert", metavar="FILE", type=Path, help="the client's certificate and its key, both in one PEM file"
    )
    group.add_argument(
        "--overlay",
        metavar="FILE",
        type=Path,
        action="append",
        help="what this server has otherwise; may be given more than once",
    )
    group.add_argument("--insecure", action="store_true", help="do not check the server's certificate")


def credentials(url: str, user: str | None) -> tuple[str | None, str | None]:
    """The user name and the password to log in with, beside those of the URL; a missing password is asked for."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None, None  # The library says what is wrong with it.
    password = os.environ.get("ISYMPHONY_PASSWORD")
    if user is not None and parts.username is not None:
        raise UsageError("the user name is given twice: in the URL and by --user")
    if user is None and parts.username is None:
        user = os.environ.get("ISYMPHONY_USERNAME") or None
    asked = user or unquote(parts.username or "")
    if not asked or parts.password is not None:
        return None, None
    return user, ask_password(asked) if password is None else password


def ask_password(user: str) -> str:
    """Ask on the terminal, without showing what is typed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(f"Password of {plain(user)}: ")
    except (getpass.GetPassWarning, EOFError):
        raise UsageError("no terminal to ask for the password; set ISYMPHONY_PASSWORD") from None


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """The options as keyword arguments of ``connect``."""
    username, password = credentials(options.url, options.user)
    return {
        "username": username,
        "password": password,
        "core_servers": options.core_server,
        "ca_file": options.ca_file,
        "client_cert": options.client_cert,
        "verify": not options.insecure,
        "overlay": options.overlay,
        "action_timeout": options.timeout or None,
    }


@contextlib.contextmanager
def connected(
    options: argparse.Namespace,
    *,
    resources: Sequence[str] | None = None,
    events: bool = True,
    synced: bool = True,
) -> Iterator[isymphony.Live]:
    """A client as the options say; with ``synced``, once it has read the server."""
    with isymphony.connect(options.url, wait=None, resources=resources, events=events, **settings(options)) as live:
        if synced:
            wait(live, options.timeout)
        yield live


def wait(live: isymphony.Live, timeout: float) -> isymphony.Snapshot:
    """Wait for the first whole snapshot; what waiting cannot heal ends it at once."""
    end = time.monotonic() + timeout
    with Progress() as shown:
        while True:
            left = end - time.monotonic()
            with contextlib.suppress(isymphony.SyncTimeout):
                return live.wait(min(SLICE, max(0.0, left)))
            problem = live.health.last_error
            if problem and live.health.state == "failed":
                raise problem.error
            if left <= 0:
                raise isymphony.SyncTimeout(
                    f"{live.url} was not read within {timeout:g} s: {problem.error if problem else 'it is slow'}"
                )
            counted = live.metrics()
            shown.show(
                plain(str(problem.error)) if problem else f"reading {live.url}",
                counted["gathered_collections"],
                counted["collections_to_gather"],
            )
