"""A finish by Gauss-Newton, which `benchmarks.optimisers --by gauss_newton` sets beside the lab's by L-BFGS.

With J the Jacobian of all logits and H = w (diag q - q q^T) the curvature of the loss in them, an iteration
solves (J^T H J + damping) step = -slope by conjugate gradients, from the step before, and damps by how well
the quadratic foretold what came (Martens 2010).
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float32

import toy
import train
from analysis.instruments.forward import member
from train.objectives import Examples, divergence

SOLVES = 50
"""Products of conjugate gradients an iteration, each of the cost of a gradient and a half."""
CARRIED = 0.95
"""Of the step before, where the next solution starts."""
DAMPING = 1e-3
"""At the first iteration."""

MADE = {
    "name": "gauss_newton",
    "learning_rate": 1.0,
    "warmup": 0,
    "schedule": "constant",
    "products": SOLVES,
}
"""As trials are told."""

Logits = Callable[[Any], Float32[Array, "N V"]]


class State(NamedTuple):
    """Between two iterations of one network."""

    params: toy.Params
    step: toy.Params  # the last one; zeros where it was not taken
    damping: Float32[Array, ""]
    excess: Float32[Array, ""]


def excess(logits: Float32[Array, "N V"], seen: Examples) -> Float32[Array, ""]:
    """KL to the exact predictor, nats per token."""
    return (seen.weight * divergence(seen.exact, jax.nn.log_softmax(logits))).sum()


def quadratic(logits: Logits, seen: Examples, params: toy.Params) -> tuple[Any, Callable[[Any], Any]]:
    """The slope of the excess, and the product with its Gauss-Newton matrix J^T H J."""
    found, along = jax.linearize(logits, params)
    back = jax.linear_transpose(along, params)
    q, weight = jax.nn.softmax(found), seen.weight[..., None]

    def product(direction: Any) -> Any:
        turned = along(direction)
        return back(weight * q * (turned - (q * turned).sum(-1, keepdims=True)))[0]

    return back(weight * (q - seen.exact))[0], product


def iteration(logits: Logits, seen: Examples, state: State) -> State:
    """Solve, look, and take the step unless the excess rises."""
    slope, product = quadratic(logits, seen, state.params)

    def damped(direction: Any) -> Any:
        return jax.tree.map(lambda a, b: a + state.damping * b, product(direction), direction)

    carried = jax.tree.map(lambda x: CARRIED * x, state.step)
    down = jax.tree.map(jnp.negative, slope)
    step, _ = jax.scipy.sparse.linalg.cg(damped, down, carried, tol=0.0, maxiter=SOLVES)
    params = jax.tree.map(jnp.add, state.params, step)
    after = excess(logits(params), seen)
    foretold = optax.tree.vdot(slope, step) + optax.tree.vdot(step, damped(step)) / 2
    came = (after - state.excess) / foretold
    damping = state.damping * jnp.where(came > 0.75, 2 / 3, jnp.where(came < 0.25, 3 / 2, 1.0))
    taken = State(params, step, damping, after)
    left = state._replace(step=jax.tree.map(jnp.zeros_like, step), damping=4 * state.damping)
    return jax.tree.map(partial(jnp.where, after < state.excess), taken, left)


def finish(
    recipe: train.Recipe, params: toy.Params, iterations: int
) -> tuple[toy.Params, Float32[np.ndarray, "seeds iterations"], float]:
    """Go on from networks (first axis: seeds) of a recipe that sees every context: their parameters then,
    their excess before every iteration, and the CPU seconds that it took, compilation left out.
    """
    network, given = toy.network(recipe.model), train.data(recipe)
    if not isinstance(given, Examples):
        raise ValueError(f"the {recipe.objective} objective has noise; take a recipe that sees every context")
    seen = jax.tree.map(lambda leaf: leaf[0], given)

    def logits(of: toy.Params) -> Float32[Array, "N V"]:
        return network.apply(of, seen.tokens, seen.tree)["logits"]

    def run(of: toy.Params) -> tuple[toy.Params, Float32[Array, "iterations"]]:
        still = jax.tree.map(jnp.zeros_like, of)
        first = State(of, still, jnp.float32(DAMPING), excess(logits(of), seen))
        last, before = jax.lax.scan(
            lambda state, _: (iteration(logits, seen, state), state.excess), first, length=iterations
        )
        return last.params, before

    each = [member(params, i) for i in range(recipe.seeds)]
    compiled = jax.jit(run).lower(each[0]).compile()
    began = time.process_time()
    ends = jax.block_until_ready([compiled(one) for one in each])
    took = time.process_time() - began
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *(end for end, _ in ends))
    return stacked, np.stack([before for _, before in ends]), took
