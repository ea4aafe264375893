#!/usr/bin/env bash
# Checks what is in this folder: format and lints, pairs in step, the manifest's numbers, a sweep on a local Dask cluster, and
# every notebook run from the start. With --update the executed notebooks are written back, to be committed.
# Needs python3 and a built binary: FORKCAST, or target/release/forkcast.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd .. && pwd)
export FORKCAST=${FORKCAST:-$root/target/release/forkcast}
[ -x "$FORKCAST" ] || { echo "no binary at $FORKCAST: cargo build --release"; exit 1; }

work=$root/target/notebooks
python=$work/venv/bin/python
[ -x "$python" ] || python3 -m venv "$work/venv"
"$python" -m pip install --quiet --disable-pip-version-check --requirement requirements.txt

"$python" -m ruff format --check . ../tests/bench
"$python" -m ruff check . --config ruff.toml ../tests/bench
"$python" check_kubernetes.py

execute() {
    "$python" -m nbconvert --to notebook --execute --ExecutePreprocessor.record_timing=False \
        --log-level WARN "$@"
}

for notebook in read_a_run from_info_to_plan measured_against_predicted; do
    if [ "${1:-}" = --update ]; then
        "$python" -m jupytext --quiet --update --to ipynb "$notebook.py"
        execute --inplace "$notebook.ipynb"
    fi
    "$python" -m jupytext --quiet --to py:percent --output "$work/$notebook.py" "$notebook.ipynb"
    cmp "$work/$notebook.py" "$notebook.py" || { echo "$notebook: .py and .ipynb differ: notebooks/run.sh --update"; exit 1; }
    execute --output-dir "$work" "$notebook.ipynb"
    echo "ok: $notebook"
done

"$python" test_dask_sweep.py
