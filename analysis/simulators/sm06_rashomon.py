"""SM6: Rashomon sets. Networks that agree where they were asked differ where they were not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import processes
import train

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.behaviour.disagreement import contributions, log_ratio
from ..instruments.contexts import enumerated
from ..instruments.evidence import observe, unlearned
from ..instruments.interventions.quantisation import matrices
from ..instruments.statistics import slope
from ..instruments.untrained import untrained
from .sm06_rashomon_design import (
    BASE,
    CONSTRAINTS,
    DOSES,
    EPS,
    TOGGLED,
    USUAL,
    WIDTHS,
    Arm,
    Compared,
    apart,
    broken,
    compared,
    counted,
    described,
    length,
    recipes,
)

TENFOLD = float(np.log(10))
"""log of how many times further apart networks are off the support than on it, at least."""
Pairs = Float[np.ndarray, "seeds seeds"]


@dataclass(frozen=True, eq=False)
class Rashomon:
    """How far every two networks are from each other: mean Jensen-Shannon divergence of what they predict,
    nats.
    """

    width: Int[np.ndarray, "W"]
    on: Float[np.ndarray, "W seeds seeds"]  # possible words of the process, as probable as they are
    rare: Float[np.ndarray, "W seeds seeds"]  # possible words of a length all alike
    off: Float[np.ndarray, "W seeds seeds"]  # impossible words, likewise
    untrained_on: Float[np.ndarray, "seeds seeds"]  # at the usual width
    untrained_off: Float[np.ndarray, "seeds seeds"]
    broken: Float[np.ndarray, "D seeds seeds"]  # bodies that break what is on, by constraints switched
    empty: Float[np.ndarray, "seeds seeds"]  # the same where the one that is switched says nothing
    unlearned: Float[np.ndarray, "A seeds"]  # share of what contexts are worth, by arm
    weights: Int[np.ndarray, "W"]  # numbers in the matrices of a network
    bits: Int[np.ndarray, "W seeds"]  # fewest for each, rounded to the nearest, within `EPS` of the optimum
    states: Int[np.ndarray, "K"]
    machines: Float[np.ndarray, "K"]  # unifilar machines of so many states
    within: Float[np.ndarray, "K"]  # and how many are within `EPS` of the optimum

    @property
    def usual(self) -> int:
        """Where the usual width stands."""
        return int(np.flatnonzero(self.width == USUAL)[0])

    def off_over_on(self) -> Float[np.ndarray, "seeds"]:
        """log of disagreement on impossible over that on possible words."""
        return contributions(log_ratio, self.off[self.usual], self.on[self.usual])

    def off_over_rare(self) -> Float[np.ndarray, "seeds"]:
        """The same over possible words that all weigh alike, as impossible ones do."""
        return contributions(log_ratio, self.off[self.usual], self.rare[self.usual])

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """`off_over_on` minus that of untrained networks."""

        def of(off: float, on: float, untrained_off: float, untrained_on: float) -> float:
            return log_ratio(off, on) - log_ratio(untrained_off, untrained_on)

        k = self.usual
        return contributions(of, self.off[k], self.on[k], self.untrained_off, self.untrained_on)

    def with_width(self) -> Float[np.ndarray, "seeds"]:
        """By how much `off_over_on` grows when the width is doubled."""
        W = len(self.width)

        def of(*means: float) -> float:
            ratios = [log_ratio(off, on) for off, on in zip(means[:W], means[W:], strict=True)]
            return float(slope(np.array(ratios), np.log2(self.width)))

        return contributions(of, *self.off, *self.on)

    def off_with_width(self) -> Float[np.ndarray, "seeds"]:
        """The same of disagreement on impossible words alone."""
        return _growth(self.off, np.log2(self.width))

    def with_constraints(self) -> Float[np.ndarray, "seeds"]:
        """By how much the log of disagreement grows with each constraint that is switched in training."""
        return _growth(self.broken, np.arange(float(len(self.broken))))

    def beyond_empty(self) -> Float[np.ndarray, "seeds"]:
        """log of disagreement where a constraint that says nothing is switched, over that where one is that
        says something.
        """
        return contributions(log_ratio, self.empty, self.broken[1])


def _growth(tables: Float[np.ndarray, "n seeds seeds"], x: np.ndarray) -> Float[np.ndarray, "seeds"]:
    """Slope on x of the log of disagreement, of which there is a table for each x."""

    def of(*means: float) -> float:
        return float(slope(np.array([log_ratio(d, 1.0) for d in means]), x))

    return contributions(of, *tables)


@dataclass(frozen=True, eq=False)
class Apart:
    """What is drawn: how far each network is from the others, mean over them, nats; as in `Rashomon`."""

    width: Int[np.ndarray, "W"]
    usual: int
    on: Float[np.ndarray, "W seeds"]
    off: Float[np.ndarray, "W seeds"]
    untrained_on: Float[np.ndarray, "seeds"]
    untrained_off: Float[np.ndarray, "seeds"]
    broken: Float[np.ndarray, "D seeds"]
    empty: Float[np.ndarray, "seeds"]
    weights: Int[np.ndarray, "W"]
    bits: Int[np.ndarray, "W seeds"]
    states: Int[np.ndarray, "K"]
    machines: Float[np.ndarray, "K"]
    within: Float[np.ndarray, "K"]


def each(r: Rashomon) -> Apart:
    """Pairs as means over partners: networks of several looks are not compared with each other."""

    def of(pairs: np.ndarray) -> np.ndarray:
        return pairs.sum(-1) / (pairs.shape[-1] - 1)

    return Apart(
        width=r.width,
        usual=r.usual,
        on=of(r.on),
        off=of(r.off),
        untrained_on=of(r.untrained_on),
        untrained_off=of(r.untrained_off),
        broken=of(r.broken),
        empty=of(r.empty),
        weights=r.weights,
        bits=r.bits,
        states=r.states,
        machines=r.machines,
        within=r.within,
    )


def rashomon(runs: Mapping[Arm, train.Run]) -> Rashomon:
    """Compare the networks of every arm with each other."""
    own = [runs[Arm(width)] for width in WIDTHS]
    recipe = own[0].recipe
    asked, outside = compared(recipe.process, recipe.model.n_ctx), broken()
    on, rare, off = zip(*(_of(run, asked, "on", "possible", "impossible") for run in own), strict=True)
    usual = runs[Arm(USUAL)].recipe
    fresh = apart(usual.model, untrained(usual), asked.words, asked.on, asked.impossible)
    switched = {name: _of(runs[Arm(USUAL, name)], outside, "impossible")[0] for name in TOGGLED}
    k, machines, within = counted(recipe.ground_truth())
    return Rashomon(
        width=np.array(WIDTHS),
        on=np.array(on),
        rare=np.array(rare),
        off=np.array(off),
        untrained_on=fresh[0],
        untrained_off=fresh[1],
        broken=np.array([switched[name] for name in DOSES]),
        empty=switched["empty"],
        unlearned=np.array([_unlearned(run) for run in runs.values()]),
        weights=np.array([matrices(run.params()) for run in own]),
        bits=np.array([described(run) for run in own]),
        states=k,
        machines=machines,
        within=within,
    )


def _of(run: train.Run, asked: Compared, *weights: str) -> list[Pairs]:
    return apart(run.recipe.model, run.params(), asked.words, *(getattr(asked, w) for w in weights))


def _unlearned(run: train.Run) -> Float[np.ndarray, "seeds"]:
    config = run.recipe.model
    every = enumerated(run.recipe.ground_truth(), config.n_ctx)
    return unlearned(observe(config, run.params(), every, ()))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    k, machines, within = counted(process)
    return {
        f"machines of {states} states in the Rashomon set": f"{a:.0f} of {b:.0f}"
        for states, a, b in zip(k, within, machines, strict=True)
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if process.kind != "hmm" or (process.T < 0).any():
        return "it is a generalised process, of which machines are not counted"
    n = length(process.vocab)
    everything = sum(process.vocab**i for i in range(1, n + 1))
    if processes.count_words(process, n, most=everything) == everything:
        return f"every word of {n} symbols is possible, so networks were asked about all of them"
    rate = processes.entropy_rate(process)
    if rate.upper - rate.lower > EPS / 2:
        return (
            f"its entropy rate is known to {rate.upper - rate.lower:.1e} nats, too little to count machines"
        )
    return None


SM6: Claim[Rashomon, Apart] = Claim(
    id="SM6",
    statement=(
        "Rashomon sets: networks of one recipe that agree where they were asked differ where they were not, "
        "the more the wider they are, and the less the more constraints mention such words."
    ),
    source=(
        "Public comments on simulators; the term: Breiman 2001; counts, words and statistics: this lab's "
        "operationalisation"
    ),
    tested_on=("golden_mean", "even", "rrxor"),
    recipes=recipes,
    evidence=rashomon,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "log of disagreement on impossible words over that on possible ones",
            Rashomon.off_over_on,
            above=TENFOLD,
        ),
        Criterion("growth of that log with each doubling of the width", Rashomon.with_width, above=0.0),
        Criterion(
            "growth of log disagreement with each constraint that mentions such words",
            Rashomon.with_constraints,
            below=0.0,
        ),
    ),
    controls=(
        learned_by(lambda r: r.unlearned.max(0)),
        Criterion(
            "the same log beyond untrained networks",
            Rashomon.beyond_untrained,
            above=0.0,
            rival="any two networks",
        ),
        Criterion(
            "the same log over possible words that weigh as impossible ones do",
            Rashomon.off_over_rare,
            above=TENFOLD,
            rival="how rare words are",
        ),
        Criterion(
            "growth of log disagreement on impossible words alone with each doubling of the width",
            Rashomon.off_with_width,
            above=0.0,
            rival="how near wide networks come to the floor",
        ),
        Criterion(
            "log disagreement with a control that says nothing, over that with one that says something",
            Rashomon.beyond_empty,
            above=0.0,
            rival="more control tokens",
        ),
    ),
    shown=each,
    drawn_from=Apart,
    would_change=(
        "Networks of different seeds that predict alike after words which none of them has seen, or that "
        "differ no more in wider networks or with fewer constraints."
    ),
    limits=(
        "One number for each network is its pseudo-value in a jackknife over networks, since pairs share "
        "them. Impossible words of one length weigh alike, and all lengths that have any. Widths are "
        f"{', '.join(map(str, WIDTHS))}, with hidden layers four times as wide. Constraints are "
        f"'{CONSTRAINTS[0]}' and '{CONSTRAINTS[1]}' on a {BASE}, whatever process is asked about: none, one "
        "or both are switched on and off by control tokens in training, and networks are compared where all "
        "are on and the body breaks one, which no training shows; so what is learned of such words is "
        f"learned under other controls. '{CONSTRAINTS[2]}', which says nothing beside the first, is switched "
        "as the control. Disagreement says that a class of networks is not narrowed down there, not which of "
        "its members is right. Bits of weights are told, and not judged: each matrix has a grid of its own "
        "for every output, so they bound the length of a description from above. Machines that are in the "
        "set may differ by states that are never reached."
    ),
)
