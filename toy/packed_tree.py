"""A packed prefix tree: every prefix once, seeing its ancestors (docs/theory/packed_trees.md)."""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import Array, Int

from .checks import fitted
from .sites import ModelError


@partial(jax.tree_util.register_dataclass, data_fields=["ancestors"], meta_fields=["widths"])
@dataclass(frozen=True)
class Tree:
    """Where each of N packed nodes hangs. Nodes stand level by level, those of one token first.

    Raises `ModelError` if the widths are no numbers of nodes, leave out a level above others, or do not add
    up to the number of nodes.
    """

    ancestors: Int[Array, "*parts N C"]
    """Column t: the node that is the first t + 1 tokens of this one (itself in its last column), -1 beyond
    its length.
    """
    widths: tuple[int, ...]
    """Number of nodes of each length, 1 to C; known when a program is compiled, so that recurrent networks
    can go level by level.
    """

    def __post_init__(self):
        if not (
            isinstance(self.widths, tuple) and all(type(width) is int for width in self.widths)
        ):  # quickly: JAX makes trees often
            object.__setattr__(self, "widths", fitted("widths", tuple[int, ...], self.widths))
        filled = sum(map(bool, self.widths))  # a pruned tree may end before its last levels
        if min(self.widths[:filled], default=1) < 1:
            raise ModelError(
                f"the widths of a tree are {self.widths}; each of its levels down to the deepest node must "
                "have at least one"
            )
        shape = getattr(
            self.ancestors, "shape", None
        )  # transformations put other things than arrays in its place
        if shape is not None and len(shape) == 2 and (sum(self.widths), len(self.widths)) != shape:
            raise ModelError(
                f"a tree of {sum(self.widths)} nodes in {self.depth} levels cannot have ancestors of shape "
                f"{shape}; count its levels"
            )

    @property
    def depth(self) -> int:
        """Length of the longest prefix, C."""
        return len(self.widths)

    @property
    def position(self) -> Int[np.ndarray, "N"]:
        """Position of each node's own token, from 0."""
        return np.repeat(np.arange(self.depth), self.widths)
