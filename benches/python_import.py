"""What `import isymphony` costs a fresh interpreter, against an empty extension module that is compiled for it.

Interpreters are started by turns; of each kind the lower quartile counts. Where there is no C compiler, or no Python.h,
the peer is the smallest extension module of the standard library. The wheel's size is told where it is in dist/. The
exit code is 1 when a release build misses a goal.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from isymphony import _isymphony

ROUNDS = 41
MILLISECONDS = 20.0
BYTES = 4_000_000

EMPTY = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "empty", NULL, 0, NULL, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_empty(void) { return PyModuleDef_Init(&definition); }
"""


def compile_peer(folder: Path) -> str:
    """The name of an empty extension module, made in a folder; or that of the smallest there is, and why."""
    source = folder / "empty.c"
    source.write_text(EMPTY)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    include, suffix = sysconfig.get_path("include"), sysconfig.get_config_var("EXT_SUFFIX")
    command = [*compiler, "-O2", "-shared", "-fPIC", f"-I{include}", str(source), "-o", str(folder / f"empty{suffix}")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        problem = next(iter(done.stderr.splitlines()), "no message") if done.returncode else None
    except OSError as error:
        problem = str(error)
    if problem is None:
        return "empty"
    peer = smallest_extension()
    print(f"P11 no empty module could be compiled ({problem}); the peer is {peer} of the standard library")
    return peer


def smallest_extension() -> str:
    """The name of the smallest extension module that is a file."""
    folders = [Path(folder) for folder in sys.path if folder.endswith("lib-dynload")]
    files = [file for folder in folders for file in folder.glob("*.so") if "test" not in file.name]
    return min(files, key=lambda file: file.stat().st_size).name.partition(".")[0]


def start(module: str, folder: Path) -> float:
    """Milliseconds from start to end of an interpreter that imports a module."""
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path}
    begin = time.perf_counter_ns()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=environment)
    return (time.perf_counter_ns() - begin) / 1e6


def verdict(*, holds: bool) -> str:
    return "ok" if holds else "MISSED"


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer = compile_peer(folder)
        times: dict[str, list[float]] = {"isymphony": [], peer: []}
        for _ in range(ROUNDS):
            for module, found in times.items():
                found.append(start(module, folder))
    quartiles = {module: statistics.quantiles(found, n=4)[0] for module, found in times.items()}
    more = quartiles["isymphony"] - quartiles[peer]
    goals = [more <= MILLISECONDS]
    print(
        f"P11 import isymphony: {quartiles['isymphony']:.1f} ms, {peer} {quartiles[peer]:.1f} ms, {more:.1f} ms more "
        f"(goal {MILLISECONDS:.0f} ms) {verdict(holds=goals[0])}"
    )
    for wheel in Path("dist").glob("isymphony-*.whl"):
        size = wheel.stat().st_size
        goals.append(size <= BYTES)
        print(f"P11 {wheel.name}: {size / 1e6:.1f} MB (goal {BYTES / 1e6:.0f} MB) {verdict(holds=goals[-1])}")
    if _isymphony._is_debug_build:
        print("P11 this is a debug build: build with --release for figures that count")
        return 0
    return 0 if all(goals) else 1


if __name__ == "__main__":
    sys.exit(main())
