"""MI7: beliefs outlive predictions as weights are rounded to fewer and fewer bits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

import processes
import toy
import train

from ..claim import Claim, Criterion, Published
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.evidence import Evidence, observe
from ..instruments.forward import alone, member
from ..instruments.interventions.quantisation import WAYS, Way, input_moments, quantised
from ..instruments.probing.probe import moments, probe
from ..instruments.probing.study import check
from ..instruments.statistics import crossing
from ..instruments.untrained import untrained
from ..recipes import one_run

BITS = (16, 14, 12, *range(10, 1, -1))
"""To which weights are rounded, from the most."""
DOUBLE = 1.0
"""Log2 of what is left to learn, or left unexplained, over what it was: twice."""
HELD = 0.5
"""Least R2 of networks as they are: where less is explained, what is left unexplained cannot double."""
SHARE = 0.1
"""Of what contexts are worth, or of R2 as it was, that is lost: the same question in shares."""
NO_SHARE = 1e-4
"""In place of smaller shares, and gains, where logarithms are taken: what is lost grows with every bit by a
factor.
"""
NONE = 1e-15
"""In place of remainders that are none but for rounding."""
FEW = 4
"""Bits at which both ways of rounding are compared."""
ROOM = 0.5
"""Largest log2 ratio that most bits may already come to."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """Networks as they are, and rounded; bits in the order of `BITS`."""

    worth: float  # of contexts, nats per token
    excess: Float[np.ndarray, "seeds"]  # over the exact predictor, nats per token
    r2: Float[np.ndarray, "seeds"]  # of beliefs from all layers side by side, held out
    untrained: Float[np.ndarray, "seeds"]  # the same of untrained networks
    excess_at: Mapping[Way, Float[np.ndarray, "seeds B"]]
    r2_at: Mapping[Way, Float[np.ndarray, "seeds B"]]

    def predictions(self, way: Way) -> Float[np.ndarray, "seeds B"]:
        """Log2 of what is left to learn over what it was."""
        return _log_times(self.excess_at[way], self.excess)

    def beliefs(self, way: Way) -> Float[np.ndarray, "seeds B"]:
        """Log2 of what is left unexplained of beliefs over what it was."""
        return _log_times(1 - self.r2_at[way], 1 - self.r2)

    def outlive(self, way: Way) -> Float[np.ndarray, "seeds"]:
        """Bits at which what is left to learn doubles minus those at which what is left unexplained does."""
        return reached(self.predictions(way), DOUBLE) - reached(self.beliefs(way), DOUBLE)

    def outlive_in_shares(self, way: Way) -> Float[np.ndarray, "seeds"]:
        """Bits at which a tenth of what contexts are worth is lost minus those at which a tenth of R2 is."""
        a, b = self._log_lost(way)
        return reached(a, np.log2(SHARE)) - reached(b, np.log2(SHARE))

    def loses(self, way: Way) -> bool:
        """Whether a tenth of either is lost in any network at the fewest bits or before. Where it is not,
        both are reached by nobody, and that the fewest bits minus the fewest bits are zero says nothing.
        """
        return bool((np.stack(self._log_lost(way)) >= np.log2(SHARE)).any())

    def _log_lost(self, way: Way) -> tuple[Float[np.ndarray, "seeds B"], Float[np.ndarray, "seeds B"]]:
        """Log2 of what is lost, as a share of what contexts are worth, and of R2 as it was."""
        predicted = (self.excess_at[way] - self.excess[:, None]) / self.worth
        believed = 1 - self.r2_at[way] / self.r2[:, None]
        a, b = (np.log2(np.maximum(lost, NO_SHARE)) for lost in (predicted, believed))
        return a, b

    def saved(self) -> Float[np.ndarray, "seeds"]:
        """Log2 of what rounding to few bits costs the prediction, error-compensated over to the nearest."""
        at = BITS.index(FEW)
        return np.log2(self.excess_at["compensated"][:, at] / self.excess_at["nearest"][:, at])


def _log_times(
    left: Float[np.ndarray, "seeds B"], was: Float[np.ndarray, "seeds"]
) -> Float[np.ndarray, "seeds B"]:
    return np.asarray(np.log2(np.maximum(left, NONE) / np.maximum(was, NONE)[:, None]))


def reached(curve: Float[np.ndarray, "seeds B"], level: float) -> Float[np.ndarray, "seeds"]:
    """The most bits at which a curve comes to a level, straight between whole bits; the most bits of all
    where it begins there, the fewest where it never comes there.
    """
    bits = np.array(BITS, float)
    return np.array([crossing(bits, of, level, of >= level) for of in np.asarray(curve)])


def rounded(runs: Mapping[str, train.Run]) -> Rounded:
    """Round every network to every number of bits, both ways, and probe it anew."""
    (run,) = runs.values()
    config, params = run.recipe.model, run.params()
    truth = contexts(run.recipe.ground_truth(), config.n_ctx)
    layers = config.stream[1:]
    seen = observe(config, params, truth, layers)
    fresh = observe(config, untrained(run.recipe), truth, layers)
    excess, r2 = np.array([(e.excess, _r2(e)) for e in seen]).T
    curves = [_curves(config, member(params, i), truth) for i in range(run.recipe.seeds)]
    return Rounded(
        worth=truth.worth,
        excess=excess,
        r2=r2,
        untrained=np.array([_r2(e) for e in fresh]),
        excess_at={way: np.array([c[way][:, 0] for c in curves]) for way in WAYS},
        r2_at={way: np.array([c[way][:, 1] for c in curves]) for way in WAYS},
    )


def _curves(config: toy.Config, own: toy.Params, truth: Contexts) -> Mapping[Way, Float[np.ndarray, "B two"]]:
    """Excess and R2 of one network at every number of bits, by the way of rounding."""
    given = input_moments(config, own, truth)
    found: dict[Way, np.ndarray] = {}
    for way in WAYS:
        rows = []
        for bits in BITS:
            rough = quantised(own, bits, given if way == "compensated" else None)
            (seen,) = observe(config, alone(rough), truth, config.stream[1:])
            rows.append((seen.excess, _r2(seen)))
        found[way] = np.array(rows)
    return found


def _r2(seen: Evidence) -> float:
    features = np.concatenate(list(seen.activations.values()), axis=1)
    return probe(moments(features, seen.contexts.belief, seen.contexts)).r2


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {"bits by which beliefs outlive predictions": "more than none"}


def _refusal(process: processes.Source, n_ctx: int) -> str | None:
    if not isinstance(process, processes.Process):
        return "it is a question, with no beliefs to be probed"
    check(process, n_ctx)
    return None


Measure = Callable[[Rounded, Way], Float[np.ndarray, "seeds"]]
"""A number for each network, by how its weights are rounded."""
WORDS: Mapping[Way, str] = {"nearest": "to the nearest", "compensated": "error-compensated"}
"""How weights are rounded, in words."""


T = TypeVar("T")


def _by(measure: Callable[[Rounded, Way], T], way: Way) -> Callable[[Rounded], T]:
    return lambda r: measure(r, way)


def _each(
    name: str,
    measure: Measure,
    *,
    only_if: Callable[[Rounded, Way], bool] = lambda r, way: True,
    **where: Any,
) -> tuple[Criterion[Rounded], ...]:
    """The same asked of both ways of rounding, of each where it applies."""
    return tuple(
        Criterion(f"{name}, {words}", _by(measure, way), only_if=_by(only_if, way), **where)
        for way, words in WORDS.items()
    )


MI7: Claim[Rounded, Rounded] = Claim(
    id="MI7",
    statement=(
        "Beliefs outlive predictions: as weights are rounded, what is left to learn doubles at more bits "
        "than what a probe leaves unexplained of beliefs."
    ),
    source=(
        "notes on mechanistic interpretability; error-compensated rounding: Frantar et al. 2022, "
        "arXiv:2210.17323; statistics: this lab's operationalisation"
    ),
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    evidence=rounded,
    prediction=_prediction,
    refusal=_refusal,
    criteria=_each(
        "bits at which KL doubles minus bits at which 1 - R2 does",
        Rounded.outlive,
        above=0.0,
    ),
    controls=(
        learned_by(lambda r: r.excess / r.worth),
        Criterion(
            "R2 of networks as they are",
            lambda r: r.r2,
            above=HELD,
            means="so little is held of beliefs that what is left unexplained cannot double",
        ),
        Criterion(
            "R2 above every untrained network",
            lambda r: r.r2 - r.untrained.max(),
            above=0.0,
            means="the architecture alone, untrained, gives the score",
        ),
        *_each(
            f"log2 of what {BITS[0]} bits leave to learn over what was",
            lambda r, way: r.predictions(way)[:, 0],
            below=ROOM,
            means="the most bits are too few to begin with",
        ),
        *_each(
            "bits at which a tenth of what contexts are worth is lost minus bits at which a tenth of R2 is",
            Rounded.outlive_in_shares,
            only_if=Rounded.loses,
            above=0.0,
            rival="how small a remainder it is that doubles",
        ),
    ),
    published=(
        Published(
            f"log2 of KL at {FEW} bits, error-compensated over to the nearest",
            "below zero: compensation keeps language models usable at 3 to 4 bits (Frantar et al. 2022)",
            Rounded.saved,
        ),
    ),
    drawn_from=Rounded,
    literature={"language models": "3 to 4 bits with error compensation (Frantar et al. 2022)"},
    would_change=(
        "Networks at the floor of whose beliefs a probe loses as much as predictions do, bit for bit, in "
        "doublings and in shares."
    ),
    limits=(
        "Matrices are rounded, each output channel on a grid of its own; embeddings, norms and biases are "
        "kept. Probes are fitted anew to every rounded network, on all of its layers. What is left to learn "
        "is tiny at the floor, and a tiny number doubles soon; what a probe leaves unexplained may be large, "
        "and then never doubles, which counts as the fewest bits. Shares of what there was to lose are the "
        "rival for that reason. Where no network loses a tenth of either at the fewest bits, shares "
        "have no order to be seen, and by that way of rounding the rival does not apply: it is neither met "
        "nor ruled out. Inputs for error compensation are those of the network as it was."
    ),
)
