"""What is shown while something takes longer than a second: on a terminal, on standard error, and gone when it ends."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Protocol

SLICE = 0.2
"""How often it is looked whether there is something to show, in seconds."""

PATIENCE = 1.0
"""What takes no longer is not worth showing, in seconds."""


class Display(Protocol):
    """A place on the terminal for what is being done."""

    def update(self, text: str, done: int, missing: int, seconds: float) -> None:
        """Show it: so much is done, and so much is known to be missing."""

    def close(self) -> None:
        """Leave nothing behind."""


class Progress:
    """Shows what is being done, unless it has only begun or nobody would see it."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._display: Display | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._display is not None:
            self._display.close()

    def show(self, text: str, done: int = 0, missing: int = 0) -> None:
        """Show it: how far it is where that is known, and that it goes on."""
        passed = time.monotonic() - self._since
        if passed < PATIENCE or not can_be_drawn_on():
            return
        if self._display is None:
            self._display = display()
        self._display.update(text, done, missing, passed)


def can_be_drawn_on() -> bool:
    """Whether standard error is a terminal whose lines can be drawn anew."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def display() -> Display:
    """A bar where rich is there; a line of text where it is not."""
    try:
        return Bar()
    except ModuleNotFoundError:
        return Line()


class Bar:
    """A bar, or a wheel that turns where it is not known how much there is to do."""

    def __init__(self) -> None:
        from rich import progress
        from rich.console import Console
        from rich.table import Column

        text = progress.TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1))
        seconds = progress.TextColumn("{task.fields[seconds]:.0f} s")
        self._known = (progress.BarColumn(20), progress.MofNCompleteColumn(), text, seconds)
        self._unknown = (progress.SpinnerColumn(), text, seconds)
        self._shown = progress.Progress(
            console=Console(stderr=True), transient=True, expand=True, redirect_stdout=False, redirect_stderr=False
        )
        self._task = self._shown.add_task("", total=None, seconds=0.0)

    def update(self, text: str, done: int, missing: int, seconds: float) -> None:
        total = done + missing if done else None
        self._shown.columns = self._known if done else self._unknown
        self._shown.update(self._task, description=text, completed=done, total=total, seconds=seconds)
        self._shown.start()

    def close(self) -> None:
        self._shown.stop()


class Line:
    """A line of text."""

    def update(self, text: str, done: int, missing: int, seconds: float) -> None:
        width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        line = f"{text}{f': {done} of {done + missing}' if done else ''} ({seconds:.0f} s)"
        if len(line) >= width:
            line = line[: max(width - 2, 0)] + "…"
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress(text: str) -> Iterator[None]:
    """Show that something is being done, as long as the block takes."""
    ended = threading.Event()
    with Progress() as shown:

        def run() -> None:
            while not ended.wait(SLICE):
                shown.show(text)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
