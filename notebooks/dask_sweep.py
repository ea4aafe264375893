"""A sweep in shards on a Dask cluster: each task runs the binary on one shard, then `forkcast merge` joins the parts.

A shard is a share of the cells, so shards need nothing from each other and the merged `cells.csv` is, byte for byte, that of
the run in one piece. The binary, the scenario and the folder of the parts must lie at the same paths on every worker: a shared
file system, or one machine. A worker that is lost takes its task with it; Dask gives it to another worker, and `--resume`
goes on from the cells already written, also when the sweep itself is started again.

    python dask_sweep.py ../scenarios/quickstart.toml --shards 8 --out sweep                              # this machine
    python dask_sweep.py ../scenarios/quickstart.toml --shards 64 --out sweep --scheduler tcp://head:8786
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from distributed import Client, LocalCluster, as_completed

ATTEMPTS = 3
# Bad usage or input: another attempt would end the same. Anything else, a full disk or a kill, may not.
HOPELESS = {2, 3}


class ShardError(RuntimeError):
    """A command that did not end well; raised on the worker, shown where the sweep was started."""


def forkcast(binary: str, *arguments: str | Path) -> int:
    """Runs a command of the binary to its end, and returns its exit code; what it says goes to the log of the worker."""
    return subprocess.run([binary, *map(str, arguments)], stdout=subprocess.DEVNULL).returncode


def run_shard(binary: str, scenario: Path, shard: int, shards: int, part: Path, options: tuple[str, ...]) -> Path:
    """One shard, 1 to `shards`, on a worker; again where the attempt failed in a way that another may mend."""
    for _ in range(ATTEMPTS):
        resume = ["--resume"] if part.exists() else []
        arguments = ["run", scenario, "--shard", f"{shard}/{shards}", "--out", part, "--quiet", *resume, *options]
        code = forkcast(binary, *arguments)
        if code == 0:
            return part
        if code in HOPELESS:
            break
    raise ShardError(f"shard {shard}/{shards} of {scenario}: exit code {code}")


def sweep(client: Client, binary: str, scenario: Path, shards: int, out: Path, options: tuple[str, ...] = ()) -> None:
    """Every shard through the cluster, then the parts into `out`; the first hopeless shard ends the sweep."""
    parts = out.with_name(f"{out.name}-parts")
    parts.mkdir(parents=True, exist_ok=True)
    asked = [(shard, parts / f"part-{shard}") for shard in range(1, shards + 1)]
    # A lost worker's task is given to another by Dask itself.
    tasks = [client.submit(run_shard, binary, scenario, n, shards, part, options, pure=False) for n, part in asked]
    for done, task in enumerate(as_completed(tasks), 1):
        print(f"{done} of {shards}: {task.result().name}", file=sys.stderr)
    code = forkcast(binary, "merge", *(part for _, part in asked), "--out", out, "--quiet")
    if code != 0:
        raise ShardError(f"merge of {parts}: exit code {code}")


def arguments() -> argparse.Namespace:
    """The command line; what it does not know goes to `forkcast run` as it stands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--shards", type=int, required=True, help="some per worker, so that none waits for the last")
    parser.add_argument("--out", type=Path, required=True, help="the merged run folder")
    parser.add_argument("--scheduler", help="address of a running cluster; without it, two workers on this machine")
    parser.add_argument("--binary", default=os.environ.get("FORKCAST", "forkcast"), help="as the workers find it")
    known, options = parser.parse_known_args()
    known.options = tuple(options)
    return known


def main() -> None:
    """One sweep, on the cluster named or on this machine."""
    asked = arguments()
    # One task a worker at a time: the binary uses every core it is given.
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    here = LocalCluster(**local) if asked.scheduler is None else nullcontext(asked.scheduler)
    with here as cluster, Client(cluster) as client:
        sweep(client, asked.binary, asked.scenario.resolve(), asked.shards, asked.out.resolve(), asked.options)
    print(asked.out / "cells.csv")


if __name__ == "__main__":
    main()
