"""BG19: at the floor of the loss the geometry is complete: who predicts as well as possible holds the whole
belief.

Beside the verdict: how the geometry follows the loss down to the floor, and whether a reader that is not
linear finds what a linear one does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion
from ..controls import beyond_shuffles, beyond_untrained
from ..instruments.contexts import Contexts, contexts
from ..instruments.evidence import observe
from ..instruments.probing.probe import moments, probe
from ..instruments.probing.study import CONCATENATED, Study, check, study
from ..instruments.statistics import principal
from ..recipes import legs, one_sharp_run
from .features import all_layers

COMPLETE = 0.95
"""Held-out R2 of all layers from which the geometry counts as complete."""
AGREE = 0.05
"""Networks agree if their R2 lies no farther than this from that of the network in the middle, on average."""
NOISELESS, DRAWN = 1e-7, 1e-6
"""KL to the exact predictor, nats per token, that counts as the floor: where every context is seen in every
step, and where words are drawn.
"""
MANY = 20_000
"""With more contexts than this, curves over training are measured on those of up to `DEPTH` tokens."""
DEPTH = 8
AXES = 16
"""Principal axes of the layers whose products a quadratic reader is given as well."""


@dataclass(frozen=True, eq=False)
class Completeness:
    """Held-out R2 of beliefs, all layers side by side, in networks at the floor."""

    limit: float  # KL that counts as the floor, nats per token
    divergence: Float[np.ndarray, "seeds"]  # KL to the exact predictor, nats per token
    r2: Float[np.ndarray, "seeds"]
    untrained: Float[np.ndarray, "seeds"]
    quadratic: Float[np.ndarray, "seeds"]  # of a reader that is given products of the leading axes too
    above_untrained: Float[np.ndarray, "seeds"]
    above_shuffles: Float[np.ndarray, "seeds"]
    course_divergence: Float[np.ndarray, "seeds K"]  # at the kept steps of the whole training
    course: Float[np.ndarray, "seeds K"]  # R2 there

    def over_limit(self) -> Float[np.ndarray, "seeds"]:
        """KL over what counts as the floor."""
        return self.divergence / self.limit

    def apart(self) -> Float[np.ndarray, "seeds"]:
        """How far each network's R2 is from that of the network in the middle."""
        return np.abs(self.r2 - np.median(self.r2))


def completeness(runs: Mapping[str, train.Run]) -> Completeness:
    """Study the networks at the end of training, and their R2 and KL on the way there."""
    (run,) = runs.values()
    s = study(run)
    above = (control.values(s) for control in (beyond_untrained(all_layers), beyond_shuffles(all_layers)))
    untrained, shuffles = (values for values in above if values is not None)
    limit = NOISELESS if run.recipe.objective == "population" else DRAWN
    return Completeness(
        limit,
        np.array([e.excess for e in s.trained]),
        s.r2(CONCATENATED),
        s.r2(CONCATENATED, trained=False),
        _quadratic(s),
        untrained,
        shuffles,
        *_course(legs(run)),
    )


def _course(runs: Sequence[train.Run]) -> tuple[np.ndarray, np.ndarray]:
    """KL and R2 at all kept steps of a descent and of what followed it: [seeds, K] each."""
    recipe = runs[-1].recipe
    config, process = recipe.model, recipe.ground_truth()
    t = contexts(process, config.n_ctx)
    if len(t.weight) > MANY:
        t = contexts(process, min(config.n_ctx, DEPTH))
    params = [leg.params(step) for leg in runs for step in leg.checkpoint_steps]
    stacked = jax.tree.map(lambda *leaves: np.concatenate(leaves), *params)
    networks = observe(config, stacked, t, config.stream[1:])
    r2 = [probe(moments(_side_by_side(e.activations), t.belief, t)).r2 for e in networks]
    shape = (len(params), recipe.seeds)
    divergence = np.array([e.excess for e in networks]).reshape(shape)
    return divergence.T, np.array(r2).reshape(shape).T


def _side_by_side(activations: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate(list(activations.values()), axis=1)


def _quadratic(s: Study) -> Float[np.ndarray, "seeds"]:
    """R2 of a reader that is given, beside all layers, products of their `AXES` leading principal axes."""
    return np.array([_with_products(s.features_of(e, CONCATENATED), s.contexts) for e in s.trained])


def _with_products(x: np.ndarray, t: Contexts) -> float:
    x, weight = np.asarray(x, np.float64), t.weight / t.weight.sum()
    mean, _, axes = principal(x, weight)
    centred = x - mean
    leading = centred @ axes[:, -AXES:]
    leading /= np.sqrt(weight @ leading**2).clip(1e-12)
    i, j = np.triu_indices(leading.shape[1])
    products = leading[:, i] * leading[:, j]
    scale = np.sqrt((weight @ centred**2).mean())
    return float(probe(moments(np.hstack([centred, scale * products]), t.belief, t)).r2)


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {"R2 of all layers at the floor": 1.0}


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    check(process, n_ctx)
    return None


BG19: Claim[Completeness, Completeness] = Claim(
    id="BG19",
    statement="At the floor of the loss the geometry is complete: all layers together hold the whole belief.",
    source="implied by Shai et al. 2024 (arXiv:2405.15943): what optimal prediction needs",
    tested_on=("mess3", "mess3:piotrowski2025", "rrxor", "nemo", "random_insertion"),
    recipes=one_sharp_run,
    evidence=completeness,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion("held-out R2 of all layers", lambda c: c.r2, above=COMPLETE, over="most"),
        Criterion("distance of R2 from the network in the middle", Completeness.apart, below=AGREE),
    ),
    controls=(
        Criterion(
            "KL to the exact predictor over what counts as the floor",
            Completeness.over_limit,
            below=1.0,
            over="nearly all",
            means="networks are not at the floor, of which the claim speaks",
        ),
        beyond_untrained(all_layers).measured_by(lambda c: c.above_untrained),
        beyond_shuffles(all_layers).measured_by(lambda c: c.above_shuffles),
    ),
    drawn_from=Completeness,
    would_change=(
        "Networks at the floor, on a process where they fall short today, from which beliefs are read to .95."
    ),
    limits=(
        "The floor is 1e-7 nats per token where every context is seen in every step and 1e-6 where words "
        "are drawn. A belief that is not linear in the layers at one position may still be there: in "
        "products of their axes (drawn beside), in more intricate form, or at earlier positions, to which "
        "attention can look back and from which optimal prediction can take it whenever it is needed. The "
        "claim is about one position and a linear reader."
    ),
)
