"""The main job on the embedded sandbox: ``python -m isymphony demo``.

Starts an embedded server, mirrors it, resolves names without asking it, shows a board, makes a call, and restarts the
server to show that what was addressed by name is found again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import isymphony
from isymphony.cli.text import call, plain, summary
from isymphony.sandbox import Sandbox

PATHS = (
    "coreServers/getByName/default/extensions/getByName/4224",
    "coreServers/ca5de6c4-17bd-46ce-95a2-8b29c7812ca4/extensions/ef2faba9-8557-49c1-9ffc-5a71f41c7a23",
    "coreServers/getByName/default/extensions/ef2faba9-8557-49c1-9ffc-5a71f41c7a23",
)
"""The example paths of the vendor's documentation; the sandbox's first incarnation has these ids."""

BOARD_ROWS = 8


def section(title: str, rows: Iterable[tuple[str, str, str]]) -> list[str]:
    lines = [f"  {title}"]
    rows = list(rows)
    lines += [f"    {a:<16} {b:<20} {c}".rstrip() for a, b, c in rows[:BOARD_ROWS]]
    if len(rows) > BOARD_ROWS:
        lines.append(f"    ... and {len(rows) - BOARD_ROWS} more")
    return lines


def board(snapshot: isymphony.Snapshot) -> str:
    """Users with their status, extensions with their calls, queues with their agents."""
    server = snapshot.core_servers["default"]
    lines = [f"  generation {snapshot.generation}, epoch {snapshot.epoch}, {snapshot.age * 1000:.0f} ms old"]
    lines += section(
        "USERS",
        (
            (plain(user.user_name), plain(user.displayed_name), plain(status.name) if (status := user.status) else "-")
            for user in server.users.values()
        ),
    )
    extensions = server.extensions.values()
    busy_first = sorted(extensions, key=lambda extension: not extension.call_segments)
    lines += section(
        "EXTENSIONS",
        (
            (
                plain(extension.extension_number),
                plain(extension.display_name),
                "; ".join(call(segment) for segment in extension.call_segments),
            )
            for extension in busy_first
        ),
    )
    lines += section(
        "QUEUES",
        (
            (
                plain(queue.identifier),
                plain(queue.display_name),
                ", ".join(
                    f"{plain(agent.name)} ({'paused' if agent.paused else plain(agent.state)})"
                    for agent in queue.agents
                ),
            )
            for queue in server.queues.values()
        ),
    )
    return "\n".join(lines)


def eventually(what: str, check: Callable[[], bool], seconds: float = 10.0) -> None:
    """Look until something is so."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise isymphony.TimedOut(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)


def demo(say: Callable[[str], object] = print) -> dict[str, Any]:
    """Run it, tell it by ``say``, and give what was found."""
    started = time.perf_counter()
    facts: dict[str, Any] = {}
    with Sandbox(username="manager", password="secret", calls_at_start=2) as sandbox:
        say(f"An embedded iSymphony server listens at {sandbox.url}.")
        with isymphony.connect(sandbox.url, username="manager", password="secret") as live:
            snapshot = live.snapshot()
            facts["sync_seconds"] = time.perf_counter() - started
            facts["sync_requests"] = sandbox.request_count
            say(f"Synced in {facts['sync_seconds'] * 1000:.0f} ms with {sandbox.request_count} requests: {live!r}\n")

            say("Names and ids, resolved in this process as the server would resolve them:")
            for path in PATHS:
                found = snapshot.resolve(path)
                say(f"  {path}\n    -> {found.kind} {plain(found.symbolic_name)}, {summary(found)}, {found.id}")
            extensions = snapshot.core_servers["default"].extensions
            rounds = 100_000
            begin = time.perf_counter()
            for _ in range(rounds):
                extensions["4224"]
            facts["lookup_nanoseconds"] = (time.perf_counter() - begin) / rounds * 1e9
            say(f"  a lookup by name takes {facts['lookup_nanoseconds']:.0f} ns\n")

            say("The live board:")
            say(board(snapshot))

            handle = live.extension("4224", core_server="default")
            say("\nExtension 4224 calls 5551234:")
            ticket = handle.originate("5551234")
            after = ticket.wait(timeout=5)
            facts["outcome"] = ticket.outcome
            say(f"  {ticket.outcome}; what changed since:")
            for change in after.diff(snapshot):
                if isinstance(change.resource, isymphony.CallSegment):
                    say(f"    {change.kind:<8} {call(change.resource)}")
            eventually("the call on 4224", lambda: bool(handle.get().call_segments))
            say(f"  on 4224 now: {'; '.join(call(segment) for segment in handle.get().call_segments)}")

            before = handle.resolve()
            say("\nThe server restarts, and all its ids are new:")
            sandbox.restart()
            eventually("the new incarnation", lambda: handle.resolve() != before)
            now = handle.resolve()
            facts |= {"path": handle.path, "id_before": str(before), "id_now": str(now), "epoch": live.health.epoch}
            say(f"  the same handle:  {handle.path}")
            say(f"  its id before:    {before}")
            say(f"  its id now:       {now}  (epoch {live.health.epoch})")
            ticket = handle.originate("5551234")
            facts["outcome_after_restart"] = ticket.outcome
            say(f"  and it still acts: {ticket.outcome}")
    facts["seconds"] = time.perf_counter() - started
    say(f"\nDone in {facts['seconds']:.1f} s.")
    say('Your own server: isymphony.connect("http://user@pbx:58080", password=...)')
    return facts
