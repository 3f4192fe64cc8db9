"""MI2: sparse dictionaries find the true features?

Of a network that was trained on independent processes side by side, the features are known: what is believed
about the states of each. A dictionary is fitted to its stream without being told, and its latents are asked
which feature each one is.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion, Published
from ..controls import learned_by
from ..instruments.contexts import HISTORY, MOST_CONTEXTS, contexts
from ..instruments.decompositions.dictionaries import KINDS, Kind
from ..instruments.decompositions.factors import sizes
from ..instruments.evidence import observe, unlearned
from ..instruments.untrained import untrained
from .mi02_found_features import Found, found, joined, of_an_ideal_code, sparsity
from .product_networks import ENOUGH, longest, recipes

FOUND = 0.9
"""Correlation with its best latent from which on a feature is found, and share of a latent's variance that
one factor tells from which on it is pure.
"""
RECONSTRUCTED = 0.9
"""Share of the variance that a dictionary has to have for its latents to be asked."""
THERE = 0.95
"""Correlation of the features as they are probed from the same stream with what they are."""


def evidence(runs: Mapping[str, train.Run]) -> Found:
    """Dictionaries of the last stream of every network, and of what they are compared with."""
    (run,) = runs.values()
    config, site = run.recipe.model, run.recipe.model.stream[-1]
    t = contexts(run.recipe.ground_truth(), config.n_ctx)
    trained = observe(config, run.params(), t, (site,))
    fresh = observe(config, untrained(run.recipe), t, (site,))
    rows = []
    for seed, (own, other) in enumerate(zip(trained, fresh, strict=True)):
        row = found(own.activations[site], t, seed=seed)
        row |= {f"{kind}, ideal": s for kind, s in of_an_ideal_code(t, config.d_model, seed=seed).items()}
        only = found(other.activations[site], t, seed=seed, kinds=("topk",))
        rows.append(row | {"untrained": only["topk"]})
    return joined(rows, t, unlearned(trained))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    n = sizes(process)
    return {
        "features": sum(n),
        "latents active at a time": sparsity(n),
        "best-match correlation": 1.0,
        "purity": 1.0,
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if len(sizes(process)) < 2 or not isinstance(process.made_of, processes.Product):
        return "it is no product of several processes, whose beliefs are features; write one, as mess3 * even"
    if longest(process) is None:
        return (
            f"it has over {MOST_CONTEXTS // 4} contexts of {HISTORY + 1} tokens, which are too many to tell "
            "exactly what latents are functions of; use factors of fewer symbols"
        )
    return None


def _dead(kind: Kind) -> Callable[[Found], Float[np.ndarray, "seeds"]]:
    return lambda f: f.dead[kind]


MI2: Claim[Found, Found] = Claim(
    id="MI2",
    statement=(
        "Sparse dictionaries find the true features: their latents tell one factor of the data each, and "
        "follow what is believed about it."
    ),
    source=(
        "dictionaries of Gao et al. 2024 (arXiv:2406.04093) and Rajamanoharan et al. 2024 "
        "(arXiv:2407.14435); true features, and what counts as found, are this lab's operationalisation"
    ),
    tested_on=("mess3 * even", "mess3 * mess3"),
    recipes=recipes,
    evidence=evidence,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "purity of latents, the better kind of dictionary", lambda f: f.best("purity"), above=FOUND
        ),
        Criterion(
            "best-match correlation of features, the better kind", lambda f: f.best("matched"), above=FOUND
        ),
    ),
    controls=(
        learned_by(lambda f: f.unlearned, ENOUGH),
        Criterion(
            "share of the variance that both kinds reconstruct, the worse",
            lambda f: f.explained(),
            above=RECONSTRUCTED,
            means="the dictionaries were not fitted, so their latents are nobody's",
        ),
        Criterion(
            "correlation of features that are probed from the same stream",
            lambda f: f.matched["truth"],
            above=THERE,
            means="the features are not linear in the stream, so no latent could be one",
        ),
        Criterion(
            "best-match correlation beyond principal components",
            lambda f: f.best("matched") - f.matched["principal"],
            above=0.0,
            rival="principal components",
        ),
        Criterion(
            "purity beyond a random dictionary",
            lambda f: f.best("purity") - f.purity["random"],
            above=0.0,
            rival="random directions",
        ),
        Criterion(
            "purity beyond dictionaries of untrained networks",
            lambda f: f.best("purity") - f.purity["untrained"].max(),
            above=0.0,
            rival="the architecture alone",
        ),
    ),
    published=tuple(
        Published(
            f"share of dead latents, {kind}",
            theirs,
            _dead(kind),
        )
        for kind, theirs in zip(
            KINDS,
            (
                "few of millions, with an auxiliary loss (Gao et al. 2024), in words",
                "few, without one (Rajamanoharan et al. 2024), in words",
            ),
            strict=True,
        )
    ),
    drawn_from=Found,
    literature={
        "features": (
            "reconstruction and sparsity improve with width (Gao et al. 2024, Rajamanoharan et al. 2024); on "
            "language models true features are not known"
        )
    },
    would_change=(
        "Dictionaries of networks at the floor whose latents each tell one factor, and follow its beliefs."
    ),
    limits=(
        "Four latents for every feature, of which as many are active as beliefs have dimensions. The better "
        "of both kinds is judged, network by network, so that failing means that both fail. Dictionaries are "
        "fitted on one half of the histories and correlated on the other; purity, which needs all words of "
        "the other factors beside each of one, is over all contexts that are held out, and no label was "
        "fitted. Beliefs of a factor sum to one, so that features of one factor are not independent of each "
        "other. Shown beside: the same on an ideal code, the beliefs in random orthogonal directions and "
        "nothing else. No auxiliary loss revives dead latents."
    ),
)
