"""The rows of a board, made from a snapshot."""

from __future__ import annotations

import time
from typing import TypedDict

import isymphony


class Call(TypedDict):
    """A call segment. ``since`` is when the board first saw it; it may be older where ``older`` is set."""

    id: str
    type: str | None
    incoming: bool | None
    name: str | None
    number: str | None
    on_hold: bool
    recording: bool
    since: float
    older: bool


class Status(TypedDict):
    """What a user shows."""

    name: str | None
    type: str | None
    note: str | None
    return_time: int | None


class User(TypedDict):
    """A user; ``logins`` is how many clients the user is logged in with."""

    path: str
    core_server: str | None
    user_name: str | None
    name: str | None
    status: Status | None
    logins: int


class Extension(TypedDict):
    """An extension with its calls."""

    path: str
    core_server: str | None
    number: str | None
    name: str | None
    calls: list[Call]


class Agent(TypedDict):
    """An agent of a queue."""

    path: str
    name: str | None
    number: str | None
    state: str | None
    paused: bool


class Queue(TypedDict):
    """A queue with its agents and those who wait in it."""

    path: str
    core_server: str | None
    identifier: str | None
    name: str | None
    agents: list[Agent]
    waiting: list[Call]


class Health(TypedDict):
    """How true the board is. ``age`` is ``None`` while nothing is known; without ``events``, changes show later."""

    url: str
    time: float
    state: str
    age: float | None
    epoch: int
    generation: int
    problem: str | None
    failing: dict[str, str]
    events: str


class Look(TypedDict):
    """All that a board shows."""

    health: Health
    users: list[User]
    extensions: list[Extension]
    queues: list[Queue]


class Board:
    """Looks at a client's live state, and remembers when it first saw each call: the server does not tell."""

    def __init__(self, live: isymphony.Live) -> None:
        self.live = live
        self._seen: dict[str, tuple[float, bool]] = {}
        self._drawn: tuple[int, int] | None = None
        self._sure = False
        self._look: Look | None = None

    def look(self) -> Look:
        """The board now. What has not changed since the last look is not made again."""
        snapshot, health = self.live.snapshot(), self.health()
        drawn = (snapshot.epoch, snapshot.generation)
        if self._look is None or drawn != self._drawn:
            # Calls that come up after a gap may be older than this look.
            self._sure = self._sure and self._drawn is not None and snapshot.epoch == self._drawn[0]
            self._drawn = drawn
            self._look = self._rows(snapshot, health)
        self._sure = health["state"] == "live"
        self._look["health"] = health
        return self._look

    def health(self) -> Health:
        """How true the board is now."""
        health = self.live.health
        live = health.state == "live"
        return Health(
            url=self.live.url,
            time=time.time(),
            state=health.state,
            age=round(health.age, 3) if health.has_data else None,
            epoch=health.epoch,
            generation=health.generation,
            problem=str(health.last_error.error) if health.last_error and not live else None,
            failing={kind: str(problem.error) for kind, problem in health.failing.items()},
            events=health.events,
        )

    def _rows(self, snapshot: isymphony.Snapshot, health: Health) -> Look:
        look = Look(health=health, users=[], extensions=[], queues=[])
        seen, self._seen = self._seen, {}

        def call(segment: isymphony.CallSegment) -> Call:
            key = str(segment.id)
            since, older = self._seen.setdefault(key, seen.get(key) or (health["time"], not self._sure))
            caller = segment.caller_id
            return Call(
                id=key,
                type=segment.type,
                incoming=segment.incoming,
                name=caller.name,
                number=caller.number,
                on_hold=bool(segment.on_hold),
                recording=bool(segment.recording),
                since=since,
                older=older,
            )

        for server in snapshot.core_servers.values():
            slug = server.slug
            look["users"] += [
                User(
                    path=user.path,
                    core_server=slug,
                    user_name=user.user_name,
                    name=user.displayed_name,
                    status=status_of(user),
                    logins=len(user.logins),
                )
                for user in server.users.values()
            ]
            look["extensions"] += [
                Extension(
                    path=extension.path,
                    core_server=slug,
                    number=extension.extension_number,
                    name=extension.display_name,
                    calls=[call(segment) for segment in extension.call_segments],
                )
                for extension in server.extensions.values()
            ]
            look["queues"] += [
                Queue(
                    path=queue.path,
                    core_server=slug,
                    identifier=queue.identifier,
                    name=queue.display_name,
                    agents=[agent_of(agent) for agent in queue.agents],
                    waiting=[call(segment) for segment in queue.call_segments if segment.extension is None],
                )
                for queue in server.queues.values()
            ]
        look["users"].sort(key=lambda user: (user["core_server"] or "", (user["name"] or "").casefold()))
        look["extensions"].sort(key=lambda extension: (extension["core_server"] or "", by_number(extension["number"])))
        look["queues"].sort(key=lambda queue: (queue["core_server"] or "", by_number(queue["identifier"])))
        return look


def by_number(text: str | None) -> tuple[int, str]:
    """The order of numbers as people expect it: 99 before 100."""
    return (len(text or ""), text or "")


def status_of(user: isymphony.User) -> Status | None:
    """The status of a user, who may have none."""
    status = user.status
    if status is None:
        return None
    return Status(
        name=status.name,
        type=status.type,
        note=status.note or None,
        return_time=None if status.return_time in (None, -1) else status.return_time,
    )


def agent_of(agent: isymphony.Agent) -> Agent:
    """The row of an agent."""
    extension = agent.extension
    return Agent(
        path=agent.path,
        name=agent.name,
        number=extension.extension_number if extension else None,
        state=agent.state,
        paused=bool(agent.paused),
    )
