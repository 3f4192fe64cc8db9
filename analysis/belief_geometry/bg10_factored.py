"""BG10: independent factors of the data get subspaces of their own: dimensions add instead of multiplying."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

import train
from processes import Process

from ..claim import Claim, Criterion, Setting
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.decompositions.dimensions import EXPLAINED, axes_needed
from ..instruments.decompositions.factors import marginals, sizes
from ..instruments.evidence import Evidence, observe, unlearned
from ..instruments.probing.probe import moments, probe
from ..instruments.statistics import TIED, coordinates, mean_overlap, principal
from ..instruments.untrained import untrained
from ..recipes import PAPER, standard

ENOUGH = 1e-3
"""Share of what contexts are worth that may be left to learn: products take more steps than their factors."""
BY_SYMBOL = "coupled(mess3, mess3 | mess3:piotrowski2025 | mess3; structure=sequential)"
"""Which Mess3 the second factor is depends on the first one's symbol: tokens depend, beliefs factor all the
same.
"""
BY_STATE = "coupled(mess3, mess3 | mess3:piotrowski2025 | mess3; structure=hidden)"
"""It depends on the first one's hidden state: beliefs do not factor, and a factored code loses something."""
DRAWS = 200
"""Random pairs of subspaces behind the comparison of angles."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """The final residual stream of networks on a product; a row for each network."""

    variance: Float[np.ndarray, "seeds d"]  # share along each principal axis, largest first
    overlap: Float[np.ndarray, "seeds"]
    """Mean squared cosine between the subspaces of two factors, mean over pairs of factors."""
    chance: Float[np.ndarray, "seeds"]
    """The same for random subspaces of the space that the activations fill."""
    r2: Float[np.ndarray, "seeds factors"]  # held-out R2 of each factor's beliefs

    def overlap_over_chance(self) -> Float[np.ndarray, "seeds"]:
        """How much nearer the factors' subspaces are than random ones."""
        return self.overlap / self.chance


@dataclass(frozen=True, eq=False)
class Factored:
    """Trained and untrained networks on a product with factors of these numbers of hidden states."""

    sizes: tuple[int, ...]
    trained: Geometry
    untrained: Geometry
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def axes(self, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
        """Principal axes that hold `EXPLAINED` of the variance, from 0 (factored) to 1 (joint)."""
        networks = self.trained if trained else self.untrained
        return between(axes_needed(networks.variance), self.sizes)

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """R2 of the factor that is read worst minus the best of every untrained network."""
        return self.trained.r2.min(1) - self.untrained.r2.max()


def geometry(
    x: np.ndarray, what: Contexts, sizes: Sequence[int]
) -> tuple[np.ndarray, float, float, list[float]]:
    """A row of `Geometry` from activations x (N, d)."""
    x = np.asarray(x, np.float64)
    weight = what.weight / what.weight.sum()
    mean, values, axes = principal(x, weight)
    beliefs = [coordinates(b, weight, faint=TIED) for b in marginals(what.belief, sizes)]
    root = np.sqrt(weight)[:, None]
    encoder = np.linalg.lstsq(np.hstack(beliefs) * root, (x - mean) * root, rcond=None)[0]
    ends = np.cumsum([b.shape[1] for b in beliefs])
    spaces = [part.T for part in np.split(encoder, ends[:-1])]
    # The one symmetric root: with the axes alone, whose signs a processor may choose, these draws would be
    # others.
    shape, rng = (axes * np.sqrt(values.clip(0))) @ axes.T, np.random.default_rng(0)
    drawn = [[shape @ rng.normal(size=(len(shape), b.shape[1])) for b in beliefs] for _ in range(DRAWS)]
    chance = np.mean([overlap(*of) for of in drawn])
    r2 = [probe(moments(x, b, what)).r2 for b in marginals(what.belief, sizes)]
    return values[::-1].clip(0) / values.sum(), overlap(*spaces), float(chance), r2


def overlap(*columns: np.ndarray) -> float:
    """`mean_overlap` of the column spaces of two or more (d, m)."""
    return mean_overlap([np.linalg.qr(c)[0] for c in columns])


def between(dimension: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Where a dimension lies on the logarithmic way from sum(S_k - 1), factored, at 0, to prod(S_k) - 1,
    joint, at 1.
    """
    add, multiply = sum(s - 1 for s in sizes), np.prod(sizes) - 1
    return np.log(dimension / add) / np.log(multiply / add)


def _evidence(runs: Mapping[str, train.Run]) -> Factored:
    (run,) = runs.values()
    config, process = run.recipe.model, run.recipe.ground_truth()
    what, site = contexts(process, config.n_ctx), config.stream[-1]

    def measured(networks: Sequence[Evidence]) -> Geometry:
        rows = [geometry(e.activations[site], what, sizes(process)) for e in networks]
        return Geometry(*(np.array(column) for column in zip(*rows, strict=True)))

    trained, fresh = (observe(config, p, what, (site,)) for p in (run.params(), untrained(run.recipe)))
    return Factored(sizes(process), measured(trained), measured(fresh), unlearned(trained))


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    model = replace(PAPER, d_model=120, n_heads=3, d_head=40, d_mlp=480) if setting.size == "large" else None
    return {"transformer": standard(process, setting, model=model)}


def _prediction(process: Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "dimensions if factored": sum(s - 1 for s in sizes(process)),
        "dimensions if joint": int(np.prod(sizes(process))) - 1,
    }


def _refusal(process: Process, n_ctx: int) -> str | None:
    if len(sizes(process)) > 1:
        return None
    return "it is not made of factors; write a product as `A * B`, or see `coupled`"


BG10: Claim[Factored, Factored] = Claim(
    id="BG10",
    statement=(
        "Factored data are represented factor by factor: dimensions add up, and factors have nearly "
        "orthogonal subspaces."
    ),
    source="Shai et al. 2026 (arXiv:2602.02385)",
    tested_on=("mess3 * mess3", "mess3 * mess3 * mess3", BY_SYMBOL, BY_STATE),
    recipes=_recipes,
    evidence=_evidence,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            f"dimensions at {EXPLAINED:.0%} of variance, from 0 (factored) to 1 (joint)",
            Factored.axes,
            above=-0.5,
            below=0.5,
        ),
        Criterion(
            "overlap of factors' subspaces over that of random ones",
            lambda f: f.trained.overlap_over_chance(),
            below=0.5,
        ),
    ),
    controls=(
        learned_by(lambda f: f.unlearned, ENOUGH),
        Criterion(
            "untrained networks do not look factored (same scale)",
            partial(Factored.axes, trained=False),
            above=0.5,
            means="the count of dimensions is small whatever is represented",
        ),
        Criterion(
            "untrained networks do not part the factors (overlap over random)",
            lambda f: f.untrained.overlap_over_chance(),
            above=0.5,
            means="subspaces come out apart whatever is represented",
        ),
        Criterion(
            "R2 of every factor's beliefs above every untrained network",
            Factored.beyond_untrained,
            above=0.0,
            means="the architecture alone, untrained, holds these beliefs",
        ),
    ),
    drawn_from=Factored,
    would_change=(
        "As many dimensions as the joint simplex has, or subspaces no farther apart than random ones."
    ),
    revision=2,
    literature={
        "3 Mess3 + 2 Bloch walks": "10 dimensions (factored) against 242 (joint), at 95 % of variance"
    },
    limits=(
        "Where one factor's hidden state chooses another's variant, beliefs do not factor, so that a "
        "factored geometry loses a part of them; what networks do there is the question, and no theory "
        "says. Contexts are too many to enumerate, so activations are measured on drawn words. Principal "
        "axes count whatever varies, beliefs or not; random subspaces are drawn in the space that the "
        "activations fill, since in all of the residual stream any two are nearly orthogonal."
    ),
)
