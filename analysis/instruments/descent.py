"""Descent on a loss without noise, inside of a compiled program: what small models of instruments are fitted
by.
"""

from collections.abc import Callable
from typing import TypeVar

import jax
import optax
from jaxtyping import PyTree

P = TypeVar("P", bound=PyTree)


def descended(
    rule: optax.GradientTransformation, gradient: Callable[[P], PyTree], params: P, steps: int
) -> P:
    """Parameters after so many steps of a rule from some gradient of them."""

    def step(carry, _):
        params, state = carry
        updates, state = rule.update(gradient(params), state)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (params, rule.init(params)), length=steps)
    return params
