"""Records of the native module for :mod:`logging`, handed over on the application's own threads."""

from __future__ import annotations

import logging

from . import _isymphony


def drain_log() -> None:
    """Hand the records that wait to the logger ``isymphony`` and its children.

    The library's own threads never touch the interpreter, so their records wait in a bounded queue. Every call that
    waits or sends hands them over, and so do ``Live.health``, ``Live.metrics()`` and ``Live.close()``; a program that
    calls none of these calls this from time to time.
    """
    records, dropped = _isymphony._take_log_records()
    for level, name, text, created, thread in records:
        logger = logging.getLogger(name)
        if logger.isEnabledFor(level):
            record = logger.makeRecord(name, level, "(isymphony)", 0, text, (), None, "")
            record.created = created
            record.msecs = created % 1 * 1000
            record.threadName = thread
            logger.handle(record)
    if dropped:
        logging.getLogger("isymphony").warning("%d log records were dropped because nobody took them", dropped)
