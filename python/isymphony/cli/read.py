"""``resolve``, ``get`` and ``watch``."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any

import isymphony

from . import exits
from .connection import connected
from .progress import progress
from .text import emit, json_text, now, plain, resource_as_json, short, summary, value

KINDS = {
    "coreServers": "core_servers",
    "users": "users",
    "logins": "logins",
    "status": "statuses",
    "extensions": "extensions",
    "extension": "extensions",
    "callSegments": "call_segments",
    "queues": "queues",
    "agents": "agents",
    "statistics": "statistics",
    "conferences": "conference_rooms",
}
"""The words of a path, and the kinds through which they lead."""


def kinds_of(path: str) -> list[str] | None:
    """The kinds that a path leads through, so that nothing else is read; ``None`` where there are none."""
    return [KINDS[word] for word in path.split("/") if word in KINDS] or None


def resolve(options: argparse.Namespace) -> int:
    """Print the id of what a path addresses."""
    with connected(options, resources=kinds_of(options.path), events=False) as live:
        found = live.snapshot().resolve(options.path)
        if options.json:
            emit({"kind": found.kind, "id": str(found.id), "path": found.path})
        else:
            print(found.id)
    return exits.OK


def look_up(
    snapshot: isymphony.Snapshot, path: str
) -> isymphony.Resource | isymphony.ResourceMapping[isymphony.Resource]:
    """What a path addresses, one or a list."""
    try:
        return snapshot.resolve(path)
    except isymphony.PathError as error:
        try:
            return snapshot.resolve_list(path)
        except isymphony.PathError:
            raise error from None


def get(options: argparse.Namespace) -> int:
    """Print all of what a path addresses."""
    with connected(options, events=False) as live:
        if options.raw:
            with progress(f"waiting for {live.url} to answer"):
                answer = live.get_raw(options.path)
            if options.json:
                emit(answer)
            else:
                lines = json_text(answer, indent=2, ensure_ascii=False).splitlines()
                print("\n".join(plain(line) for line in lines))
            return exits.OK
        found = look_up(live.snapshot(), options.path)
        if isinstance(found, isymphony.Resource):
            emit(resource_as_json(found)) if options.json else print_one(found)
        elif options.json:
            emit([resource_as_json(resource) for resource in found.values()])
        else:
            print_list(list(found.values()))
    return exits.OK


def print_one(found: isymphony.Resource) -> None:
    """One resource: where it is, and its properties as the server sent them."""
    print(f"{found.kind} {short(found.path)}")
    rows = {"path": found.path, "age": f"{found.age:.1f} s"} | found.raw
    width = max(len(name) for name in rows)
    for name, data in rows.items():
        print(f"  {plain(name):<{width}}  {value(data)}")


def print_list(found: list[isymphony.Resource]) -> None:
    """A list: one line each."""
    width = max((len(plain(resource.symbolic_name)) for resource in found), default=0)
    for resource in found:
        name = f"{plain(resource.symbolic_name):<{width}}  " if resource.symbolic_name else ""
        print(f"{resource.id}  {name}{summary(resource)}")


def watch(options: argparse.Namespace) -> int:
    """Print what changes, until Ctrl-C."""
    left = options.count
    with connected(options) as live:
        target = live.snapshot().resolve(options.path) if options.path else None
        with live.watch(
            options.kind, initial=options.initial, resource=target, events=not options.no_events
        ) as changes:
            for line in told(live, changes, as_json=options.json):
                print(line, flush=True)
                if left is not None:
                    left -= 1
                    if left <= 0:
                        break
    return exits.OK


def told(live: isymphony.Live, changes: isymphony.Watch, *, as_json: bool) -> Iterator[str]:
    """The changes as lines, and how the client is doing when that changes."""
    state = live.health.state
    while True:
        change = changes.next(0.5)
        health = live.health
        if health.state != state:
            state = health.state
            problem = str(health.last_error.error) if health.last_error and state != "live" else None
            if as_json:
                yield json_text({"time": now().isoformat(), "change": "health", "state": state, "problem": problem})
            else:
                yield f"{now():%H:%M:%S}  health   {state}{f': {plain(problem)}' if problem else ''}"
        if change is not None:
            yield json_text(change_as_json(change)) if as_json else change_as_text(change)


def change_as_json(change: isymphony.Change) -> dict[str, Any]:
    """A change for machines: the resource with ``raw``, and ``old`` as it was before."""
    told: dict[str, Any] = {"time": now().isoformat(), "change": change.kind}
    if change.event is not None:
        told["event"] = change.event
    if change.resource is not None:
        told |= resource_as_json(change.resource)
    if change.kind == "changed" and change.old is not None:
        told["old"] = change.old.raw
    return told


def change_as_text(change: isymphony.Change) -> str:
    """A change as a line for people."""
    head = f"{now():%H:%M:%S}  {change.kind.removesuffix('_changed'):<8} "
    if change.event is not None:
        said = {name: data for name, data in change.event.items() if data is not None and name != "type"}
        return f"{head}{value(change.event.get('type'))}  {pairs(said)}"
    if change.resource is None:
        return head
    about = f"{change.resource.kind} {short(change.resource.path)}"
    if change.kind == "epoch_changed":
        return f"{head}{about}  has started anew"
    with contextlib.suppress(isymphony.IsymphonyError):
        if change.kind == "changed" and change.old is not None and change.new is not None:
            old, new = change.old.raw, change.new.raw
            changed = {
                name: f"{value(old.get(name))} → {value(new.get(name))}"
                for name in {**old, **new}
                if old.get(name) != new.get(name)
            }
            # What has no name of its own is told by what it is; so is a change of relations alone.
            what = summary(change.new) if change.new.symbolic_name is None or not changed else ""
            return f"{head}{about}  {'  '.join(part for part in (what, pairs(changed)) if part)}"
        return f"{head}{about}  {summary(change.resource)}"
    return head + about


def pairs(data: dict[str, Any]) -> str:
    """Names with their values, on one line."""
    return ", ".join(f"{plain(name)}: {value(given)}" for name, given in data.items())
