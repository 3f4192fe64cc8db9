"""The standard controls of a probe: what must do worse than the trained network for its score to mean
anything.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from .claim import Criterion, E
from .instruments.evidence import unlearned
from .instruments.probing.baselines import DETERMINED as DETERMINED
from .instruments.probing.partial import beyond
from .instruments.probing.study import Study
from .recipes import TRAINED

LEFT = 0.1
"""A rival does as well if networks explain less than this part of what it leaves unexplained."""
RIVALS: Mapping[str, str] = {
    "token_window": "a window of tokens",
    "next_token": "next-token distributions",
    "markov_1": "a memory of one token",
    "markov_2": "a memory of two tokens",
    "markov_3": "a memory of three tokens",
}
"""What else a network might hold, by its name in `BASELINES`, in words."""
MEMORY = "markov_3"
"""What is taken out of right and wrong beliefs before they are compared."""


def learned(limit: float = TRAINED) -> Criterion[Study]:
    """Whether networks were trained enough to be asked: what they have left to learn, as a share of what
    contexts are worth.
    """
    return learned_by(lambda s: unlearned(s.trained), limit)


def learned_by(share: Callable[[E], Float[np.ndarray, "seeds"]], limit: float = TRAINED) -> Criterion[E]:
    """The same for evidence that keeps this share."""
    means = "networks that have not learned the process say nothing of what learning it needs"
    return Criterion(
        "share of what contexts are worth that is not yet learned",
        share,
        below=limit,
        over="nearly all",
        means=means,
    )


def beyond_untrained(features: Callable[[Study], str]) -> Criterion[Study]:
    """Held-out R2 minus the best untrained network's."""

    def measure(s: Study):
        return s.r2(features(s)) - s.r2(features(s), trained=False).max()

    return Criterion(
        "R2 above every untrained network",
        measure,
        above=0.0,
        means="the architecture alone, untrained, gives the score",
    )


def beyond_shuffles(features: Callable[[Study], str]) -> Criterion[Study]:
    """Held-out R2 minus the best of the refitted label shuffles."""

    def measure(s: Study):
        return s.r2(features(s)) - s.shuffled(features(s)).max(1)

    means = "the capacity of the probe gives the score, whatever the labels"
    return Criterion("R2 above every shuffle of the labels", measure, above=0.0, means=means)


def beyond_rival(
    features: Callable[[Study], str], name: str, *, labels: str = "belief", told: str = ""
) -> Criterion[Study]:
    """Part of what a rival leaves unexplained that the networks explain; where the rival is the belief by
    algebra, nothing can be told apart.
    """

    def measure(s: Study):
        return beyond(s, features(s), name, labels=labels).partial

    def discriminates(s: Study) -> bool:
        return s.baseline(name, labels).r2 <= DETERMINED

    rival = RIVALS[name]
    return Criterion(
        f"{told}partial R2 given {rival}", measure, above=LEFT, rival=rival, only_if=discriminates
    )


def selective(features: Callable[[Study], str]) -> Criterion[Study]:
    """Partial R2 given a short memory that training gains on the right beliefs, minus what it gains on those
    of wrong processes (same alphabet and entropy rate).

    A short memory tells different shares of different beliefs, and so does an untrained network; both are
    taken out.
    """

    def gained(s: Study, labels: str) -> Float[np.ndarray, "seeds"]:
        trained, fresh = (
            beyond(s, features(s), MEMORY, labels=labels, trained=which).partial for which in (True, False)
        )
        return trained - fresh.mean()

    def discriminates(s: Study) -> bool:
        return all(s.baseline(MEMORY, labels).r2 <= DETERMINED for labels in ("belief", "decoy"))

    return Criterion(
        "training gains more on the beliefs than on wrong processes', given a short memory",
        lambda s: gained(s, "belief") - gained(s, "decoy"),
        above=0.0,
        rival="beliefs of any process",
        only_if=discriminates,
    )


def validity(features: Callable[[Study], str], limit: float = TRAINED) -> tuple[Criterion[Study], ...]:
    """Whether a probe of the given features works at all on these networks."""
    return learned(limit), beyond_untrained(features), beyond_shuffles(features)


def standard(features: Callable[[Study], str], limit: float = TRAINED) -> tuple[Criterion[Study], ...]:
    """All standard controls for a probe of some features: whether it works, and what else could be read."""
    return *validity(features, limit), *rivals(features)


def rivals(features: Callable[[Study], str]) -> tuple[Criterion[Study], ...]:
    """What else could be read in place of beliefs."""
    return *(beyond_rival(features, name) for name in RIVALS), selective(features)


ControlStatistics = Mapping[str, Float[np.ndarray, "seeds"] | None]
"""Values of the standard controls by name, measured so that the activations of a study can be freed."""


def keep(
    study: Study,
    features: Callable[[Study], str],
    which: Callable[[Callable[[Study], str]], Sequence[Criterion[Study]]] = standard,
) -> ControlStatistics:
    """Measure all standard controls now, or some."""
    return {control.name: control.values(study) for control in which(features)}


def kept(
    of: Callable[[E], ControlStatistics], controls: Sequence[Criterion[Study]]
) -> tuple[Criterion[E], ...]:
    """These controls, as measured earlier."""

    def read(name: str) -> Callable[[E], Float[np.ndarray, "seeds"] | None]:
        return lambda evidence: of(evidence)[name]

    return tuple(c.measured_by(read(c.name)) for c in controls)
