"""The board in a browser: who may, what is told, what is done, and the page in a real browser."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import isymphony
import pytest
from chromium import Chromium, needs_chromium
from conftest import eventually
from isymphony.sandbox import Sandbox
from isymphony.web import WebBoard, feed

EXTENSION = "coreServers/getByName/default/extensions/getByName/4224"
STATUS = "coreServers/getByName/default/users/getByName/mike/status"


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with Sandbox(users=6, queues=2) as sandbox:
        yield sandbox


@pytest.fixture
def live(server: Sandbox) -> Iterator[isymphony.Live]:
    with isymphony.connect(server.url) as client:
        yield client


def served(board: WebBoard) -> Iterator[WebBoard]:
    thread = threading.Thread(target=board.run, daemon=True)
    with board:
        thread.start()
        yield board
        board.shutdown()
    thread.join(5)
    assert not thread.is_alive()


@pytest.fixture
def board(live: isymphony.Live) -> Iterator[WebBoard]:
    yield from served(WebBoard(live))


def request(
    board: WebBoard, method: str, path: str, body: object = None, **headers: str | None
) -> tuple[int, dict[str, str], bytes]:
    """A request as the board's own page makes it, with some headers changed; ``None`` leaves one out."""
    port = board.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    sent: dict[str, str | None] = {"Host": f"127.0.0.1:{port}"}
    data = None
    if method == "POST":
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        sent |= {
            "Origin": f"http://127.0.0.1:{port}",
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
        }
    sent |= {name.replace("_", "-"): text for name, text in headers.items()}
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, text in sent.items():
            if text is not None:
                connection.putheader(name, text)
        connection.endheaders(data)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def act(board: WebBoard, action: str, path: str, **arguments: object) -> dict[str, Any]:
    wanted = {"action": action, "path": path, "arguments": arguments}
    status, _, body = request(board, "POST", f"/{board.token}/act", wanted)
    told: dict[str, Any] = json.loads(body)
    return told | {"status": status}


class Events:
    """A browser that listens."""

    def __init__(self, board: WebBoard) -> None:
        self._answer = urllib.request.urlopen(f"{board.url}events", timeout=10)
        assert self._answer.headers["Content-Type"] == "text/event-stream"
        self.rows: dict[str, dict[str, Any]] = {"users": {}, "extensions": {}, "queues": {}}
        self.health: dict[str, Any] = {}

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()

    def next(self) -> dict[str, Any]:
        """The next message, taken as the page takes it."""
        while True:
            line = self._answer.readline()
            assert line, "the stream has ended"
            if line.startswith(b"data: "):
                told: dict[str, Any] = json.loads(line[6:])
                break
        self.health = told.get("health", self.health)
        for section, rows in self.rows.items():
            if told.get("reset"):
                rows.clear()
            for path in told.get("gone", {}).get(section, []):
                del rows[path]
            rows |= {row["path"]: row for row in told.get(section, [])}
        return told

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls of the extension that is looked at."""
        calls: list[dict[str, Any]] = self.rows["extensions"].get(EXTENSION, {}).get("calls", [])
        return calls

    def until(self, check: Callable[[], object], seconds: float = 15.0) -> None:
        """Take messages until it is so."""
        end = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < end
            self.next()


# -- who may


def test_the_page(board: WebBoard) -> None:
    status, headers, body = request(board, "GET", f"/{board.token}/")
    assert status == 200
    assert b"<!doctype html>" in body
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors" not in policy  # It may stand in another page's frame.
    assert "X-Frame-Options" not in headers
    assert b"http://" not in body.replace(b"http://www.w3.org", b"")
    assert b"https://" not in body
    assert b"innerHTML" not in body
    assert board.url.startswith("http://127.0.0.1:")
    assert len(board.token) >= 32


def test_the_token_is_needed(board: WebBoard) -> None:
    wanted = {"action": "Extension.originate", "path": EXTENSION, "arguments": {"destination": "1"}}
    wrong = "x" * len(board.token)
    for token in ("", wrong, board.token[:-1], board.token + "x", board.token.swapcase(), "%00", "%C3%A9"):
        for rest in ("", "events", "act", "nothing"):
            path = f"/{token}/{rest}" if token else f"/{rest}"
            for method in ("GET", "POST"):
                status, _, body = request(board, method, path, wanted)
                assert status == 403, path
                assert board.token not in body.decode()
    assert request(board, "GET", f"/{board.token}/nothing")[0] == 404
    assert request(board, "GET", f"/{board.token}/act")[0] == 404
    assert request(board, "GET", f"/{board.token}")[0] == 200
    assert request(board, "PUT", f"/{board.token}/act")[0] == 501


def test_only_known_hosts(live: isymphony.Live, board: WebBoard) -> None:
    port = board.server_address[1]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "", "127.0.0.1@evil.example"):
        assert request(board, "GET", f"/{board.token}/", Host=host)[0] == 403, host
        assert request(board, "GET", f"/{board.token}/events", Host=host)[0] == 403, host
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "10.1.2.3"):
        assert request(board, "GET", f"/{board.token}/", Host=host)[0] == 200, host
    assert request(board, "GET", f"/{board.token}/", Host=None)[0] == 403
    for other in served(WebBoard(live, allow_hosts=["board.example"])):
        assert request(other, "GET", f"/{other.token}/", Host="board.example")[0] == 200


def test_only_its_own_page_may_act(server: Sandbox, board: WebBoard) -> None:
    wanted = {"action": "Extension.originate", "path": EXTENSION, "arguments": {"destination": "1"}}
    path = f"/{board.token}/act"
    for origin in (None, "null", "http://evil.example", "http://127.0.0.1", "https://127.0.0.1:1", "file://"):
        assert request(board, "POST", path, wanted, Origin=origin)[0] == 403, origin
    assert request(board, "POST", path, wanted, Content_Type="text/plain")[0] == 415
    assert request(board, "POST", path, wanted, Content_Length=None)[0] == 411
    assert request(board, "POST", path, wanted, Content_Length="-1")[0] == 411
    assert request(board, "POST", path, wanted, Content_Length="99999999")[0] == 413
    for body in (b"", b"[]", b"nonsense", b"\xff", b"[" * 10_000):
        assert request(board, "POST", path, body)[0] == 400
    assert not any(seen.method == "POST" for seen in server.requests)
    assert request(board, "POST", path, wanted)[0] == 200


# -- what is told


def test_events(server: Sandbox, board: WebBoard) -> None:
    with Events(board) as one, Events(board) as two:
        one.until(lambda: len(one.rows["users"]) == 6)
        assert one.health["state"] == "live"
        assert len(one.rows["queues"]) == 2
        server.add_call("4224", "Bob", "5550199")
        for browser in (one, two):
            browser.until(lambda browser=browser: browser.calls)  # type: ignore[misc]
            assert browser.calls[0]["name"] == "Bob"
        server.remove_user("mike")
        one.until(lambda: len(one.rows["users"]) == 5)
        told = one.next()
        assert "users" not in told  # Only what changed is told.
        server.restart()
        one.until(lambda: one.health["epoch"] == 2)
        assert len(one.rows["users"]) == 5
        server.stop_listening()
        one.until(lambda: one.health["state"] == "stale")
        assert "cannot connect" in one.health["problem"]
        server.start_listening()
        one.until(lambda: one.health["state"] == "live", 40)
    eventually(lambda: board.feed.readers == 0)


def test_text_cannot_leave_its_message(server: Sandbox, board: WebBoard) -> None:
    server.set_display_name("4224", "a\n\ndata: {}\n\r\u2028</script>")
    with Events(board) as browser:
        browser.until(lambda: "</script>" in browser.rows["extensions"].get(EXTENSION, {}).get("name", ""))


def test_there_are_bounds(board: WebBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BROWSERS", 2)
    with Events(board), Events(board):
        with pytest.raises(urllib.error.HTTPError, match="503") as caught:
            Events(board)
        caught.value.close()
    eventually(lambda: board.feed.readers == 0)
    with Events(board) as again:
        again.next()


def test_a_slow_browser_is_dropped(server: Sandbox, board: WebBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAUSE", 0.001)
    monkeypatch.setattr(feed, "TICK", 0.001)
    get = feed.Reader.get

    def get_slowly(reader: feed.Reader) -> str | None:
        time.sleep(0.5)
        return get(reader)

    monkeypatch.setattr(feed.Reader, "get", get_slowly)
    address = urlsplit(board.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as slow:
        slow.sendall(f"GET {address.path}events HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        eventually(lambda: board.feed.readers == 1)
        eventually(lambda: board.feed.readers == 0, 20)
        slow.settimeout(10)
        while slow.recv(65536):
            pass


# -- what is done


def test_actions(server: Sandbox, board: WebBoard) -> None:
    assert act(board, "Extension.originate", EXTENSION, destination="5551234")["outcome"] == "accepted"
    assert len(server.call_segments("4224")) == 1
    assert act(board, "Status.set", STATUS, name="Lunch", type="away", note="soon")["outcome"] == "accepted"
    agent = f"coreServers/getByName/default/queues/getByName/5001/agents/{server.agent_id('5001', '4224')}"
    for action in ("Agent.pause", "Agent.unpause"):
        assert act(board, action, agent)["outcome"] == "accepted"


def test_what_is_not_done(server: Sandbox, board: WebBoard) -> None:
    server.clear_requests()
    queue = "coreServers/getByName/default/queues/getByName/5001"
    assert act(board, "Queue.logout", queue, extension="4224")["status"] == 403
    assert act(board, "Extension.originate", EXTENSION, destination="1", timeout="9")["status"] == 403
    assert act(board, "Extension.originate", EXTENSION, destination=1)["status"] == 400
    assert act(board, "Extension.originate", STATUS, destination="1")["status"] == 400
    assert act(board, "Extension.originate", EXTENSION.replace("4224", "0"), destination="1")["outcome"] == "refused"
    assert act(board, "Extension.originate", "../../x", destination="1")["outcome"] == "refused"
    assert act(board, "Extension.originate", EXTENSION, destination="")["outcome"] == "refused"
    assert act(board, "Status.set", STATUS, name="x", type="nonsense")["outcome"] == "refused"
    for wanted in (
        {},
        {"path": 1, "action": "x"},
        {"path": EXTENSION, "action": "Extension.originate", "arguments": []},
    ):
        assert request(board, "POST", f"/{board.token}/act", wanted)[0] == 400
    assert not any(seen.method == "POST" for seen in server.requests)
    server.fault(status=403, on="*/originate", times=1)
    assert act(board, "Extension.originate", EXTENSION, destination="1")["outcome"] == "refused"
    server.fault(drop=True, on="*/originate", times=1)
    told = act(board, "Extension.originate", EXTENSION, destination="1")
    assert told["outcome"] == "unknown"
    assert told["message"]


def test_read_only(server: Sandbox, live: isymphony.Live) -> None:
    for board in served(WebBoard(live, read_only=True)):
        assert act(board, "Extension.originate", EXTENSION, destination="1")["status"] == 403
        assert b'class="read-only"' in request(board, "GET", f"/{board.token}/")[2]
    assert not server.call_segments("4224")


# -- the command


def test_the_command(server: Sandbox) -> None:
    for arguments in ((), ("--json",)):
        with subprocess.Popen(
            [sys.executable, "-m", "isymphony", "board", server.url, "--web", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = json.loads(line)["url"] if arguments else line.split()[-1]
            assert urlsplit(url).hostname == "127.0.0.1"
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert answer.status == 200
            with urllib.request.urlopen(f"{url}events", timeout=10) as answer:
                answer.readline()
                server.fault(delay=30, on="*/originate", times=1)
                asked = threading.Thread(target=ask_for_a_call, args=(url,))
                asked.start()
                time.sleep(0.3)
                began = time.monotonic()
                os.kill(process.pid, signal.SIGINT)
                _, errors = process.communicate(timeout=20)
                assert time.monotonic() - began < 3
                asked.join()
            assert (process.returncode, errors) == (130, "")


def ask_for_a_call(url: str) -> None:
    body = json.dumps({"action": "Extension.originate", "path": EXTENSION, "arguments": {"destination": "1"}}).encode()
    address = urlsplit(url)
    headers = {"Origin": f"http://{address.netloc}", "Content-Type": "application/json"}
    with contextlib.suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(urllib.request.Request(f"{url}act", body, headers), timeout=20).close()


def test_a_port_that_is_taken(server: Sandbox) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "isymphony", "board", server.url, "--web", "--port", str(server.port)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot listen" in done.stderr


# -- in a browser


def visible(browser: Chromium, check: str, seconds: float = 20.0) -> None:
    """Look until a JavaScript expression is true."""
    eventually(lambda: browser.run(f"Boolean({check})"), seconds)


@needs_chromium
def test_in_a_browser(server: Sandbox, board: WebBoard) -> None:
    evil = '<img src=x onerror="document.title=1">'
    server.set_display_name("10003", evil)
    with Chromium() as browser:
        browser.open(board.url)
        visible(browser, "document.querySelectorAll('#users .row').length === 6")
        visible(browser, "document.querySelector('#state').textContent === 'live'")
        assert browser.run("document.querySelectorAll('img').length") == 0
        visible(browser, f"document.querySelector('#extensions').textContent.includes({json.dumps(evil)})")
        assert browser.run("document.querySelectorAll('img').length") == 0

        server.add_call("4224", "Bob Builder", "5550199")
        visible(browser, "document.querySelector('#extensions').textContent.includes('Bob Builder')", 5)
        server.add_call("4224", "Eve", "5550198")
        visible(browser, "document.querySelector('#extensions').textContent.includes('Eve')", 5)
        # Extensions are counted, and not their calls.
        title = browser.run("document.querySelector('#n-extensions').textContent")
        assert title.endswith(", 1 on a call")

        # A click on a number before one's own extension is chosen says so, and calls nobody.
        browser.click("#extensions .number")
        visible(browser, "document.querySelector('.toast.refused')")
        assert not any(seen.method == "POST" for seen in server.requests)
        browser.run(f"own.value = '{EXTENSION}'; own.dispatchEvent(new Event('change')); true")
        browser.click("#number")
        browser.type("5551234")
        browser.click("#call")
        visible(browser, "document.querySelector('.toast.accepted')?.textContent.includes('4224 calls 5551234')")
        visible(browser, "document.querySelector('#extensions').textContent.includes('calls out')")
        assert any('"5551234"' in seen.body for seen in server.requests)

        server.fault(drop=True, on="*/originate", times=1)
        browser.click("#call")
        visible(browser, "document.querySelector('.toast.unknown')?.textContent.includes('not known')")

        mike = "[...document.querySelectorAll('#users .row')].find(row => row.textContent.includes('Mike'))"
        browser.run(f"{mike}.querySelector('.status').id = 'mikes'; true")
        browser.click("#mikes")
        visible(browser, "document.querySelector('dialog').open")
        browser.run("document.querySelector('#status-name').select(); true")
        browser.type("Dentist")
        browser.run("document.querySelector('#status-type').value = 'xa'; true")
        browser.click("#status-set")
        visible(browser, f"{mike}.textContent.includes('Dentist')")

        server.stop_listening()
        visible(browser, "document.body.classList.contains('stale')")
        visible(browser, "document.querySelector('#problem').textContent.includes('cannot connect')")
        server.start_listening()
        visible(browser, "document.querySelector('#state').textContent === 'live'", 40)
        assert browser.problems == []

        board.feed.close()
        visible(browser, "document.querySelector('#state').textContent === 'disconnected'", 20)


@needs_chromium
def test_in_a_frame(server: Sandbox, board: WebBoard) -> None:
    """As in a client that shows web pages inside itself."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<iframe width=900 height=600 src='{board.url}'></iframe>".encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as other, Chromium() as browser:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{other.server_port}/")
        eventually(lambda: board.feed.readers == 1, 20)
        for _ in range(3):
            browser.run("1")
        assert not [problem for problem in browser.problems if "favicon" not in problem]
        other.shutdown()
