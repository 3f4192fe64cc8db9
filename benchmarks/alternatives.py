"""Other ways down than the lab's optimisers, on the same networks, data and numbers of steps.

python -m benchmarks.alternatives [NAME ...] [--process rrxor]

Each is tried at the rates in `TRIED` with two networks; a trial adds a line to docs/optimisers.jsonl, as
`benchmarks.optimisers` does, under a name that no recipe knows. Averages of weights are measured on what Muon
passes through, so each costs one training: of the last fifth of its steps at a constant rate, and of an
exponential average. SOAP (Vyas et al. 2024) is Adam in the eigenbasis of Shampoo's preconditioner, written
here because optax has none.
"""

import datetime
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import toy
import train
from analysis.claim import Setting
from analysis.instruments.contexts import contexts
from analysis.recipes import standard
from train.schedule import optimiser as of_lab
from train.schedule import pack, rates, step_size, unpack

from .asked import one_of, words
from .optimisers import TRIALS
from .table import commit, keep
from .time_to_kl import exact_kl

SEEDS = 2
SHORT = Setting(training="short")
"""How many steps each is given."""
EVERY = 10
"""Steps between two bases of SOAP."""
Rule = Callable[[train.Optimiser, int], optax.GradientTransformationExtraArgs]


def by(make: Callable[..., optax.GradientTransformation], **given: Any) -> Rule:
    """An optimiser of optax with the lab's schedule: 50 steps of warm-up, then a cosine."""

    def rule(settings: train.Optimiser, steps: int) -> optax.GradientTransformationExtraArgs:
        size = step_size(settings, rates(settings, steps))
        return optax.with_extra_args_support(make(size, **given))

    return rule


def schedule_free(settings: train.Optimiser, steps: int) -> optax.GradientTransformationExtraArgs:
    """Adam without a schedule (Defazio et al. 2024), which has a warm-up of its own."""
    return optax.contrib.schedule_free_adamw(settings.learning_rate, warmup_steps=settings.warmup)


def muon(settings: train.Optimiser, steps: int) -> optax.GradientTransformationExtraArgs:
    """The lab's."""
    return of_lab(settings, rates(settings, steps))


class Soap(NamedTuple):
    """Of every stack of matrices: what SOAP remembers."""

    left: jax.Array
    right: jax.Array
    left_basis: jax.Array
    right_basis: jax.Array
    mean: jax.Array
    square: jax.Array


def soap(size: Callable, b1: float = 0.95, b2: float = 0.95) -> optax.GradientTransformation:
    """SOAP on the stacks of equal matrices that the lab packs; Adam for the vectors."""
    vectors = optax.scale_by_adam(b1, b2)

    def init(params):
        packed = pack(params)

        def one(x):
            n, a, b = x.shape
            eyes = (jnp.broadcast_to(jnp.eye(k), (n, k, k)) for k in (a, b, a, b))
            left, right, left_basis, right_basis = eyes
            return Soap(0 * left, 0 * right, left_basis, right_basis, 0 * x, 0 * x)

        stacks = {name: one(x) for name, x in packed.items() if x.ndim == 3}
        return jnp.int32(0), stacks, vectors.init({k: x for k, x in packed.items() if x.ndim < 3})

    def one(g, s: Soap, count):
        left = b2 * s.left + (1 - b2) * g @ g.mT
        right = b2 * s.right + (1 - b2) * g.mT @ g
        bases = jax.lax.cond(
            count % EVERY == 0,
            lambda: (jnp.linalg.eigh(left)[1], jnp.linalg.eigh(right)[1]),
            lambda: (s.left_basis, s.right_basis),
        )
        mean = b1 * s.mean + (1 - b1) * g
        turned = bases[0].mT @ g @ bases[1]
        square = b2 * s.square + (1 - b2) * turned**2
        corrected = (1 - b1 ** (count + 1.0)), (1 - b2 ** (count + 1.0))
        step = (bases[0].mT @ mean @ bases[1]) / corrected[0] / (jnp.sqrt(square / corrected[1]) + 1e-8)
        return bases[0] @ step @ bases[1].mT, Soap(left, right, *bases, mean, square)

    def update(grads, state, params=None):
        count, stacks, rest = state
        packed = pack(grads)
        found, after = {}, {}
        for name, s in stacks.items():
            found[name], after[name] = one(packed[name], s, count)
        others, rest = vectors.update({k: x for k, x in packed.items() if x.ndim < 3}, rest)
        step = jax.tree.map(lambda x: -size(count) * x, found | others)
        return unpack(step, grads), (count + 1, after, rest)

    return optax.GradientTransformation(init, update)


TRIED: Mapping[str, tuple[Rule, str, tuple[float, ...]]] = {
    "adam": (by(optax.adam), "cosine", (3e-3, 1e-2)),
    "ademamix": (by(optax.contrib.ademamix), "cosine", (1e-3, 3e-3)),
    "adopt": (by(optax.contrib.adopt), "cosine", (3e-3, 1e-2)),
    "schedule_free_adamw": (schedule_free, "constant", (3e-3, 1e-2)),
    "soap": (by(soap), "cosine", (3e-3, 1e-2)),
    "muon": (muon, "cosine", (1e-2, 2e-2)),
    "muon, averaged": (muon, "constant", (3e-3, 1e-2)),
}
"""By name: the update rule, its schedule, and the rates that are tried."""


def descents(process: str, name: str, rate: float) -> Iterator[tuple[str, toy.Params, float]]:
    """The parameters of `SEEDS` networks at the end, and averages of them where these are asked for: each
    with its name and the CPU seconds that a network took, compilation left out.
    """
    rule, schedule, _ = TRIED[name]
    recipe = standard(process, SHORT)
    settings = train.Optimiser("muon", rate, 50, schedule)
    tx, steps = rule(settings, recipe.steps), recipe.steps
    loss = train.objective(recipe.objective, recipe.batch, toy.network(recipe.model))
    part = jax.tree.map(lambda leaf: leaf[0], train.data(recipe))
    last = steps - steps // 5

    def step(t, carry):
        params, state, key, tail, smooth = carry
        grads = jax.grad(lambda p: loss(p, jax.random.fold_in(key, t), part, 0).loss)(params)
        updates, state = tx.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        tail = jax.tree.map(
            lambda mean, x: jnp.where(t < last, x, mean + (x - mean) / (t - last + 1)), tail, params
        )
        smooth = jax.tree.map(lambda mean, x: 0.99 * mean + 0.01 * x, smooth, params)
        return params, state, key, tail, smooth

    run = jax.jit(lambda carry, since, until: jax.lax.fori_loop(since, until, step, carry))
    found: dict[str, list] = {}
    cpu = 0.0
    for seed in range(SEEDS):
        first, key = jax.random.split(train.key(seed))
        params = toy.network(recipe.model).init(first)
        carry = run((params, tx.init(params), key, params, params), 0, 1)
        began = time.process_time()
        params, state, _, tail, smooth = jax.block_until_ready(run(carry, 1, steps))
        cpu += time.process_time() - began
        if name.startswith("schedule_free"):
            params = optax.contrib.schedule_free_eval_params(state, params)
        ends = {name: params}
        if name.endswith("averaged"):
            ends = {"muon": params, "muon, last fifth": tail, "muon, decay .99": smooth}
        for label, end in ends.items():
            found.setdefault(label, []).append(end)
    for label, ends in found.items():
        yield label, jax.tree.map(lambda *leaves: np.stack(leaves), *ends), cpu / SEEDS


def main(asked: list[str]) -> None:
    """Try them and keep what came of it."""
    process = asked.pop(asked.index("--process") + 1) if "--process" in asked else "mess3"
    names = [one_of(name, TRIED) for name in asked if name != "--process"] or list(TRIED)
    recipe = standard(process, SHORT)
    worth = contexts(recipe.ground_truth(), recipe.model.n_ctx).worth
    train.use_all_cores(1)
    for name in names:
        for rate in TRIED[name][2]:
            for label, params, cpu in descents(process, name, rate):
                entry = {
                    "date": datetime.date.today().isoformat(),
                    "commit": commit()[0],
                    "process": process,
                    "networks": None,
                    "objective": recipe.objective,
                    "batch": recipe.batch,
                    "optimiser": {
                        "name": label,
                        "learning_rate": rate,
                        "warmup": 50,
                        "schedule": TRIED[name][1],
                    },
                    "steps": recipe.steps,
                    "kl": [float(f"{value:.3g}") for value in exact_kl(recipe, params)],
                    "worth": float(f"{worth:.4g}"),
                    "cpu_seconds_a_network": float(f"{cpu:.3g}"),
                }
                print(entry, flush=True)
                keep(TRIALS, entry)


if __name__ == "__main__":
    main(words(__doc__))
