"""CL7: the Hamiltonian view, whether a forward pass conserves the sum of a kinetic and a potential term
better once it is trained.

The theory speaks of a Hamiltonian, without saying in which units a step of the residual stream adds to nats.
A network with a norm before every block computes the same whatever the scale of its stream, so a unit has to
be chosen. *Balanced*, this lab's operationalisation, sets the mean kinetic term over contexts and depth equal
to the mean potential one; *own*, shown beside, adds the stream's own units squared to nats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion
from ..instruments.contexts import Contexts, contexts
from ..instruments.interventions.intervention import subjects
from ..recipes import one_run

ORDERS = 24
"""Random orders of the layers behind the control that depth matters."""


def kinetic(stream: Float[np.ndarray, "sites N d"]) -> Float[np.ndarray, "sites sites N"]:
    """|h_i - h_j|^2 / 2 between any two layers, in squared units of the stream; the steps of a forward pass
    are those of neighbours.
    """
    n = len(stream)
    moved = np.zeros((n, n, stream.shape[1]))
    for i in range(n):
        for j in range(i):
            step = np.asarray(stream[i], np.float64) - stream[j]
            moved[i, j] = moved[j, i] = np.einsum("nd,nd->n", step, step) / 2
    return moved


def potential(
    next_token: Float[np.ndarray, "N V"], log_prediction: Float[np.ndarray, "sites N V"]
) -> Float[np.ndarray, "sites N"]:
    """-log p(correct), averaged over the exact distribution of the next token: the cross entropy of what each
    layer would predict, nats.
    """
    return -(next_token * log_prediction).sum(-1)


def halfway(values: Float[np.ndarray, "sites N"]) -> Float[np.ndarray, "steps N"]:
    """The mean of a quantity before and after each step: where the kinetic term of that step is."""
    return (values[1:] + values[:-1]) / 2


def balance(
    kinetic: Float[np.ndarray, "steps N"],
    potential: Float[np.ndarray, "steps N"],
    weight: Float[np.ndarray, "N"],
) -> float:
    """Nats per squared unit of the stream that give both terms the same mean over contexts (by weight) and
    steps; 1 where nothing moves.
    """
    moved, height = ((term.mean(0) @ weight) for term in (kinetic, potential))
    return float(height / moved) if moved > 0 else 1.0


def variation(total: Float[np.ndarray, "steps N"], weight: Float[np.ndarray, "N"]) -> float:
    """Coefficient of variation along depth, per context, averaged by weight: 0 where the sum is conserved."""
    return float((total.std(0) / total.mean(0)) @ weight / weight.sum())


@dataclass(frozen=True, eq=False)
class Terms:
    """Both terms along the depth of networks, averaged over contexts, and how much their sum varies."""

    kinetic: Float[np.ndarray, "*seeds steps"]  # squared units of the stream
    potential: Float[np.ndarray, "*seeds sites"]  # nats
    unit: Float[np.ndarray, "*seeds"]  # nats per squared unit of the stream that balance the two
    balanced: Float[np.ndarray, "*seeds"]  # variation of the sum in balanced units
    own: Float[np.ndarray, "*seeds"]  # and in the stream's own
    shuffled: Float[np.ndarray, "*seeds"]  # balanced, mean over random orders of the layers

    @classmethod
    def stacked(cls, networks: Sequence["Terms"]) -> "Terms":
        """Those of several networks as one record, along a new first axis."""
        return cls(*(np.stack([getattr(t, f.name) for t in networks]) for f in fields(cls)))


def terms(
    stream: Float[np.ndarray, "sites N d"],
    potential: Float[np.ndarray, "sites N"],
    weight: Float[np.ndarray, "N"],
    *,
    seed: int = 0,
) -> Terms:
    """Kinetic and potential terms of one network on contexts with exact weights, and the variation of their
    sum along depth.

    Needs three sites or more: one step alone cannot vary.
    """
    weight, between = weight / weight.sum(), kinetic(stream)

    def along(order: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        moved, height = between[order[:-1], order[1:]], halfway(potential[order])
        return moved, height, balance(moved, height, weight)

    moved, height, unit = along(np.arange(len(stream)))
    rng = np.random.default_rng(seed)
    others = [scale * m + h for m, h, scale in (along(rng.permutation(len(stream))) for _ in range(ORDERS))]
    return Terms(
        kinetic=moved @ weight,
        potential=potential @ weight,
        unit=np.array(unit),
        balanced=np.array(variation(unit * moved + height, weight)),
        own=np.array(variation(moved + height, weight)),
        shuffled=np.array(np.mean([variation(total, weight) for total in others])),
    )


def lens(run: train.Run, seen: Contexts, *, trained: bool) -> Terms:
    """The terms of every network of a finished run, or of as many untrained ones."""
    sites = run.recipe.model.stream
    found = []
    for network in subjects(run, seen, sites, trained=trained):
        stream = np.stack([site.stream for site in network])
        everywhere = np.arange(len(seen.words))
        log_prediction = np.stack([network[-1].predict(site.stream, everywhere) for site in network])
        found.append(terms(stream, potential(seen.next_token, log_prediction), seen.weight))
    return Terms.stacked(found)


@dataclass(frozen=True, eq=False)
class Energy:
    """Both terms along the depth of every trained network, and of as many untrained ones."""

    trained: Terms
    untrained: Terms

    def conserved(self) -> Float[np.ndarray, "seeds"]:
        """log(variation untrained / variation trained), balanced: positive where training conserves the sum
        better.
        """
        return np.log(self.untrained.balanced / self.trained.balanced)

    def conserved_in_own_units(self) -> Float[np.ndarray, "seeds"]:
        """The same in the stream's own units, times the sign of the balanced one."""
        return np.log(self.untrained.own / self.trained.own) * np.sign(self.conserved())

    def ordered(self) -> Float[np.ndarray, "seeds"]:
        """log(variation in a random order of the layers / variation in their own), trained networks."""
        return np.log(self.trained.shuffled / self.trained.balanced)


def energy(runs: Mapping[str, train.Run]) -> Energy:
    """The terms of all networks, read on every context."""
    (run,) = runs.values()
    what = contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx)
    return Energy(lens(run, what, trained=True), lens(run, what, trained=False))


def prediction(process: processes.Process, n_ctx: int) -> dict[str, float | str]:
    """The potential of an exact predictor, and the sign that the claim asks for."""
    what = contexts(process, n_ctx)
    floor = float(what.weight @ processes.entropy(what.next_token))
    return {
        "least potential, nats": floor,
        "log(variation untrained / trained) if training conserves the sum": "positive",
    }


CL7: Claim[Energy, Energy] = Claim(
    id="CL7",
    statement=(
        "A trained network conserves the sum of a kinetic and a potential term along its depth better than "
        "an untrained one."
    ),
    source=(
        "a Hamiltonian view of the forward pass, given in words; terms, balanced unit and statistic are this "
        "lab's operationalisation"
    ),
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    prediction=prediction,
    evidence=energy,
    criteria=(Criterion("log(variation along depth untrained / trained)", Energy.conserved, above=0.0),),
    controls=(
        Criterion(
            "the stream's own units give the same sign",
            Energy.conserved_in_own_units,
            above=0.0,
            means="the sign hangs on the units in which the stream is measured",
        ),
        Criterion(
            "conserved beyond a random order of the layers",
            Energy.ordered,
            above=0.0,
            rival="any order of the layers",
        ),
    ),
    drawn_from=Energy,
    literature={"other reports": "conservation is worse in trained networks than in untrained ones"},
    limits=(
        "What adds a squared step of the stream to nats is a choice: here each network's two terms are given "
        "equal means over contexts and depth, "
        "which makes the result independent of the scale of the stream; the stream's own units stand beside "
        "it, and a verdict whose sign depends "
        "on the choice is invalid. The potential is read by the last norm and the unembedding at layers "
        "that were not trained to be read so "
        "(logit lens); in an untrained network it hardly changes along depth, so that its kinetic term "
        "decides. Few steps: one for each block, "
        "the potential halfway between its ends. A sum that varies little need not be a Hamiltonian of "
        "anything."
    ),
)
