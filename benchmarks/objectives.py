"""How far a gradient of each objective is from the exact one, at equal compute: variance, bias and time.

    python -m benchmarks.objectives [PROCESS ...]      mess3 and rrxor by default; minutes

The transformer of the paper, before training and after some hundred steps. Every drawn objective reads 32
words of 10 tokens; the pruned tree holds the most probable prefixes, as many as those words have tokens.
`error` is the mean squared distance to the population gradient: a variance for what is drawn, a squared bias
for what is pruned. Times are the best of several interleaved rounds, so that other work on the machine hits
all alike.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import processes
import toy
import train
from analysis.recipes import standard
from train.loss_bounds import loss_bounds
from train.objectives import every_context, objective

from .asked import words

BATCH, STEPS, GRADIENTS, ROUNDS = 32, 300, 160, 8


def pruned(process: processes.Process, n_ctx: int, nodes: int) -> processes.PrefixTree:
    """The most probable words, at most `nodes` of them, by bisection on the least probability."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (
            (low, middle)
            if len(processes.prefix_tree(process, n_ctx, least=middle)) - 1 <= nodes
            else (middle, high)
        )
    return processes.prefix_tree(process, n_ctx, least=high)


def measured(name: str, console: Console) -> None:
    recipe = replace(standard(name), seeds=1, steps=STEPS, objective="expected", batch=BATCH)
    network, process, n_ctx = toy.network(recipe.model), recipe.ground_truth(), recipe.model.n_ctx
    tree = pruned(process, n_ctx, BATCH * n_ctx)
    whole = every_context(processes.prefix_tree(process, n_ctx))
    given = {kind: (kind, train.tables(process)) for kind in ("sampled", "expected", "stratified")}
    given |= {
        f"pruned to {len(tree) - 1}": ("population", every_context(tree)),
        f"population, {len(whole.weight)}": ("population", whole),
    }
    table = Table(
        "network",
        "objective",
        "error",
        "of expected",
        "bias² / its error",
        "ms",
        "of expected",
        "error · time, of expected",
        title=name,
    )
    trained = list(train.fit(recipe))[-1].state
    for when, state in (("at the start", train.initial(recipe)), (f"after {STEPS} steps", trained)):
        params = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[0]), state.params)
        gradient = {label: compiled(kind, network, params, on) for label, (kind, on) in given.items()}
        exact = gradient[f"population, {len(whole.weight)}"](jax.random.key(0))
        seconds = {label: np.inf for label in given}
        for r in range(ROUNDS):
            for label, g in gradient.items():
                if "population" not in label or r < 2:
                    begun = time.perf_counter()
                    g(jax.random.key(0))
                    seconds[label] = min(seconds[label], time.perf_counter() - begun)
        error, bias = {}, {}
        for label, g in gradient.items():
            drawn = given[label][0] != "population"
            found = np.stack(
                [g(key) for key in jax.random.split(jax.random.key(1), GRADIENTS if drawn else 1)]
            )
            error[label] = ((found - exact) ** 2).sum(1).mean()
            bias[label] = (
                ((found.mean(0) - exact) ** 2).sum() / (found.var(0, ddof=1).sum() / GRADIENTS)
                if drawn
                else np.nan
            )
        for label in given:
            e, s = error[label] / error["expected"], seconds[label] / seconds["expected"]
            row = (
                f"{error[label]:.2e}",
                f"{e:.3f}",
                f"{bias[label]:.2f}",
                f"{1e3 * seconds[label]:.1f}",
                f"{s:.2f}",
                f"{e * s:.3f}",
            )
            table.add_row(when, label, *row)
        b = loss_bounds(network, params, tree)
        console.print(
            f"{name} {when}: |exact gradient|² {exact @ exact:.2e}; pruned tree leaves out {b.left_out:.3f}, "
            f"loss in [{b.lower:.4f}, {b.upper:.4f}]"
        )
    console.print(table)


def compiled(kind: str, network: toy.Network, params: toy.Params, on) -> Callable[[jax.Array], np.ndarray]:
    loss = objective(kind, BATCH, network)
    run = jax.jit(
        lambda key, on: jax.flatten_util.ravel_pytree(jax.grad(lambda p: loss(p, key, on).loss)(params))[0]
    )
    run(jax.random.key(0), on).block_until_ready()
    return lambda key: np.asarray(run(key, on), np.float64)


if __name__ == "__main__":
    for asked in words(__doc__) or ("mess3", "rrxor"):
        measured(asked, Console(width=130))
