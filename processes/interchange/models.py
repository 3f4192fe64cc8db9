"""Models of other libraries, known by what they hold: nothing is imported for them."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Literal

import numpy as np

from ..compose.kronecker import outer
from ..process import Process, ProcessError
from ..values.arrays import shown
from ..values.checks import checked
from .moore import from_moore

HMMLEARN = ("startprob_", "transmat_", "emissionprob_")
DYNAMAX = ("initial.probs", "transitions.transition_matrix", "emissions.probs")


@checked
def from_model(model, *, emits: Literal["left", "arrived"] = "left", name: str | None = None) -> Process:
    """The process of a state-emitting model of another library.

    A `CategoricalHMM` of hmmlearn, fitted or filled in (`startprob_`, `transmat_`, `emissionprob_`); the
    parameters of a `CategoricalHMM` of dynamax (`initial.probs`, `transitions.transition_matrix`,
    `emissions.probs`; several emissions of one state are independent, and their symbols are one token, the
    first most significant); or a dict of `start`, `transition` and `emission`. `emits` is that of
    `from_moore`. Raises `ProcessError` on anything else, and on models whose emissions are no symbols.
    """
    if isinstance(model, Mapping):
        missing = [key for key in ("transition", "emission") if key not in model]
        if missing:
            raise ProcessError(
                f"the model has no key {missing[0]!r}; give start, transition and emission, as of from_moore"
            )
        parts: Any = [model.get("start"), model["transition"], model["emission"]]
    elif (parts := _parts(model, HMMLEARN)) is not None:
        trials = getattr(model, "n_trials", None)
        if trials is not None and not np.all(np.asarray(trials) == 1):
            raise ProcessError(
                f"the model emits counts of {shown(trials)} trials, no symbols; give a CategoricalHMM"
            )
    elif (parts := _parts(model, DYNAMAX)) is not None:
        parts[2] = _one_symbol(np.asarray(parts[2]))
    else:
        raise ProcessError(f"the model is {shown(model)}; {_remedy(model)}")
    return from_moore(*parts, emits=emits, name=type(model).__name__ if name is None else name)


def _parts(model: Any, paths: Sequence[str]) -> list[Any] | None:
    """What stands at each `a.b` in a model; None where one of them is missing."""
    found = [reduce(lambda part, name: getattr(part, name, None), path.split("."), model) for path in paths]
    return None if any(part is None for part in found) else found


def _one_symbol(emission: np.ndarray) -> np.ndarray:
    """(S, D, V) of D independent emissions as (S, V^D)."""
    if emission.ndim != 3:
        return emission
    return outer(list(emission.transpose(1, 0, 2)))


def _remedy(model: Any) -> str:
    """What to give in place of a model that holds no tables of symbols."""
    if any(hasattr(model, name) for name in ("means_", "covars_", "lambdas_")):
        return "it emits numbers, no symbols, and no process of finitely many symbols is its like"
    if hasattr(model, "transmat_") or hasattr(model, "n_components"):
        return "it has no emissionprob_ yet: fit it, or set startprob_, transmat_ and emissionprob_"
    if hasattr(model, "initialize") or hasattr(model, "transition_component"):
        return "give its parameters (params, props = model.initialize(..)), which hold the probabilities"
    return (
        "give hmmlearn's CategoricalHMM, the parameters of dynamax's, or a dict of start, transition and "
        "emission"
    )
