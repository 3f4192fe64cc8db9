"""Latents that are features, and are not: MI2."""

import numpy as np

import processes
from analysis.instruments.contexts import contexts
from analysis.instruments.decompositions.features import factored_beliefs
from analysis.mechanisms.mi02_found_features import Found, Latents, joined, judge

from .rates import SEEDS

PAIR = "mess3 * even"
SIZES = (3, 2)
OTHERS = {"random": (0.6, 0.6), "principal": (0.8, 0.7), "truth": (0.99, 0.99), "untrained": (0.5, 0.6)}
"""Correlation and purity of what dictionaries are compared with."""


def dictionaries(
    matched=0.96, purity=0.96, *, noise=0.02, explained=0.97, unlearned=1e-4, ideal=0.95, **others
):
    """Dictionaries that find so much; and whatever is given of what they are compared with."""

    def plant(rng):
        def about(mean):
            return np.minimum(mean + noise * rng.normal(size=SEEDS), 1.0)

        kinds = {
            "topk": (matched, purity),
            "jumprelu": (matched - 0.1, purity - 0.1),
            "topk, ideal": (ideal, ideal),
            "jumprelu, ideal": (ideal, ideal),
        }
        found = kinds | OTHERS | others
        few = {name: about(0.2).clip(0) for name in found}
        return Found(
            None,
            SIZES,
            {name: about(m) for name, (m, _) in found.items()},
            {name: about(p) for name, (_, p) in found.items()},
            few,
            few,
            {name: about(3.0) for name in found},
            {name: np.minimum(explained + 0.003 * rng.normal(size=SEEDS), 1) for name in kinds},
            unlearned * np.exp(0.1 * rng.normal(size=SEEDS)),
        )

    return plant


def judged_latents(t):
    """Latents that are features, their products, and sums of two factors': as dictionaries are judged."""
    a, b = factored_beliefs(t).values()
    rng = np.random.default_rng(0)
    sources = {
        "topk": np.hstack([a, b]),
        "jumprelu": np.hstack([a + b[:, :1], b]),
        "truth": np.hstack([a, b, np.zeros((len(a), 2))]),
        "random": np.maximum(np.hstack([a, b]) @ rng.normal(size=(5, 8)), 0),
    }
    same = {"principal": "random", "untrained": "random", "topk, ideal": "topk", "jumprelu, ideal": "topk"}
    row: dict[str, Latents] = {name: judge(z, t, 0.97) for name, z in sources.items()}
    row |= {name: row[of] for name, of in same.items()}
    return joined([row, row, row], t, np.full(3, 1e-4))


def pair(n_ctx):
    """All contexts of the pair of processes."""
    return contexts(processes.named(PAIR), n_ctx)
