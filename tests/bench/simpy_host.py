"""The same host as a process in SimPy that wakes every second: what most people would write first.

The quickstart's lone host for a month: weather by day, hour and minute, a daily backup with jitter, a rewrite whenever the
append-only file has doubled, and in every second of a save a look at what is copied by then. Copies come from the law's own
curve, asked once of `forkcast cow` and kept as a table over writes and progress, so the peer pays nothing for pages.
Simpler than forkcast: an insert or a delete copies what an overwrite does, the two popularities mix by their copies, and a
month ends with its first kill, where forkcast restarts the server and goes on.

Arguments: the forkcast binary, months, maxmemory percent. Prints one JSON document.
"""

from __future__ import annotations

import bisect
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from math import exp, log, sqrt

try:
    import numpy as np
    import simpy
except ImportError:
    sys.exit(3)

MIB = float(1 << 20)
RAM = 16 * 1024 * MIB
MIN_WATERMARK = 66 * MIB
PINNED_CACHE = 8 * MIB
HOUR, DAY, DAYS = 3_600, 86_400, 30
HOURLY = [
    0.5, 0.4, 0.35, 0.35, 0.4, 0.5, 0.7, 0.9, 1.1, 1.25, 1.35, 1.4,
    1.4, 1.4, 1.35, 1.3, 1.3, 1.35, 1.4, 1.4, 1.3, 1.1, 0.85, 0.65,
]  # fmt: skip
NOISE_DAY, NOISE_HOUR, NOISE_MINUTE = 0.15, 0.2, 0.3
SET_BYTES, DELETE_BYTES, RECORD_BYTES = 564, 44, 540
STREAM_BYTES = 0.98 * SET_BYTES + 0.02 * DELETE_BYTES
# Writes during a save at which the law is asked, and the shares of the save at which its curve is kept.
WRITES = [1e3 * 2**n for n in range(12)]
SHARES = 50
ASKED_SECONDS = 70


@dataclass
class Law:
    """Bytes copied, by writes of the whole save and share of the save gone."""

    keys: float
    rows: list[list[float]]

    def copied(self, writes: float, share: float) -> float:
        """Copies after `writes` so far, `share` of the way through a save: bilinear in the table."""
        whole = writes / share if share > 0 else 0.0
        row = min(max(bisect.bisect_right(WRITES, whole) - 1, 0), len(WRITES) - 2)
        up = (whole - WRITES[row]) / (WRITES[row + 1] - WRITES[row])
        at = share * SHARES
        column = min(int(at), SHARES - 1)
        on = at - column
        low, high = self.rows[row], self.rows[row + 1]
        below = low[column] + on * (low[column + 1] - low[column])
        return below + up * (high[column] + on * (high[column + 1] - high[column]) - below)


def ask_law(binary: str, memory: float, popularity: str) -> Law:
    """The law's curves from `forkcast cow`."""
    rows, keys = [], 0.0
    for writes in WRITES:
        command = [
            *(binary, "cow", "--memory", f"{memory / MIB:.3f}MiB", "--key-size", "24B", "--value-size", "512B"),
            *("--popularity", popularity, "--save-duration", f"{ASKED_SECONDS}s"),
            *("--writes-per-second", f"{writes / ASKED_SECONDS:.3f}", "--format", "json"),
        ]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        keys = next(pool["objects"] for pool in answer["pools"] if pool["name"] == "value")
        seconds, copied = zip(*((point["seconds"], point["bytes"]) for point in answer["curve"]), strict=True)
        grid = np.linspace(0, ASKED_SECONDS, SHARES + 1)
        rows.append(np.interp(grid, seconds, copied).tolist())
    return Law(keys, rows)


def mixed(likely: Law, high: Law, weight: float) -> Law:
    """The law of a popularity between two."""
    pairs = zip(likely.rows, high.rows, strict=True)
    rows = [[a + weight * (b - a) for a, b in zip(one, other, strict=True)] for one, other in pairs]
    return Law(likely.keys, rows)


def triangular(rng: np.random.Generator, low: float, likely: float, high: float) -> float:
    """An input known as an interval: triangular in the logarithm."""
    low, likely, high, u = log(low), log(likely), log(high), rng.random()
    width = high - low
    if u * width <= likely - low:
        return exp(low + sqrt(u * width * (likely - low)))
    return exp(high - sqrt((1 - u) * width * (high - likely)))


def weather(rng: np.random.Generator) -> list[float]:
    """Factors of the mean load by minute; the minutes of an hour average to the hour."""
    day = np.exp(NOISE_DAY * rng.standard_normal(DAYS) - NOISE_DAY**2 / 2)
    hour = np.exp(NOISE_HOUR * rng.standard_normal((DAYS, 24)) - NOISE_HOUR**2 / 2)
    minute = np.exp(NOISE_MINUTE * rng.standard_normal((DAYS, 24, 60)))
    minute /= minute.mean(axis=2, keepdims=True)
    shape = np.array(HOURLY) / np.mean(HOURLY)
    return (day[:, None, None] * (hour * shape)[:, :, None] * minute).ravel().tolist()


class Host:
    """One host through one month."""

    def __init__(self, rng: np.random.Generator, laws: tuple[Law, Law], maxmemory: float) -> None:
        self.rng = rng
        self.law = mixed(*laws, rng.random())
        client_memory = triangular(rng, 16 * MIB, 64 * MIB, 512 * MIB)
        self.maxmemory = maxmemory
        resident = (maxmemory - client_memory) * triangular(rng, 1.02, 1.05, 1.2)
        reserved = triangular(rng, 656 * MIB, 956 * MIB, 1792 * MIB)
        self.at_rest = reserved + client_memory + resident * (1 + 1 / 512)
        self.in_save = self.at_rest + resident / 512 + PINNED_CACHE
        self.throughput = triangular(rng, 60 * MIB, 150 * MIB, 200 * MIB)
        self.rate = triangular(rng, 250, 500, 1000)
        self.factors = weather(rng)
        self.forks, self.copied, self.peak, self.killed = 0, 0.0, self.at_rest, False

    def duration(self) -> float:
        """How long a child lives."""
        slow = 4.0 if self.rng.random() < 0.01 else 1.0
        return self.maxmemory / self.throughput * exp(0.2 * self.rng.standard_normal()) * slow

    def live(self, env: simpy.Environment) -> Generator[simpy.Event]:
        """The process: a tick a second."""
        base = appended = self.law.keys * RECORD_BYTES
        at_fork = written = 0.0
        forked_at, lasts, rewrites = 0.0, 0.0, False
        backup_due = 22 * HOUR + self.rng.random() * HOUR / 2
        days = 0
        while env.now < DAYS * DAY:
            yield env.timeout(1)
            writes = self.rate * self.factors[min(int(env.now) // 60, len(self.factors) - 1)]
            appended += writes * STREAM_BYTES
            if lasts:
                written += writes
                self.look(self.law.copied(written, min((env.now - forked_at) / lasts, 1.0)))
                if self.killed:
                    return
                if env.now - forked_at >= lasts:
                    if rewrites:
                        base, appended = self.law.keys * RECORD_BYTES, self.law.keys * RECORD_BYTES + appended - at_fork
                    lasts = 0.0
                continue
            is_due = env.now >= backup_due
            if is_due or appended >= 2 * base:
                rewrites = not is_due
                if is_due:
                    days += 1
                    backup_due = days * DAY + 22 * HOUR + self.rng.random() * HOUR / 2
                forked_at, lasts, written, at_fork = env.now, self.duration(), 0.0, appended
                self.forks += 1

    def look(self, copied: float) -> None:
        """Holds what is copied against the host's memory."""
        self.copied = max(self.copied, copied)
        self.peak = max(self.peak, self.in_save + copied)
        self.killed = self.in_save + copied > RAM - MIN_WATERMARK


def main() -> None:
    """Times months, one after the other, on one core."""
    binary, months, percent = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    maxmemory = RAM * percent / 100
    laws = (ask_law(binary, maxmemory, "zipf:0.8"), ask_law(binary, maxmemory, "uniform"))
    hosts, seconds, events = [], [], 0
    for month in range(months):
        started = time.process_time()
        host, env = Host(np.random.default_rng([1, month]), laws, maxmemory), simpy.Environment()
        env.process(host.live(env))
        env.run()
        seconds.append(time.process_time() - started)
        events += int(env.now)
        hosts.append(host)
    months_whole = [host for host in hosts if not host.killed]
    document = {
        "months": months,
        "seconds_a_month": statistics.median(seconds),
        "events_a_month": events / months,
        "forks_a_month": statistics.fmean(host.forks for host in months_whole) if months_whole else None,
        "copied_peak_p50_bytes": statistics.median(host.copied for host in hosts),
        "peak_memory_p50_bytes": statistics.median(host.peak for host in hosts),
        "kill_share": sum(host.killed for host in hosts) / months,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
