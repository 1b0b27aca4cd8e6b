"""The board as a picture in characters, for a terminal of any size.

Colour says what matters: green is free or available, yellow waits or is held, red is busy, too long or wrong, and what
is not confirmed is dim. Every colour stands beside a word or a sign that says the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.style import StyleType
from rich.text import Text

from isymphony.cli.text import plain

from .model import Agent, Call, Extension, Health, Look, Queue, User

Line: TypeAlias = Callable[[int], Text]
"""Makes a line of a given width; only the lines that are seen are made."""

_Row = TypeVar("_Row", User, Extension, Queue)

STATUS_STYLES = {
    "available": "green",
    "chat": "cyan",
    "away": "yellow",
    "xa": "dark_orange",
    "dnd": "red",
    "unavailable": "bright_black",
    "altblue": "blue",
    "altgreen": "green3",
    "altpink": "hot_pink",
    "altpurple": "purple",
    "altred": "red3",
}
AGENT_STYLES = {
    "NOT_INUSE": "green",
    "INUSE": "red",
    "BUSY": "red",
    "RINGING": "yellow",
    "RINGINUSE": "yellow",
    "ONHOLD": "magenta",
}
HEALTH_STYLES = {"live": "bold green", "connecting": "bold yellow"}
WRONG = "bold white on red"

LONG_WAIT = 60.0
"""After so many seconds in a queue a caller is shown in red."""

SHORTEST_HOST = 8
"""Of a host's name so much is shown, or nothing."""

TWO_COLUMNS, THREE_COLUMNS = 60, 120
"""From these widths on, panels stand side by side."""


def fit(text: str | None, width: int, style: StyleType = "") -> Text:
    """Text of exactly this width."""
    fitted = Text(plain(text) if width > 0 else "", style, no_wrap=True)
    fitted.truncate(max(width, 0), overflow="ellipsis", pad=True)
    return fitted


def duration(call: Call, now: float) -> str:
    """How long a call has been seen; ``+`` says that it may be older, and nothing is said where nothing is known."""
    seconds = max(0, int(now - call["since"]))
    if call["older"] and not seconds:
        return ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    shown = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return shown + ("+" if call["older"] else "")


def age_of(health: Health) -> str:
    """How old what is shown is."""
    age = health["age"]
    if age is None:
        return "no data yet"
    if age < 10:
        return f"{age:.1f} s old"
    if age < 120:
        return f"{age:.0f} s old"
    return f"{age / 60:.0f} min old" if age < 7200 else f"{age / 3600:.1f} h old"


def user_line(user: User, now: float, width: int) -> Text:
    """A user: a mark, the name, the status; with room also the note and when the user means to be back."""
    status = user["status"]
    style = STATUS_STYLES.get(status["type"] or "", "") if status else "bright_black"
    mark = "●" if user["logins"] else "○"
    shown = (status["name"] or status["type"] or "-") if status else "-"
    if status and width >= 40:
        if status["return_time"]:
            shown += f", back {time.strftime('%H:%M', time.localtime(status['return_time'] / 1000))}"
        if status["note"]:
            shown += f": {status['note']}"
    right = min(max(9, width * 2 // 5 if width < 40 else width // 2), width - 4)
    return Text.assemble(
        (f"{mark} ", style),
        fit(user["name"] or user["user_name"], width - right - 3, "" if user["logins"] else "bright_black"),
        " ",
        fit(shown, right, style),
        no_wrap=True,
    )


def call_text(call: Call, own: str | None, now: float, width: int) -> Text:
    """A call: its direction, who called, since when, and whether it is held or recorded.

    The server tells who called, not who is called: of a call that the extension makes, nobody else is known.
    """
    arrow = "← " if call["incoming"] else "→ "
    held, recorded = ("hold", "rec") if width >= 40 else ("H", "R")
    flags = Text()
    if call["on_hold"]:
        flags.append(f" {held}", "bold yellow")
    if call["recording"]:
        flags.append(f" {recorded}", "bold red")
    lasted = duration(call, now).rjust(6)
    who = " ".join(part for part in (call["name"], call["number"]) if part)
    if own and call["number"] == own and not call["incoming"]:
        who = "calls out" if call["type"] == "EXTERNAL" else "calls inside"
    return Text.assemble(
        (arrow, "bold green" if call["incoming"] else "bold cyan"),
        fit(who, width - 2 - 1 - len(lasted) - flags.cell_len, "bold"),
        f" {lasted}",
        flags,
        no_wrap=True,
    )


def extension_line(extension: Extension, call: Call | None, first: bool, now: float, width: int) -> Text:
    """An extension with one of its calls; the further calls stand below the first."""
    idle = "" if call else "bright_black"
    if call is None:
        return Text.assemble(
            fit(extension["number"], 7, idle), " ", fit(extension["name"], width - 8, idle), no_wrap=True
        )
    name = min(30, width * 2 // 5)
    return Text.assemble(
        fit(extension["number"] if first else " ", 7),
        " ",
        fit(extension["name"] if first else " ", name - 8),
        " ",
        call_text(call, extension["number"], now, width - name - 1),
        no_wrap=True,
    )


def queue_line(queue: Queue, width: int) -> Text:
    """The heading of a queue: how many wait, and how many agents are free."""
    agents = queue["agents"]
    free = sum(agent["state"] == "NOT_INUSE" and not agent["paused"] for agent in agents)
    waiting = len(queue["waiting"])
    right = Text.assemble(
        (f"{waiting} waiting", "bold yellow" if waiting else "bright_black"),
        "  ",
        (f"{free}/{len(agents)} free", "green" if free else "red"),
    )
    left = fit(f"{queue['identifier'] or '-'} {queue['name'] or ''}", width - right.cell_len - 1, "bold")
    return Text.assemble(left, " ", right, no_wrap=True)


def waiting_line(call: Call, now: float, width: int) -> Text:
    """A caller who waits."""
    line = Text.assemble("  ", call_text(call, None, now, width - 2))
    if now - call["since"] >= LONG_WAIT:
        line.stylize("bold red")
    return line


def agent_text(agent: Agent, width: int) -> Text:
    """An agent: a mark in the colour of the state, and the name."""
    if agent["paused"]:
        mark, style, said = "‖", "yellow", "paused"
    else:
        state = agent["state"] or "UNKNOWN"
        mark, style = "●", AGENT_STYLES.get(state, "bright_black")
        said = {"NOT_INUSE": "", "INUSE": "in use", "RINGINUSE": "ringing", "ONHOLD": "hold"}.get(state, state.lower())
    shown = Text.assemble((f"{mark} ", style), plain(agent["name"] or agent["number"]), no_wrap=True)
    if said:
        shown.append(f" {plain(said)}", style)
    shown.truncate(width, overflow="ellipsis")
    return shown


def agent_lines(agents: Iterable[Agent], width: int) -> Iterator[Text]:
    """The agents of a queue, as many in a line as fit."""
    line = Text("  ", no_wrap=True)
    for agent in agents:
        shown = agent_text(agent, width - 2)
        if line.cell_len > 2:
            if line.cell_len + 2 + shown.cell_len <= width:
                line.append("  ")
            else:
                yield line
                line = Text("  ", no_wrap=True)
        line.append_text(shown)
    if line.cell_len > 2:
        yield line


def whole(text: Text, _width: int) -> Text:
    """A line that is made already."""
    return text


def users(rows: Sequence[User], now: float, _width: int) -> Iterator[Line]:
    """The lines of the users."""
    for user in rows:
        yield partial(user_line, user, now)


def extensions(rows: Sequence[Extension], now: float, _width: int) -> Iterator[Line]:
    """The lines of the extensions, those with calls first."""
    for extension in sorted(rows, key=lambda extension: not extension["calls"]):
        if not extension["calls"]:
            yield partial(extension_line, extension, None, True, now)
        for place, call in enumerate(extension["calls"]):
            yield partial(extension_line, extension, call, place == 0, now)


def queues(rows: Sequence[Queue], now: float, width: int) -> Iterator[Line]:
    """The lines of the queues: heading, who waits, agents."""
    for queue in rows:
        yield partial(queue_line, queue)
        for call in sorted(queue["waiting"], key=lambda call: call["since"]):
            yield partial(waiting_line, call, now)
        for line in agent_lines(queue["agents"], width):
            yield partial(whole, line)


class Rows:
    """The lines of a panel: as many as there is room for, one page of them."""

    def __init__(
        self, rows: Sequence[_Row], lines: Callable[[Sequence[_Row], float, int], Iterator[Line]], now: float, page: int
    ) -> None:
        self._page = page
        groups = [(slug, list(of_it)) for slug, of_it in groupby(rows, key=lambda row: row["core_server"])]

        def all_lines(width: int) -> Iterator[Line]:
            for slug, of_it in groups:
                if len(groups) > 1:
                    yield partial(fit, slug, style="bold underline")
                yield from lines(of_it, now, width)

        self._lines = all_lines

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height
        lines = list(self._lines(width))
        more = 0
        if height is not None and len(lines) > height:
            room = max(1, height - 1)
            pages = math.ceil(len(lines) / room)
            start = (self._page % pages) * room
            more = len(lines) - room
            lines = lines[start : start + room]
        for line in lines:
            made = line(width)
            made.truncate(width)
            yield made
        if more:
            yield Text(f"… {more} more", "bright_black", justify="right", no_wrap=True)


class Screen:
    """A whole board: fills the height it is given, or takes what it needs."""

    def __init__(self, look: Look, height: int | None = None, page: int = 0, keys: bool = False) -> None:
        self._look = look
        self._height = height
        self._page = page
        self._keys = keys

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, self._height
        users, extensions, queues = self._panels()
        if height is None:
            yield Group(self._head(width), users, extensions, queues)
            if foot := self._foot(width, ""):
                yield foot
            return
        body = Layout()
        calls = sum(len(extension["calls"]) for extension in self._look["extensions"])
        if width >= THREE_COLUMNS:
            body.split_row(Layout(users, ratio=2), Layout(extensions, ratio=3), Layout(queues, ratio=3))
        elif width >= TWO_COLUMNS:
            right = Layout(ratio=5)
            # Half for each, and what the calls do not need is for the queues.
            half = (height - 2) // 2
            right.split_column(Layout(extensions, size=min(half, max(6, calls + 4))), Layout(queues, ratio=1))
            body.split_row(Layout(users, ratio=3), right)
        else:
            body.split_column(Layout(users, ratio=2), Layout(extensions, ratio=2), Layout(queues, ratio=3))
        screen = Layout()
        wrong = self._look["health"]["problem"] or self._look["health"]["failing"]
        hint = ("q ends" if wrong else "q ends · space shows more") if self._keys else ""
        screen.split_column(
            Layout(self._head(width), size=1), body, Layout(self._foot(width, hint) or Text(" "), size=1)
        )
        yield from console.render(screen, options.update(height=height))

    def _panels(self) -> tuple[RenderableType, RenderableType, RenderableType]:
        look, now = self._look, self._look["health"]["time"]
        busy = sum(bool(extension["calls"]) for extension in look["extensions"])
        waiting = sum(len(queue["waiting"]) for queue in look["queues"])
        return (
            self._panel(f"Users {len(look['users'])}", Rows(look["users"], users, now, self._page)),
            self._panel(
                f"Extensions {len(look['extensions'])}, {busy} on a call"
                if busy
                else f"Extensions {len(look['extensions'])}",
                Rows(look["extensions"], extensions, now, self._page),
            ),
            self._panel(
                f"Queues {len(look['queues'])}, {waiting} waiting" if waiting else f"Queues {len(look['queues'])}",
                Rows(look["queues"], queues, now, self._page),
            ),
        )

    def _panel(self, title: str, rows: Rows) -> Panel:
        live = self._look["health"]["state"] == "live"
        return Panel(
            rows,
            title=Text(title, "bold"),
            title_align="left",
            style="" if live else "dim",
            border_style="bright_black" if live else "red",
        )

    def _head(self, width: int) -> Text:
        health = self._look["health"]
        state = health["state"]
        needed = Text.assemble(
            (f" {state} " if state in HEALTH_STYLES else f" {state.upper()} ", HEALTH_STYLES.get(state, WRONG)),
            (f" {age_of(health)}", "" if state == "live" else "bold red"),
        )
        events = Text("  no events" if state == "live" and health["events"] != "connected" else "", "yellow")
        title = Text(" iSymphony ", "bold reverse")
        clock = Text(f"  {time.strftime('%H:%M:%S', time.localtime(health['time']))} ")
        epoch = Text(f"  epoch {health['epoch']}", "bright_black")
        # How true it is comes first. What there is no room for is left out, and what is left is for the host.
        room, full = width - needed.cell_len, False
        for part in (events, title, clock, epoch):
            full = full or part.cell_len > room
            if full:
                part.right_crop(len(part))
            room -= part.cell_len
        host = fit(f" {urlsplit(health['url']).netloc}" if room >= SHORTEST_HOST else " ", room)
        return Text.assemble(title, host, needed, epoch, events, clock, no_wrap=True, overflow="crop")

    def _foot(self, width: int, hint: str) -> Text | None:
        health = self._look["health"]
        if health["problem"]:
            said, style = health["problem"], "bold red"
        elif health["failing"]:
            said, style = "; ".join(f"{kind}: {problem}" for kind, problem in health["failing"].items()), "yellow"
        else:
            said, style = " ", ""
        if said == " " and not hint:
            return None
        left = fit(f" {said}", width - cell_len(hint) - 2, style)
        return Text.assemble(left, " ", (hint, "bright_black"), " ", no_wrap=True, overflow="crop")
