"""CL2: what a network is asked to obey is as hard as its exact load says, not as the number of constraints
says.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

import processes
import toy
import train

from ..claim import Claim, Criterion, Setting, by_role
from ..instruments.statistics import slope
from ..recipes import SMALL
from .subset_violation import SubsetViolation, design, measured, protocol_of

BODY = 3
"""Body tokens that are read, so that four are predicted."""
SHARED = 0.5
"""Most of the variance that load and count may have in common; beyond it a design cannot tell them apart."""
LEAST_SUBSETS = 8
"""A line and a spread are fitted to all but one of them."""
ROLES = ("transformer", "gru")
"""Architectures, each by itself."""
SHUFFLES = 200
"""Permutations of the loads among subsets behind the control."""
DEFAULT_PROCESS = (
    "guarded(mess(x=0.12, a=0.85, s=6); never 01234; never 0; never 12; never 012; never 3; p=0.5)"
)
"""Constraints inside one another: a heavy one alone weighs as much as with all the light ones."""


def held_out(y: Float[np.ndarray, "n N"], x: Float[np.ndarray, "N"]) -> Float[np.ndarray, "n"]:
    """Mean over i of the log density of y_i under the Gaussian around the line in x that is fitted to all
    others, nats.

    With residual e_i and leverage h_i of the line through all N, leaving i out gives the error e_i / (1 -
    h_i), and the variance (RSS - e_i^2 / (1 - h_i)) / (N - 3), to be divided by 1 - h_i for the uncertainty
    of the line (Weisberg 1985).
    """
    X = np.stack([np.ones(len(x)), x], 1)
    hat = X @ np.linalg.pinv(X)
    left = 1 - np.diag(hat)
    e = y - y @ hat
    variance = ((e**2).sum(-1, keepdims=True) - e**2 / left) / (len(x) - 3) / left
    return (-0.5 * (np.log(2 * np.pi * variance) + (e / left) ** 2 / variance)).mean(-1)


def advantage(
    y: Float[np.ndarray, "seeds N"], load: Float[np.ndarray, "N"], count: Float[np.ndarray, "N"]
) -> Float[np.ndarray, "seeds"]:
    """Held-out log likelihood of log y with load as the regressor minus that with count, nats per subset, for
    each network.
    """
    logs = np.log(np.maximum(y, np.finfo(float).tiny))
    return held_out(logs, load) - held_out(logs, count)


def recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """Trained on all subsets together, and no longer than violation can still be measured."""
    made = processes.named(process)
    protocol = protocol_of(made)
    K, vocab = 0 if protocol is None else len(protocol.constraints), made.vocab
    shape = replace(SMALL, vocab=vocab, n_ctx=K + BODY)
    if setting.size == "large":
        shape = replace(shape, n_layers=4, n_heads=4, d_model=64, d_mlp=256)
    transformer = train.Recipe(
        process=process,
        model=shape,
        objective="expected",
        optimiser=train.Optimiser("adam", learning_rate=3e-3, warmup=50, schedule="cosine"),
        steps=500,
        batch=32,
        seeds=setting.seeds,
    )
    gru = replace(
        transformer, model=toy.RecurrentConfig(vocab, shape.n_ctx, shape.n_layers, shape.d_model, "gru")
    )
    return (
        {"transformer": transformer} if setting.size == "small" else {"transformer": transformer, "gru": gru}
    )


def mass_advantage(m: SubsetViolation) -> Float[np.ndarray, "seeds"]:
    """`advantage` of load over count, for violation mass."""
    return advantage(m.mass, m.load, m.count)


def relative_advantage(m: SubsetViolation) -> Float[np.ndarray, "seeds"]:
    """The same for relative violation."""
    return advantage(m.relative, m.load, m.count)


def beyond_shuffled(m: SubsetViolation, y: Float[np.ndarray, "seeds N"]) -> Float[np.ndarray, "seeds"]:
    """Advantage minus its mean over loads that are shuffled among the subsets."""
    rng = np.random.default_rng(0)
    null = np.mean([advantage(y, rng.permutation(m.load), m.count) for _ in range(SHUFFLES)], axis=0)
    return advantage(y, m.load, m.count) - null


def untrained_slope(m: SubsetViolation) -> Float[np.ndarray, "seeds"]:
    """Slope of log relative violation on load, per nat, of untrained networks."""
    return slope(np.log(m.untrained), m.load)


def depth(m: SubsetViolation) -> Float[np.ndarray, "seeds"]:
    """Mean log10 of relative violation."""
    return np.log10(m.relative).mean(1)


def refusal(process: processes.Process, n_ctx: int) -> str | None:
    """Whether load and count cannot be told apart on it."""
    protocol = protocol_of(process)
    if protocol is None:
        return (
            "it has no constraints to switch on; write a guarded process, like guarded(mess(x=0.1, a=0.85, "
            "s=6); never 0; never 123; ..; p=0.5)"
        )
    on, load, count = design(protocol)
    if len(on) < LEAST_SUBSETS:
        return (
            f"only {len(on)} of its subsets cost anything, and a line through them needs {LEAST_SUBSETS}; "
            "use more constraints or p=0.5"
        )
    if np.ptp(load) < 1e-9 or np.ptp(count) == 0:
        return (
            f"all its subsets have equal {'load' if np.ptp(count) else 'count'}, so nothing can depend on "
            "it; use constraints of different loads"
        )
    r = float(np.corrcoef(load, count)[0, 1])
    if r**2 > SHARED:
        return (
            f"load and count are correlated by {r:.2f} over its subsets and share {r**2:.0%} of their "
            f"variance, over {SHARED:.0%}, so the two cannot "
            "be told apart; use single loads that differ more, or constraints inside one another"
        )
    return None


def prediction(process: processes.Process, n_ctx: int) -> dict[str, Any]:
    """The design: how many subsets, what they cost, and how load and count go together."""
    protocol = protocol_of(process)
    if protocol is None:
        return {"design": "none: the process is not guarded"}
    on, load, count = design(protocol)
    return {
        "subsets that cost something": len(on),
        "loads, nats per token": f"{load.min():.3f} to {load.max():.3f}",
        "single loads": {
            c.name: round(protocol.loads.get((k,), np.nan), 4) for k, c in enumerate(protocol.constraints)
        },
        "correlation of load and count": float(np.corrcoef(load, count)[0, 1]),
    }


def evidence(runs: Mapping[str, train.Run]) -> Mapping[str, SubsetViolation]:
    """Networks of each architecture, by role."""
    return {role: measured(run) for role, run in runs.items()}


class Architectures(NamedTuple):
    """What the figure of the claim is drawn from: the evidence, as a record."""

    networks: Mapping[str, SubsetViolation]  # by role


def _criteria(role: str) -> tuple[Criterion[SubsetViolation], ...]:
    return (
        Criterion(
            f"{role}: violation mass, load over count, nats a subset",
            mass_advantage,
            above=0.0,
            means="any order of the loads explains as much",
        ),
        Criterion(
            f"{role}: relative violation, load over count, nats a subset",
            relative_advantage,
            above=0.0,
            means="any order of the loads explains as much",
        ),
    )


def _controls(role: str) -> tuple[Criterion[SubsetViolation], ...]:
    return (
        Criterion(
            f"{role}: violation mass, load over shuffled loads, nats a subset",
            lambda m: beyond_shuffled(m, m.mass),
            above=0.0,
            means="any order of the loads explains as much",
        ),
        Criterion(
            f"{role}: relative violation, load over shuffled loads",
            lambda m: beyond_shuffled(m, m.relative),
            above=0.0,
            means="any order of the loads explains as much",
        ),
        Criterion(
            f"{role}: untrained, slope of log relative violation on load, per nat",
            untrained_slope,
            above=-0.5,
            below=0.5,
            means="violation depends on load before anything is learned",
        ),
        Criterion(
            f"{role}: learned, and not to the end: log10 relative violation",
            depth,
            above=-5.0,
            below=-0.6,
            means="there is too little violation left to measure, or nothing was learned",
        ),
    )


CL2: Claim[Mapping[str, SubsetViolation], Architectures] = Claim(
    id="CL2",
    statement=(
        "Load, not count, decides: how much a network violates follows the exact load of its constraints "
        "better than their number."
    ),
    source=(
        "theory of constraint load (in words); load, violation and the held-out comparison are this lab's "
        "operationalisation"
    ),
    tested_on=(DEFAULT_PROCESS,),
    recipes=recipes,
    evidence=evidence,
    prediction=prediction,
    refusal=refusal,
    criteria=by_role(ROLES, _criteria),
    controls=by_role(ROLES, _controls),
    shown=Architectures,
    drawn_from=Architectures,
    limits=(
        "Violation mass is the probability given to what the constraints that are on forbid, on contexts of "
        "the exact conditioned process. The mass "
        "that any predictor has to take away grows with load, so the first criterion is met even by a "
        "predictor that ignores controls; the second "
        "divides by what the unconstrained base predictor gives to the same tokens, and is the one that says "
        "something of learning. Each compares "
        "leave-one-subset-out Gaussian likelihoods of the logarithm around a line, whichever way it slopes, "
        "and in the published run it slopes "
        "down: heavy constraints are violated *least*, undivided mass too, which is not what a theory of "
        "strain would have said. Subsets share "
        "constraints and so are not independent; the unit of replication is the network. One width, one "
        "protocol, training stopped early so that "
        "there is violation left to measure; longer training may change what the rest depends on."
    ),
)
