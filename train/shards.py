"""A prefix tree dealt out to several devices."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

import toy


class Parts(NamedTuple):
    """Parts of a tree, all of one shape, each with all ancestors of its own nodes."""

    node: Int[np.ndarray, "parts M"]  # which node of the whole tree stands here
    owned: Bool[np.ndarray, "parts M"]  # whether it counts here: every node does in exactly one place
    tree: toy.Tree  # ancestors (parts, M, C), numbered within each part


def deal(tree: toy.Tree, n: int) -> Parts:
    """Deal out a tree in n parts of nearly equal size.

    Subtrees stay whole, so only the few nodes above them stand in every part; short levels are filled with
    nodes that do not count.
    """
    ancestors, widths, level = np.asarray(tree.ancestors), np.array(tree.widths), tree.position
    cut = int(np.argmax(widths >= min(8 * n, widths.max())))  # the level whose nodes carry the subtrees
    root = ancestors[:, cut]  # -1 above that level
    size = np.bincount(root[root >= 0], minlength=len(root)).cumsum()
    part = np.where(root < 0, -1, (size[root] - 1) * n // size[-1])
    mine = [
        [np.flatnonzero((level == t) & ((part == i) | (part < 0))) for t in range(tree.depth)]
        for i in range(n)
    ]
    width = tuple(max(len(levels[t]) for levels in mine) for t in range(tree.depth))
    node, owned, trees = [], [], []
    for i, levels in enumerate(mine):
        filled = np.concatenate(
            [np.pad(here, (0, w - len(here))) for here, w in zip(levels, width, strict=True)]
        )
        real = np.concatenate([np.arange(w) < len(here) for here, w in zip(levels, width, strict=True)])
        place = np.zeros(len(ancestors), int)
        place[filled[real]] = np.flatnonzero(real)
        node.append(filled)
        owned.append(real & ((part[filled] == i) | ((part[filled] < 0) & (i == 0))))
        above = np.where(ancestors[filled] >= 0, place[ancestors[filled]], -1)
        trees.append(toy.Tree(jnp.asarray(above, jnp.int32), width))
    return Parts(np.stack(node), np.stack(owned), jax.tree.map(lambda *parts: jnp.stack(parts), *trees))
