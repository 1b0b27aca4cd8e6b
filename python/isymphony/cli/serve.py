"""``sandbox``."""

from __future__ import annotations

import argparse
import os
import threading

from isymphony.sandbox import Sandbox

from . import exits
from .connection import ask_password, number, port, seconds
from .text import emit


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the embedded server is started with."""
    parser.add_argument("--users", type=number, default=20, metavar="N", help="how many users (default: %(default)s)")
    parser.add_argument("--queues", type=number, default=3, metavar="N", help="how many queues (default: %(default)s)")
    parser.add_argument("--seed", type=number, default=0, metavar="N", help="the same seed makes the same world")
    parser.add_argument(
        "--calls-per-second", type=seconds, default=0.0, metavar="N", help="how many calls come in (default: none)"
    )
    parser.add_argument("--calls", type=number, default=0, metavar="N", help="how many calls there are at the start")
    parser.add_argument("--port", type=port, default=0, metavar="N", help="the port (default: any that is free)")
    parser.add_argument(
        "--user", metavar="NAME", help="demand this user name; the password is ISYMPHONY_PASSWORD, or asked for"
    )


def sandbox(options: argparse.Namespace) -> int:
    """Run the embedded server until Ctrl-C."""
    password = None
    if options.user is not None:
        password = os.environ.get("ISYMPHONY_PASSWORD")
        password = ask_password(options.user) if password is None else password
    with Sandbox(
        options.users,
        options.queues,
        options.seed,
        options.calls_per_second,
        calls_at_start=options.calls,
        port=options.port,
        username=options.user,
        password=password,
    ) as server:
        if options.json:
            emit({"url": server.url, "port": server.port, "username": server.username})
        else:
            print(f"An embedded iSymphony server listens at {server.url}; Ctrl-C ends it.", flush=True)
        threading.Event().wait()
    return exits.OK
