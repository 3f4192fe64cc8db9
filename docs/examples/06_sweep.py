"""Many recipes, one table: does the geometry of beliefs come with the loss, whatever the step size?

Runs are kept by recipe in runs/, so calling this again, or adding a value, trains only what is missing.
"""

# %% A grid over any fields of a recipe, by dotted name. Recipes of equal shape share one compiled program.
from pathlib import Path

import toy
import train
from analysis.instruments.probing.summary import summary

recipe = train.Recipe(
    process="mess3",
    model=toy.TransformerConfig(vocab=3, n_ctx=6, n_layers=2, n_heads=1, d_model=16, d_head=8, d_mlp=32),
    objective="expected",
    optimiser=train.Optimiser("adam", learning_rate=1e-2, warmup=20, schedule="cosine"),
    steps=300,
    batch=32,
    seeds=2,
    checkpoints=2,
)
rates = [1e-4, 1e-2]
cells = train.grid(recipe, {"optimiser.learning_rate": rates})

# %% Train all, measure each network, keep a tidy table; scheduler="tcp://.." hands them to a Dask cluster.
rows = train.sweep(cells, "runs", measure=summary, table="rates.csv")
print(Path("rates.csv").read_text().splitlines()[0])

# %% One row per run, network and quantity.
print("measured:", ", ".join(sorted({row["measurement"] for row in rows})))
for rate in rates:
    for quantity in ("excess", "r2_final_layer"):
        mine = [row for row in rows if row["optimiser.learning_rate"] == rate]
        found = [row["value"] for row in mine if row["measurement"] == quantity]
        print(f"step size {rate:g}: {quantity} {', '.join(f'{value:.4f}' for value in found)}")
