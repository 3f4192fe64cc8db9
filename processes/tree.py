"""The prefix tree: every word a process can emit, to a depth, each with its exact probability and belief."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from .filter import possible, predict, update
from .process import Process, ProcessError


@dataclass(frozen=True, eq=False)
class PrefixTree:
    """All words of positive probability up to length `depth`, shortest first, each level in lexicographic order.

    Node 0 is the empty word. Children of a node stand together, so the descendants of a node form one run in every level.
    """

    process: Process
    token: Int[np.ndarray, "N"]  # last symbol of the word; -1 at the root
    parent: Int[np.ndarray, "N"]  # node of the word without its last symbol; -1 at the root
    probability: Float[np.ndarray, "N"]  # P(word)
    belief: Float[np.ndarray, "N S"]  # P(state | word)
    offset: Int[np.ndarray, "D"]  # level d is nodes offset[d]:offset[d+1]; so D = depth + 2

    @property
    def depth(self) -> int:
        """Length of the longest words."""
        return len(self.offset) - 2

    def __len__(self) -> int:
        return len(self.token)

    def level(self, depth: int) -> slice:
        """The nodes whose words have this length."""
        return slice(int(self.offset[depth]), int(self.offset[depth + 1]))

    @cached_property
    def length(self) -> Int[np.ndarray, "N"]:
        """Length of each node's word."""
        return np.repeat(np.arange(self.depth + 1), np.diff(self.offset))

    @cached_property
    def next_token(self) -> Float[np.ndarray, "N V"]:
        """Exact law of the next symbol after each word."""
        return predict(self.process, self.belief)

    @cached_property
    def ancestors(self) -> Int[np.ndarray, "N D"]:
        """ancestors[n, d] is the node of the first d+1 symbols of word n, itself included; -1 beyond its length."""
        table = np.full((len(self), self.depth), -1)
        for d in range(1, self.depth + 1):
            here = self.level(d)
            table[here, : d - 1] = table[self.parent[here], : d - 1]
            table[here, d - 1] = np.arange(here.start, here.stop)
        return table

    @cached_property
    def words(self) -> Int[np.ndarray, "N D"]:
        """Each node's word, padded on the right with -1."""
        return np.where(self.ancestors >= 0, self.token[self.ancestors], -1)


def prefix_tree(process: Process, depth: int, *, max_nodes: int = 50_000_000) -> PrefixTree:
    """Enumerate all positive-probability words up to `depth`, level by level.

    Impossible words are pruned. For an HMM that is exact: its zeros are products and sums of exact zeros (see `Process.zero`).
    Raises `ProcessError` if `depth` is negative or the tree would exceed `max_nodes` nodes.
    """
    if depth < 0:
        raise ProcessError(f"a prefix tree cannot have depth {depth}; the depth is at least 0")
    V, S = process.vocab, process.n_states
    flat = process.T.transpose(1, 0, 2).reshape(S, V * S)
    token, parent = [np.array([-1])], [np.array([-1])]
    mass, belief = [np.ones(1)], [process.start[None]]
    offset = [0, 1]
    for d in range(1, depth + 1):
        joint = (belief[-1] @ flat).reshape(-1, V, S)
        conditional = joint @ process.w
        emitted = possible(process, conditional)
        if offset[-1] + np.count_nonzero(emitted) > max_nodes:
            raise ProcessError(f"the prefix tree of {process.name} has over {max_nodes} words at length {d}; ask for a smaller depth than {depth}")
        if emitted.all():  # skips two gathers, which are half of the time on processes without impossible words
            up, x = np.repeat(np.arange(len(joint)), V), np.tile(np.arange(V), len(joint))
            below, kept = joint.reshape(-1, S), conditional.reshape(-1)
        else:
            up, x = np.nonzero(emitted)
            below, kept = joint[emitted], conditional[emitted]
        below /= kept[:, None]
        belief.append(below)
        mass.append(np.repeat(mass[-1], emitted.sum(1)) * kept)
        token.append(x)
        parent.append(up + offset[-2])
        offset.append(offset[-1] + len(x))
    join = np.concatenate
    return PrefixTree(process, join(token), join(parent), join(mass), join(belief), np.array(offset))


def beliefs_along(process: Process, tree: PrefixTree) -> Float[np.ndarray, "N S"]:
    """What an observer who believes in `process` believes after each word of another process's tree; returns (N, S).

    Raises `ProcessError` if the alphabets differ, or if a word of the tree is impossible under `process`.
    """
    if process.vocab != tree.process.vocab:
        raise ProcessError(f"{process.name} has {process.vocab} symbols, {tree.process.name} has {tree.process.vocab}; they need one alphabet")
    out = np.empty((len(tree), process.n_states))
    out[0] = process.start
    for d in range(1, tree.depth + 1):
        here = tree.level(d)
        out[here], probability = update(process, out[tree.parent[here]], tree.token[here])
        if not possible(process, probability).all():
            word = tree.words[here.start + int(np.argmin(probability))][:d]
            raise ProcessError(f"the word {''.join(map(str, word))} of {tree.process.name} is impossible under {process.name}")
    return out
