"""Who is compared with what: the one place where an index is shifted.

Position t (from 0) has read tokens x_0..x_t. Its belief is the posterior after x_t, its target is x_{t+1},
and its loss floor is h(t+2), the entropy of symbol t+2 given the t+1 before it. A prefix of length L
therefore sits at position L-1. Everything works on NumPy and JAX arrays alike.
"""


def split(words):
    """Words (..., n+1) as (inputs (..., n), targets (..., n)): position t reads inputs[t] and is asked for
    targets[t].
    """
    return words[..., :-1], words[..., 1:]


def position(depth):
    """Position at which a prefix of `depth` symbols is read last; the empty prefix has none."""
    return depth - 1


def floor_orders(n_ctx: int) -> range:
    """Orders L of the entropies h(L) that are the loss floors of positions 0..n_ctx-1."""
    return range(2, n_ctx + 2)
