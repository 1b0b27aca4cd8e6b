"""Makes the pictures of the boards, from a real run on the embedded server: ``make pictures``.

The terminal's board is exported by rich; the page is shot in a headless Chromium.
"""

from __future__ import annotations

import io
import re
import sys
import threading
import time
from pathlib import Path

import isymphony
from isymphony.board import Board
from isymphony.board.screen import Screen
from isymphony.sandbox import Sandbox
from isymphony.web import WebBoard
from rich.console import Console

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "tests" / "python"))

from chromium import Chromium  # noqa: E402

WIDTH, HEIGHT = 100, 30
SECONDS = 20.0


def move(sandbox: Sandbox) -> None:
    """Let there be something to see."""
    sandbox.set_status("mike", "Lunch", "away", "back at one", int((time.time() + 1800) * 1000))
    sandbox.pause_agent("5003", "10006")
    for name, number in (("Ann Archer", "5550143"), ("Raúl Ortiz", "5550177"), ("Cho Mi-rae", "5550112")):
        sandbox.queue_call("5001", name, number)
        time.sleep(2)
    call = sandbox.add_call("4224", "Bob Builder", "5550199")
    sandbox.answer(call)
    sandbox.record(call)
    call = sandbox.add_call("10013", "Dana Diaz", "5550122")
    sandbox.answer(call)
    sandbox.hold(call)
    sandbox.add_internal_call("10010", "10012")


def terminal(board: Board) -> None:
    """``board.svg``: what a terminal shows."""
    console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True)
    console.print(Screen(board.look(), HEIGHT, keys=True))
    picture = console.export_svg(title=f"isymphony board {board.live.url}", unique_id="board")
    # The fonts of the machine that shows it are as good; nothing is fetched from elsewhere.
    picture = re.sub(r"\s*@font-face \{.*?\n    \}", "", picture, flags=re.DOTALL).replace("Fira Code, ", "")
    (HERE / "board.svg").write_text(picture)


def page(web: WebBoard) -> None:
    """``web-board.png``: what a browser shows."""
    with Chromium(1200, 680) as browser:
        browser.open(web.url)
        for _ in range(100):
            if browser.run("document.querySelectorAll('#users .row').length"):
                break
            time.sleep(0.1)
        own = "coreServers/getByName/default/extensions/getByName/10005"
        browser.run(f"own.value = '{own}'; own.dispatchEvent(new Event('change')); true")
        browser.click("#number")
        browser.type("5551234")
        browser.click("#call")
        time.sleep(3)
        browser.picture(HERE / "web-board.png")


def main() -> None:
    """Make both."""
    with Sandbox(users=18, seed=3, calls_at_start=2, agents_per_queue=4) as sandbox:
        with isymphony.connect(sandbox.url) as live, WebBoard(live) as web:
            threading.Thread(target=web.run, daemon=True).start()
            board = Board(live)
            board.look()
            thread = threading.Thread(target=move, args=(sandbox,))
            thread.start()
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                board.look()
                time.sleep(0.2)
            thread.join()
            terminal(board)
            page(web)
            web.shutdown()


if __name__ == "__main__":
    main()
