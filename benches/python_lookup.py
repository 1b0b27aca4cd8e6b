"""What a look-up by name costs from Python, against a plain dict of the same run.

Asked again: the key was asked before, and the mapping has the object. Asked first: the mapping is new. Both with 1 000
keys out of 100 000 extensions, against a dict of all extensions with the same keys; medians of many rounds.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import isymphony
from isymphony.sandbox import Sandbox

EXTENSIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
HOT = 1_000
ROUNDS = 101
GOALS = {"asked again": 1.5, "asked first": 4.0}


def look_up_all(mapping: Mapping[Any, Any], keys: list[str]) -> float:
    """Nanoseconds a look-up."""
    begin = time.perf_counter_ns()
    for key in keys:
        mapping[key]
    return (time.perf_counter_ns() - begin) / len(keys)


def main() -> None:
    with (
        Sandbox(users=EXTENSIONS, queues=0, conferences=0) as sandbox,
        isymphony.connect(sandbox.url, resources=["extensions"], wait=120) as live,
    ):
        snapshot = live.snapshot()
        peer = dict(snapshot.core_servers["default"].extensions)
        keys = random.Random(0).sample([key for key in peer if isinstance(key, str)], min(HOT, len(peer)))
        times: dict[str, list[float]] = {"dict": [], "asked first": [], "asked again": []}
        for _ in range(ROUNDS):
            # Twice each, so that neither pays for the other's cold caches.
            look_up_all(peer, keys)
            times["dict"].append(look_up_all(peer, keys))
            mapping = snapshot.core_servers["default"].extensions
            times["asked first"].append(look_up_all(mapping, keys))
            times["asked again"].append(look_up_all(mapping, keys))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f'P3 extensions["4224"], {EXTENSIONS} extensions, {len(keys)} keys: dict {medians["dict"]:.0f} ns')
    for name, goal in GOALS.items():
        ratio = medians[name] / medians["dict"]
        print(
            f"P3 {name}: {medians[name]:.0f} ns, ratio {ratio:.2f} (goal {goal}) {'ok' if ratio <= goal else 'MISSED'}"
        )


if __name__ == "__main__":
    main()
