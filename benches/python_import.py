"""What `import isymphony` costs a fresh interpreter, against the smallest extension module of the standard library.

Interpreters are started by turns; of each kind the lower quartile counts. The wheel's size is told where it is in
dist/.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 41
MILLISECONDS = 20.0
BYTES = 4_000_000


def smallest_extension() -> str:
    """The name of the smallest extension module that is a file."""
    folders = [Path(folder) for folder in sys.path if folder.endswith("lib-dynload")]
    files = [file for folder in folders for file in folder.glob("*.so") if "test" not in file.name]
    return min(files, key=lambda file: file.stat().st_size).name.partition(".")[0]


def start(module: str) -> float:
    """Milliseconds from start to end of an interpreter that imports a module."""
    begin = time.perf_counter_ns()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return (time.perf_counter_ns() - begin) / 1e6


def verdict(*, holds: bool) -> str:
    return "ok" if holds else "MISSED"


def main() -> None:
    peer = smallest_extension()
    times: dict[str, list[float]] = {"isymphony": [], peer: []}
    for _ in range(ROUNDS):
        for module, found in times.items():
            found.append(start(module))
    quartiles = {module: statistics.quantiles(found, n=4)[0] for module, found in times.items()}
    more = quartiles["isymphony"] - quartiles[peer]
    print(
        f"P11 import isymphony: {quartiles['isymphony']:.1f} ms, {peer} {quartiles[peer]:.1f} ms, {more:.1f} ms more "
        f"(goal {MILLISECONDS:.0f} ms) {verdict(holds=more <= MILLISECONDS)}"
    )
    for wheel in Path("dist").glob("isymphony-*.whl"):
        size = wheel.stat().st_size
        print(f"P11 {wheel.name}: {size / 1e6:.1f} MB (goal {BYTES / 1e6:.0f} MB) {verdict(holds=size <= BYTES)}")


if __name__ == "__main__":
    main()
