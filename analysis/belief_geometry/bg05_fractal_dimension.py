"""BG5: probed beliefs have the dimension of the fractal that the true beliefs lie on.

Clouds of probed beliefs are measured as the true beliefs are: same contexts, same range of scales, same
estimator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float

import processes
import train
from processes.geometry.information_dimension import POINTS_PER_BOX

from ..claim import Claim, Criterion, Setting, single
from ..instruments.contexts import Contexts, contexts, shuffled_beliefs
from ..instruments.probing.probe import moments, probe
from ..instruments.probing.study import Study, check
from ..recipes import SMALL, one_run, sharper, standard
from .wording import SHAI

SHARP = 1e-6
"""KL to the exact predictor, nats per token, that leaves the cloud fine enough to be measured."""
COARSEST = 0.5
"""Largest box, as a fraction of the cloud's extent."""
FIDELITY = 0.985
"""A cloud is expected to be at least this faithful (held-out R2, the threshold of BG1), so finer boxes than
its residual are not used.
"""


@dataclass(frozen=True, eq=False)
class Clouds:
    """Dimensions of clouds of one kind, and the curves that they are the slopes of."""

    dimension: Float[np.ndarray, "clouds"]
    entropy: Float[np.ndarray, "clouds K"]  # of the boxes, nats


@dataclass(frozen=True, eq=False)
class Probed(Clouds):
    """The same, one cloud for each network."""

    dimension: Float[np.ndarray, "seeds"]
    entropy: Float[np.ndarray, "seeds K"]


C = TypeVar("C", bound=Clouds)


@dataclass(frozen=True, eq=False)
class Scaling:
    """How clouds fill space over one range of scales: the true beliefs, and a cloud for each network of the
    others.
    """

    true: Clouds
    probed: Probed
    untrained: Probed
    shuffled: Probed
    box: Float[np.ndarray, "K"]  # side of the boxes as a fraction of a cloud's extent
    fitted: Bool[np.ndarray, "K"]
    known: Float[np.ndarray, "seeds"]
    """Dimension that a probe finds in networks of the true beliefs: random images of them, rounded to
    float32.
    """
    excess_loss: Float[np.ndarray, "seeds"]  # KL to the exact predictor, nats per token

    def excess(self) -> Float[np.ndarray, "seeds"]:
        """Dimension of the probed beliefs minus that of the true ones."""
        return self.probed.dimension - self.true.dimension

    def known_off(self) -> Float[np.ndarray, "seeds"]:
        """What the probe itself adds to the dimension."""
        return self.known - self.true.dimension

    def untrained_off(self) -> Float[np.ndarray, "seeds"]:
        """Either side: what no network has learned may fill more of the plane, or less."""
        return np.abs(self.untrained.dimension - self.true.dimension)

    def shuffled_off(self) -> Float[np.ndarray, "seeds"]:
        """The same of what probes of shuffled beliefs predict."""
        return np.abs(self.shuffled.dimension - self.true.dimension)


def deepest(truth: Contexts) -> np.ndarray:
    """Which contexts make the clouds: the longest, whose beliefs are nearest to their stationary
    distribution.
    """
    return np.flatnonzero(truth.length == truth.n_ctx)


def scales(truth: Contexts) -> tuple[float, float]:
    """Finest and coarsest box, as fractions of the extent, from the true beliefs alone.

    The finest is the root mean square residual that a probe of R2 `FIDELITY` has: sqrt((1 - R2) Var b) /
    extent. What such a probe adds to a point is larger than anything finer.
    """
    here = deepest(truth)
    belief, weight = truth.belief[here], truth.weight[here] / truth.weight[here].sum()
    variance = weight @ ((belief - weight @ belief) ** 2).sum(1)
    return float(np.sqrt((1 - FIDELITY) * variance) / np.ptp(belief, axis=0).max()), COARSEST


def scaling(study: Study) -> Scaling:
    """Dimensions of the true beliefs, of those probed from each network's final layer, and of what probes of
    shuffled beliefs give.
    """
    t, layer = study.contexts, study.final_layer
    here, fit = deepest(t), scales(t)

    def measured(clouds: Sequence[np.ndarray]) -> list[processes.InformationDimension]:
        return [processes.information_dimension(points[here], t.weight[here], fit=fit) for points in clouds]

    true = measured([t.belief])
    probed, untrained = (measured(study.points(layer, trained=which)) for which in (True, False))
    shuffled = measured(_shuffled(study, layer))
    known = np.array([d.value for d in measured(_known(study, layer))])
    loss = np.array([e.excess for e in study.trained])
    k = min(len(d.box) for d in (*true, *probed, *untrained, *shuffled))

    def clouds(kind: type[C], found: Sequence[processes.InformationDimension]) -> C:
        return kind(np.array([d.value for d in found]), np.array([d.information[:k] for d in found]))

    return Scaling(
        clouds(Clouds, true),
        clouds(Probed, probed),
        clouds(Probed, untrained),
        clouds(Probed, shuffled),
        *(true[0].box[:k], true[0].fitted[:k]),
        known,
        loss,
    )


def _known(study: Study, layer: str) -> list[np.ndarray]:
    """What probes predict of networks whose layer is a random image of the true beliefs; one for each."""
    t, rng, out = study.contexts, np.random.default_rng(1), []
    for network in study.trained:
        image = rng.normal(size=(t.belief.shape[1], network.activations[layer].shape[1]))
        x = (t.belief @ image).astype(np.float32)
        out.append(probe(moments(x, t.belief, t)).predict(x, t.fold))
    return out


def _shuffled(study: Study, layer: str) -> list[np.ndarray]:
    """What probes predict that are fitted to beliefs shuffled among contexts of equal length; one shuffle per
    network.
    """
    t, rng, out = study.contexts, np.random.default_rng(0), []
    for network in study.trained:
        labels = shuffled_beliefs(t, rng)
        x = network.activations[layer]
        out.append(probe(moments(x, labels, t)).predict(x, t.fold))
    return out


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """Contexts of ten tokens whatever the size: fewer make too few points; and a cloud is as fine as the loss
    is near the floor.
    """
    setting = sharper(setting)
    if setting.size == "small":
        return {"transformer": standard(process, setting, model=replace(SMALL, n_ctx=10))}
    return one_run(process, setting)


def _evidence(runs: Mapping[str, train.Run]) -> Scaling:
    return scaling(single(runs))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    t = contexts(process, n_ctx)
    here, fit = deepest(t), scales(t)
    found = processes.information_dimension(t.belief[here], t.weight[here], fit=fit)
    return {
        "information dimension of the true beliefs": found.value,
        "finest box over extent": fit[0],
        "Kaplan-Yorke dimension": processes.lyapunov(process, chains=16, steps=500, seed=0).dimension,
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    """Why the dimension of the beliefs cannot be estimated at these scales, if so."""
    check(process, n_ctx)
    t = contexts(process, n_ctx)
    if processes.mixed_states(t.process) is not None:
        return "it has finitely many mixed states, whose dimension is zero"
    here = deepest(t)
    finest, coarsest = scales(t)
    if coarsest / finest < 2:
        return f"boxes between {finest:.2f} and {coarsest} of the extent are fewer than three scales"
    found = processes.information_dimension(t.belief[here], t.weight[here], fit=(finest, coarsest))
    share = t.weight[here] / t.weight[here].sum()
    full = float(np.exp(processes.entropy(share) - found.information[found.fitted].max()))
    if full < POINTS_PER_BOX:
        return (
            f"its {len(here)} longest contexts put {full:.0f} points in a box of the finest scale, and "
            f"{POINTS_PER_BOX} are needed; use longer ones"
        )
    return None


BG5: Claim[Scaling, Scaling] = Claim(
    id="BG5",
    statement="The cloud of probed beliefs has the fractal dimension of the true beliefs.",
    source=f"{SHAI}; dimension of mixed-state sets: Jurgens & Crutchfield 2021",
    tested_on=("mess3", "mess3:piotrowski2025"),
    runs=2,
    recipes=_recipes,
    evidence=_evidence,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(Criterion("dimension of probed minus true beliefs", Scaling.excess, above=-0.1, below=0.1),),
    controls=(
        Criterion(
            "KL to the exact predictor, nats per token",
            lambda s: s.excess_loss,
            below=SHARP,
            over="nearly all",
            means="networks this far from the floor add noise that is a dimension of its own",
        ),
        Criterion(
            "probes of the true beliefs are off by",
            Scaling.known_off,
            above=-0.02,
            below=0.02,
            means="the probe alone changes the dimension, whatever is probed",
        ),
        Criterion(
            "untrained networks are off by",
            Scaling.untrained_off,
            above=0.1,
            means="any cloud of activations would have this dimension",
        ),
        Criterion(
            "probes of shuffled beliefs are off by",
            Scaling.shuffled_off,
            above=0.1,
            means="any target would have this dimension through this probe",
        ),
    ),
    drawn_from=Scaling,
    literature={
        "mess3, information dimension of the mixed-state set": (
            ".52 at (.05, .85), 1.35 at (.15, .6): Kaplan-Yorke, computed from the definitions"
        ),
    },
    limits=(
        "The finest box is the residual that an R2 of .985 leaves, so the slope is taken over two octaves "
        "and is no limit; it is the same for the true beliefs, of which it is .57 and 1.32. Residuals that "
        "vary smoothly with the belief leave the dimension as it is, at R2 = .998 to .02; independent noise "
        "does not: on Mess3 (.05, .85) it raises the estimate by .07 at R2 = .9999 and by .4 at .998. A "
        "refutation can therefore mean fine-grained noise in the residual stream as well as a wrong "
        "geometry; what the probe itself adds is measured, on networks of the true beliefs."
    ),
    would_change=(
        "Networks within 1e-6 nats of the floor whose cloud is rougher or smoother than that of the true "
        "beliefs by more than .1."
    ),
    revision=2,
)
