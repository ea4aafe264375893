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
# # Read a run, and draw its heatmap again
#
# A run folder is made to be read elsewhere. `cells.csv` has one row a cell, `run.json` says what each column means, and
# `run --format json` prints the answer per class. This notebook runs the quickstart, reads the three, and draws the heatmap
# with matplotlib. The tool's own picture stands below for comparison.

# %%
import json
import os
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.patches import Rectangle
from PIL import Image

ROOT = Path.cwd().parent
FORKCAST = os.environ.get("FORKCAST", str(ROOT / "target/release/forkcast"))
RUN = ROOT / "target/notebooks/read-a-run"

command = [FORKCAST, "run", ROOT / "scenarios/quickstart.toml", "--quiet", "--format", "json", "--out", RUN]
answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

# %% [markdown]
# ## What is in the folder

# %%
cells = pd.read_csv(RUN / "cells.csv")
run = json.loads((RUN / "run.json").read_text())
columns = ["host_class", "maxmemory_percent", "oom_probability", "oom_probability_high", "verdict"]
cells.loc[cells.maxmemory_percent.isin([60, 75]), columns].head(8)

# %% [markdown]
# The answer per class is a pair: *needed*, the percent that the data takes, and *survivable*, the largest percent at which a
# server full to `maxmemory` stays within the budget of incidents.

# %%
classes = pd.DataFrame(answer["classes"]).set_index("host_class")
classes[["needed_percent", "survivable_percent", "verdict"]]

# %% [markdown]
# ## The heatmap
#
# A cell without a single kill has no probability of zero: what is known is the upper bound. So such cells are labelled and
# coloured by the bound. The colours change sides at the budget; where the interval still holds the budget, there is none. The
# line on the right is the provider's cap: `maxmemory` above 75 % of RAM cannot be set there.

# %%
HORIZON_DAYS = cells.horizon_seconds.iloc[0] / 86_400
BUDGET = 0.05  # incidents a year and host, as quickstart.toml has it
budget = 1 - np.exp(-BUDGET * HORIZON_DAYS / 365.25)
seen = cells.oom_probability.where(cells.oom_probability > 0, cells.oom_probability_high)
cells["shown"] = seen
grid = cells.pivot(index="host_class", columns="maxmemory_percent", values="shown").loc[classes.index]
verdicts = cells.pivot(index="host_class", columns="maxmemory_percent", values="verdict").loc[classes.index]
kills = cells.pivot(index="host_class", columns="maxmemory_percent", values="oom_probability").loc[classes.index]
ram = cells.groupby("host_class").ram_bytes.first() / 2**30

COLOURS = ["#6baed6", "#deebf7", "#fdd0a2", "#e6550d", "#7f2704"]
risk = LinearSegmentedColormap.from_list("risk", list(zip([0, 0.5, 0.501, 0.75, 1], COLOURS, strict=True)))
norm = TwoSlopeNorm(np.log10(budget), np.log10(budget / 100), 0)


def percent(probability: float, is_bound: bool = False) -> str:
    """A probability as people read it: two digits, a bound rounded up."""
    shown = 100 * probability
    unit = 10.0 ** (np.floor(np.log10(shown)) - 1)
    digits = np.ceil(shown / unit) if is_bound else np.round(shown / unit)
    return f"{'< ' if is_bound else ''}{float(f'{digits * unit:.2g}'):g} %"


figure, axes = plt.subplots(figsize=(10.5, 6.2), layout="constrained")
picture = axes.imshow(np.log10(grid.to_numpy()), cmap=risk, norm=norm, aspect="auto")
for (row, column), shown in np.ndenumerate(grid.to_numpy()):
    is_undecided = verdicts.iloc[row, column] == "undecided"
    if is_undecided:
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color="#f5f2e4", linewidth=0))
    words = percent(shown, kills.iloc[row, column] == 0) + ("\nundecided" if is_undecided else "")
    axes.text(column, row, words, ha="center", va="center", fontsize=9, color="white" if shown > 0.2 else "#1a1a22")
percents = grid.columns
PURPLE = "#7b1e8c"
for row, needed in enumerate(classes.needed_percent):
    # The percents right of the mark hold the data.
    edge = np.searchsorted(percents, needed) - 0.5
    if needed <= percents[0]:
        axes.plot(-0.56, row, "<", color=PURPLE, markersize=7, clip_on=False)
    elif needed > percents[-1]:
        axes.plot(len(percents) - 0.4, row, ">", color=PURPLE, markersize=7, clip_on=False)
    else:
        axes.plot([edge] * 2, [row - 0.46, row + 0.46], color=PURPLE, linewidth=3.5, solid_capstyle="butt")
axes.set_xlim(-0.5, len(percents) - 0.5)
axes.set_xticks(range(len(percents)), [f"{share:g} %" for share in percents])
axes.set_yticks(range(len(grid)), [f"{name}\n{ram[name]:.0f} GiB of RAM" for name in grid.index], fontsize=9)
axes.tick_params(length=0, pad=14)
axes.set_xlabel("maxmemory, share of RAM; the provider sets at most 75 %", fontsize=10, labelpad=8)
axes.set_xticks(np.arange(len(percents) + 1) - 0.5, minor=True)
axes.set_yticks(np.arange(len(grid) + 1) - 0.5, minor=True)
axes.grid(which="minor", color="white", linewidth=1.5)
axes.tick_params(which="minor", length=0)
axes.spines[:].set_visible(False)
axes.axvline(len(percents) - 0.5, color="#1a1a22", linewidth=2.5, clip_on=False)
bar = figure.colorbar(picture, ax=axes, orientation="horizontal", shrink=0.6, aspect=45, pad=0.03)
ticks = [budget / 100, budget, 0.1, 1]
bar.set_ticks(np.log10(ticks), labels=[f"{percent(ticks[0])} or less", f"budget {percent(budget)}", "10 %", "certain"])
bar.outline.set_visible(False)
axes.set_title(
    f"Chance that the OOM killer strikes within {HORIZON_DAYS:.0f} days, the server full to maxmemory\n",
    loc="left", fontsize=13, fontweight="bold",
)  # fmt: skip
axes.text(
    0, 1.025, "“<”: no kill was seen, the bound holds at 95 %.  Purple: percents right of it hold the data; "
    "an arrow where it is off the chart.", transform=axes.transAxes, fontsize=9.5, color="#50555e",
)  # fmt: skip
figure.savefig(RUN / "heatmap-again.png", dpi=110)

# %% [markdown]
# ## The tool's own picture

# %%
Image.open(RUN / "charts/heatmap.png").reduce(2).quantize(64)

# %% [markdown]
# Both read the same columns, so they must tell the same story: at every class, the largest safe percent left of which every
# cell is safe is the *survivable* of the answer.

# %%
is_safe = verdicts == "safe"
frontier = is_safe.cummin(axis=1).apply(lambda row: row.index[row].max(), axis=1)
assert (frontier == classes.survivable_percent).all()
frontier.rename("largest safe percent").to_frame()
