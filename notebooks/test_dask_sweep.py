"""Two workers on this machine give, byte for byte, the `cells.csv` of the run in one piece; and a failing shard says so."""

from __future__ import annotations

import filecmp
import os
import subprocess
import tempfile
from pathlib import Path

from distributed import Client, LocalCluster

from dask_sweep import ShardError, sweep

ROOT = Path(__file__).resolve().parent.parent
FORKCAST = os.environ.get("FORKCAST", str(ROOT / "target/release/forkcast"))
SCENARIO = ROOT / "scenarios/quickstart.toml"
FEW = ("--replications", "5", "--threads", "1")


def cluster() -> LocalCluster:
    """Two workers, each a process that runs one shard at a time."""
    return LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)


def test_shards_on_two_workers_give_the_bytes_of_the_run_in_one_piece() -> None:
    with tempfile.TemporaryDirectory() as scratch, cluster() as workers, Client(workers) as client:
        whole, merged = Path(scratch, "whole"), Path(scratch, "merged")
        subprocess.run([FORKCAST, "run", SCENARIO, *FEW, "--quiet", "--out", whole], check=True, capture_output=True)
        sweep(client, FORKCAST, SCENARIO, 5, merged, FEW)
        assert filecmp.cmp(whole / "cells.csv", merged / "cells.csv", shallow=False)


def test_a_worker_that_is_lost_costs_nothing() -> None:
    with tempfile.TemporaryDirectory() as scratch, cluster() as workers, Client(workers) as client:
        first, second = Path(scratch, "first"), Path(scratch, "second")
        sweep(client, FORKCAST, SCENARIO, 4, first, FEW)
        name = next(iter(workers.workers))
        client.submit(os._exit, 1, workers=[workers.workers[name].worker_address], retries=0, pure=False)
        sweep(client, FORKCAST, SCENARIO, 4, second, FEW)
        assert filecmp.cmp(first / "cells.csv", second / "cells.csv", shallow=False)


def test_a_shard_that_cannot_run_ends_the_sweep() -> None:
    with tempfile.TemporaryDirectory() as scratch, cluster() as workers, Client(workers) as client:
        try:
            sweep(client, FORKCAST, Path(scratch, "missing.toml"), 2, Path(scratch, "out"))
        except ShardError as error:
            assert "exit code" in str(error)
        else:
            raise AssertionError("a missing scenario went unnoticed")


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print(f"ok: {name}")
