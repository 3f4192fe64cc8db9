"""Generators trained on the distribution of words itself: by likelihood, or against the best possible
adversary.

With P(w) the probability of a word in the process and Q(w) in the generator,

    likelihood   KL(P || Q) = sum_w P log(P / Q)
    adversary    JS(P, Q) = [KL(P || R) + KL(Q || R)] / 2,  R = (P + Q) / 2;  nats per word.

An adversary that tells words of the process from those of the generator does best with D(w) = P / (P + Q),
and JS is then what it leaves the generator to minimise, log 2 + (E_P log D + E_Q log(1 - D)) / 2 (Goodfellow
et al. 2014, theorem 1). So none is trained. Near P both are one loss up to a factor, JS = KL / 4.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float32, Float64

from toy.checks import check_range, fitted
from toy.generator import GeneratorConfig, Parameters, initialised, word_distribution

from ..errors import RecipeError
from ..machine import numerics
from ..objectives import divergence
from ..optimiser import MAX_STEPS, Optimiser, check_rate
from ..schedule import Rates, optimiser

Aim = Literal["likelihood", "adversary"]


class Generators(NamedTuple):
    """Generators, one per seed, and how far each was from the process before every step."""

    params: Parameters  # first axis: seeds
    left: Float32[Array, "seeds both"]  # of both legs: what was minimised, nats per word


def kl(p: Float32[Array, "*n"], q: Float32[Array, "*n"]) -> Float32[Array, ""]:
    """KL(p || q) of distributions of words, exact to rounding however small (see `objectives.divergence`)."""
    return divergence(p.ravel(), jnp.log(q.ravel()))


def js(p: Float32[Array, "*n"], q: Float32[Array, "*n"]) -> Float32[Array, ""]:
    """Jensen-Shannon divergence of distributions of words."""
    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


AIMS = {"likelihood": kl, "adversary": js}


@numerics.pinned()
def generators(
    config: GeneratorConfig,
    exact: Float64[np.ndarray, "..."],
    aim: Aim,
    *,
    seeds: int,
    first_seed: int,
    steps: int,
    learning_rate: float,
    finish: int,
) -> Generators:
    """Train generators on the exact distribution of words (V, ..., V): so many steps of Adam with a cosine,
    then as many of L-BFGS as are asked for. A generator depends on its seed alone, and those of equal seeds
    start alike whatever their aim.

    Raises `RecipeError` for a distribution of words of another number or length, and for settings that
    are none.
    """
    config = fitted("config", GeneratorConfig, config, RecipeError)
    fitted("aim", Aim, aim, RecipeError)
    for name, value, least, most in (("seeds", seeds, 1, 10**6), ("first_seed", first_seed, 0, 10**6)):
        check_range(name, fitted(name, int, value, RecipeError), least, most, RecipeError)
    check_range("steps", fitted("steps", int, steps, RecipeError), 1, MAX_STEPS, RecipeError)
    check_range("finish", fitted("finish", int, finish, RecipeError), 0, MAX_STEPS, RecipeError)
    check_rate(fitted("learning_rate", float, learning_rate, RecipeError), steps)
    if np.shape(exact) != (there := (config.vocab,) * config.length):
        raise RecipeError(
            f"the distribution of words has shape {np.shape(exact)}; this generator's words have {there}"
        )
    p, compared = jnp.asarray(exact, jnp.float32), AIMS[aim]
    adam = optimiser(
        Optimiser("adam", 1.0, schedule="cosine"),
        Rates(jnp.float32(learning_rate), jnp.int32(0), jnp.int32(steps)),
    )

    def one(key):
        params, first = _descent(
            lambda q: compared(p, word_distribution(config, q)), adam, steps, initialised(config, key)
        )
        params, second = _finish(lambda q: compared(p, word_distribution(config, q)), finish, params)
        return params, jnp.concatenate([first, second])

    keys = jax.vmap(numerics.key)(jnp.arange(first_seed, first_seed + seeds))
    run = numerics.jit(lambda keys: jax.lax.map(one, keys))
    return Generators(*jax.device_get(run(keys)))


def _descent(
    loss: Callable[[Parameters], Array], tx: optax.GradientTransformation, steps: int, params: Parameters
) -> tuple[Parameters, Float32[Array, "steps"]]:
    def step(carry, _):
        params, state = carry
        left, gradient = jax.value_and_grad(loss)(params)
        updates, state = tx.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), left

    (params, _), left = jax.lax.scan(step, (params, tx.init(params)), None, length=steps)
    return params, left


def _finish(
    loss: Callable[[Parameters], Array], steps: int, params: Parameters
) -> tuple[Parameters, Float32[Array, "steps"]]:
    tx = optax.lbfgs(memory_size=Optimiser("lbfgs", 1.0).value("memory"))
    value_and_grad = optax.value_and_grad_from_state(loss)

    def step(carry, _):
        params, state = carry
        left, gradient = value_and_grad(params, state=state)
        updates, state = tx.update(gradient, state, params, value=left, grad=gradient, value_fn=loss)
        return (optax.apply_updates(params, updates), state), left

    (params, _), left = jax.lax.scan(step, (params, tx.init(params)), None, length=steps)
    return params, left
