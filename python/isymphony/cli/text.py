"""What comes from a server, as text for a terminal and as JSON for machines."""

from __future__ import annotations

import datetime
import json
import sys
from typing import Any, TextIO

import isymphony


def plain(text: str | None) -> str:
    """Text of the server for a terminal: without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text or "-")


def json_text(data: object, **how: Any) -> str:
    """The text of JSON. A number too long for an ``int`` (see ``Resource.raw``) is a text of its digits."""
    return json.dumps(data, default=str, **how)


def value(data: object) -> str:
    """One value of a property."""
    return plain(data) if data and isinstance(data, str) else json_text(data, ensure_ascii=False)


def short(path: str) -> str:
    """A path without the words that are in all of them: ``default/extensions/4224``."""
    return plain(path.replace("getByName/", "").removeprefix("coreServers/"))


def caller(segment: isymphony.CallSegment) -> str:
    """Who is at the other end of a call segment."""
    caller_id = segment.caller_id
    return f"{plain(caller_id.name)} <{plain(caller_id.number)}>"


def call(segment: isymphony.CallSegment) -> str:
    """A call segment in a few words: ``external from Bob <5550100>``."""
    direction = "from" if segment.incoming else "as"
    return f"{plain(segment.type).lower()} {direction} {caller(segment)}"


def summary(resource: isymphony.Resource) -> str:
    """What a resource is for people, beside its path."""
    if isinstance(resource, isymphony.CallSegment):
        place = resource.extension or resource.queue or resource.conference
        return f"{call(resource)}{f' at {short(place.path)}' if place else ''}"
    if isinstance(resource, isymphony.User):
        return plain(resource.displayed_name)
    if isinstance(resource, isymphony.Extension | isymphony.Queue | isymphony.ConferenceRoom):
        return plain(resource.display_name)
    if isinstance(resource, isymphony.Status):
        note = f", {plain(resource.note)}" if resource.note else ""
        return f"{plain(resource.name)} ({plain(resource.type)}{note})"
    if isinstance(resource, isymphony.Agent):
        return f"{plain(resource.name)} ({'paused' if resource.paused else plain(resource.state)})"
    if isinstance(resource, isymphony.Login):
        return f"from {plain(resource.ip)}"
    return plain(resource.symbolic_name)


def resource_as_json(resource: isymphony.Resource) -> dict[str, Any]:
    """A resource for machines; ``raw`` is all that the server sent."""
    return {
        "kind": resource.kind,
        "name": resource.symbolic_name,
        "id": str(resource.id),
        "path": resource.path,
        "age": round(resource.age, 3),
        "raw": resource.raw,
    }


def now() -> datetime.datetime:
    """The wall time here, with its zone."""
    return datetime.datetime.now().astimezone()


def emit(data: object, stream: TextIO | None = None) -> None:
    """One line of JSON, at once."""
    print(json_text(data), file=stream or sys.stdout, flush=True)
