"""At which depth of a network the component of a mixture, and the state within it, become readable; and at
which they would if one belief about everything came into focus.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..instruments.contexts import Contexts
from ..instruments.evidence import Evidence
from ..instruments.probing.baselines import DETERMINED
from ..instruments.probing.partial import beside, partial_r2
from ..instruments.statistics import crossing
from .sources import TOGETHER, Labels, Name, Within, label_r2, labels, rival_features

NOISES = np.geomspace(10.0, 0.03, 9)
"""Noise on exact beliefs, in units of what they vary by, from nearly nothing to be read to nearly all."""
DRAWS = 4
"""Draws of noise that curves are the mean of: a single one moves partial R2 by some .05 where little is read.
"""
COPIES = 3
"""Noisy copies of each belief that stand side by side, so that noise is not what a probe lacks features for.
"""


class Curves(NamedTuple):
    """Partial R2 given all rivals: of what is to be read, by what it is read from."""

    task: Float[np.ndarray, "L"]
    state: Float[np.ndarray, "L"]  # within a component, on its own text: mean over components
    belief: Float[np.ndarray, "L"]  # about all states of all components


class Reader:
    """Reads the task, the state and the belief from features, given what needs no network."""

    def __init__(self, contexts: Contexts):
        self.contexts = contexts
        self.rivals = rival_features(contexts, TOGETHER)
        found = labels(contexts)
        own = {name: of for name, of in found.items() if name == "posterior" or isinstance(name, Within)}
        self.labels = own | {"belief": Labels(contexts.belief, contexts.weight)}
        told = {name: label_r2(contexts, label, self.rivals) for name, label in self.labels.items()}
        self.known = {name: r2 for name, r2 in told.items() if r2 <= DETERMINED}

    @property
    def within(self) -> list[Within]:
        """Labels of states within a component that rivals do not tell."""
        return [name for name in self.known if isinstance(name, Within)]

    def partial(self, name: Name, x: Float[np.ndarray, "N d"]) -> float:
        """Part of what rivals leave of a label that features tell."""
        both = label_r2(self.contexts, self.labels[name], beside(x, self.rivals, self.contexts))
        return partial_r2(both, self.known[name])

    def curves(self, layers: Sequence[Float[np.ndarray, "N d"]]) -> Curves:
        """All that is read from each of some features."""
        return Curves(
            np.array([self.partial("posterior", x) for x in layers]),
            np.array([np.mean([self.partial(name, x) for name in self.within]) for x in layers]),
            np.array([self.partial("belief", x) for x in layers]),
        )


def of_networks(networks: Sequence[Evidence], layers: Sequence[str], reader: Reader) -> list[Curves]:
    """The curves of each network along some layers."""
    return [reader.curves([e.activations[layer] for layer in layers]) for e in networks]


def fabric(reader: Reader, *, draws: int = DRAWS, seed: int = 0) -> Curves:
    """What is read of exact beliefs in noise, as the noise is less and less; mean over draws of it."""
    t, rng = reader.contexts, np.random.default_rng(seed)
    weight = t.weight / t.weight.sum()
    centred = t.belief - weight @ t.belief
    size = np.sqrt((weight @ np.square(centred)).mean())
    exact = np.tile(centred / size, (1, COPIES))
    found = []
    for _ in range(draws):
        drawn = rng.normal(size=exact.shape)
        found.append(reader.curves([exact + noise * drawn for noise in NOISES]))
    return Curves(*np.mean(found, axis=0))


def as_fabric(of: Curves, fabric: Curves) -> Curves:
    """Task and state as they would be read from layers with the network's own partial R2 of beliefs about
    everything, if these were exact beliefs in noise.
    """
    order = np.argsort(fabric.belief)
    task, state = (
        np.interp(of.belief, fabric.belief[order], curve[order]) for curve in (fabric.task, fabric.state)
    )
    return Curves(task, state, of.belief)


def half_depth(curve: Float[np.ndarray, "L"]) -> float:
    """Blocks after which a curve first comes to half of its last value, linear in between; all blocks where
    that is not positive, so that there is nothing to come to.
    """
    half = curve[-1] / 2
    if not half > 0:
        return float(len(curve) - 1)
    return crossing(np.arange(len(curve), dtype=float), curve, half, curve >= half)
