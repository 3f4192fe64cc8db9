"""Ways of teaching two constraints to networks of one shape in equally many steps (this lab's
operationalisation of stacking).

    together     both from the start: all four subsets of controls, S steps
    sequential   the base, then the first constraint, then the second: S/3 steps each; what is learned last
                 may undo what was before
    arithmetic   both fine-tuned from the base, S/3 steps each, and their changes added: base + (A - base) +
                 (B - base) (Ilharco 2023)
    steering     one vector for each added to the residual stream of the frozen base, v_A + v_B, fitted for
                 S/3 steps each

The last three meet the two constraints at once only when they are tested.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Array, Float

import toy
import train
from processes.constraints import Protocol
from processes.constraints.protocol import Subset

from ..instruments.evidence import log_of
from ..instruments.forward import Added, member
from .violation import Predictor, bodies, predictor, satisfaction, violation

REGIMES = ("together", "sequential", "arithmetic", "steering")
BOTH: Subset = (0, 1)
Vectors = Callable[[str], Float[Array, "seeds d"]]
"""Steering vectors of every network towards a process, by its name."""
MEASURES = ("relative", "mass", "divergence", "satisfied", "composed", "learned")
"""What is measured of a network with both on, as `cl3_intervention_paradox.Paradox` says."""
SAMPLES = 256
"""Bodies sampled from each network for joint satisfaction."""


@dataclass(frozen=True)
class Pair:
    """Two constraints on a base, as they are written."""

    base: str
    first: str
    second: str

    def guarded(self, on: str, base: str | None = None) -> str:
        """The process in which these subsets are switched on, equally often."""
        return f"guarded({base or self.base}; {self.first}; {self.second}; on={on})"

    def only(self, constraint: str) -> str:
        """The process that obeys one constraint though no control says so: what a steering vector is fitted
        for. None is ever on, so it is written without the other of the pair, and pairs share its vector.
        """
        return replace(self, first=constraint, second=constraint).guarded(
            "none", f"given({self.base}; {constraint})"
        )


@dataclass(frozen=True)
class Schedule:
    """How much each regime trains, beyond the model: S = 3 `stage` steps in all."""

    stage: int
    batch: int
    learning_rate: float
    steering_rate: float
    seeds: int


def recipes(pair: Pair, model: toy.Config, schedule: Schedule) -> Mapping[str, train.Recipe]:
    """What is trained for a pair, by role. Pairs with equal base and first constraint share those networks in
    a store.
    """

    def stage(on: str, origin: train.Recipe | None = None, stages: int = 1) -> train.Recipe:
        return train.Recipe(
            process=pair.guarded(on),
            model=model,
            objective="expected",
            optimiser=train.Optimiser("adam", schedule.learning_rate, warmup=20, schedule="cosine"),
            steps=schedule.stage * stages,
            batch=schedule.batch,
            seeds=schedule.seeds,
            checkpoints=2,
            origin=train.Origin(origin) if origin else None,
        )

    base = stage("none")
    first = stage("none,0", base)
    return {
        "base": base,
        "first": first,
        "second after first": stage("none,1", first),
        "second": stage("none,1", base),
        "together": stage("none,0,1,01", stages=3),
    }


@dataclass(frozen=True)
class RegimeModel:
    """One network of a regime as predictors: with neither constraint, with each as it was just learned, and
    with both.
    """

    neither: Predictor
    alone: tuple[Predictor, Predictor]
    both: Predictor

    @property
    def composed(self) -> Predictor:
        """q_A q_B / q_neither, normalised: both obeyed as well as each alone, if they did not meet in the
        network.
        """

        def read(tokens: np.ndarray) -> np.ndarray:
            logs = log_of(np.array([q(tokens) for q in (*self.alone, self.neither)]))
            q = np.exp(logs[0] + logs[1] - logs[2])
            return q / q.sum(-1, keepdims=True)

        return read


@train.pinned()
def models(
    pair: Pair,
    protocol: Protocol,
    runs: Mapping[str, train.Run],
    schedule: Schedule,
    vectors: Vectors,
) -> Mapping[str, list[RegimeModel]]:
    """The networks of every regime, a list over seeds. `vectors` gives the steering vectors (seeds, d)
    towards a process.
    """
    config = runs["base"].recipe.model
    params = {role: run.params() for role, run in runs.items()}
    added = jax.tree.map(lambda a, b, base: a + b - base, params["first"], params["second"], params["base"])
    towards = [np.asarray(vectors(pair.only(c))) for c in (pair.first, pair.second)]

    def under(read: Predictor, on: Subset) -> Predictor:
        controls = protocol.controls(on)
        return lambda tokens: read(
            np.hstack([np.tile(controls, (len(tokens), 1)), tokens[:, len(controls) :]])
        )

    def one(i: int) -> dict[str, RegimeModel]:
        plain = {role: predictor(config, member(p, i)) for role, p in params.items()}
        base, first, together = under(plain["base"], ()), under(plain["first"], (0,)), plain["together"]
        pushed = [
            under(predictor(config, member(params["base"], i), Added(site(config), v[i][None], first=1)), ())
            for v in (*towards, towards[0] + towards[1])
        ]
        return {
            "together": RegimeModel(
                under(together, ()), (under(together, (0,)), under(together, (1,))), under(together, BOTH)
            ),
            "sequential": RegimeModel(
                base,
                (first, under(plain["second after first"], (1,))),
                under(plain["second after first"], BOTH),
            ),
            "arithmetic": RegimeModel(
                base, (first, under(plain["second"], (1,))), under(predictor(config, member(added, i)), BOTH)
            ),
            "steering": RegimeModel(base, (pushed[0], pushed[1]), pushed[2]),
        }

    found = [one(i) for i in range(runs["base"].recipe.seeds)]
    return {regime: [by_regime[regime] for by_regime in found] for regime in REGIMES}


def measured(
    p: Protocol, found: Mapping[str, list[RegimeModel]], length: int
) -> dict[str, dict[str, Float[np.ndarray, "seeds"]]]:
    """By regime, every one of `MEASURES` on bodies of a length, and `neither`: relative violation with no
    control on.
    """
    joint, alone = bodies(p, BOTH, length), [bodies(p, (k,), length) for k in range(2)]

    def one(model: RegimeModel) -> dict[str, float]:
        both = violation(joint, model.both)
        return {
            "relative": both.relative,
            "mass": both.mass,
            "divergence": both.divergence,
            "satisfied": satisfaction(p, BOTH, model.both, length=length + 1, n=SAMPLES),
            "composed": violation(joint, model.composed).relative,
            "learned": max(violation(where, q).relative for where, q in zip(alone, model.alone, strict=True)),
            "neither": violation(joint, model.neither).relative,
        }

    rows = {regime: [one(model) for model in seeds] for regime, seeds in found.items()}
    return {
        regime: {key: np.array([row[key] for row in of_seeds]) for key in (*MEASURES, "neither")}
        for regime, of_seeds in rows.items()
    }


def site(config: toy.Config) -> str:
    """Where vectors are added: after the first block, from the last control on."""
    return config.stream[1]


def steering(config: toy.Config, params: toy.Params, schedule: Schedule) -> Vectors:
    """Vectors (seeds, d) towards a process on the frozen base, fitted when first asked for."""
    how = train.Steering("", site(config), 1, schedule.stage, schedule.steering_rate, schedule.batch, seed=0)
    return lambda process: (
        train.steer(config, params, replace(how, process=process), np.eye(config.d_model)).vector
    )
