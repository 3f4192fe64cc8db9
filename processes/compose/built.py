"""What a composition returns: an HMM if every part is one, checked as such, and a generalised HMM
otherwise."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from ..process import Process, ProcessError, ghmm, hmm
from ..values.arrays import not_a_distribution, real


def built(
    T: Float64[np.ndarray, "V S S"],
    start: Float64[np.ndarray, "S"],
    w: Float64[np.ndarray, "S"],
    *,
    parts: Sequence[Process],
    name: str,
    states: Sequence[str] | None = None,
) -> Process:
    """The process with these matrices, generalised where one of its parts is."""
    if all(p.kind == "hmm" for p in parts):
        return hmm(T, start, name=name, states=states)
    return ghmm(T, start, w=w, name=name, states=states)


def one_alphabet(parts: Sequence[Process], what: str) -> int:
    """The number of symbols all parts share; raises `ProcessError` without parts or if they differ."""
    if not parts:
        raise ProcessError(f"a {what} needs at least one process")
    for p in parts:
        if p.vocab != parts[0].vocab:
            raise ProcessError(
                f"{parts[0].name} has {parts[0].vocab} symbols and {p.name} has {p.vocab}; a {what} needs "
                "one alphabet"
            )
    return parts[0].vocab


def distribution(weights, n: int, what: str) -> Float64[np.ndarray, "n"]:
    """Weights as a probability vector of length n; raises `ProcessError` if they are not one."""
    given, weights = weights, real(weights, f"the {what}")
    if weights.shape != (n,) or not (weights >= 0).all():
        raise ProcessError(
            f"the {what} {np.round(weights, 6).tolist()} is no distribution on {n} outcomes; give {n} "
            "non-negative "
            "numbers that sum to 1"
        )
    if abs(weights.sum() - 1) > 1e-9:
        raise not_a_distribution(
            given,
            f"the {what} {np.round(weights, 6).tolist()} is no distribution on {n} outcomes: it",
            weights.sum(),
            "it",
        )
    return weights / weights.sum()
