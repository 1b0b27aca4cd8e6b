"""The page, its events, and the actions that come from it."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import http.server
import ipaddress
import json
import re
import secrets
import socket
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final, cast
from urllib.parse import urlsplit

import isymphony
from isymphony.cli import exits
from isymphony.cli.connection import connected, wait
from isymphony.cli.text import emit

from .feed import Feed, Full

LARGEST_BODY: Final = 16 * 1024
SILENCE: Final = 10.0
"""A browser that neither sends nor takes anything for so many seconds is dropped."""

CONNECTIONS: Final = 128
"""So many connections may be open at once; further ones are closed."""

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Extension.originate": ("destination",),
    "Status.set": ("name", "type", "note"),
    "Agent.pause": (),
    "Agent.unpause": (),
}
"""What the page may do, and with which arguments."""


def serve(options: argparse.Namespace) -> int:
    """Serve the board until Ctrl-C."""
    with connected(options, synced=False) as live:
        with contextlib.suppress(isymphony.SyncTimeout):
            wait(live, options.timeout)  # A server that is away may come back; one that refuses us ends this.
        try:
            board = WebBoard(
                live, options.host, options.port, allow_hosts=options.allow_host, read_only=options.read_only
            )
        except (OSError, OverflowError) as error:
            raise exits.UsageError(f"cannot listen at {options.host}, port {options.port}: {error}") from None
        with board:
            if options.json:
                emit({"url": board.url})
            else:
                print(f"The board is at {board.url}\nWho has this address can use it. Ctrl-C ends it.", flush=True)
            if not is_loopback(options.host):
                print("isymphony: it can be reached from other machines, without encryption", file=sys.stderr)
            board.run()
    return exits.OK


class WebBoard(http.server.ThreadingHTTPServer):
    """Serves the board of a client. ``run`` serves until the process is interrupted or ``close`` is called."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self,
        live: isymphony.Live,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        allow_hosts: Iterable[str] = (),
        read_only: bool = False,
    ) -> None:
        self.live = live
        self.read_only = read_only
        self.token = secrets.token_urlsafe(24)
        self.page, self.policy = page(read_only)
        self._names = {"localhost", host, *allow_hosts, socket.gethostname()} - {""}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)
        shown = socket.gethostname() if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.server_address[1]}/{self.token}/"
        self.feed = Feed(live)

    def server_bind(self) -> None:
        """Bind, without asking a name server who we are."""
        super(http.server.HTTPServer, self).server_bind()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def run(self) -> None:
        """Serve until the process is interrupted, or until ``close`` is called."""
        self.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Close all connections and stop. Never waits for a browser."""
        self.server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.feed.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread of its own, unless there are too many."""
        with self._lock:
            full = len(self._open) >= CONNECTIONS
            if not full:
                self._open.add(request)
        if full:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """A connection ends."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is no error of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def knows_host(self, host: str) -> bool:
        """Whether a browser may reach us by this name.

        An address is always right. A name that is not ours was made to lead here: by DNS rebinding, another page would
        pass for this one.
        """
        name = urlsplit(f"//{host}").hostname or ""
        if name in self._names or name.casefold() in {known.casefold() for known in self._names}:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def act(self, wanted: Mapping[str, Any]) -> tuple[HTTPStatus, dict[str, object]]:
        """Carry out what the page asks for."""
        path, action, given = wanted.get("path"), wanted.get("action"), wanted.get("arguments", {})
        if not isinstance(path, str) or not isinstance(action, str) or not isinstance(given, dict):
            return HTTPStatus.BAD_REQUEST, refusal("path, action and arguments are needed")
        if self.read_only:
            return HTTPStatus.FORBIDDEN, refusal("this board only shows")
        if action not in ACTIONS or not given.keys() <= set(ACTIONS[action]):
            return HTTPStatus.FORBIDDEN, refusal("the board does not do that")
        if not all(isinstance(text, str) for text in given.values()):
            return HTTPStatus.BAD_REQUEST, refusal("all arguments are texts")
        try:
            handle = self.live.handle(path)
            kind, _, name = action.partition(".")
            if handle.kind != kind:
                return HTTPStatus.BAD_REQUEST, refusal(f"{path} is no {kind}")
            ticket = handle.act(name, **given)
        except isymphony.IsymphonyError as error:
            unknown = isinstance(error, isymphony.OutcomeUnknown)
            return HTTPStatus.OK, {
                "outcome": "unknown" if unknown else "refused",
                "message": error.server_message or str(error),
            }
        return HTTPStatus.OK, {"outcome": ticket.outcome, "message": str(ticket.error) if ticket.error else None}


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    timeout = SILENCE
    server_version = "isymphony"
    sys_version = ""

    @property
    def board(self) -> WebBoard:
        """The server."""
        return cast(WebBoard, self.server)

    def do_GET(self) -> None:
        """The page, or its events."""
        routes: dict[str, Callable[[], None]] = {"": self._page, "events": self._events}
        self._route(routes)

    def do_POST(self) -> None:
        """An action."""
        self._route({"act": self._act})

    def _route(self, routes: Mapping[str, Callable[[], None]]) -> None:
        """Serve a path below the token; whoever does not have the token learns nothing else."""
        token, _, rest = self.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.board.token.encode()):
            return self._answer(HTTPStatus.FORBIDDEN, refusal("the address is not complete"))
        if not self.board.knows_host(self.headers.get("Host", "")):
            return self._answer(HTTPStatus.FORBIDDEN, refusal("this host name is not known; see --allow-host"))
        if rest not in routes:
            return self._answer(HTTPStatus.NOT_FOUND, refusal("there is nothing here"))
        routes[rest]()

    def _page(self) -> None:
        self._head(HTTPStatus.OK, "text/html; charset=utf-8", len(self.board.page))
        self.wfile.write(self.board.page)

    def _events(self) -> None:
        try:
            reader = self.board.feed.join()
        except Full:
            return self._answer(HTTPStatus.SERVICE_UNAVAILABLE, refusal("too many browsers look"))
        try:
            self._head(HTTPStatus.OK, "text/event-stream")
            self.wfile.write(b"retry: 1000\n\n")
            while (text := reader.get()) is not None:
                self.wfile.write(text.encode())
        finally:
            self.board.feed.leave(reader)

    def _act(self) -> None:
        origin = urlsplit(self.headers.get("Origin", ""))
        if origin.scheme not in ("http", "https") or origin.netloc != self.headers.get("Host"):
            return self._answer(HTTPStatus.FORBIDDEN, refusal("only the board's own page may act"))
        if self.headers.get_content_type() != "application/json":
            return self._answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, refusal("an action is JSON"))
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,9}", length):
            return self._answer(HTTPStatus.LENGTH_REQUIRED, refusal("how long is it?"))
        if int(length) > LARGEST_BODY:
            return self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, refusal("an action is shorter"))
        try:
            wanted = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            wanted = None
        if not isinstance(wanted, dict):
            return self._answer(HTTPStatus.BAD_REQUEST, refusal("an action is a JSON object"))
        self._answer(*self.board.act(wanted))

    def _answer(self, status: HTTPStatus, data: Mapping[str, object]) -> None:
        body = json.dumps(data).encode()
        self._head(status, "application/json", len(body))
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, content_type: str, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", self.board.policy)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is logged: the address holds the token."""


def refusal(message: str) -> dict[str, object]:
    """The answer to what is not done."""
    return {"outcome": "refused", "message": message}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def page(read_only: bool) -> tuple[bytes, str]:
    """The page, and the policy that lets it do only what is in it. Any page may frame it."""
    text = (files(__package__) / "page.html").read_text("utf-8")
    if read_only:
        text = text.replace("<body>", '<body class="read-only">')

    def hashes(tag: str) -> str:
        found: list[str] = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        return " ".join(f"'sha256-{b64encode(hashlib.sha256(part.encode()).digest()).decode()}'" for part in found)

    policy = (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; connect-src 'self'; "
        "img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return text.encode(), policy
