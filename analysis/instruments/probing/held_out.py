"""What a held-out score hangs on: where contexts are read, and how long a history is held out with its
subtree.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from ..contexts import Contexts
from .probe import moments, probe
from .study import Study

HISTORIES = (3, 4, 5, 6, 7)
"""Tokens by which contexts are held out together; four decide (`contexts.HISTORY`)."""
FEWEST_HISTORIES = 3
"""With fewer histories than this nothing can be held out."""


def by_position(
    study: Study, features: str, *, trained: bool = True
) -> Mapping[int, Float[np.ndarray, "seeds"]]:
    """Held-out R2 of beliefs among the contexts of each scored length alone, about their own mean."""
    t, points = study.contexts, study.points(features, trained=trained)
    found = {}
    for length in t.scored_lengths:
        here = t.length == length
        weight, belief = t.weight[here] / t.weight[here].sum(), t.belief[here]
        spread = weight @ ((belief - weight @ belief) ** 2).sum(1)
        missed = [weight @ ((p[here] - belief) ** 2).sum(1) for p in points]
        found[int(length)] = 1 - np.array(missed) / spread if spread > 0 else np.full(len(points), np.nan)
    return found


def by_history(
    study: Study, features: str, *, trained: bool = True
) -> Mapping[int, Float[np.ndarray, "seeds"]]:
    """Held-out R2 of beliefs where contexts are held out by their first 3, 4, ... 7 tokens, by that number;
    only longer ones are scored. Lengths that leave nothing to score, or too few histories, are left out.
    """
    networks, found = study.trained if trained else study.untrained, {}
    for k in HISTORIES:
        t = replace(study.contexts, history=k)
        if not _can_be_held_out(t):
            continue
        scores = [probe(moments(study.features_of(e, features), t.belief, t)).r2 for e in networks]
        found[k] = np.array(scores)
    return found


def _can_be_held_out(t: Contexts) -> bool:
    if t.n_ctx <= t.history or not len(t.scored_lengths):
        return False
    return bool(t.fold.max() + 1 >= FEWEST_HISTORIES)
