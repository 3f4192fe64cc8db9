"""The Hamiltonian view: whether a forward pass conserves the sum of a kinetic and a potential term better
once it is trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion
from ..instruments.contexts import contexts
from ..recipes import one_run
from .hamiltonian import UNITS, Terms, lens


@dataclass(frozen=True, eq=False)
class Energy:
    """Both terms along the depth of every trained network, and of as many untrained ones."""

    trained: Sequence[Terms]
    untrained: Sequence[Terms]

    def variation(self, unit: str, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
        """Coefficient of variation of the sum along depth."""
        return np.array(
            [t.variation[UNITS.index(unit)] for t in (self.trained if trained else self.untrained)]
        )

    def conserved(self, unit: str) -> Float[np.ndarray, "seeds"]:
        """log(variation untrained / variation trained): positive where training conserves the sum better."""
        return np.log(self.variation(unit, trained=False) / self.variation(unit))

    def ordered(self) -> Float[np.ndarray, "seeds"]:
        """log(variation in a random order of the layers / variation in their own), trained networks."""
        return np.log([t.shuffled / t.variation[UNITS.index("balanced")] for t in self.trained])


def energy(runs: Mapping[str, train.Run]) -> Energy:
    """The terms of all networks, read on every context."""
    (run,) = runs.values()
    what = contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx)
    return Energy(lens(run, what, trained=True), lens(run, what, trained=False))


def _whatever_the_unit(e: Energy) -> np.ndarray:
    return e.conserved("own") * np.sign(e.conserved("balanced").mean())


def _beyond_disorder(e: Energy) -> np.ndarray | None:
    return (
        e.ordered() if e.conserved("balanced").mean() > 0 else None
    )  # asks what explains an effect; where there is none it has no say


def _prediction(process: processes.Process, n_ctx: int) -> dict[str, object]:
    what = contexts(process, n_ctx)
    floor = float(what.weight @ processes.entropy(what.next_token))
    return {
        "least potential, nats": floor,
        "log(variation untrained / trained) if training conserves the sum": "positive",
    }


def shown(e: Energy) -> dict[str, np.ndarray]:
    """Both terms along depth, balanced, of every network (seeds, steps or sites), and the variations in both
    units.
    """
    out = {}
    for which, found in (("trained", e.trained), ("untrained", e.untrained)):
        out[f"{which} kinetic"] = np.array([t.unit * t.kinetic for t in found])
        out[f"{which} own kinetic"] = np.array([t.kinetic for t in found])
        out[f"{which} potential"] = np.array([t.potential for t in found])
        out[f"{which} variation"] = np.array([t.variation for t in found])
    return out | {"units": np.array(UNITS)}


CL7 = Claim(
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
    prediction=_prediction,
    evidence=energy,
    criteria=(
        Criterion(
            "log(variation along depth untrained / trained)", lambda e: e.conserved("balanced"), above=0.0
        ),
    ),
    controls=(
        Criterion("the stream's own units give the same sign", _whatever_the_unit, above=0.0),
        Criterion("conserved beyond a random order of the layers", _beyond_disorder, above=0.0),
    ),
    shown=shown,
    literature={"other reports": "conservation is worse in trained networks than in untrained ones"},
    limits=(
        "What adds a squared step of the stream to nats is a choice: here each network's two terms are given "
        "equal means over contexts and depth, "
        "which makes the result independent of the scale of the stream; the stream's own units stand beside "
        "it, and a verdict whose sign depends "
        "on the choice is inconclusive. The potential is read by the last norm and the unembedding at layers "
        "that were not trained to be read so "
        "(logit lens); in an untrained network it hardly changes along depth, so that its kinetic term "
        "decides. Few steps: one for each block, "
        "the potential halfway between its ends. A sum that varies little need not be a Hamiltonian of "
        "anything."
    ),
)
