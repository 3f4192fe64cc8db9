"""CL6: inhibitory torque, measured before a network is trained on a constraint, against what that training
does to its base task.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from processes.constraints import conditioned, constraint, load
from processes.values.notes import noted

from ..claim import Claim, Criterion, Setting
from ..instruments.statistics import TIED, unit_ranks
from ..instruments.untrained import untrained
from ..recipes import PAPER, SMALL, standard
from .gradient_overlap import cosines, excess, gradients, inhibitory_torque, null_torque

CANDIDATES = (
    "never 0",
    "never 01",
    "no 00",
    "no 01",
    "no 012",
    "no 000",
    "phases 01/12",
    "phases 012/12",
    "phases 01/2",
    "even number of 0 in every 3",
    "odd number of 0 in every 2",
    "0 before 1",
    "depth of 0/1 at most 1",
)
"""Constraints of different kinds, and of loads from nothing to a nat and more; on a process those are used
that its words can satisfy.
"""
FEWEST = 10
"""A rank correlation over fewer constraints says little."""
STEPS = 100
"""Length of the training on a constraint: far from its end, as what is asked is what it begins to undo."""
BASE_BATCHES, BATCH = 32, 32
"""Minibatches whose gradients span the base task, and words in each."""
CONSTRAINT_BATCHES = 16
"""Minibatches averaged to one gradient for each constraint."""
ENDS = 10
"""Steps at the beginning and at the end of that training over which the excess of its batches is averaged."""
WORDS = 1024
"""Words on which the base loss is compared before and after, the same for all."""
SHUFFLES = 1000
"""Deals of the torques among the constraints behind the null."""


@noted(8)
def loads(process: processes.Process) -> Mapping[str, float]:
    """The constraints used on a process, with their exact loads in nats per token."""
    found = {}
    for text in CANDIDATES:
        try:
            rule = constraint(text, process.vocab)
            value = load(process, rule)
            if math.isfinite(value):
                conditioned(process, rule)
                found[text] = value
        except processes.ProcessError:
            continue  # symbols it has not, or nothing to condition on
    return found


class Tuned(NamedTuple):
    """The role of networks that go on with the base conditioned on a constraint."""

    constraint: str

    def __str__(self) -> str:
        return self.constraint


def recipes(process: str, setting: Setting) -> Mapping[str | Tuned, train.Recipe]:
    """The base task; then from its networks, for each constraint, a short training on the base conditioned on
    it.
    """
    base = standard(process, setting, model=PAPER if setting.size == "large" else SMALL)
    tuned = {
        Tuned(text): train.Recipe(
            process=f"given({process}; {text})",
            model=base.model,
            objective="expected",
            optimiser=train.Optimiser("adam", learning_rate=1e-3, warmup=10),
            steps=STEPS,
            batch=BATCH,
            seeds=base.seeds,
            checkpoints=2,
            origin=train.Origin(base),
        )
        for text in loads(processes.named(process))
    }
    return {"base": base} | tuned


@dataclass(frozen=True, eq=False)
class Strain:
    """Torque of every constraint before training on it, and what that training did; K constraints."""

    names: tuple[str, ...]
    load: Float[np.ndarray, "K"]  # nats per token
    torque: Float[np.ndarray, "seeds K"]  # at the base-trained networks
    untrained: Float[np.ndarray, "seeds K"]  # at untrained networks of the same shape
    norm: Float[np.ndarray, "seeds K"]  # of the constraint's gradient, nats per token and unit of parameter
    cosine: Float[np.ndarray, "K K"]  # between the constraints' gradients, mean over seeds
    damage: Float[np.ndarray, "seeds K"]  # rise of the base loss, nats per token
    learned: Float[np.ndarray, "seeds"]  # excess of the base networks over that of untrained ones
    followed: Float[
        np.ndarray, "seeds"
    ]  # log(excess on the constraint at first / at last), mean over constraints
    null: float  # torque of a random direction

    def correlation(
        self, with_what: Float[np.ndarray, "seeds K"], *, given_load: bool = False
    ) -> Float[np.ndarray, "seeds"]:
        """Rank correlation of something with the damage, over constraints; partial, given the load, if so
        asked.
        """
        return (self._ranks(with_what, given_load) * self._ranks(self.damage, given_load)).sum(1)

    def of_load(self) -> Float[np.ndarray, "seeds"]:
        """Rank correlation of the load itself with the damage."""
        return self.correlation(np.tile(self.load, (len(self.damage), 1)))

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """Rank correlation of torque and damage minus that of torque at untrained networks."""
        return self.predicts() - self.correlation(self.untrained)

    def predicts(self, *, given_load: bool = False) -> Float[np.ndarray, "seeds"]:
        """Rank correlation of torque and damage."""
        return self.correlation(self.torque, given_load=given_load)

    def permuted(self, *, given_load: bool = False) -> Float[np.ndarray, "shuffles seeds"]:
        """The same with the torques (what the load leaves of them) permuted among the constraints, alike for
        all networks.
        """
        rng = np.random.default_rng(0)
        torque, damage = self._ranks(self.torque, given_load), self._ranks(self.damage, given_load)
        order = np.array([rng.permutation(len(self.names)) for _ in range(SHUFFLES)])
        return np.einsum("snk,sk->ns", torque[:, order], damage)

    def beyond_chance(self, *, given_load: bool = False) -> Float[np.ndarray, "seeds"]:
        """Rank correlation, taken in the direction of its mean, above what such a mean exceeds in one
        permutation of twenty.

        Networks share their constraints, so their number does not help against a chance likeness of thirteen
        torques and damages, whether it is for the claim or against it.
        """
        found = self.predicts(given_load=given_load)
        sign = 1.0 if found.mean() > TIED else -1.0
        return sign * found - np.quantile(sign * self.permuted(given_load=given_load).mean(1), 0.95)

    def _ranks(self, x: Float[np.ndarray, "seeds K"], given_load: bool) -> Float[np.ndarray, "seeds K"]:
        return unit_ranks(x, np.tile(self.load, (len(x), 1)) if given_load else None)


def strain(runs: Mapping[str | Tuned, train.Run]) -> Strain:
    """Torques at the base networks and at untrained ones, and the base loss before and after every short
    training.
    """
    base = runs["base"]
    tuned = {role.constraint: run for role, run in runs.items() if isinstance(role, Tuned)}
    model, process = base.recipe.model, base.recipe.ground_truth()
    params, fresh = base.params(), untrained(base.recipe)
    asked = [run.recipe.ground_truth() for run in tuned.values()]

    def error(networks: toy.Params, where: processes.Process) -> Float[np.ndarray, "seeds"]:
        return excess(model, networks, where, batch=WORDS, seed=2)

    torque, wanted = _torques(model, params, process, asked)
    before = error(params, process)
    course = [np.asarray(run.history()["excess"], np.float64) for run in tuned.values()]
    gained = [np.log(of[:, :ENDS].mean(1) / of[:, -ENDS:].mean(1)) for of in course]
    exact = loads(process)
    return Strain(
        names=tuple(tuned),
        load=np.array([exact[name] for name in tuned]),
        torque=torque,
        untrained=_torques(model, fresh, process, asked)[0],
        norm=np.linalg.norm(wanted, axis=-1),
        cosine=np.mean([cosines(of) for of in wanted], axis=0),
        damage=np.stack([error(run.params(), process) - before for run in tuned.values()], axis=1),
        learned=before / error(fresh, process),
        followed=np.mean(gained, axis=0),
        null=null_torque(BASE_BATCHES, wanted.shape[-1]),
    )


def _torques(
    model: toy.Config,
    networks: toy.Params,
    base: processes.Process,
    constrained: Sequence[processes.Process],
) -> tuple[Float[np.ndarray, "seeds K"], Float[np.ndarray, "seeds K D"]]:
    """Torque of every constraint at the networks of a stack, and the gradients of the constraints."""
    pull = gradients(model, networks, base, count=BASE_BATCHES, batch=BATCH, seed=0)
    wanted = np.stack(
        [
            gradients(model, networks, p, count=CONSTRAINT_BATCHES, batch=BATCH, seed=1).mean(1)
            for p in constrained
        ],
        axis=1,
    )
    return np.stack([inhibitory_torque(of, b) for of, b in zip(wanted, pull, strict=True)]), wanted


def prediction(process: processes.Process, n_ctx: int) -> Mapping[str, float]:
    """The exact loads of the constraints."""
    return {f"load of `{name}`, nats per token": value for name, value in loads(process).items()}


def refusal(process: processes.Process, n_ctx: int) -> str | None:
    """Whether too few constraints can be put to it."""
    found = len(loads(process))
    if found >= FEWEST:
        return None
    return (
        f"only {found} of the {len(CANDIDATES)} constraints can be put to it, and the claim asks for {FEWEST}"
    )


CL6: Claim[Strain, Strain] = Claim(
    id="CL6",
    statement=(
        "Inhibitory torque, measured before training on a constraint, foretells how much of the base task "
        "that training destroys."
    ),
    source=(
        "inhibitory torque as a theory has it, in words; the formula and the statistic are this lab's "
        "operationalisation"
    ),
    tested_on=("mess(x=0.05, a=0.85, s=5)", "mess3"),
    recipes=recipes,
    prediction=prediction,
    refusal=refusal,
    evidence=strain,
    criteria=(
        Criterion("rank correlation of torque and damage over constraints", Strain.predicts, above=0.0),
    ),
    controls=(
        Criterion(
            "given the exact load: beyond 95 % of shuffles of the constraints",
            lambda s: s.beyond_chance(given_load=True),
            above=0.0,
            rival="load alone",
        ),
        Criterion(
            "correlation beyond that of torque at untrained networks",
            Strain.beyond_untrained,
            above=0.0,
            rival="torque at untrained networks",
        ),
        Criterion(
            "in its direction, beyond 95 % of shuffles of the constraints", Strain.beyond_chance, above=0.0
        ),
        Criterion(
            "torques shuffled among constraints: mean correlation",
            lambda s: s.permuted().mean(0),
            above=-0.1,
            below=0.1,
        ),
        Criterion(
            "the base task was learned: share of an untrained network's excess",
            lambda s: s.learned,
            below=0.2,
        ),
        Criterion(
            "constraints were followed: log(excess there at first / at last)", lambda s: s.followed, above=0.0
        ),
    ),
    drawn_from=Strain,
    limits=(
        "Torque is the share of a constraint's gradient inside the span of base-task gradients from 32 "
        "minibatches at the trained base network, "
        "where they are mostly the noise of these minibatches; a random direction comes to sqrt(32 / "
        "parameters). The constraint is learned by "
        "continuing to train on the base conditioned on it, 100 steps of Adam at one learning rate, with "
        "nothing rehearsed. A load says by itself "
        "how far the conditioned process is from the base, so that a torque which says no more than the load "
        "leaves the claim open: that is a "
        "control, since the theory's words would be met by any stand-in for load. The networks of one base "
        "share its 13 constraints: intervals are "
        "over networks, and controls ask for more, in either direction, than what torques dealt anew among "
        "the constraints come to."
    ),
)
