"""The live state of an iSymphony telephony server, mirrored inside your process.

>>> import isymphony
>>> with isymphony.connect("http://pbx:58080", username="manager", password=secret) as live:  # doctest: +SKIP
...     extension = live.snapshot().core_servers["default"].extensions["4224"]
...     print(extension.display_name, extension.id, extension.call_segments)
...     live.extension("4224").originate("5551234").wait(timeout=5)

``connect`` gives a :class:`Live`; its :class:`Snapshot` answers names and ids without asking the server; its handles
act by name and survive a restart of the server. ``doctor`` finds out what a server has. Errors are in
:mod:`isymphony.errors`, an embedded server to try it on in :mod:`isymphony.sandbox`.
"""

import atexit as _atexit
from collections.abc import Mapping as _Mapping

from ._isymphony import (
    Agent,
    AgentHandle,
    Binding,
    CallerId,
    CallSegment,
    CallSegmentHandle,
    Change,
    ConferenceRoom,
    ConferenceRoomHandle,
    CoreServer,
    CoreServerHandle,
    Extension,
    ExtensionHandle,
    Finding,
    Handle,
    Health,
    Live,
    Login,
    Problem,
    Queue,
    QueueHandle,
    Report,
    Resource,
    ResourceMapping,
    Snapshot,
    Statistics,
    Status,
    StatusHandle,
    Ticket,
    User,
    UserHandle,
    Watch,
    __version__,
    _exit_begins,
    connect,
    doctor,
)
from .errors import (
    Ambiguous,
    AuthError,
    BadAnswer,
    Closed,
    ConfigError,
    ConnectionFailed,
    Forbidden,
    InternalError,
    InvalidArgument,
    IsymphonyError,
    KeyNotFound,
    NotFound,
    OutcomeUnknown,
    PathError,
    Rejected,
    ServerError,
    Stale,
    SyncTimeout,
    TimedOut,
    Unsupported,
)

__all__ = [
    "Agent",
    "AgentHandle",
    "Ambiguous",
    "AuthError",
    "BadAnswer",
    "Binding",
    "CallSegment",
    "CallSegmentHandle",
    "CallerId",
    "Change",
    "Closed",
    "ConferenceRoom",
    "ConferenceRoomHandle",
    "ConfigError",
    "ConnectionFailed",
    "CoreServer",
    "CoreServerHandle",
    "Extension",
    "ExtensionHandle",
    "Finding",
    "Forbidden",
    "Handle",
    "Health",
    "InternalError",
    "InvalidArgument",
    "IsymphonyError",
    "KeyNotFound",
    "Live",
    "Login",
    "NotFound",
    "OutcomeUnknown",
    "PathError",
    "Problem",
    "Queue",
    "QueueHandle",
    "Rejected",
    "Report",
    "Resource",
    "ResourceMapping",
    "ServerError",
    "Snapshot",
    "Stale",
    "Statistics",
    "Status",
    "StatusHandle",
    "SyncTimeout",
    "Ticket",
    "TimedOut",
    "Unsupported",
    "User",
    "UserHandle",
    "Watch",
    "__version__",
    "connect",
    "doctor",
    "drain_log",
]

_Mapping.register(ResourceMapping)
# Registered first, called last: handlers of the application may still use the library.
_atexit.register(_exit_begins)


def drain_log() -> None:
    """Hand the log records that wait to the logger ``isymphony``; see the documentation on logging.

    The library's own threads never touch the interpreter: their records wait in a bounded queue until a call of yours
    that waits or sends, ``Live.health``, ``Live.metrics()``, ``Live.close()`` or this function takes them.
    """
    from ._log import drain_log

    drain_log()
