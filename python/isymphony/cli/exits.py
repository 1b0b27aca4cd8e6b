"""Exit codes, and how a failure is told."""

from __future__ import annotations

import json
import sys
from typing import Final

from isymphony.errors import (
    Ambiguous,
    AuthError,
    ConfigError,
    ConnectionFailed,
    Forbidden,
    InvalidArgument,
    IsymphonyError,
    NotFound,
    OutcomeUnknown,
    PathError,
    TimedOut,
)

from .text import plain

OK: Final = 0
ERROR: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
UNREACHABLE: Final = 4
DENIED: Final = 5
UNKNOWN: Final = 6
INTERRUPTED: Final = 130
CLOSED_PIPE: Final = 141
TERMINATED: Final = 143

TABLE: Final = """\
exit codes:
  0    all went well
  1    the server refused it, or answered with an error
  2    the command line, a path or an argument is wrong
  3    nothing has that name, id or path, or more than one thing has it
  4    the server cannot be reached, or did not answer in time
  5    the user name or the password is wrong, or this machine is not in the server's white list
  6    an action was sent, and whether it was carried out is not known
  130  ended by Ctrl-C
  141  the reader of the output went away
  143  ended by SIGTERM"""

_CODES: Final[tuple[tuple[tuple[type[IsymphonyError], ...], int], ...]] = (
    ((ConfigError, InvalidArgument, PathError), USAGE),
    ((NotFound, Ambiguous), NOT_FOUND),
    ((AuthError, Forbidden), DENIED),
    ((ConnectionFailed, TimedOut), UNREACHABLE),
    ((OutcomeUnknown,), UNKNOWN),
)


class UsageError(Exception):
    """The command line cannot be carried out as it is."""


def code_of(error: IsymphonyError) -> int:
    """The exit code for an error of the library."""
    return next((code for types, code in _CODES if isinstance(error, types)), ERROR)


def error_as_json(error: IsymphonyError) -> dict[str, object]:
    """An error for machines."""
    return {
        "error": error.code,
        "message": str(error),
        "retryable": error.retryable,
        "http_status": error.http_status,
        "server_message": error.server_message,
    }


def tell(error: IsymphonyError, *, as_json: bool) -> int:
    """Tell a failure on standard error, and give its exit code."""
    if as_json:
        print(json.dumps(error_as_json(error)), file=sys.stderr)
    else:
        print(f"isymphony: {plain(str(error))}", file=sys.stderr)
    return code_of(error)
