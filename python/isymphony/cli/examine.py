"""``doctor``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import isymphony

from . import exits
from .connection import settings
from .progress import progress
from .text import emit, plain

STEPS = {
    "settings": exits.USAGE,
    "name": exits.UNREACHABLE,
    "connection": exits.UNREACHABLE,
    "tls": exits.UNREACHABLE,
    "credentials": exits.DENIED,
    "access": exits.DENIED,
}
"""The steps on the way to the server, and the exit code where one of them fails."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What a doctor is told."""
    parser.add_argument(
        "--write-overlay", metavar="FILE", type=Path, help="write what the server has otherwise; FILE must be new"
    )
    parser.add_argument("--no-actions", action="store_true", help="do not ask whether the server has the actions")


def doctor(options: argparse.Namespace) -> int:
    """Examine a server, and print what was found."""
    file: Path | None = options.write_overlay
    if file is not None and file.exists():
        raise exits.UsageError(f"{file} exists already")
    given = settings(options)
    with progress(f"examining {name_of(options.url)}"):
        report = isymphony.doctor(options.url, time_limit=options.timeout, actions=not options.no_actions, **given)
    if options.json:
        emit(report.to_dict())
    else:
        print("\n".join(plain(line) if line else "" for line in str(report).splitlines()))
    if file is not None:
        write(report, file)
    return code_of(report)


def name_of(url: str) -> str:
    """A URL without what stands before an ``@``."""
    return plain(url.rpartition("@")[2].rpartition("//")[2])


def write(report: isymphony.Report, file: Path) -> None:
    """Write the overlay, if the server needs one."""
    overlay = report.overlay()
    if overlay is None:
        print(f"isymphony: nothing to write to {file}: no overlay is needed, or nothing was found out", file=sys.stderr)
        return
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(overlay)
    except OSError as error:
        raise exits.UsageError(f"cannot write {file}: {error.strerror}") from None
    print(f"isymphony: wrote {file}; use it with --overlay {file}", file=sys.stderr)


def code_of(report: isymphony.Report) -> int:
    """The exit code for a report."""
    if report.ok:
        return exits.OK
    about = next((finding.about for finding in report.findings if finding.severity == "error"), "")
    return exits.ERROR if report.is_connected else STEPS.get(about, exits.ERROR)
