"""How parameters are updated, as a value: the optimiser of a recipe, and what may be said of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from toy.checks import check_fields

from .errors import RecipeError

MAX_STEPS = 10_000_000
"""Every step's loss is kept."""
MAX_FLOAT32 = float(np.finfo(np.float32).max)
FLOAT32_ROUNDOFF = 2.0**-24
"""The least change of a parameter of size one that float32 can hold."""
MAX_MEMORY = 1000
"""Pairs of vectors as long as all parameters together that L-BFGS may hold for each seed."""

DEFAULTS: Mapping[str, Mapping[str, float | int | None]] = {
    "adam": {"b1": 0.9, "b2": 0.999, "clip": None},
    "adamw": {"b1": 0.9, "b2": 0.999, "weight_decay": 1e-4, "clip": None},
    "sgd": {"momentum": 0.0, "clip": None},
    "muon": {
        "b1": 0.9,
        "b2": 0.999,
        "momentum": 0.95,
        "weight_decay": 0.0,
        "vector_rate": 0.2,
        "clip": None,
    },
    "lbfgs": {"memory": 50},
}
"""What each update rule takes beside its rate, and what it is unless given: optax's own defaults; for Muon's
vectors and the memory of L-BFGS what was measured to do well (docs/log.md).
"""
ALWAYS = ("name", "learning_rate", "warmup", "schedule")
"""What every optimiser is given."""
RANGES: tuple[tuple[tuple[str, ...], str, Callable[[float], bool]], ...] = (
    (("b1", "b2", "momentum"), "at least 0 and below 1", lambda x: 0 <= x < 1),
    (("decay",), "above 0 and at most 1", lambda x: 0 < x <= 1),
    (("weight_decay",), f"at least 0 and at most {MAX_FLOAT32:.3g}", lambda x: 0 <= x <= MAX_FLOAT32),
    (("clip", "vector_rate"), f"above 0 and at most {MAX_FLOAT32:.3g}", lambda x: 0 < x <= MAX_FLOAT32),
)
"""Fields, and what each must be, in words and as a test."""
DECAY = 0.2
"""Share of the steps in which "wsd" decays, unless given."""


@dataclass(frozen=True)
class Optimiser:
    """Gradient descent, by optax.

    A field that is None has the update rule's default, and one that is given as that default becomes None,
    so that equal optimisers are equal. Raises `RecipeError` for a field that the rule does not know.

    >>> from train import Optimiser
    >>> Optimiser("adam", learning_rate=1e-3).name
    'adam'
    >>> Optimiser("adam", learning_rate=-1.0)
    Traceback (most recent call last):
        ...
    train.errors.RecipeError: learning_rate is -1.0; it must be positive ...
    """

    name: Literal["adam", "adamw", "sgd", "muon", "lbfgs"]
    """Update rule. Muon orthogonalises the momentum of each matrix, and leaves vectors, embeddings and the
    unembedding to Adam. L-BFGS is a finish of second order, for a loss without noise.
    """
    learning_rate: float
    """Peak step size; 1 for L-BFGS, which searches along its line."""
    warmup: int = 0
    """Steps over which the step size rises linearly from zero."""
    schedule: Literal["cosine", "constant", "linear", "wsd"] = "constant"
    """After the warm-up: fall to zero at the last step along a cosine or a line, stay, or stay and then fall
    along a line ("warm-up, stable, decay").
    """
    b1: float | None = None
    """Decay of Adam's mean of gradients (.9)."""
    b2: float | None = None
    """Decay of Adam's mean of their squares (.999)."""
    momentum: float | None = None
    """Of sgd (0), and of Muon, Nesterov's (.95)."""
    weight_decay: float | None = None
    """Of adamw (1e-4) and, for matrices, of Muon (0), times the step size."""
    clip: float | None = None
    """Largest Euclidean norm of a gradient of all parameters; None for any."""
    vector_rate: float | None = None
    """Step size of what Muon leaves to Adam, as a share of its own (.2)."""
    decay: float | None = None
    """Share of the steps in which "wsd" falls (.2)."""
    memory: int | None = None
    """Pairs of differences that L-BFGS remembers (50)."""

    def __post_init__(self):
        check_fields(
            self, {"warmup": 0, "memory": 1}, {"warmup": MAX_STEPS, "memory": MAX_MEMORY}, error=RecipeError
        )
        check_rate(self.learning_rate, MAX_STEPS)
        self._check_known()
        self._check_ranges()
        if self.name == "lbfgs" and (self.learning_rate, self.warmup, self.schedule) != (1, 0, "constant"):
            raise RecipeError(
                f"lbfgs is given learning_rate {self.learning_rate}, warmup {self.warmup} and the schedule "
                f"{self.schedule}; it finds its step by a line search, so use 1, 0 and constant"
            )
        for field, default in self.defaults.items():
            if getattr(self, field) == default:
                object.__setattr__(self, field, None)

    @property
    def defaults(self) -> Mapping[str, float | int | None]:
        """What this optimiser takes beside rate, warm-up and schedule, each with its default."""
        return {**DEFAULTS[self.name], **({"decay": DECAY} if self.schedule == "wsd" else {})}

    def value(self, field: str) -> Any:
        """What a field comes to: as given, or its default."""
        given = getattr(self, field)
        return self.defaults[field] if given is None else given

    def to_json(self) -> dict[str, Any]:
        """Plain values; of what an optimiser may be given beside rate, warm-up and schedule only what was."""
        return {field: value for field, value in vars(self).items() if value is not None}

    def _check_known(self) -> None:
        for field in self.to_json():
            if field in (*ALWAYS, *self.defaults):
                continue
            owners = [name for name, takes in DEFAULTS.items() if field in takes]
            who = f"the update rules {', '.join(owners)}" if owners else "the schedule wsd"
            raise RecipeError(
                f"{field} is {getattr(self, field)}, but {self.name} with the schedule {self.schedule} has "
                f"none; it is for {who}"
            )

    def _check_ranges(self) -> None:
        for fields, words, holds in RANGES:
            for field in fields:
                value = getattr(self, field)
                if value is not None and not holds(value):
                    raise RecipeError(f"{field} is {value}; it must be {words}")


def check_rate(learning_rate: float, steps: int) -> None:
    """Raise `RecipeError` unless so many steps of this size can train anything, in float32.

    A parameter p moves by about the step size at most (Adam; by gradient descent less, unless gradients
    exceed 1), and p + step is p where the step is below 2**-24 p. Measured on a transformer of 3568
    parameters: 60 steps of 1e-12 change no bit of its logits, and the few parameters that do change are those
    that start at zero.
    """
    if not 0 < learning_rate <= MAX_FLOAT32:
        raise RecipeError(
            f"learning_rate is {learning_rate}; it must be positive and at most {MAX_FLOAT32:.2g}, the "
            "largest float32"
        )
    if learning_rate * steps < FLOAT32_ROUNDOFF:
        raise RecipeError(
            f"learning_rate is {learning_rate}; in float32 even {steps} steps of that size leave parameters "
            "as they are, so it must be at least "
            f"{1.01 * FLOAT32_ROUNDOFF / steps:.2e}"
        )
