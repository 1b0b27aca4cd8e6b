"""The command line: ``isymphony``, or ``python -m isymphony``.

Each command is a function of the parsed options that gives an exit code; what a command needs beyond the library is
imported when it runs. Only the board in the terminal needs more than the standard library.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import re
import signal
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import NoReturn

import isymphony

from . import act, connection, examine, exits, read, serve
from .text import emit, plain

EXTENSION = "coreServers/getByName/default/extensions/getByName/4224"
STATUS = "coreServers/getByName/default/users/getByName/mike/status"

ONE = f"the object, by names or ids: {EXTENSION}"

NO_RICH = (
    "isymphony: the board needs the package rich: pip install 'isymphony[cli]'  (--json and --web work without it)"
)


class WrongLine(Exception):
    """A command line that a parser does not understand."""

    def __init__(self, parser: Parser, message: str) -> None:
        super().__init__(message)
        self.parser = parser


class Parser(argparse.ArgumentParser):
    """A parser that leaves it to the caller how its errors are told."""

    def error(self, message: str) -> NoReturn:
        raise WrongLine(self, message)


class Help(argparse.HelpFormatter):
    """Help whose texts keep their lines: each is wrapped below where its own text begins, as in a table."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for given in text.splitlines() for line in self._wrapped(given, width))

    @staticmethod
    def _wrapped(line: str, width: int) -> list[str]:
        head = re.match(r" *(\S+ {2,})?", line)
        below = " " * (head.end() if head else 0)
        return textwrap.wrap(line, width, subsequent_indent=below, break_long_words=False) or [""]


def example(line: str) -> str:
    """A command line as it can be typed into a shell, on several lines where it is long."""
    return " \\\n".join(
        textwrap.wrap(
            f"  isymphony {line}", 76, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False
        )
    )


def without_password(message: str) -> str:
    """A message that may quote the command line, without what stands before an ``@`` of a URL."""
    return plain(re.sub(r"//.*@", "//***@", message))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and give its exit code."""
    open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # A terminal of another time shows "?" for what it does not know.
    try:
        try:
            return run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
        return exits.CLOSED_PIPE
    except OSError as error:
        drop_output()
        print(f"isymphony: {plain(str(error))}", file=sys.stderr)
        return exits.ERROR
    except KeyboardInterrupt:
        return exits.INTERRUPTED


def open_what_is_closed() -> None:
    """A standard stream that was closed before we were started leads nowhere, and not to what is opened next."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def drop_output() -> None:
    """Let go of what is left in the buffer: it can go nowhere, and the interpreter shall not complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(arguments: Sequence[str] | None) -> int:
    """Run a command, and tell what goes wrong with it."""
    try:
        options = make_parser().parse_args(arguments)
    except WrongLine as wrong:
        as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
        return refuse(wrong.parser, str(wrong), as_json=as_json)
    command: Parser = options.parser
    log_to_stderr(options.verbose)
    signal.signal(signal.SIGTERM, terminate)
    try:
        code: int = options.run(options)
        return code
    except exits.UsageError as error:
        return refuse(command, str(error), as_json=options.json)
    except isymphony.IsymphonyError as error:
        return exits.tell(error, as_json=options.json)


def refuse(parser: Parser, message: str, *, as_json: bool) -> int:
    """Tell what is wrong with the command line, without the password of a URL in it, and give the exit code."""
    error = isymphony.InvalidArgument(without_password(message))
    if as_json:
        return exits.tell(error, as_json=True)
    parser.print_usage(sys.stderr)
    print(f"{parser.prog}: error: {error}", file=sys.stderr)
    return exits.USAGE


def terminate(*_: object) -> NoReturn:
    """End by SIGTERM as by an exception, so that the terminal is left as it was."""
    raise SystemExit(exits.TERMINATED)


def log_to_stderr(verbose: bool) -> None:
    """With ``--verbose`` the library's records go to standard error; without, a command tells what it has to tell."""
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    else:
        logging.getLogger("isymphony").addHandler(logging.NullHandler())
        logging.getLogger("isymphony").propagate = False


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = Parser(
        prog="isymphony",
        description="The live state of an iSymphony telephony server.",
        epilog=f"{exits.TABLE}\n\nEach command explains itself: isymphony COMMAND --help",
        formatter_class=Help,
    )
    parser.add_argument("--version", action="version", version=f"isymphony {isymphony.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def add(
        name: str, run: Callable[[argparse.Namespace], int], what: str, about: str, *examples: str, more: str = ""
    ) -> argparse.ArgumentParser:
        shown = "\n".join(example(line) for line in examples)
        command: argparse.ArgumentParser = commands.add_parser(
            name,
            help=what,
            description=about,
            epilog="\n\n".join(part for part in (f"examples:\n{shown}", more, exits.TABLE) if part),
            formatter_class=Help,
        )
        command.add_argument("--json", action="store_true", help="JSON for machines, also for errors")
        command.add_argument("-v", "--verbose", action="store_true", help="what the library logs, to standard error")
        command.set_defaults(run=run, parser=command)
        return command

    add(
        "demo",
        demo,
        "run the main job on an embedded server",
        "Starts an embedded server, mirrors it, resolves names, places a call and restarts the server.",
        "demo",
        "demo --json",
    )

    command = add(
        "board",
        board,
        "users, extensions with their calls and queues, live",
        "Shows users with their status, extensions with their calls, and queues with agents and waiting callers, as "
        "they change. Space shows more, q or Ctrl-C ends it. Where the output is no terminal that can be drawn on, one "
        "board is printed.",
        "board http://pbx:58080 --user manager",
        "board http://pbx:58080 --user manager --once",
        "board http://pbx:58080 --user manager --web",
    )
    connection.add_options(command)
    command.add_argument("--once", action="store_true", help="print one board and end")
    web = command.add_argument_group("in a browser")
    web.add_argument("--web", action="store_true", help="serve the board as a web page instead, until Ctrl-C")
    web.add_argument(
        "--host", default="127.0.0.1", help="the address to listen at (default: %(default)s, this machine)"
    )
    web.add_argument(
        "--port", type=connection.port, default=0, help="the port to listen at (default: any that is free)"
    )
    web.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further host name by which browsers reach the page, as behind a proxy",
    )
    web.add_argument("--read-only", action="store_true", help="the page shows, and cannot act")

    command = add(
        "resolve",
        read.resolve,
        "the id of what a path addresses",
        "Prints the id that a path addresses now. Names and ids mix along a path as the server takes them.",
        f"resolve http://pbx:58080 {EXTENSION}",
    )
    connection.add_options(command)
    command.add_argument("path", metavar="PATH", help=ONE)

    command = add(
        "get",
        read.get,
        "all that is known of what a path addresses",
        "Prints one object with all the server sent, or a list with one line each.",
        f"get http://pbx:58080 {EXTENSION}",
        "get http://pbx:58080 coreServers/getByName/default/users --json",
    )
    connection.add_options(command)
    command.add_argument(
        "path", metavar="PATH", help="the object or the list, as in coreServers/getByName/default/users"
    )
    command.add_argument("--raw", action="store_true", help="the server's own answer for any path, as JSON")

    command = add(
        "act",
        act.act,
        "carry out an action",
        "Carries out an action on what a path addresses, and prints its outcome.",
        f"act http://pbx:58080 {EXTENSION} originate destination=5551234",
        f"act http://pbx:58080 {STATUS} set name=Lunch type=away",
        more=act.ACTIONS,
    )
    connection.add_options(command)
    command.add_argument("path", metavar="PATH", help=ONE)
    command.add_argument("action", metavar="ACTION", help="what is done with it; which object has which, is below")
    command.add_argument(
        "arguments",
        metavar="key=value",
        nargs="*",
        default=[],
        type=act.argument,
        help="what the action is told, as in destination=5551234",
    )
    command.add_argument(
        "--force", action="store_true", help="send it to the path as it stands, also where nothing is known to be there"
    )

    command = add(
        "watch",
        read.watch,
        "what changes, as it happens",
        "Prints what changes, one line each, and when the server goes away or comes back. With --json each line is one "
        "object, flushed at once.",
        "watch http://pbx:58080 --kind call_segments --no-events",
        "watch http://pbx:58080 --json | jq .raw",
    )
    connection.add_options(command)
    command.add_argument("--kind", action="append", help="only this kind, as in call_segments; may be repeated")
    command.add_argument("--path", metavar="PATH", help="only what this path addresses")
    command.add_argument("--initial", action="store_true", help="what there is already comes first, as added")
    command.add_argument("--no-events", action="store_true", help="leave out the server's own events")
    command.add_argument("--count", type=connection.number, metavar="N", help="end after N lines")

    command = add(
        "doctor",
        examine.doctor,
        "find out what a server has, and what stands in the way",
        "Examines a server, without carrying out or changing anything: the way to it, what it knows of the documented "
        "resources and actions, and what is otherwise. An overlay tells that to the other commands.",
        "doctor http://pbx:58080 --user manager",
        "doctor http://pbx:58080 --user manager --write-overlay pbx.toml",
        "board http://pbx:58080 --user manager --overlay pbx.toml",
    )
    connection.add_options(command, timeout=60.0, timed="how long the examination may take")
    examine.add_options(command)

    command = add(
        "sandbox",
        serve.sandbox,
        "run an embedded server to try things on",
        "Runs a whole server with users, queues and calls in this process, until Ctrl-C.",
        "sandbox --calls-per-second 0.5",
        "sandbox --users 200 --queues 8 --seed 7 --port 58080",
    )
    serve.add_options(command)
    return parser


def demo(options: argparse.Namespace) -> int:
    """Run the demonstration."""
    from isymphony.demo import demo

    if options.json:
        emit(demo(lambda _: None))
    else:
        demo()
    return exits.OK


def board(options: argparse.Namespace) -> int:
    """Show the board: in a terminal, in browsers, as text or as JSON."""
    if options.web:
        from isymphony.web import serve

        return serve(options)
    if options.json:
        from isymphony.board import Board

        with connection.connected(options) as live:
            emit(Board(live).look())
        return exits.OK
    try:
        from isymphony.board.terminal import show
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "rich":
            raise
        print(NO_RICH, file=sys.stderr)
        return exits.USAGE
    return show(options)
