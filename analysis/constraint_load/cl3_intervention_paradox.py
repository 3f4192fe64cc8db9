"""Conflict and missing integration hurt, not the amount of constraints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from processes import constraints
from processes.constraints import Protocol, constraint, independent_distribution
from processes.values.notes import noted

from ..claim import Claim, Criterion, Setting, of_role
from ..controls import beyond
from ..instruments.statistics import slope
from ..recipes import SMALL
from .regimes import BOTH, REGIMES, Pair, Schedule, Speaker, recipes, speakers, steering
from .violation import bodies, satisfaction, violation

BODY = 3
"""Body tokens that are read, so that four are predicted."""
SAMPLES = 256
"""Bodies sampled from each network for joint satisfaction."""
STAGE = 300
"""Steps for one constraint; three times as many for both together."""
ROLES = ("transformer", "gru")
EQUIVALENT = 0.1
"""Relative violation per nat of interaction that counts as none: over the design's range it is less than a
tenth of what a predictor does that ignores the constraints.
"""
STACKED = REGIMES[1:]
MEASURES = ("relative", "mass", "divergence", "satisfied", "composed", "learned")
SEPARATE = 1e-6
"""Single loads that differ by less than this are equal up to rounding (nats per token)."""


def pairs(process: str, vocab: int) -> list[Pair]:
    """Two equally large sets of forbidden symbols, from the same set twice to disjoint ones; together they
    leave two symbols or more.
    """
    m = (vocab - 2) // 2
    sets = [(range(m), range(m - overlap, 2 * m - overlap)) for overlap in range(m, -1, -1)] if m > 1 else []
    return [
        Pair(process, *("never " + ("," if vocab > 10 else "").join(map(str, s)) for s in both))
        for both in sets
    ]


@noted(64)
def protocol(base: processes.Process, pair: Pair) -> Protocol:
    """The protocol of a pair on its base, with all subsets."""
    found = [constraint(text, base.vocab) for text in (pair.first, pair.second)]
    return constraints.protocol(base, found, independent_distribution(2, p=0.5))


def interaction(p: Protocol) -> float:
    """Exact interaction of the two constraints, nats per token."""
    return p.loads[BOTH] - p.loads[(0,)] - p.loads[(1,)]


@dataclass(frozen=True, eq=False)
class Paradox:
    """Networks of one architecture in every regime on pairs of constraints (P of them)."""

    interaction: Float[np.ndarray, "P"]  # nats per token
    load: Float[np.ndarray, "P 2"]  # of each constraint by itself
    relative: Mapping[
        str, Float[np.ndarray, "seeds P"]
    ]  # by regime: violation with both on, over the base predictor's on the same contexts
    mass: Mapping[str, Float[np.ndarray, "seeds P"]]  # not divided
    divergence: Mapping[
        str, Float[np.ndarray, "seeds P"]
    ]  # from the exact optimum with both on, nats per token
    satisfied: Mapping[
        str, Float[np.ndarray, "seeds P"]
    ]  # share of bodies sampled from the network that satisfy both
    composed: Mapping[
        str, Float[np.ndarray, "seeds P"]
    ]  # relative violation if both were obeyed as well as each alone
    learned: Mapping[
        str, Float[np.ndarray, "seeds P"]
    ]  # relative violation of the worse single constraint, when just learned
    base: Float[np.ndarray, "seeds P"]  # relative violation of the base network without controls


def _schedule(setting: Setting) -> Schedule:
    return Schedule(stage=STAGE, batch=64, learning_rate=3e-3, steering_rate=0.2, seeds=setting.seeds)


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    vocab = processes.named(process).vocab
    shape = replace(SMALL, vocab=vocab + 3, n_ctx=2 + BODY)
    models: dict[str, toy.Config] = {"transformer": shape}
    if setting.size != "small":
        models["gru"] = toy.RecurrentConfig(shape.vocab, shape.n_ctx, shape.n_layers, shape.d_model, "gru")
    return {
        f"{role}, pair {i}, {name}": recipe
        for role, model in models.items()
        for i, pair in enumerate(pairs(process, vocab))
        for name, recipe in recipes(pair, model, _schedule(setting)).items()
    }


def _evidence(runs: Mapping[str, train.Run]) -> Mapping[str, Paradox]:
    roles = [role for role in ROLES if any(name.startswith(role) for name in runs)]
    return {
        role: _paradox(
            {name.removeprefix(f"{role}, "): run for name, run in runs.items() if name.startswith(role)}
        )
        for role in roles
    }


def _paradox(runs: Mapping[str, train.Run]) -> Paradox:
    base = runs["pair 0, base"]
    schedule = _schedule(Setting(base.recipe.seeds))
    fitted = lru_cache(steering(base.recipe.model, base.params(), schedule))
    columns = []
    for i in range(sum(name.endswith("together") for name in runs)):
        of_pair = {name.split(", ")[1]: run for name, run in runs.items() if name.startswith(f"pair {i},")}
        p = of_pair["together"].recipe.ground_truth().made_of
        assert isinstance(p, Protocol)  # `Pair.guarded` names nothing else
        pair = Pair(str(p.base.spec), *(str(c.spec) for c in p.constraints))
        found = speakers(pair, p, of_pair, schedule, fitted)
        columns.append((p, _measured(p, found, base.recipe.model.n_ctx - 2)))

    def table(key: str) -> dict[str, np.ndarray]:
        return {regime: np.stack([column[regime][key] for _, column in columns], 1) for regime in REGIMES}

    loads = np.array([[p.loads[(0,)], p.loads[(1,)]] for p, _ in columns])
    gap = np.array([interaction(p) for p, _ in columns])
    return Paradox(gap, loads, **{key: table(key) for key in MEASURES}, base=table("neither")["sequential"])


def _measured(
    p: Protocol, found: Mapping[str, list[Speaker]], length: int
) -> dict[str, dict[str, np.ndarray]]:
    joint, alone = bodies(p, BOTH, length), [bodies(p, (k,), length) for k in range(2)]

    def one(speaker: Speaker) -> dict[str, float]:
        both = violation(joint, speaker.both)
        return {
            "relative": both.relative,
            "mass": both.mass,
            "divergence": both.divergence,
            "satisfied": satisfaction(p, BOTH, speaker.both, length=length + 1, n=SAMPLES),
            "composed": violation(joint, speaker.composed).relative,
            "learned": max(
                violation(where, laws).relative for where, laws in zip(alone, speaker.alone, strict=True)
            ),
            "neither": violation(joint, speaker.neither).relative,
        }

    rows = {regime: [one(speaker) for speaker in seeds] for regime, seeds in found.items()}
    return {
        regime: {key: np.array([row[key] for row in of_seeds]) for key in (*MEASURES, "neither")}
        for regime, of_seeds in rows.items()
    }


def _prediction(process: processes.Process, n_ctx: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "together": "no slope",
        "sequential, arithmetic, steering": "violation rises with the interaction",
    }
    for pair in pairs(process.name, process.vocab):
        p = protocol(process, pair)
        alone = " and ".join(f"{p.loads[(k,)]:.4f}" for k in range(2))
        told[f"{pair.first}; {pair.second}"] = (
            f"2 constraints of load {alone}, interaction {interaction(p):+.4f} nats per token"
        )
    return told


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    asked = pairs(process.name, process.vocab)
    if len(asked) < 3:
        return (
            f"its {process.vocab} symbols are too few for pairs of constraints with three different "
            "interactions; use a base of 6 or more"
        )
    found = [protocol(process, pair) for pair in asked]
    single = [p.loads[(k,)] for p in found for k in range(2)]
    if max(single) - min(single) > SEPARATE:
        return (
            f"sets of equally many symbols cost from {min(single):.4f} to {max(single):.4f} nats per token, "
            "so single loads are not matched; "
            "use a base that is symmetric in its symbols, like mess(x=0.1, a=0.85, s=8)"
        )
    gaps = [interaction(p) for p in found]
    if np.ptp(gaps) < SEPARATE:
        return (
            "all pairs have equal interaction, so nothing can depend on it; use a base that is symmetric in "
            "its symbols"
        )
    return None


def _rise(regime: str) -> Callable[[Paradox], np.ndarray]:
    return lambda e: slope(e.relative[regime], e.interaction)


def _beyond(regime: str) -> Callable[[Paradox], np.ndarray | None]:
    """Slope minus that of the composed predictions; None where nothing rises."""
    return lambda e: beyond(_rise(regime)(e), slope(e.composed[regime], e.interaction))


def _criteria(role: str) -> tuple[Criterion, ...]:
    stacked = (
        Criterion(
            f"{role}, {regime}: slope of violation on interaction", of_role(role, _rise(regime)), above=0.0
        )
        for regime in STACKED
    )
    return (
        *stacked,
        Criterion(
            f"{role}, together: slope of violation on interaction",
            of_role(role, _rise("together")),
            above=-EQUIVALENT,
            below=EQUIVALENT,
        ),
    )


def _controls(role: str) -> tuple[Criterion, ...]:
    return (
        *(
            Criterion(
                f"{role}, {regime}: slope beyond that of single leaks",
                of_role(role, _beyond(regime)),
                above=0.0,
            )
            for regime in STACKED
        ),
        Criterion(
            f"{role}: worst single constraint when learned",
            of_role(role, lambda e: np.max([*e.learned.values()], axis=(0, 2))),
            below=0.25,
        ),
        Criterion(
            f"{role}: slope of the base network, no controls",
            of_role(role, lambda e: slope(e.base, e.interaction)),
            above=-EQUIVALENT,
            below=EQUIVALENT,
        ),
    )


def _shown(evidence: Mapping[str, Paradox]) -> dict[str, np.ndarray]:
    one = next(iter(evidence.values()))
    arrays = {
        f"{role} {regime} {key}": getattr(e, key)[regime]
        for role, e in evidence.items()
        for regime in REGIMES
        for key in MEASURES
    }
    return {
        "interaction": one.interaction,
        "load": one.load,
        **arrays,
        **{f"{role} base": e.base for role, e in evidence.items()},
    }


CL3 = Claim(
    id="CL3",
    statement=(
        "Conflict and missing integration hurt, not the amount: stacked constraints are violated more as "
        "they conflict, integrated not."
    ),
    source=(
        "theory of the intervention paradox (in words); regimes, interaction and relative violation are this "
        "lab's operationalisation"
    ),
    tested_on=("mess(x=0.1, a=0.85, s=8)",),
    recipes=_recipes,
    evidence=_evidence,
    prediction=_prediction,
    refusal=_refusal,
    criteria=tuple(c for role in ROLES for c in _criteria(role)),
    controls=tuple(c for role in ROLES for c in _controls(role)),
    shown=_shown,
    limits=(
        "Always two constraints of equal load; only what they share varies. Slopes are of relative violation "
        "per nat of interaction: the mass that "
        "the joint constraint takes from the base grows with interaction by itself, so violation is divided "
        "by what the unconstrained base predictor "
        "gives to the same tokens (undivided masses are kept with the verdict). A second mechanical part "
        "remains: where constraints coincide, one "
        "of them obeyed is both obeyed, and leaks of single constraints weigh more the less is left. The "
        "control on single leaks subtracts the slope "
        "of q_A q_B / q_0, each as just learned: what two constraints that do not meet inside the network "
        "would do. Together is the one regime that "
        "has seen both controls on; stacked networks meet them when tested, which is the point but also the "
        "whole difference. Steps and networks "
        "are matched; a steering vector has d_model parameters, not a network's. One width; constraints "
        "forbid symbols whatever the past."
    ),
)
