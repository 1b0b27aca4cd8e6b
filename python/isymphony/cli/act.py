"""``act``."""

from __future__ import annotations

import argparse
from typing import Any

import isymphony

from . import exits
from .connection import connected
from .progress import progress
from .text import emit, plain

METHODS = {
    "set_status": (("name", "type"), ("note", "return_time")),
    "set_status_like": (("name",), ()),
    "set_dnd": (("on",), ()),
}
"""What handles do beyond the actions of their kind: the arguments that are needed, and those that are not."""

SWITCH = {"yes": True, "no": False}

NUMBERS = frozenset({"penalty", "return_time"})
"""The arguments that are whole numbers."""

ACTIONS = """\
actions, and their arguments:
  User         set_status name=TEXT type=TYPE [note=TEXT] [return_time=MILLISECONDS] | set_status_like name=TEXT
  Status       set name=TEXT type=TYPE [note=TEXT] [return_time=MILLISECONDS]
  Extension    originate destination=NUMBER | enable_dnd | disable_dnd | set_dnd on=yes|no
  CallSegment  transfer destination=NUMBER
  Queue        login extension=NUMBER | logout extension=NUMBER
  Agent        logout | pause | unpause | set_penalty penalty=NUMBER

A status like that of others has their type and their note.

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


def carry_out(handle: isymphony.Handle, action: str, given: dict[str, Any], force: bool) -> isymphony.Ticket:
    """Send an action, or what a handle of this kind makes easier than its actions."""
    method = getattr(handle, action, None) if action in METHODS else None
    if method is None:
        return handle.act(action, force=force, **given)
    needed, others = METHODS[action]
    if missing := [name for name in needed if name not in given]:
        raise exits.UsageError(f"{action} needs {' and '.join(f'{name}=…' for name in missing)}")
    if unknown := [name for name in given if name not in needed + others]:
        raise exits.UsageError(f"{action} has no argument {unknown[0]}")
    if "on" in given:
        if given["on"] not in SWITCH:
            raise exits.UsageError(f"on is yes or no, and not {plain(given['on'])!r}")
        given["on"] = SWITCH[given["on"]]
    ticket: isymphony.Ticket = method(force=force, **given)
    return ticket


def act(options: argparse.Namespace) -> int:
    """Carry out an action, and print its outcome."""
    given = arguments(options.arguments)
    with connected(options, events=False) as live:
        handle = live.handle(options.path)
        with progress(f"waiting for {live.url} to answer {plain(options.action)}"):
            ticket = carry_out(handle, options.action, given, options.force)
    unknown = ticket.outcome == "unknown"
    problem = str(ticket.error) if ticket.error else None
    if options.json:
        emit({"outcome": ticket.outcome, "path": ticket.path, "problem": problem})
    elif unknown:
        print(f"unknown: {plain(problem)}")
    else:
        print(f"accepted: {ticket.path}")
    return exits.UNKNOWN if unknown else exits.OK
