"""Networks run in several ways, and their text with drafts: MI14."""

import numpy as np

from analysis.instruments.serving import WAYS, course, markov_draft
from analysis.mechanisms.mi14_serving import ORDERS, Served
from processes import named, prefix_tree

from .rates import SEEDS


def serving(
    rng, *, apart=3e-7, off=0.0, mixed=0.0, unjudged=1.0, untrained=0.2, learned=1e-5, name="mess3", n_ctx=6
):
    """Networks whose ways of running are so far apart, which keep so many more drafts than the exact
    predictor, and in whose text the draft has this share.
    """
    tree = prefix_tree(named(name), n_ctx)
    courses = [course(tree, tree.next_token, markov_draft(tree.process, k)) for k in ORDERS]
    exact = np.array([c.share for c in courses])

    def about(mean, spread):
        return mean + spread * rng.normal(size=(len(ORDERS), SEEDS))

    return Served(
        apart=apart * np.exp(0.3 * rng.normal(size=(len(WAYS), SEEDS))),
        exact=exact,
        exact_tokens=np.array([n_ctx / c.passes for c in courses]),
        kept=about(exact[:, None] + off, 0.001),
        tokens=about(1.8, 0.01),
        mixed=about(mixed, 0.02)[0],
        unjudged=about(unjudged, 0.01)[0],
        untrained=about(exact[:, None] - untrained, 0.002),
        unlearned=learned * np.exp(0.3 * rng.normal(size=SEEDS)),
    )
