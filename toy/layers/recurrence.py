"""A recurrence s_t = step(s_{t-1}, x_t) from s_{-1} = 0, over a batch of sequences or along the branches of a
packed prefix tree, or on from what was kept.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..cache import Past
from ..packed_tree import Tree
from ..sites import Sites

Step = Callable[
    [jax.Array, jax.Array], jax.Array
]  # (states (..., w), inputs (..., d)) -> next states (..., w)


def states(
    step: Step, x: Float[Array, "*n d"], width: int, tree: Tree | Past | None, at: Sites, site: str
) -> Float[Array, "*n w"]:
    """The states after every position, (..., T, w) or (N, w), recorded at `site`; one application of `step` a
    position or node.

    An edit at `site` is given all states at once, as an edit of any other site is, and acts as causes do: it
    is applied at every step, to the states so far (those before as edited, those yet to come zero), and what
    it makes of the current ones goes on. So it changes all later states of the branch as well. What it makes
    of one position may depend on that one and on earlier ones, not on later ones.
    """
    if isinstance(tree, Tree):
        after = _along_branches(step, x, width, tree, at, site)
    else:
        after = _over_time(step, x, width, at, site, None if tree is None else tree.last(site))
    if isinstance(tree, Past):
        tree.with_new(site, after)
    at.record(site, after)
    return after


def _over_time(
    step: Step, x: jax.Array, width: int, at: Sites, site: str, start: jax.Array | None
) -> jax.Array:
    inputs = jnp.moveaxis(x, -2, 0)
    if site not in at.edit:
        if start is None:
            start = jnp.zeros((*inputs.shape[1:-1], width), x.dtype)
        return jnp.moveaxis(jax.lax.scan(lambda s, now: (step(s, now),) * 2, start, inputs)[1], 0, -2)

    def advance(seen, now):
        t, x_t = now
        seen = seen.at[..., t, :].set(
            step(seen[..., t - 1, :], x_t)
        )  # at t = 0 the last row, which is zero still
        return seen.at[..., t, :].set(at.edited(site, seen)[..., t, :]), None

    begun = jnp.zeros((*x.shape[:-1], width), x.dtype)
    return jax.lax.scan(advance, begun, (jnp.arange(len(inputs)), inputs))[0]


def _along_branches(step: Step, x: jax.Array, width: int, tree: Tree, at: Sites, site: str) -> jax.Array:
    levels: list[jax.Array] = []
    begin = 0
    for t, nodes in enumerate(tree.widths):
        rows = slice(begin, begin + nodes)
        before = jnp.zeros((nodes, width), x.dtype)
        if t > 0:  # the level above stands just before this one
            before = levels[-1][tree.ancestors[rows, t - 1] - (begin - tree.widths[t - 1])]
        now = step(before, x[rows])
        if site in at.edit:
            now = at.edited(
                site, jnp.concatenate([*levels, now, jnp.zeros((len(x) - rows.stop, width), x.dtype)])
            )[rows]
        levels.append(now)
        begin = rows.stop
    return jnp.concatenate(levels)
