"""CL3: conflict and missing integration hurt, not the amount of constraints.

Pairs of constraints with memory, of equal load, which share or exclude more or less, are taught to networks
in each of the regimes of `regimes`; how far both are violated when both are on is set against their exact
interaction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from processes.constraints import Protocol

from ..claim import Claim, Criterion, Setting, by_role
from ..instruments.statistics import slope
from ..recipes import SMALL
from . import regimes
from .cl3_stacking_design import BASE, design, interaction, refusal
from .regimes import MEASURES, REGIMES, Pair, Schedule, measured, models, steering

BODY = 7
"""Body tokens that are read, so that eight are predicted: two blocks of the parities."""
STAGE = 300
"""Steps for one constraint; three times as many for both together."""
MODELS = ("transformer", "gru")
"""Architectures, each by itself."""
EQUIVALENT = 0.25
"""Relative violation per nat of interaction that counts as none: over the design's range it is less than a
tenth of what a predictor does that ignores the constraints.
"""
STACKED = REGIMES[1:]
TAUGHT = REGIMES[:3]
"""Regimes that train the network itself, and so can teach it constraints with memory: what a constant vector
leaks of a single one is taken out of what it does to both.
"""


class Role(NamedTuple):
    """What a run is to the claim."""

    model: str  # one of `MODELS`
    pair: int
    stage: str  # a role of `regimes.recipes`

    def __str__(self) -> str:
        return f"{self.model}, pair {self.pair}, {self.stage}"


def recipes(process: str, setting: Setting) -> Mapping[Role, train.Recipe]:
    """Every architecture in every regime on every pair."""
    base = processes.named(process)
    shape = replace(SMALL, vocab=base.vocab + 3, n_ctx=2 + BODY)
    models: dict[str, toy.Config] = {"transformer": shape}
    if setting.size != "small":
        models["gru"] = toy.RecurrentConfig(shape.vocab, shape.n_ctx, shape.n_layers, shape.d_model, "gru")
    return {
        Role(name, i, stage): recipe
        for name, model in models.items()
        for i, (pair, _) in enumerate(design(base))
        for stage, recipe in regimes.recipes(Pair(process, *pair), model, _schedule(setting.seeds)).items()
    }


def _schedule(seeds: int) -> Schedule:
    return Schedule(stage=STAGE, batch=64, learning_rate=3e-3, steering_rate=0.2, seeds=seeds)


ByRegime = Mapping[str, Float[np.ndarray, "seeds P"]]


@dataclass(frozen=True, eq=False)
class Paradox:
    """Networks of one architecture in every regime on pairs of constraints (P of them)."""

    interaction: Float[np.ndarray, "P"]  # nats per token
    load: Float[np.ndarray, "P 2"]  # of each constraint by itself
    relative: ByRegime  # violation with both on, over the base predictor's on the same contexts
    mass: ByRegime  # not divided
    divergence: ByRegime  # from the exact optimum with both on, nats per token
    satisfied: ByRegime  # share of bodies sampled from the network that satisfy both
    composed: ByRegime  # relative violation if both were obeyed as well as each alone
    learned: ByRegime  # relative violation of the worse single constraint, when just learned
    base: Float[np.ndarray, "seeds P"]  # relative violation of the base network without controls

    def rise(self, regime: str) -> Float[np.ndarray, "seeds"]:
        """Slope of relative violation on interaction."""
        return slope(self.relative[regime], self.interaction)

    def beyond_leaks(self, regime: str) -> Float[np.ndarray, "seeds"]:
        """The same minus that of the composed predictions."""
        return self.rise(regime) - slope(self.composed[regime], self.interaction)

    def base_slope(self) -> Float[np.ndarray, "seeds"]:
        """The same of the base network, which has no controls."""
        return slope(self.base, self.interaction)

    def worst_learned(self) -> Float[np.ndarray, "seeds"]:
        """The largest relative violation of a single constraint, over pairs and the regimes that teach it to
        the network.
        """
        return np.max([self.learned[regime] for regime in TAUGHT], axis=(0, 2))


class Architectures(NamedTuple):
    """What the figure of the claim is drawn from: the evidence, as a record."""

    networks: Mapping[str, Paradox]  # by model


def evidence(runs: Mapping[Role, train.Run]) -> Mapping[str, Paradox]:
    """Networks of each architecture, by model."""
    return {model: paradox(runs, model) for model in MODELS if any(role.model == model for role in runs)}


def paradox(runs: Mapping[Role, train.Run], model: str) -> Paradox:
    """Measure the networks of one architecture."""
    base = runs[Role(model, 0, "base")]
    schedule = _schedule(base.recipe.seeds)
    fitted = lru_cache(steering(base.recipe.model, base.params(), schedule))
    columns = []
    for i in sorted({role.pair for role in runs if role.model == model}):
        of_pair = {r.stage: run for r, run in runs.items() if r.model == model and r.pair == i}
        p = of_pair["together"].recipe.ground_truth().made_of
        assert isinstance(p, Protocol)  # `Pair.guarded` names nothing else
        assert p.base.spec is not None  # a run's process was named, so its base has a name
        pair = Pair(p.base.spec, *design(p.base)[i][0])
        found = models(pair, p, of_pair, schedule, fitted)
        columns.append((p, measured(p, found, base.recipe.model.n_ctx - 2)))

    def table(key: str) -> dict[str, np.ndarray]:
        return {regime: np.stack([column[regime][key] for _, column in columns], 1) for regime in REGIMES}

    loads = np.array([[p.loads[(0,)], p.loads[(1,)]] for p, _ in columns])
    gap = np.array([interaction(p) for p, _ in columns])
    return Paradox(gap, loads, **{key: table(key) for key in MEASURES}, base=table("neither")["sequential"])


def prediction(process: processes.Process, n_ctx: int) -> dict[str, Any]:
    """What each regime should do, and the exact design."""
    told: dict[str, Any] = {
        "together": "no slope",
        "sequential, arithmetic, steering": "violation rises with the interaction",
    }
    for (first, second), p in design(process):
        alone = " and ".join(f"{p.loads[(k,)]:.4f}" for k in range(2))
        told[f"{first}; {second}"] = (
            f"2 constraints of load {alone}, interaction {interaction(p):+.4f} nats per token"
        )
    return told


def _criteria(model: str) -> tuple[Criterion[Paradox], ...]:
    trained = (
        Criterion(f"{model}, {regime}: slope of violation on interaction", _rise(regime), above=0.0)
        for regime in STACKED
        if regime in TAUGHT
    )
    steered = Criterion(
        f"{model}, steering: slope beyond that of single leaks", _beyond_leaks("steering"), above=0.0
    )
    integrated = Criterion(
        f"{model}, together: slope of violation on interaction",
        _rise("together"),
        above=-EQUIVALENT,
        below=EQUIVALENT,
    )
    return (*trained, steered, integrated)


def _rise(regime: str) -> Callable[[Paradox], Float[np.ndarray, "seeds"]]:
    return lambda e: e.rise(regime)


def _beyond_leaks(regime: str) -> Callable[[Paradox], Float[np.ndarray, "seeds"]]:
    return lambda e: e.beyond_leaks(regime)


def _controls(model: str) -> tuple[Criterion[Paradox], ...]:
    beyond_leaks = (
        Criterion(
            f"{model}, {regime}: slope beyond that of single leaks",
            _beyond_leaks(regime),
            above=0.0,
            rival="leaks of single constraints",
        )
        for regime in STACKED
        if regime in TAUGHT
    )
    return (
        *beyond_leaks,
        Criterion(
            f"{model}: worst single constraint when learned",
            Paradox.worst_learned,
            below=0.25,
            means="single constraints were not learned, so nothing can be said of two",
        ),
        Criterion(
            f"{model}: slope of the base network, no controls",
            Paradox.base_slope,
            above=-EQUIVALENT,
            below=EQUIVALENT,
            means="violation depends on interaction before anything is constrained",
        ),
    )


CL3: Claim[Mapping[str, Paradox], Architectures] = Claim(
    id="CL3",
    statement=(
        "Conflict and missing integration hurt, not the amount: stacked constraints are violated more as "
        "they conflict, integrated not."
    ),
    source=(
        "theory of the intervention paradox (in words); regimes, interaction and relative violation are this "
        "lab's operationalisation"
    ),
    tested_on=(BASE,),
    runs=2,
    recipes=recipes,
    evidence=evidence,
    prediction=prediction,
    refusal=refusal,
    criteria=by_role(MODELS, _criteria),
    controls=by_role(MODELS, _controls),
    shown=Architectures,
    drawn_from=Architectures,
    would_change=(
        "Stacked networks that violate no more where constraints conflict than where they share their work, "
        "or not beyond single leaks; or networks trained together that do."
    ),
    limits=(
        "Always two constraints of equal load (within a hundredth); only what they share varies, in five "
        "steps, and kinds of constraints vary with it: there is one pair for each interaction. Slopes are of "
        "relative violation per nat of interaction: the mass that the joint constraint takes from the base "
        "grows with interaction by itself, so violation is divided by what the unconstrained base predictor "
        "gives to the same tokens (undivided masses are kept with the verdict). A second mechanical part "
        "remains: where constraints coincide, one of them obeyed is both obeyed, and leaks of single "
        "constraints weigh more the less is left. The composed prediction q_A q_B / q_0, each as just "
        "learned, is what two constraints that do not meet inside the network would do: its slope is a rival "
        "of the two regimes that train the network. A constant vector cannot obey a constraint with memory, "
        "and leaks by itself; so steering is judged by its slope beyond that of its leaks alone, and single "
        "constraints have to be learned in the other regimes only. Together is the one regime that has seen "
        "both controls on; stacked networks meet them when tested, which is the point but also the whole "
        "difference. Steps and networks are matched; a steering vector has d_model parameters, not a "
        "network's. One width, bodies of eight tokens."
    ),
    revision=2,
)
