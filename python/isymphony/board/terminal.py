"""The board in a terminal: drawn when something changes, when the size changes, and once a second."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live as Display

import isymphony
from isymphony.cli import exits
from isymphony.cli.connection import connected

from .model import Board
from .screen import Screen

TICK = 1.0
"""It is drawn at least so often, in seconds: the age grows also when nothing else changes."""

PAUSE = 0.2
"""It is drawn at most so often, in seconds, however much changes."""

SHARE = 9
"""Nor is it drawn before so many times as long has passed as drawing took: the rest of the machine is for others."""


def show(options: argparse.Namespace) -> int:
    """Show the board until ``q`` or Ctrl-C; or once, where the output is no terminal that can be drawn on."""
    console = Console(highlight=False)
    if options.once or not sys.stdout.isatty() or console.is_dumb_terminal:
        with connected(options) as live:
            console.print(Screen(Board(live).look()))
        return exits.OK
    with connected(options, synced=False) as live:
        keep_showing(live)
    return exits.OK


def keep_showing(live: isymphony.Live) -> None:
    """Show the board on the alternate screen until ``q``."""
    board, page = Board(live), 0
    console = Console(highlight=False)
    with live.watch(events=False) as changes, keyboard() as keys, wakeups() as resized:
        with Display(console=console, screen=True, auto_refresh=False, transient=True) as display:
            while True:
                began = time.monotonic()
                look = board.look()
                if look["health"]["state"] == "failed" and live.health.last_error and not live.health.has_data:
                    raise live.health.last_error.error
                display.update(Screen(look, console.height, page, keys is not None), refresh=True)
                drawn = time.monotonic()
                earliest = drawn + max(PAUSE, SHARE * (drawn - began))
                latest = max(earliest, began + TICK)
                changed = False
                while True:
                    now = time.monotonic()
                    if now >= (earliest if changed else latest):
                        break
                    sources = [resized] + ([keys] if keys is not None else []) + ([] if changed else [changes.fileno()])
                    ready, _, _ = select.select(sources, [], [], (earliest if changed else latest) - now)
                    if keys in ready:
                        pressed = os.read(sys.stdin.fileno(), 64)
                        if pressed == b"" or b"q" in pressed or b"Q" in pressed:
                            return
                        page += pressed.count(b" ")
                        break
                    if resized in ready:
                        os.read(resized, 4096)
                        break
                    changed = changed or bool(ready)
                while changes.next(0) is not None:
                    pass


@contextlib.contextmanager
def keyboard() -> Iterator[int | None]:
    """The descriptor of the keyboard, whose keys come one by one and are not shown; ``None`` without a terminal."""
    if not sys.stdin.isatty():
        yield None
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        settings = termios.tcgetattr(descriptor)
        settings[6][termios.VSUSP] = b"\0"  # Ctrl-Z would leave the alternate screen behind.
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


@contextlib.contextmanager
def wakeups() -> Iterator[int]:
    """A descriptor that is readable when the terminal has another size."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.signal(signal.SIGWINCH, lambda *_: None)
    old = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(old)
        signal.signal(signal.SIGWINCH, before)
        os.close(reader)
        os.close(writer)
