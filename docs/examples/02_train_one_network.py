"""Train a small transformer on Mess3 and watch its loss reach the exact floor.

The run is kept in runs/first, where the next examples read it; call this again and nothing is repeated.
"""

# %% A recipe is everything that determines a run.
import numpy as np

import processes
import toy
import train

recipe = train.Recipe(
    process="mess3",
    model=toy.TransformerConfig(vocab=3, n_ctx=6, n_layers=2, n_heads=1, d_model=16, d_head=8, d_mlp=32),
    objective="expected",  # the target is the exact next-token distribution, not a sampled token
    optimiser=train.Optimiser("adam", learning_rate=1e-2, warmup=20, schedule="cosine"),
    steps=300,
    batch=32,
    seeds=2,  # networks trained side by side, each from an initialisation of its own
)

# %% Train it. Stop it anywhere: the same call goes on where it was, to the same bits.
run = train.open_run("runs/first", recipe)
for progress in run.train():
    print(f"step {progress.step:4d}: loss - floor {progress.excess.mean():.1e} nats")

# %% The floor is known: position t has seen t + 1 tokens, so no predictor beats h(t + 2) there.
floor = processes.floor_by_position(recipe.ground_truth(), recipe.model.n_ctx)
print("floor by position", floor.round(4), "mean", floor.mean().round(4))
print("excess at the end, each network", run.history()["excess"][:, -30:].mean(1).round(5))

# %% Parameters of all networks (first axis), at the first step, the last, or log-spaced ones in between.
print("embedding", {step: np.shape(run.params(step)["embed"]["embedding"]) for step in (0, recipe.steps)})
