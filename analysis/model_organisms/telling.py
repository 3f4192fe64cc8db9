"""How well each of the lab's methods tells two kinds of network apart, as a claim keeps it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..claim import Published
from ..instruments.behaviour.detection import Seen, detection
from .detectors import detectors

LEVEL = 0.95
"""Of the null, beyond which an accuracy would be called one of few."""


class Told(NamedTuple):
    """What came of a method, leaving one seed out at a time."""

    accuracy: Float[np.ndarray, "seeds"]  # of the two networks of a seed: 0, 1/2 or 1 told right
    null: float  # accuracy that labels swapped within seeds reach in one case of twenty; of the first look
    p: float  # share of such swaps that are told as well; of the first look


def told(suspects: Sequence[Seen], twins: Sequence[Seen], unused: int) -> Mapping[str, Told]:
    """By method. `unused` is a token that no text has."""
    found = {}
    for name, method in detectors(unused).items():
        d = detection(method, suspects, twins)
        found[name] = Told(d.accuracy, float(np.quantile(d.null, LEVEL)), d.p)
    return found


def beside(
    whom: str, theirs: str, methods: Sequence[str], of: Callable[[Any], Mapping[str, Told]]
) -> tuple[Published[Any], ...]:
    """Accuracies of methods, told beside a verdict; `of` gives `told` out of the evidence."""

    def one(method: str) -> Published[Any]:
        name = f"{whom}, by {method}: accuracy on the seed left out (chance .5)"
        return Published(name, theirs, lambda evidence: of(evidence)[method].accuracy)

    return tuple(map(one, methods))
