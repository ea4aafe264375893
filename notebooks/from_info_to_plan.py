# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext,-jupytext.text_representation
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a production INFO to a plan
#
# A server's `INFO` text is enough to begin: `import` makes a scenario of it in which every value says whether it was measured,
# derived or assumed, and `plan` answers from that. The text here is from a real host with 82 % of its RAM in use and no
# `maxmemory` (`tests/data/info`). With your own: `redis-cli INFO everything > INFO.txt`.

# %%
import json
import os
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

ROOT = Path.cwd().parent
FORKCAST = os.environ.get("FORKCAST", str(ROOT / "target/release/forkcast"))
FOLDER = ROOT / "target/notebooks/from-info-to-plan"
FOLDER.mkdir(parents=True, exist_ok=True)
SCENARIO = FOLDER / "imported.toml"
INFO = ROOT / "tests/data/info/production-27gb.txt"


def forkcast(*arguments: str | Path) -> str:
    """What a command prints; a command that fails stops the notebook."""
    return subprocess.run([FORKCAST, *arguments, "--quiet"], check=True, capture_output=True, text=True).stdout


SCENARIO.unlink(missing_ok=True)
forkcast("import", INFO, "--out", SCENARIO)
text = SCENARIO.read_text()
print(text[: text.index("[host]")])

# %% [markdown]
# How much of it was seen, and how much is a guess? The comments say it of every value.

# %%
kinds = ["measured", "derived", "given", "assumed"]
counts = {kind: sum(line.startswith(f"# {kind}") for line in text.splitlines()) for kind in kinds}
pd.Series(counts, name="values").to_frame()

# %% [markdown]
# ## The plan
#
# This server saves some two hundred times a day, so a replication takes its time; 200 of them show the way. Leave
# `--replications` out for as many as the verdict needs.

# %%
plan = json.loads(forkcast("plan", SCENARIO, "--replications", "200", "--format", "json"))
classes = pd.DataFrame(plan["classes"])
columns = ["host_class", "needed_percent", "survivable_percent", "required_ram_bytes", "main_cause", "verdict"]
classes.reindex(columns=columns)

# %%
for reason in classes.reason.dropna():
    print(reason)
print("safe until:", plan["safe_until"])
print("writes a second that it bears:", plan["limiting_writes_per_second"])

# %% [markdown]
# ## Which fork is to blame

# %%
causes = pd.DataFrame(plan["by_cause"]).sort_values("forks_per_year")
causes = causes[causes.forks_per_year > 0]
figure, axes = plt.subplots(figsize=(8, 0.9 + 0.5 * len(causes)), layout="constrained")
bars = axes.barh(causes.cause, causes.forks_per_year, color="#4c78a8", height=0.6)
incidents = [f"{row.forks_per_year:,.0f} forks, {row.incidents_per_year:.2g} incidents" for row in causes.itertuples()]
axes.bar_label(bars, labels=incidents, padding=6, fontsize=9)
axes.set_xlim(0, 1.45 * causes.forks_per_year.max())
axes.set_xlabel("forks a year")
axes.xaxis.set_major_formatter(lambda forks, _: f"{forks:,.0f}")
axes.spines[["top", "right", "left"]].set_visible(False)
axes.tick_params(axis="y", length=0)
axes.set_title("What forks, and what goes wrong when it does", loc="left", fontweight="bold")
figure.savefig(FOLDER / "by-cause.png", dpi=110)

# %% [markdown]
# ## The backup's hour

# %%
hours = pd.DataFrame(plan["backup_hours"])
if not plan["hour_matters"]:
    print("The hour of the backup makes no difference that these replications could resolve.")
else:
    print(f"The best hour is {plan['best_hour']}.")
hours.head(24)

# %% [markdown]
# ## What the answer depends on, and what to measure next

# %%
pd.DataFrame(plan["sensitivity"])

# %%
for number, next_step in enumerate(plan["measure_next"], 1):
    print(f"{number}. {next_step['input']}: {next_step['why']}")

# %% [markdown]
# ## Beside the rules of thumb

# %%
pd.DataFrame(plan["rules_of_thumb"])
