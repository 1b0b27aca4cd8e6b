"""The main job on the embedded sandbox: ``python -m isymphony demo``.

Starts an embedded server, mirrors it, resolves names without asking it, shows a board, makes a call, and restarts the
server to show that what was addressed by name is found again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence

import isymphony
from isymphony.sandbox import Sandbox

PATHS = (
    "coreServers/getByName/default/extensions/getByName/4224",
    "coreServers/ca5de6c4-17bd-46ce-95a2-8b29c7812ca4/extensions/ef2faba9-8557-49c1-9ffc-5a71f41c7a23",
    "coreServers/getByName/default/extensions/ef2faba9-8557-49c1-9ffc-5a71f41c7a23",
)
"""The example paths of the vendor's documentation; the sandbox's first incarnation has these ids."""

BOARD_ROWS = 8


def plain(text: str | None) -> str:
    """Text of the server for a terminal: without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text or "-")


def call_of(segment: isymphony.CallSegment) -> str:
    direction = "from" if segment.incoming else "as"
    caller = segment.caller_id
    return f"{(segment.type or '?').lower()} {direction} {plain(caller.name)} <{plain(caller.number)}>"


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
                "; ".join(call_of(segment) for segment in extension.call_segments),
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


def demo() -> int:
    started = time.perf_counter()
    with Sandbox(username="manager", password="secret", calls_at_start=2) as sandbox:
        print(f"An embedded iSymphony server listens at {sandbox.url}.")
        with isymphony.connect(sandbox.url, username="manager", password="secret") as live:
            snapshot = live.snapshot()
            took = (time.perf_counter() - started) * 1000
            print(f"Synced in {took:.0f} ms with {sandbox.request_count} requests: {live!r}\n")

            print("Names and ids, resolved in this process as the server would resolve them:")
            for path in PATHS:
                found = snapshot.resolve(path)
                print(f"  {path}\n    -> extension {found.extension_number}, {plain(found.display_name)}, {found.id}")
            extensions = snapshot.core_servers["default"].extensions
            rounds = 100_000
            begin = time.perf_counter()
            for _ in range(rounds):
                extensions["4224"]
            print(f"  a lookup by name takes {(time.perf_counter() - begin) / rounds * 1e9:.0f} ns\n")

            print("The live board:")
            print(board(snapshot))

            handle = live.extension("4224", core_server="default")
            print("\nExtension 4224 calls 5551234:")
            ticket = handle.originate("5551234")
            after = ticket.wait(timeout=5)
            print(f"  {ticket.outcome}; what changed since:")
            for change in after.diff(snapshot):
                if isinstance(change.resource, isymphony.CallSegment):
                    print(f"    {change.kind:<8} {call_of(change.resource)}")
            eventually("the call on 4224", lambda: bool(handle.get().call_segments))
            print(f"  on 4224 now: {'; '.join(call_of(segment) for segment in handle.get().call_segments)}")

            before = handle.resolve()
            print("\nThe server restarts, and all its ids are new:")
            sandbox.restart()
            eventually("the new incarnation", lambda: handle.resolve() != before)
            print(f"  the same handle:  {handle.path}")
            print(f"  its id before:    {before}")
            print(f"  its id now:       {handle.resolve()}  (epoch {live.health.epoch})")
            ticket = handle.originate("5551234")
            print(f"  and it still acts: {ticket.outcome}")
    print(f"\nDone in {time.perf_counter() - started:.1f} s.")
    print('Your own server: isymphony.connect("http://user@pbx:58080", password=...)')
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="isymphony", description="The live state of an iSymphony server.")
    parser.add_argument("--version", action="version", version=f"isymphony {isymphony.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", help="run the main job on an embedded server")
    parser.parse_args(arguments)
    try:
        return demo()
    except isymphony.IsymphonyError as error:
        print(f"isymphony: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
