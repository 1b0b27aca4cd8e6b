"""The contract suite, as in tests/contract/README.md: the same cases run through Rust, C and Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import isymphony
import pytest
from conftest import eventually
from isymphony.sandbox import Sandbox

CASES = Path(__file__).parents[1] / "contract" / "cases"
NUMBERS = ("users", "queues", "seed")


@dataclass
class Case:
    name: str
    where: str
    lines: list[tuple[int, list[bytes]]] = field(default_factory=list)


def unescape(text: bytes) -> bytes:
    plain = {b"\\\\": b"\\", b"\\t": b"\t", b"\\n": b"\n"}
    return re.sub(
        rb"\\x[0-9a-fA-F]{2}|\\.",
        lambda match: plain.get(match[0]) or bytes([int(match[0][2:], 16)]),
        text,
        flags=re.DOTALL,
    )


def cases() -> Iterator[Case]:
    for file in sorted(CASES.glob("*.txt")):
        case = None
        for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
            if not line.strip() or line.startswith(b"#"):
                continue
            word, *fields = line.rstrip(b"\r").split(b"\t")
            if word == b"case":
                if case is not None:
                    yield case
                case = Case(fields[0].decode(), file.name)
            else:
                assert case is not None, f"{file.name}:{number}: there is no case yet"
                case.lines.append((number, [word, *map(unescape, fields)]))
        if case is not None:
            yield case


class Runner:
    """Runs one case: the scene is set first, the client is opened with the first question."""

    def __init__(self, case: Case) -> None:
        self.config: dict[str, Any] = {}
        self.world: dict[str, Any] = {}
        self.scene: list[list[bytes]] = []
        self.resource: Any = None
        self.outcome: isymphony.Ticket | isymphony.IsymphonyError | None = None
        for _, (word, *fields) in case.lines:
            if word in (b"config", b"world", b"serve", b"status"):
                self.scene.append([word, *fields])
                if word == b"config":
                    key = {"kinds": "resources"}.get(fields[0].decode(), fields[0].decode())
                    self.config[key] = fields[1].decode().split(",")
                elif word == b"world":
                    key, value = fields[0].decode(), fields[1].decode()
                    self.world[key] = int(value) if key in NUMBERS else value
        self.questions = [line for line in case.lines if line[1][0] not in (b"config", b"world", b"serve", b"status")]
        self.where = case.where

    def run(self) -> None:
        with Sandbox(**self.world) as self.sandbox:
            credentials = {key: self.world[key] for key in ("username", "password") if key in self.world}
            # What stands in braces is meant in the first incarnation, before anything is replaced.
            with isymphony.connect(self.sandbox.url, wait=10, **credentials) as first:
                self.first = first.snapshot()
            for word, *fields in self.scene:
                if word == b"serve":
                    self.sandbox.respond_with(self.on(fields[0]), self.ids_in(fields[1]))
                elif word == b"status":
                    self.sandbox.respond_with(self.on(fields[0]), fields[2], status=int(fields[1]), headers={})
            with isymphony.connect(self.sandbox.url, wait=10, **credentials, **self.config) as self.live:
                for number, (word, *fields) in self.questions:
                    step = getattr(self, "do_" + word.decode(), None)
                    assert step is not None, f"{self.where}:{number}: {word!r} is not known"
                    try:
                        step(*fields)
                    except AssertionError as error:
                        raise AssertionError(f"{self.where}:{number}: {word.decode()} {fields}: {error}") from error

    def ids_in(self, text: bytes) -> bytes:
        """Puts ids in the place of paths in braces; other braces (JSON) stay."""
        return re.sub(
            rb"\{(coreServers/[^{}\"]*)\}",
            lambda match: str(self.first.resolve(match[1].decode()).id).encode(),
            text,
        )

    def ids(self, text: bytes) -> str:
        return self.ids_in(text).decode()

    def on(self, path: bytes) -> str:
        """Which requests get a literal answer: a GET, unless a method stands before the path."""
        text = self.ids(path)
        return text if " " in text else f"GET {text}"

    @property
    def snapshot(self) -> isymphony.Snapshot:
        return self.live.snapshot()

    def do_restart(self) -> None:
        epoch = self.live.health.epoch
        self.sandbox.restart()
        eventually(lambda: self.live.health.epoch > epoch)

    def do_one(self, path: bytes) -> None:
        self.resource = self.snapshot.resolve(self.ids(path))
        assert isinstance(self.resource, isymphony.Resource)

    def do_kind(self, name: bytes) -> None:
        assert self.resource.kind == type(self.resource).__name__ == name.decode()

    def do_id(self, id: bytes) -> None:  # noqa: A002
        assert str(self.resource.id) == self.ids(id)

    def do_named(self, name: bytes = b"") -> None:
        assert (self.resource.symbolic_name or "") == name.decode()

    def do_path(self, path: bytes) -> None:
        assert self.resource.path == self.ids(path)

    def value(self, name: bytes) -> object:
        """The property by all ways there are to it."""
        value: object = self.resource.property(name.decode())
        snake = re.sub("[A-Z]", lambda match: "_" + match[0].lower(), name.decode())
        attribute = self.resource
        for part in snake.split("."):
            attribute = getattr(attribute, part)
        assert attribute == value
        return value

    def is_present(self, name: bytes, value: object) -> None:
        found = self.value(name)
        assert (type(found), found) == (type(value), value)
        assert self.resource.property_state(name.decode()) == "present"

    def do_text(self, name: bytes, value: bytes = b"") -> None:
        self.is_present(name, value.decode())

    def do_int(self, name: bytes, value: bytes) -> None:
        self.is_present(name, int(value))

    def do_bool(self, name: bytes, value: bytes) -> None:
        self.is_present(name, {b"true": True, b"false": False}[value])

    def is_absent(self, name: bytes, state: str) -> None:
        assert self.value(name) is None
        assert self.resource.property_state(name.decode()) == state

    def do_null(self, name: bytes) -> None:
        self.is_absent(name, "null")

    def do_missing(self, name: bytes) -> None:
        self.is_absent(name, "missing")

    def do_other(self, name: bytes) -> None:
        self.is_absent(name, "other_type")

    def do_raw(self, json: bytes) -> None:
        assert self.resource.raw_json == self.ids(json)

    def do_extra(self, json: bytes = b"") -> None:
        assert self.resource.extra_json == self.ids(json)

    def do_related(self, relation: bytes, *paths: bytes) -> None:
        found = getattr(self.resource, relation.decode())
        if isinstance(found, Mapping):
            found = tuple(found.values())
        elif not isinstance(found, tuple):
            found = () if found is None else (found,)
        wanted = [self.snapshot.resolve(self.ids(path)).id for path in paths]
        assert sorted(resource.id for resource in found) == sorted(wanted)

    def do_list(self, path: bytes, count: bytes) -> None:
        found = self.snapshot.resolve_list(self.ids(path))
        assert len(found) == len(list(found)) == int(count)

    def do_error(self, path: bytes, code: bytes, words: bytes = b"") -> None:
        with pytest.raises(isymphony.IsymphonyError) as caught:
            self.snapshot.resolve(self.ids(path))
        assert caught.value.code == code.decode()
        assert self.ids(words) in str(caught.value)

    def do_act(self, path: bytes, action: bytes, *args: bytes) -> None:
        given: dict[str, Any] = {}
        for arg in args:
            name, _, value = self.ids(arg).partition("=")
            given[name] = int(value) if re.fullmatch("-?[0-9]+", value) else value
        try:
            self.outcome = self.live.handle(self.ids(path)).act(action.decode(), **given)
        except isymphony.IsymphonyError as error:
            self.outcome = error

    def do_accepted(self) -> None:
        assert isinstance(self.outcome, isymphony.Ticket), repr(self.outcome)
        assert self.outcome.outcome == "accepted"
        self.outcome.wait(timeout=10)

    def do_refused(self, code: bytes, words: bytes = b"") -> None:
        assert isinstance(self.outcome, isymphony.IsymphonyError), repr(self.outcome)
        assert self.outcome.code == code.decode()
        assert self.ids(words) in str(self.outcome)

    def do_posted(self, path: bytes, body: bytes = b"") -> None:
        last = [request for request in self.sandbox.requests if request.method == "POST"][-1]
        assert last.path == self.ids(path)
        assert last.body == self.ids(body)


ALL = list(cases())


def test_there_are_cases() -> None:
    assert ALL


@pytest.mark.parametrize("case", ALL, ids=[f"{case.where}: {case.name}" for case in ALL])
def test_case(case: Case) -> None:
    Runner(case).run()
