"""The standard controls of a probe: what must do worse than the trained network for its score to mean
anything.
"""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

from processes.values import earlier

from .claim import Criterion, E
from .instruments.statistics import TIED
from .instruments.study import Study

DETERMINED = 1 - 1e-6
"""A baseline this good determines the beliefs by itself (as next-token laws do on Mess3), so nothing can
exceed it.
"""


def gain(r2: Float[np.ndarray, "*n"], reference: float) -> Float[np.ndarray, "*n"]:
    """Share of what the reference leaves unexplained that is explained: (R2 - R2_ref) / (1 - R2_ref).

    NaN where the reference leaves nothing unexplained.
    """
    if reference > DETERMINED:
        return np.full_like(r2, np.nan)
    return (r2 - reference) / (1 - reference)


def beyond_untrained(features: Callable[[Study], str]) -> Criterion[Study]:
    """Held-out R2 minus the best untrained network's."""

    def measure(s: Study):
        return s.r2(features(s)) - s.r2(features(s), trained=False).max()

    return Criterion("R2 above every untrained network", measure, above=0.0, every_seed=True)


def beyond_shuffles(features: Callable[[Study], str]) -> Criterion[Study]:
    """Held-out R2 minus the best of the refitted label shuffles."""

    def measure(s: Study):
        return s.r2(features(s)) - s.shuffled(features(s)).max(1)

    return Criterion("R2 above every shuffle of the labels", measure, above=0.0, every_seed=True)


def beyond_baseline(features: Callable[[Study], str], name: str) -> Criterion[Study]:
    """Held-out R2 minus that of a baseline; cannot discriminate where the baseline determines the beliefs."""

    def measure(s: Study):
        return s.r2(features(s)) - s.baseline(name).r2

    def discriminates(s: Study) -> bool:
        return s.baseline(name).r2 <= DETERMINED

    named = f"R2 above the {name.replace('_', ' ')} baseline"
    return Criterion(named, measure, above=0.0, only_if=discriminates)


def selective(features: Callable[[Study], str]) -> Criterion[Study]:
    """What training gains on the right beliefs minus what it gains on those of wrong processes (same alphabet
    and entropy rate).
    """

    def measure(s: Study):
        f = features(s)
        right, wrong = (
            gain(s.r2(f, labels=labels), s.r2(f, labels=labels, trained=False).mean())
            for labels in ("belief", "decoy")
        )
        return right - wrong

    return Criterion("training gains more on the beliefs than on wrong processes'", measure, above=0.0)


def standard(features: Callable[[Study], str]) -> tuple[Criterion[Study], ...]:
    """All standard controls for a probe of the given features."""
    baselines = ("token_window", "next_token", "markov_1", "markov_2", "markov_3")
    return (
        beyond_untrained(features),
        beyond_shuffles(features),
        *(beyond_baseline(features, name) for name in baselines),
        selective(features),
    )


ControlStatistics = Mapping[str, Float[np.ndarray, "seeds"] | None]
"""Values of the standard controls by name, measured so that the activations of a study can be freed."""


def keep(study: Study, features: Callable[[Study], str]) -> ControlStatistics:
    """Measure all standard controls now."""
    return {control.name: control.values(study) for control in standard(features)}


def kept(of: Callable[[E], ControlStatistics]) -> tuple[Criterion[E], ...]:
    """All standard controls, as measured earlier."""

    def read(name: str) -> Callable[[E], Float[np.ndarray, "seeds"] | None]:
        return lambda evidence: of(evidence)[name]

    return tuple(c.measured_by(read(c.name)) for c in standard(lambda study: study.final_layer))


def _beyond(
    effect: Float[np.ndarray, "seeds"], null: Float[np.ndarray, "*n"] | float, least: float = 0.0
) -> Float[np.ndarray, "seeds"] | None:
    """An effect minus what a control comes to; None where the effect itself is not above `least`."""
    return effect - null if effect.mean() > least + TIED else None


EARLIER = {"beyond": "_beyond -- effect - null in a Criterion with only_if="}

__getattr__ = earlier.names(__name__, EARLIER)
