"""Probe beliefs from the residual stream with ten lines of NumPy, then with the lab's own controls.

Needs runs/first of 02_train_one_network.py.
"""

# %% Every word of six symbols, with its exact probability and the belief after each of its symbols.
import jax
import numpy as np

import processes
import toy
import train
from analysis.instruments.probing.study import study

run = train.open_run("runs/first")
config, mess3 = run.recipe.model, run.recipe.ground_truth()
tree = processes.prefix_tree(mess3, config.n_ctx)
longest = tree.level(config.n_ctx)
words, weight = tree.words[longest], tree.probability[longest]
belief = processes.filter(
    mess3, words
).belief  # (words, positions, states); position t has read t + 1 symbols

# %% The first network on all of them at once; every site comes back by name.
params = jax.tree.map(lambda leaf: leaf[0], run.params())
sites = jax.jit(toy.network(config).apply)(params, words)
stream = np.asarray(sites[config.stream[-1]], np.float64)  # (words, positions, d_model)

# %% Least squares from the last position, held out: words that begin with 0 are predicted from all others.
x = np.c_[stream[:, -1], np.ones(len(words))] * np.sqrt(weight)[:, None]
y = belief[:, -1] * np.sqrt(weight)[:, None]
held = words[:, 0] == 0
coef, *_ = np.linalg.lstsq(x[~held], y[~held], rcond=None)
mean = weight[held] @ belief[held, -1] / weight[held].sum()
spread = (weight[held, None] * (belief[held, -1] - mean) ** 2).sum()
print(f"by hand: R2 = {1 - ((y[held] - x[held] @ coef) ** 2).sum() / spread:.4f}")

# %% The lab's probe: all positions, eight folds by history, ridge by inner cross-validation, and baselines.
s = study(run)
print("each trained network   ", s.r2(s.final_layer).round(4))
print("each untrained network ", s.r2(s.final_layer, trained=False).round(4))
for baseline in ("token_window", "next_token", "markov_1"):
    print(f"{baseline:<23}", round(s.baseline(baseline).r2, 4))
# On Mess3 the next-token distribution is the belief in other coordinates, so it scores 1 and decides nothing.
