"""Intervene: replace what stands at a named site, and read what the network predicts then.

Needs runs/first of 02_train_one_network.py.
"""

# %% Sites have the names that TransformerLens users know; `resid_post` of the last block is the final stream.
import jax
import jax.numpy as jnp
import numpy as np

import processes
import toy
import train

run = train.open_run("runs/first")
config, mess3 = run.recipe.model, run.recipe.ground_truth()
network = toy.network(config)
params = jax.tree.map(lambda leaf: leaf[0], run.params())
print(", ".join(config.sites))

# %% Two histories after which an ideal observer expects different things.
one, other = np.array([0, 0, 0, 0]), np.array([0, 0, 2, 2])
exact = [processes.predict(mess3, processes.filter(mess3, word).belief[-1]) for word in (one, other)]


def predicted(word, edit=None):
    """The network's next-token distribution after a word."""
    return np.asarray(jax.nn.softmax(network.apply(params, word, edit=edit)["logits"][-1]))


print("after 0000: exact", exact[0].round(3), "network", predicted(one).round(3))
print("after 0022: exact", exact[1].round(3), "network", predicted(other).round(3))

# %% Put the other history's stream at the last position, block by block, and see the prediction follow.
there = network.apply(params, other)
for site in config.stream:
    patched = predicted(one, {site: lambda value, site=site: value.at[-1].set(there[site][-1])})
    print(f"{site:<22}{patched.round(3)}")

# %% Switch attention off: each position is left with its own token.
alone = predicted(one, {"blocks.0.attn_out": jnp.zeros_like, "blocks.1.attn_out": jnp.zeros_like})
print("without attention     ", alone.round(3))
