"""What browsers are told: one thread looks at the live state for all of them."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import isymphony
from isymphony.board import Board

TICK: Final = 1.0
"""The health is told at least so often, in seconds, so that a page knows that it is connected."""

PAUSE: Final = 0.25
"""Changes are told at most so often, in seconds."""

BACKLOG: Final = 32
"""So many messages may wait for a browser; one that is slower is dropped, and comes again by itself."""

BROWSERS: Final = 64
"""So many browsers may look at once."""

SECTIONS: Final = ("users", "extensions", "queues")


class Full(Exception):
    """As many browsers look as may."""


class Reader:
    """One browser: the messages that wait for it. ``None`` ends them."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[str | None] = queue.Queue(BACKLOG)

    def put(self, message: str) -> bool:
        """Whether there was room for it."""
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            return False
        return True

    def get(self) -> str | None:
        """The next message; waits for it."""
        return self._waiting.get()

    def end(self) -> None:
        """What waits is dropped, and the reader ends."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        self._waiting.put_nowait(None)


class Feed:
    """Tells browsers what changed: the rows that are new or different, and the paths of those that are gone."""

    def __init__(self, live: isymphony.Live) -> None:
        self._board = Board(live)
        self._watch = live.watch(events=False)
        self._lock = threading.Lock()
        self._readers: set[Reader] = set()
        self._rows: dict[str, dict[str, Mapping[str, Any]]] = {section: {} for section in SECTIONS}
        self._told: tuple[int, int] | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="isymphony-web-feed", daemon=True)
        self._thread.start()

    def join(self) -> Reader:
        """A further browser, which is told all there is at first."""
        with self._lock:
            if len(self._readers) >= BROWSERS or self._closed.is_set():
                raise Full
            reader = Reader()
            rows: dict[str, Any] = {section: list(self._rows[section].values()) for section in SECTIONS}
            reader.put(message(rows | {"reset": True, "health": self._board.health()}))
            self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """A browser went away."""
        with self._lock:
            self._readers.discard(reader)

    @property
    def readers(self) -> int:
        """How many browsers look."""
        with self._lock:
            return len(self._readers)

    def close(self) -> None:
        """End the thread and all readers."""
        self._closed.set()
        self._watch.close()
        self._thread.join(5)
        with self._lock:
            for reader in self._readers:
                reader.end()
            self._readers.clear()

    def _run(self) -> None:
        with contextlib.suppress(isymphony.Closed):
            while not self._closed.is_set():
                began = time.monotonic()
                self._tell()
                self._closed.wait(PAUSE)
                changed = self._watch.next(max(0.0, began + TICK - time.monotonic()))
                while changed is not None:
                    changed = self._watch.next(0)

    def _tell(self) -> None:
        look = self._board.look()
        told: dict[str, Any] = {"health": look["health"]}
        seen = (look["health"]["epoch"], look["health"]["generation"])
        with self._lock:
            if seen != self._told:
                self._told = seen
                sections: dict[str, Iterable[Mapping[str, Any]]] = {
                    "users": look["users"],
                    "extensions": look["extensions"],
                    "queues": look["queues"],
                }
                for section, rows in sections.items():
                    self._compare(section, {row["path"]: row for row in rows}, told)
            text = message(told)
            for reader in [reader for reader in self._readers if not reader.put(text)]:
                reader.end()
                self._readers.discard(reader)

    def _compare(self, section: str, rows: dict[str, Mapping[str, Any]], told: dict[str, Any]) -> None:
        """Add to what is told how the rows of a section differ from those before."""
        before, self._rows[section] = self._rows[section], rows
        if changed := [row for path, row in rows.items() if before.get(path) != row]:
            told[section] = changed
        if gone := [path for path in before if path not in rows]:
            told.setdefault("gone", {})[section] = gone


def message(data: Mapping[str, Any]) -> str:
    """A server-sent event. JSON on one line cannot be mistaken for anything else of the stream."""
    return f"data: {json.dumps(data, ensure_ascii=True)}\n\n"
