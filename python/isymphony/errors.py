"""The exceptions.

Every error of this library is an :class:`IsymphonyError`, and at the same time the built-in exception a program would
catch anyway: a wrong name is a ``LookupError``, a server that cannot be reached a ``ConnectionError``, and so on.

No message ever holds a password.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = [
    "Ambiguous",
    "AuthError",
    "BadAnswer",
    "Closed",
    "ConfigError",
    "ConnectionFailed",
    "Forbidden",
    "InternalError",
    "InvalidArgument",
    "IsymphonyError",
    "KeyNotFound",
    "NotFound",
    "OutcomeUnknown",
    "PathError",
    "Rejected",
    "ServerError",
    "Stale",
    "SyncTimeout",
    "TimedOut",
    "Unsupported",
]


class IsymphonyError(Exception):
    """The base of all errors of this library.

    ``code`` is a short text that never changes its meaning (``"not_found"``); ``retryable`` says whether the same call
    may work later without a change; ``http_status`` and ``server_message`` are what the server answered, if it did.
    """

    code: str = "internal"
    retryable: bool = False
    http_status: int | None = None
    server_message: str | None = None

    def __init__(
        self,
        message: str = "",
        *,
        retryable: bool | None = None,
        http_status: int | None = None,
        server_message: str | None = None,
    ) -> None:
        super().__init__(message)
        if retryable is not None:
            self.retryable = retryable
        self.http_status = http_status
        self.server_message = server_message

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __rich_repr__(self) -> Iterator[object]:
        yield str(self)
        yield "retryable", self.retryable
        yield "http_status", self.http_status, None
        yield "server_message", self.server_message, None

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), str(self), self.retryable, self.http_status, self.server_message))


class ConfigError(IsymphonyError, ValueError):
    """A setting is invalid or contradicts another one. Raised when a client is opened, never later."""

    code = "config"


class ConnectionFailed(IsymphonyError, ConnectionError):
    """The server could not be reached: name resolution, connect, TLS, or the connection broke."""

    code = "connection_failed"
    retryable = True


class TimedOut(IsymphonyError, TimeoutError):
    """A call took longer than its time limit."""

    code = "timed_out"
    retryable = True


class SyncTimeout(TimedOut):
    """The first whole snapshot did not come within the time the caller wanted to wait; the message says why."""

    code = "sync_timeout"


class AuthError(IsymphonyError, PermissionError):
    """HTTP 401: the user name or the password is wrong."""

    code = "auth"


class Forbidden(IsymphonyError, PermissionError):
    """HTTP 403: this machine is not in the server's white list, or the credentials may not do this."""

    code = "forbidden"


class NotFound(IsymphonyError, LookupError):
    """Nothing has that name, id or path."""

    code = "not_found"


class KeyNotFound(NotFound, KeyError):
    """A mapping has no such key."""


class Ambiguous(IsymphonyError, LookupError):
    """More than one object has that name; the message lists them."""

    code = "ambiguous"


class Stale(IsymphonyError):
    """What is known is older than the caller allows."""

    code = "stale"
    retryable = True


class Rejected(IsymphonyError):
    """The server refused an action; its words are in ``server_message``."""

    code = "rejected"


class OutcomeUnknown(IsymphonyError):
    """An action was sent, and whether it was carried out is not known. It is never sent again by itself."""

    code = "outcome_unknown"


class Unsupported(IsymphonyError):
    """The server, the catalogue or this client does not have what was asked for."""

    code = "unsupported"


class Closed(IsymphonyError):
    """The client is closed."""

    code = "closed"


class PathError(IsymphonyError, ValueError):
    """A path is malformed; the message says where and why."""

    code = "invalid_path"


class InvalidArgument(IsymphonyError, ValueError):
    """An argument is malformed or out of its range; the message names it."""

    code = "invalid_argument"


class BadAnswer(IsymphonyError):
    """The server's answer is not what the Live API promises: not JSON, cut short, too large, too deeply nested."""

    code = "bad_answer"
    retryable = True


class ServerError(IsymphonyError):
    """The server answered with an error that may pass by itself (5xx, 429)."""

    code = "server_error"
    retryable = True


class InternalError(IsymphonyError):
    """A defect in this library; please report it. Reads of the last snapshot go on."""

    code = "internal"


_BY_CODE: dict[str, type[IsymphonyError]] = {
    cls.code: cls
    for cls in (
        ConfigError,
        ConnectionFailed,
        TimedOut,
        SyncTimeout,
        AuthError,
        Forbidden,
        NotFound,
        Ambiguous,
        Stale,
        Rejected,
        OutcomeUnknown,
        Unsupported,
        Closed,
        PathError,
        InvalidArgument,
        BadAnswer,
        ServerError,
        InternalError,
    )
}


def _rebuild(
    cls: type[IsymphonyError],
    message: str,
    retryable: bool,
    http_status: int | None,
    server_message: str | None,
) -> IsymphonyError:
    return cls(message, retryable=retryable, http_status=http_status, server_message=server_message)


def _from_core(
    code: str,
    message: str,
    retryable: bool,
    http_status: int | None,
    server_message: str | None,
    key: bool,
) -> IsymphonyError:
    """The exception for an error of the native module; all of them come through here."""
    cls = KeyNotFound if key and code == "not_found" else _BY_CODE.get(code, IsymphonyError)
    return _rebuild(cls, message, retryable, http_status, server_message)
