"""How parameters are updated: optax's optimisers, with step sizes that a compiled program is given as
numbers."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float32, Int32

import toy
from toy.inputs import by_path, within

from .optimiser import Optimiser

BY_ADAM = ("embed", "positions", "unembed")
"""What Muon leaves to Adam beside vectors: matrices whose rows are looked up, or that end in logits."""
VECTORS = "vectors"
"""Name of all that is Adam's, as one vector, among the stacks of matrices."""


class Rates(NamedTuple):
    """What of an optimiser a program is given as numbers, so that others need no other program."""

    peak: Float32[Array, ""]
    warmup: Int32[Array, ""]
    steps: Int32[Array, ""]


def rates(settings: Optimiser, steps: int) -> Rates:
    """The numbers of an optimiser for `steps` updates."""
    return Rates(jnp.float32(settings.learning_rate), jnp.int32(settings.warmup), jnp.int32(steps))


def cosine_adam(learning_rate: float, steps: int) -> optax.GradientTransformationExtraArgs:
    """Adam with a cosine over `steps` updates, as recipes have it, where there is no recipe."""
    settings = Optimiser("adam", learning_rate, schedule="cosine")
    return optimiser(settings, rates(settings, steps))


def without_rates(settings: Optimiser) -> Optimiser:
    """The same optimiser but for what a program is given as numbers."""
    return replace(settings, learning_rate=1.0, warmup=0)


def step_size(settings: Optimiser, given: Rates) -> Callable[[Int32[Array, ""]], Float32[Array, ""]]:
    """The size of a step by the number of updates made so far.

    With n updates made so far, w of warm-up and N in all, the next has the size peak min(1, (n + 1) / w) s.
    With r = clip((n - w) / (N - w), 0, 1), s is

        constant  1            cosine  (1 + cos(pi r)) / 2
        linear    1 - r        wsd     min(1, (N - n) / (decay N)).
    """

    def size(count):
        # Starting at peak / warmup, not at zero: a step of size zero is a step lost.
        rising = jnp.minimum(1.0, (count + 1) / jnp.maximum(1, given.warmup))
        passed = jnp.clip((count - given.warmup) / (given.steps - given.warmup), 0, 1)
        if settings.schedule == "constant":
            falling = jnp.float32(1)
        elif settings.schedule == "cosine":
            falling = (1 + jnp.cos(jnp.pi * passed)) / 2
        elif settings.schedule == "linear":
            falling = 1 - passed
        else:
            falling = jnp.clip((given.steps - count) / (settings.value("decay") * given.steps), 0, 1)
        return given.peak * rising * falling

    return size


def optimiser(settings: Optimiser, given: Rates) -> optax.GradientTransformationExtraArgs:
    """The optax transformation of an optimiser, with its `step_size`."""
    size, of = step_size(settings, given), settings.value
    if settings.name == "lbfgs":
        return optax.lbfgs(memory_size=of("memory"))
    if settings.name == "adam":
        rule = optax.adam(size, b1=of("b1"), b2=of("b2"))
    elif settings.name == "adamw":
        rule = optax.adamw(size, b1=of("b1"), b2=of("b2"), weight_decay=of("weight_decay"))
    elif settings.name == "sgd":
        rule = optax.sgd(size, momentum=of("momentum") or None)
    else:
        rule = _muon(settings, size)
    if of("clip") is not None:
        rule = optax.chain(optax.clip_by_global_norm(of("clip")), rule)
    return optax.with_extra_args_support(rule)


def _muon(settings: Optimiser, size: Callable) -> optax.GradientTransformation:
    """Muon on stacks of all matrices of one shape: one orthogonalisation for each shape, not for each
    matrix."""
    of = settings.value

    def dimensions(packed: Mapping[str, object]) -> dict[str, optax.contrib.MuonDimensionNumbers | None]:
        each = optax.contrib.MuonDimensionNumbers(reduction_axis=1, output_axis=2)
        return {name: None if name == VECTORS else each for name in packed}

    rule = optax.contrib.muon(
        size,
        beta=of("momentum"),
        weight_decay=of("weight_decay"),
        adam_b1=of("b1"),
        adam_b2=of("b2"),
        adam_learning_rate=lambda count: of("vector_rate") * size(count),
        muon_weight_dimension_numbers=dimensions,
    )

    def init(params):
        return rule.init(pack(params))

    def update(updates, state, params=None):
        found, state = rule.update(pack(updates), state, None if params is None else pack(params))
        return unpack(found, updates), state

    return optax.GradientTransformation(init, update)


def groups(params: toy.Params) -> dict[str, list[str]]:
    """The paths of all parameters, by what stands together in a stack: matrices of one shape, and all that
    is Adam's."""
    found: dict[str, list[str]] = {}
    for path, leaf in by_path(params).items():
        matrix = leaf.ndim == 2 and path.endswith(".kernel") and not within(path, BY_ADAM)
        found.setdefault("x".join(map(str, leaf.shape)) if matrix else VECTORS, []).append(path)
    return found


def pack(params: toy.Params) -> dict[str, Float32[Array, "*n"]]:
    """Matrices of one shape as one stack, everything else as one long vector."""
    leaves = by_path(params)
    return {
        name: jnp.concatenate([leaves[path].reshape(-1) for path in paths])
        if name == VECTORS
        else jnp.stack([leaves[path] for path in paths])
        for name, paths in groups(params).items()
    }


def unpack(packed: Mapping[str, Float32[Array, "*n"]], like: toy.Params) -> toy.Params:
    """The parameters that `pack` packed, in the tree that they had."""
    shapes = {path: leaf.shape for path, leaf in by_path(like).items()}
    found: dict[str, Array] = {}
    for name, paths in groups(like).items():
        if name == VECTORS:
            ends = np.cumsum([math.prod(shapes[path]) for path in paths])
            parts = jnp.split(packed[name], ends[:-1])
        else:
            parts = list(packed[name])
        found |= {path: part.reshape(shapes[path]) for path, part in zip(paths, parts, strict=True)}
    return jax.tree.unflatten(jax.tree.structure(like), [found[path] for path in shapes])
