"""Our own algorithm in numpy, vectorised over the saves of a host that does nothing else: the peer that wins.

Each save has a load and a duration of its own, and its copies are a sum over the pools of pages that some write has hit,
whatever the number of pages. Nothing feeds back from one save to the next, so whole arrays of saves go through one expression,
where forkcast takes one save after the other and asks the law for more than this one expression. So what forkcast gains over a
peer that draws pages is the algorithm's doing, not the language's. What vectorising cannot do is the history: a rewrite that
comes when the file has doubled, a backup that waits for it, a kill and what follows.

Arguments: the forkcast binary, GiB of data, saves. Prints one JSON document: CPU seconds a save, mean bytes copied.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

try:
    import numpy as np
except ImportError:
    sys.exit(3)

PAGE = 4096
FEW_WRITES = 1000
RATE, DURATION, SIGMA = 12_000.0, 60.0, 0.3


def pools(binary: str, gib: float) -> tuple[np.ndarray, np.ndarray]:
    """Pages of each pool, and the chance that one uniform write hits a given page of it: from the law under few writes."""
    command = [
        *(binary, "cow", "--memory", f"{gib}GiB", "--key-size", "16B", "--value-size", "1KiB"),
        *("--engine", "valkey-8.0", "--allocator", "jemalloc-bundled", "--popularity", "uniform"),
        *("--writes-per-second", str(FEW_WRITES), "--save-duration", "1s", "--format", "json"),
    ]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    pages = np.array([pool["pages"] for pool in answer["pools"]])
    copied = np.array([pool["copied_pages"] for pool in answer["pools"]])
    return pages, -np.log1p(-copied / pages) / FEW_WRITES


def main() -> None:
    """Times arrays of saves on one core."""
    binary, gib, saves = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    pages, chance = pools(binary, gib)
    rng = np.random.default_rng(1)
    seconds, means = [], []
    for _ in range(7):
        started = time.process_time()
        rate = RATE * np.exp(SIGMA * rng.standard_normal(saves))
        duration = DURATION * np.exp(SIGMA * rng.standard_normal(saves))
        writes = rate * duration
        copied = np.zeros(saves)
        for of_pool, hit in zip(pages, chance, strict=True):
            copied -= PAGE * of_pool * np.expm1(-hit * writes)
        means.append(float(copied.mean()))
        seconds.append((time.process_time() - started) / saves)
    document = {"seconds_a_save": statistics.median(seconds), "copied_mean_bytes": statistics.fmean(means)}
    print(json.dumps(document))


if __name__ == "__main__":
    main()
