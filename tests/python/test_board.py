"""The board: its rows, its picture at all sizes, and a day in a terminal."""

from __future__ import annotations

import gc
import io
import os
import re
import signal
import subprocess
import sys
import time

import isymphony
import pytest
from conftest import eventually
from isymphony.board import Agent, Board, Call, Look, Status
from isymphony.board.screen import Screen, fit
from isymphony.sandbox import Sandbox
from rich.cells import cell_len
from rich.console import Console
from terminals import Tmux, on_terminal

SECRET = "Geheim-7531"


def drawn(look: Look, width: int, height: int | None, page: int = 0) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height or 25, color_system=None)
    console.print(Screen(look, height, page))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


# -- what it shows


def test_rows(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    board = Board(isymphony_live)
    look = board.look()
    assert [len(look["users"]), len(look["extensions"]), len(look["queues"])] == [20, 20, 3]
    assert look["health"]["state"] == "live"
    assert [user["name"] for user in look["users"]][:2] == ["Bruno Petit", "Chloé Quispe"]
    assert look["extensions"][0]["number"] == "*72"
    segment = isymphony_sandbox.add_call("4224", "Bob", "5550199")
    isymphony_sandbox.answer(segment)
    isymphony_sandbox.hold(segment)
    isymphony_sandbox.record(segment)
    for _ in range(6):
        isymphony_sandbox.queue_call("5001", "Ann", "5550188")
    isymphony_sandbox.set_status("mike", "Lunch", "away", "soon", 1_700_000_000_000)
    isymphony_sandbox.pause_agent("5001", "4224")

    def there() -> bool:
        look = board.look()
        (mike,) = [user for user in look["users"] if user["user_name"] == "mike"]
        (busy,) = [extension for extension in look["extensions"] if extension["number"] == "4224"]
        queue = look["queues"][0]
        call = busy["calls"][0]
        return (
            mike["status"] == {"name": "Lunch", "type": "away", "note": "soon", "return_time": 1_700_000_000_000}
            and (call["name"], call["number"], call["incoming"]) == ("Bob", "5550199", True)
            and call["on_hold"]
            and call["recording"]
            and not call["older"]
            and abs(call["since"] - time.time()) < 30
            and any(caller["number"] == "5550188" for caller in queue["waiting"])
            and any(agent["paused"] and agent["number"] == "4224" for agent in queue["agents"])
        )

    eventually(there)


@pytest.mark.parametrize("isymphony_sandbox", [{"calls_at_start": 1}], indirect=True)
def test_what_was_there_before_may_be_older(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    board = Board(isymphony_live)
    calls = [call for extension in board.look()["extensions"] for call in extension["calls"]]
    assert calls
    assert all(call["older"] for call in calls)
    isymphony_sandbox.add_call("10003", "New", "5550777")
    eventually(
        lambda: any(
            call["number"] == "5550777" and not call["older"]
            for extension in board.look()["extensions"]
            for call in extension["calls"]
        )
    )
    isymphony_sandbox.restart()
    eventually(lambda: board.look()["health"]["epoch"] == 2)
    assert all(call["older"] for extension in board.look()["extensions"] for call in extension["calls"])


# -- how it looks


@pytest.mark.parametrize("isymphony_sandbox", [{"calls_at_start": 4}], indirect=True)
@pytest.mark.parametrize("size", [(80, 24), (40, 12), (60, 10), (120, 30), (200, 60), (20, 6), (81, 200)])
def test_it_fits(isymphony_live: isymphony.Live, size: tuple[int, int]) -> None:
    look = Board(isymphony_live).look()
    for page in range(4):
        lines = drawn(look, *size, page=page)
        assert len(lines) == size[1]
        assert {cell_len(line) for line in lines} <= set(range(size[0] + 1))
        assert not lines[-1].strip()  # Nothing is wrong, and there is no keyboard.
    if size[0] >= 80 and size[1] >= 24:
        text = "\n".join(drawn(look, *size))
        for word in ("Users 20", "Extensions 20", "Queues 3", "live", "Available", "5001 IncomingQ", "←"):
            assert word in text


def test_a_narrow_board_still_tells_how_true_it_is(isymphony_live: isymphony.Live) -> None:
    eventually(lambda: isymphony_live.health.events == "connected")
    look = Board(isymphony_live).look()
    for width in range(17, 81):
        head = drawn(look, width, 12)[0]
        assert re.search(r" live  \d\.\d s old", head), (width, head)
        assert ("epoch 1" in head) == (width >= 47), (width, head)
        assert cell_len(head) <= width
    assert "127.0.0.1" in drawn(look, 80, 12)[0]


def test_nothing_stands_where_there_is_no_room() -> None:
    assert [fit("abcdef", width).plain for width in (-1, 0, 1, 2)] == ["", "", "…", "a…"]


def test_pages_show_all(isymphony_live: isymphony.Live) -> None:
    look = Board(isymphony_live).look()
    seen = "\n".join("\n".join(drawn(look, 80, 24, page)) for page in range(8))
    for number in ("4224", "10003", "10019"):
        assert number in seen
    assert "more" in seen


def test_an_extension_with_two_calls_is_one_that_is_on_a_call(
    isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live
) -> None:
    for number in ("5550101", "5550102"):
        isymphony_sandbox.add_call("4224", "Bob", number)
    board = Board(isymphony_live)
    eventually(lambda: sum(len(row["calls"]) for row in board.look()["extensions"]) == 2)
    for size in ((80, 24), (130, 40), (80, None)):
        assert "Extensions 20, 1 on a call" in "\n".join(drawn(board.look(), *size))


def test_two_core_servers_stand_apart() -> None:
    with Sandbox(users=2, core_servers=["berlin", "paris"]) as sandbox, isymphony.connect(sandbox.url) as live:
        text = "\n".join(drawn(Board(live).look(), 120, 40))
        assert text.count("berlin") == 3
        assert text.count("paris") == 3


def test_strange_names(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    strange = [
        "[bold red]x[/]",
        "\x1b[31mred",
        "日本語の名前がここにあります",
        "a" * 500,
        "👩‍👩‍👧‍👦 family",
        "\u202egnorw",
    ]
    for place, name in enumerate(strange):
        isymphony_sandbox.add_extension(f"77{place}", name, user_name="mike")
        isymphony_sandbox.add_call(f"77{place}", name, "5")
    board = Board(isymphony_live)
    eventually(lambda: sum(len(row["calls"]) for row in board.look()["extensions"]) == len(strange))
    for width in (40, 80, 130):
        lines = drawn(board.look(), width, 40)
        assert all(cell_len(line) <= width for line in lines)
        text = "\n".join(lines)
        assert "[bold red]x" in text if width > 80 else "[bold" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


def codes(look: Look, words: str) -> set[str]:
    """The codes by which a terminal is told how to show what begins with these words."""
    console = Console(file=io.StringIO(), width=220, height=40, force_terminal=True, color_system="standard")
    console.print(Screen(look, 40))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    found = re.findall(rf"\x1b\[([0-9;]*)m[ │]*{re.escape(words)}", text)
    assert found, (words, text)
    return set(found)


RED, GREEN, YELLOW, MAGENTA, CYAN, FAINT, BOLD, DIM = "31", "32", "33", "35", "36", "90", "1;", "2"


def test_every_state_has_its_colour(isymphony_live: isymphony.Live) -> None:
    look = Board(isymphony_live).look()
    now = look["health"]["time"]

    def call(name: str, incoming: bool, since: float = now, on_hold: bool = False, recording: bool = False) -> Call:
        return Call(
            id=name, type="EXTERNAL", incoming=incoming, name=name, number="5", on_hold=on_hold, recording=recording,
            since=since, older=False,
        )  # fmt: skip

    for user, kind in zip(look["users"], ("available", "away", "dnd", "unavailable"), strict=False):
        user["logins"], user["status"] = 1, Status(name=f"x {kind[:5]}", type=kind, note=None, return_time=None)
    for kind, colour in (("available", GREEN), ("away", YELLOW), ("dnd", RED), ("unavailable", FAINT)):
        assert codes(look, f"x {kind[:5]}") == {colour}

    idle, comes, goes = look["extensions"][:3]
    idle["name"], comes["name"], goes["name"] = "Idle", "Comes", "Goes"
    comes["calls"] = [call("Bob", incoming=True, on_hold=True)]
    goes["calls"] = [call("Eve", incoming=False, recording=True)]
    assert codes(look, idle["number"] or "") == {FAINT}
    assert codes(look, "← ") == {BOLD + GREEN}
    assert codes(look, "→ ") == {BOLD + CYAN}
    assert codes(look, "hold") == {BOLD + YELLOW}
    assert codes(look, "rec") == {BOLD + RED}

    queue = look["queues"][0]
    states = {"NOT_INUSE": GREEN, "INUSE": RED, "RINGING": YELLOW, "ONHOLD": MAGENTA, "ODD": FAINT}
    queue["agents"] = [
        Agent(path=state, name=f"Agent {state}", number=None, state=state, paused=False) for state in states
    ]
    queue["agents"].append(Agent(path="p", name="Resting", number=None, state="NOT_INUSE", paused=True))
    text = {"NOT_INUSE": "● ", "INUSE": "in use", "RINGING": "ringing", "ONHOLD": "hold", "ODD": "odd"}
    comes["calls"] = goes["calls"] = []
    for state, colour in states.items():
        assert colour in codes({**look, "users": [], "queues": [queue]}, text[state]), state
    assert codes(look, "paused") == {YELLOW}
    assert codes(look, "1/6 free") == {GREEN}
    queue["agents"] = queue["agents"][1:]
    assert codes(look, "0/5 free") == {RED}

    queue["waiting"] = [call("Waits", incoming=True), call("Waits long", incoming=True, since=now - 61)]
    assert codes(look, "2 waiting") == {BOLD + YELLOW}
    assert codes(look, "Waits 5") == {"1"}
    assert codes(look, "Waits long 5") == {BOLD + RED}


def test_how_true_it_is_has_its_colour(isymphony_live: isymphony.Live) -> None:
    look: Look = {**Board(isymphony_live).look(), "extensions": [], "queues": []}
    health = look["health"]
    for state, colour in (("live", "1;32"), ("connecting", "1;33"), ("stale", "1;37;41"), ("failed", "1;37;41")):
        health["state"] = state
        shown = state if state in ("live", "connecting") else state.upper()
        assert codes(look, f"{shown} ") == {colour}
        assert codes(look, "0.") == ({"0"} if state == "live" else {BOLD + RED})
        # What is not confirmed is dim, and its frame red.
        name = next(user["name"] for user in look["users"] if user["logins"] == 0)
        assert codes(look, name or "") == ({FAINT} if state == "live" else {f"{DIM};{FAINT}"})
        assert codes(look, "╭") == ({FAINT} if state == "live" else {f"{DIM};{RED}"})
    health["state"], health["problem"] = "stale", "cannot connect"
    assert codes(look, "cannot connect") == {BOLD + RED}


def test_drawing_for_hours_needs_no_more_memory(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    board = Board(isymphony_live)

    def draw(times: int) -> int:
        for page in range(times):
            isymphony_sandbox.hang_up_all()
            isymphony_sandbox.add_call("4224", f"Caller {page % 10}", "5550199")
            assert len(drawn(board.look(), 80, 24, page)) == 24
        gc.collect()
        return sys.getallocatedblocks()

    before, generation = draw(50), isymphony_live.snapshot().generation
    assert draw(300) - before < 3000
    assert isymphony_live.snapshot().generation > generation + 20
    assert isymphony_live.metrics()["retired_snapshots"] <= 3


@pytest.mark.parametrize("isymphony_sandbox", [{"users": 2}], indirect=True)
def test_staleness_is_seen(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    board = Board(isymphony_live)
    board.look()
    isymphony_sandbox.stop_listening()
    eventually(lambda: board.look()["health"]["state"] == "stale")
    text = "\n".join(drawn(board.look(), 80, 24))
    assert " STALE " in text
    assert "s old" in text
    assert "cannot connect" in text


def test_a_server_without_events_is_seen() -> None:
    with Sandbox() as sandbox, isymphony.connect(sandbox.url) as live:
        board = Board(live)
        eventually(lambda: board.look()["health"]["events"] == "connected")
        assert "no events" not in "\n".join(drawn(board.look(), 80, 24))
        sandbox.fault(status=404, on="*/ws/event")
        sandbox.stop_listening()
        sandbox.start_listening()
        eventually(lambda: board.look()["health"]["events"] == "unavailable" and live.health.state == "live")
        head = drawn(board.look(), 80, 24)[0]
        assert "no events" in head
        assert " live " in head
        assert cell_len(head) <= 80


# -- a day in a terminal


@pytest.fixture
def world() -> Sandbox:
    return Sandbox(username="manager", password=SECRET)


PASSWORD = {"ISYMPHONY_PASSWORD": SECRET}


def test_in_a_terminal(world: Sandbox) -> None:
    with world, Tmux("board", world.url, "--user", "manager", env=PASSWORD) as terminal:
        shown = terminal.shows(lambda screen: " live " in screen and "Queues 3" in screen)
        assert len(shown.splitlines()) == 24
        assert all(cell_len(line) <= 80 for line in shown.splitlines())
        assert terminal.alternate

        world.add_call("4224", "Bob Builder", "5550199")
        terminal.shows(lambda screen: "Bob Builder" in screen)
        terminal.shows(lambda screen: "0:02" in screen)

        terminal.resize(140, 40)
        terminal.shows(lambda screen: any(cell_len(line) > 130 for line in screen.splitlines()), 10)
        assert len(terminal.lines) == 40
        terminal.resize(80, 24)
        terminal.shows(lambda screen: all(cell_len(line) <= 80 for line in screen.splitlines()), 10)
        before = terminal.screen
        terminal.press("Space")
        terminal.shows(lambda screen: screen != before and "Users 20" in screen, 10)

        world.restart()
        terminal.shows(lambda screen: "epoch 2" in screen and " live " in screen)
        world.stop_listening()
        terminal.shows(lambda screen: "STALE" in screen and "cannot connect" in screen)
        old = terminal.shows(lambda screen: "Users 20" in screen)
        terminal.shows(lambda screen: screen != old and "STALE" in screen, 5)  # The age grows.
        world.start_listening()
        terminal.shows(lambda screen: " live " in screen, 40)

        terminal.press("q")
        assert terminal.code() == 0
        assert not terminal.alternate
        assert SECRET not in terminal.screen


def test_ctrl_c_and_sigterm_leave_the_terminal_clean(world: Sandbox) -> None:
    with world:
        with Tmux("board", world.url, "--user", "manager", env=PASSWORD) as terminal:
            terminal.shows(lambda screen: " live " in screen)
            terminal.press("C-c")
            assert terminal.code() == 130
            assert not terminal.alternate
            assert "Traceback" not in terminal.screen
        with Tmux("board", world.url, "--user", "manager", env=PASSWORD) as terminal:
            terminal.shows(lambda screen: " live " in screen)
            terminal.press("C-z")  # Does nothing.
            os.kill(terminal.pid, signal.SIGTERM)
            assert terminal.code() == 143
            assert not terminal.alternate


def test_a_server_that_comes_later() -> None:
    with Sandbox(users=3) as sandbox:
        sandbox.stop_listening()
        with Tmux("board", sandbox.url) as terminal:
            terminal.shows(lambda screen: "connecting" in screen and "cannot connect" in screen)
            sandbox.start_listening()
            terminal.shows(lambda screen: " live " in screen and "Users 3" in screen, 40)
            terminal.press("q")
            assert terminal.code() == 0


def test_a_wrong_password_ends_it(world: Sandbox) -> None:
    with world, Tmux("board", world.url, "--user", "manager", env={"ISYMPHONY_PASSWORD": "wrong"}) as terminal:
        assert terminal.code() == 5
        terminal.shows(lambda screen: "401" in screen)
        assert not terminal.alternate


@pytest.mark.parametrize("isymphony_sandbox", [{"users": 300, "calls_per_second": 50}], indirect=True)
def test_it_does_not_draw_all_the_time(isymphony_sandbox: Sandbox) -> None:
    """However much changes, the most of the processor is left to others."""
    with Tmux("board", isymphony_sandbox.url, width=120, height=40) as terminal:
        terminal.shows(lambda screen: " live " in screen, 30)
        before, began = cpu_of(terminal.pid), time.monotonic()
        time.sleep(4)
        assert (cpu_of(terminal.pid) - before) / (time.monotonic() - began) < 0.6
        terminal.press("q")
        assert terminal.code() == 0


def cpu_of(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_output_that_is_no_terminal() -> None:
    with Sandbox(users=2) as sandbox:
        done = subprocess.run(
            [sys.executable, "-m", "isymphony", "board", sandbox.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "Users 2" in done.stdout
        assert "\x1b" not in done.stdout


def test_a_terminal_that_cannot_be_drawn_on() -> None:
    with Sandbox(users=2) as sandbox:
        code, shown = on_terminal("board", sandbox.url, env={"TERM": "dumb"})
        assert code == 0
        assert "Users 2" in shown
        assert "\x1b" not in shown
