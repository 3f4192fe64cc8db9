"""Order-k Markov approximations: what an observer would believe who takes the last k symbols for the whole
story.
"""

import numpy as np

from ..process import Process, ProcessError, hmm
from ..tree import prefix_tree
from ..values.checks import checked
from ..values.identity import identified
from ..values.structure import recorded


@checked
@recorded
def markov(process: Process, order: int) -> Process:
    """The Markov chain of this order with the same distribution of words of length order+1, as an HMM whose
    states are words.

    T[x, u, v] = P(x | u) where v is u x without its first symbol. It emits every word that the process emits,
    so its beliefs (after fewer than `order` symbols: the posterior over words of that length) exist on all
    prefixes of the process. Raises `ProcessError` if `order` < 1 or the process is not stationary.
    """
    if order < 1:
        raise ProcessError(f"a Markov approximation has order at least 1, not {order}")
    if not process.is_stationary:
        raise ProcessError(
            f"{process.name} does not start stationary, so its words of length {order} have no one "
            "distribution; pass "
            "its stationary start"
        )
    tree = prefix_tree(process, order + 1)
    states, longer = tree.level(order), tree.level(order + 1)
    words = [tuple(map(int, w)) for w in tree.words[states][:, :order]]
    number = {w: i for i, w in enumerate(words)}
    T = np.zeros((process.vocab, len(words), len(words)))
    for node in range(longer.start, longer.stop):
        u, x = int(tree.parent[node]), int(tree.token[node])
        v = words[u - states.start][1:] + (x,)
        T[x, u - states.start, number[v]] = tree.next_token[u, x]
    start = tree.probability[states]
    made = hmm(
        T,
        start / start.sum(),
        name=f"markov({process.name}, order={order})",
        states=["".join(map(str, w)) for w in words],
    )
    return identified(made, "markov", process.identity, int(order))
