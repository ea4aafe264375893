"""Holds the Indexed Job together: YAML that parses, and one number of shards wherever the manifest says it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

MANIFEST = Path(__file__).resolve().parent / "kubernetes/indexed-job.yaml"


def pod(job: dict) -> dict:
    """The pod of a Job."""
    return job["spec"]["template"]["spec"]


def main() -> None:
    """Stops at the first statement about the manifest that does not hold."""
    documents = {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(MANIFEST.read_text())}
    claim = documents["PersistentVolumeClaim", "forkcast-parts"]["metadata"]["name"]
    sweep, merge = documents["Job", "forkcast-sweep"], documents["Job", "forkcast-merge"]
    shards = sweep["spec"]["completions"]
    shard, merges = pod(sweep)["containers"][0], pod(merge)["containers"][0]

    assert sweep["spec"]["completionMode"] == "Indexed"
    assert sweep["spec"]["parallelism"] <= shards
    assert f"--shard=auto/{shards}" in shard["args"]
    assert "--resume" in shard["args"]
    assert {"requests", "limits"} <= shard["resources"].keys()
    policy = sweep["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]
    assert policy["containerName"] == shard["name"] and policy["values"] == [2, 3]
    assert pod(sweep)["restartPolicy"] == pod(merge)["restartPolicy"] == "Never"
    assert re.search(r"part-%g 0 (\d+)", merges["args"][0])[1] == str(shards - 1)
    assert shard["image"] == merges["image"]
    for job in (sweep, merge):
        claims = [volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod(job)["volumes"]]
        assert claim in claims
    print(f"ok: {MANIFEST.name}, {shards} shards")


if __name__ == "__main__":
    main()
