"""CL6: inhibitory torque, measured before a network is trained on a constraint, against what that training
does to its base task.

Every network has constraints of its own, drawn at random, so that an interval over networks is one over
constraints as well.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

import processes
import toy
import train
from processes.constraints import conditioned

from ..claim import Claim, Criterion, Setting
from ..controls import LEFT, learned_by
from ..instruments.contexts import contexts
from ..instruments.forward import alone, member
from ..instruments.statistics import rank_correlation, rank_correlation_given
from ..instruments.untrained import untrained
from ..recipes import PAPER, SMALL, standard
from .cl6_drawn_constraints import COUNT, HEAVIEST, KINDS, LIGHTEST, TRIES, Drawn, drawn
from .cl6_gradient_overlap import cosines, excess, gradients, inhibitory_torque, minibatches, null_torque
from .cl6_short_training import Short, tuned

SHORT = Short(train.Optimiser("adam", learning_rate=1e-3, warmup=10), steps=100, batch=32)
"""The training on a constraint: far from its end, as what is asked is what it begins to undo."""
BASE_BATCHES, BATCH = 32, 32
"""Minibatches whose gradients span the base task, and words in each."""
CONSTRAINT_BATCHES = 16
"""Minibatches averaged to one gradient for each constraint."""
ENDS = 10
"""Steps at the beginning and at the end of that training over which the excess of its batches is averaged."""
WORDS = 1024
"""Words on which the base loss is compared before and after, the same for all."""
LEARNED = 1e-3
"""Share of what contexts are worth that base networks may not have learned: damage is hundreds of times
that, so it is not what is left of a training that was cut off.
"""
REPEATED = 0.5
"""Rank correlation over constraints with which a torque must come out again from other minibatches."""
ALONE = math.sqrt(LEFT)
"""A rival does as well if, given it, torque tells less than a tenth of what is left of the damage's ranks."""


def recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """The base task. What comes after it differs from network to network (`strain`)."""
    return {"base": standard(process, setting, model=PAPER if setting.size == "large" else SMALL)}


@dataclass(frozen=True, eq=False)
class Strain:
    """Torque of constraints before training on each, and what that training did; K constraints of every
    network's own.
    """

    kinds: tuple[str, ...]
    kind: Int[np.ndarray, "seeds K"]  # which of `kinds`
    load: Float[np.ndarray, "seeds K"]  # nats per token
    torque: Float[np.ndarray, "seeds K"]  # at the base-trained network
    again: Float[np.ndarray, "seeds K"]  # the same by other minibatches
    untrained: Float[np.ndarray, "seeds K"]  # at an untrained network of the same shape
    norm: Float[np.ndarray, "seeds K"]  # of the constraint's gradient, nats per token and unit of parameter
    damage: Float[np.ndarray, "seeds K"]  # rise of the base loss, nats per token
    conflict: Float[np.ndarray, "seeds"]  # share of pairs of constraints whose gradients' cosine is negative
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth that the base network lacks
    followed: Float[np.ndarray, "seeds"]  # log(excess on the constraint at first / at last), mean over them
    null: float  # torque of a random direction

    def correlation(self, with_what: Float[np.ndarray, "seeds K"]) -> Float[np.ndarray, "seeds"]:
        """Rank correlation of something with the damage, over constraints."""
        return rank_correlation(with_what, self.damage)

    def foretells(self) -> Float[np.ndarray, "seeds"]:
        """Rank correlation of torque and damage."""
        return self.correlation(self.torque)

    def beyond(self, *rivals: Float[np.ndarray, "seeds K"]) -> Float[np.ndarray, "seeds"]:
        """The same given others: of what their ranks leave of torque's and of damage's."""
        weight = np.ones(self.damage.shape[1])
        rows = zip(self.torque, self.damage, np.stack(rivals, axis=1), strict=True)
        return np.array([rank_correlation_given(a, b, given, weight) for a, b, given in rows])

    def repeats(self) -> Float[np.ndarray, "seeds"]:
        """Rank correlation of torque and torque measured again."""
        return rank_correlation(self.torque, self.again)


class _Pull(NamedTuple):
    """One network's torques, and the gradients of its constraints."""

    torque: Float[np.ndarray, "K"]
    gradient: Float[np.ndarray, "K D"]


def strain(runs: Mapping[str, train.Run]) -> Strain:
    """Torques at every base network and at an untrained one, and the base loss before and after every short
    training.
    """
    (run,) = runs.values()
    recipe, process = run.recipe, run.recipe.ground_truth()
    model, params, fresh = recipe.model, run.params(), untrained(recipe)
    before = excess(model, params, process, batch=WORDS, seed=0)
    rows = [
        _strained(model, member(params, i), member(fresh, i), process, drawn(process, recipe.first_seed + i))
        for i in range(recipe.seeds)
    ]
    table = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    after = table.pop("after")
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(member(params, 0)))
    return Strain(
        kinds=tuple(KINDS),
        **table,
        damage=after - before[:, None],
        unlearned=before / contexts(process, model.n_ctx).worth,
        null=null_torque(BASE_BATCHES, size),
    )


def _strained(
    model: toy.Config,
    network: toy.Params,
    fresh: toy.Params,
    base: processes.Process,
    constraints: Sequence[Drawn],
) -> dict[str, np.ndarray]:
    """What `Strain` says of one network, by field, and the base loss after every training."""
    asked = [conditioned(base, d.constraint) for d in constraints]
    pull, other = (_pull(model, network, base, asked, seed) for seed in (1, 3))
    words = jax.tree.map(lambda leaf: leaf[0], minibatches(model, base, 1, WORDS, seed=0))
    found = tuned(model, network, asked, words, SHORT, seed=10)
    pairs = cosines(pull.gradient)[np.triu_indices(len(asked), 1)]
    ends = found.course[:, :ENDS].mean(1), found.course[:, -ENDS:].mean(1)
    kinds = list(KINDS)
    return {
        "kind": np.array([kinds.index(d.kind) for d in constraints]),
        "load": np.array([d.load for d in constraints]),
        "torque": pull.torque,
        "again": other.torque,
        "untrained": _pull(model, fresh, base, asked, 1).torque,
        "norm": np.linalg.norm(pull.gradient, axis=-1),
        "conflict": np.array((pairs < 0).mean()),
        "followed": np.array(np.log(ends[0] / ends[1]).mean()),
        "after": found.base,
    }


def _pull(
    model: toy.Config,
    network: toy.Params,
    base: processes.Process,
    constrained: Sequence[processes.Process],
    seed: int,
) -> _Pull:
    """Torques of all constraints at one network, by minibatches of this seed and the next."""
    stack = alone(network)
    span = gradients(model, stack, base, count=BASE_BATCHES, batch=BATCH, seed=seed)[0]
    wanted = np.stack(
        [
            gradients(model, stack, p, count=CONSTRAINT_BATCHES, batch=BATCH, seed=seed + 1)[0].mean(0)
            for p in constrained
        ]
    )
    return _Pull(inhibitory_torque(wanted, span), wanted)


def prediction(process: processes.Process, n_ctx: int) -> Mapping[str, float | str]:
    """What is drawn for a network, and the sign that the claim asks for; of seed 0, which no claim counts."""
    found = drawn(process, 0)
    loads = np.array([d.load for d in found])
    return {
        "rank correlation of torque and damage over constraints": "positive",
        "constraints of each network": len(found),
        "median of their loads, nats per token (seed 0)": float(np.median(loads)),
    }


def refusal(process: processes.Process, n_ctx: int) -> str | None:
    """Whether too few constraints can be put to it."""
    found = len(drawn(process, 0))
    if found == COUNT:
        return None
    return (
        f"only {found} different constraints that cost {LIGHTEST:g} to {HEAVIEST:g} nats per token were "
        f"found in {TRIES} draws, and the claim asks for {COUNT}; use a process of more symbols"
    )


Rivals = Callable[[Strain], tuple[Float[np.ndarray, "seeds K"], ...]]


def _given(rivals: Rivals) -> Callable[[Strain], Float[np.ndarray, "seeds"]]:
    return lambda s: s.beyond(*rivals(s))


def _rivals() -> tuple[Criterion[Strain], ...]:
    """What else foretells damage; torque must tell of it given each, and given the strongest two at once."""
    known: dict[str, Rivals] = {
        "the load": lambda s: (s.load,),
        "the norm of the constraint's gradient": lambda s: (s.norm,),
        "load and norm together": lambda s: (s.load, s.norm),
        "torque at untrained networks": lambda s: (s.untrained,),
    }
    return tuple(
        Criterion(f"rank correlation of torque and damage given {name}", _given(of), above=ALONE, rival=name)
        for name, of in known.items()
    )


CL6: Claim[Strain, Strain] = Claim(
    id="CL6",
    statement=(
        "Inhibitory torque, measured before training on a constraint, foretells how much of the base task "
        "that training destroys, beyond what the constraint's load and the norm of its gradient foretell."
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
        Criterion("rank correlation of torque and damage over constraints", Strain.foretells, above=0.0),
    ),
    controls=(
        learned_by(lambda s: s.unlearned, LEARNED),
        Criterion(
            "constraints were followed: log(excess there at first / at last)",
            lambda s: s.followed,
            above=0.0,
            means=("constraints were not learned, so nothing can be said of what learning them costs"),
        ),
        Criterion(
            "torque by other minibatches: rank correlation over constraints",
            Strain.repeats,
            above=REPEATED,
            means="torque is noise: other minibatches give another order of the constraints",
        ),
        *_rivals(),
    ),
    drawn_from=Strain,
    would_change=(
        "Torque that goes with damage by a tenth or more of what load and gradient norm leave of its ranks, "
        "on either base; or a formula of the theory's own that does."
    ),
    limits=(
        "Torque is the share of a constraint's gradient inside the span of base-task gradients from 32 "
        "minibatches at the trained base network, where they are what a network near the floor has left to "
        "learn of these minibatches; a random direction comes to sqrt(32 / parameters). The constraint is "
        "learned by continuing to train on the base conditioned on it, 100 steps of Adam at one learning "
        "rate, with nothing rehearsed. A load says by itself how far the conditioned process is from the "
        "base, and a gradient's norm how far the first step goes, so a torque that says no more than they do "
        "is any stand-in for them. Each network has 48 constraints of its own, of six kinds, with loads from "
        "a hundredth of a nat to one; another draw of kinds may weigh otherwise. Rivals are taken out of "
        "ranks, linearly: what a load tells in a way that is not monotone is left in."
    ),
    revision=2,
)
