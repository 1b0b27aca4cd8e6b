"""``act``."""

from __future__ import annotations

import argparse
from typing import Any

import isymphony

from . import exits
from .connection import connected
from .text import emit, plain

NUMBERS = frozenset({"penalty", "return_time"})
"""The arguments that are whole numbers."""

ACTIONS = """\
actions, and their arguments:
  Status       set name=TEXT type=TYPE [note=TEXT] [return_time=MILLISECONDS]
  Extension    originate destination=NUMBER | enable_dnd | disable_dnd
  CallSegment  transfer destination=NUMBER
  Queue        login extension=NUMBER | logout extension=NUMBER
  Agent        logout | pause | unpause | set_penalty penalty=NUMBER

An action is sent at most once. When the answer is lost, its outcome is unknown: look before you send it again."""


def argument(text: str) -> tuple[str, str]:
    """A ``key=value`` of the command line."""
    name, equals, given = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=value")
    return name, given


def arguments(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The arguments of an action."""
    given: dict[str, Any] = {}
    for name, text in pairs:
        if name in given:
            raise exits.UsageError(f"the argument {name} is given twice")
        if name in ("timeout", "force"):
            raise exits.UsageError(f"no action has an argument {name}; there is the option --{name}")
        try:
            given[name] = int(text) if name in NUMBERS else text
        except ValueError:
            raise exits.UsageError(f"{name} is a whole number, and not {plain(text)!r}") from None
    return given


def act(options: argparse.Namespace) -> int:
    """Carry out an action, and print its outcome."""
    given = arguments(options.arguments)
    with connected(options, events=False) as live:
        ticket: isymphony.Ticket = live.handle(options.path).act(options.action, force=options.force, **given)
    unknown = ticket.outcome == "unknown"
    problem = str(ticket.error) if ticket.error else None
    if options.json:
        emit({"outcome": ticket.outcome, "path": ticket.path, "problem": problem})
    elif unknown:
        print(f"unknown: {plain(problem)}")
    else:
        print(f"accepted: {ticket.path}")
    return exits.UNKNOWN if unknown else exits.OK
