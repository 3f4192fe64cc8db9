"""The prefix tree: every word a process can emit, to a depth, each with its exact probability and belief."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from .filter import possible, predict, update
from .process import Process, ProcessError
from .values.checks import checked
from .values.record import Record, remembered

ROUNDING = 1e-12
"""A word that falls short of the least probability asked for by this share of it has that probability:
products of a few hundred factors.
"""


@dataclass(frozen=True, eq=False)
class PrefixTree(Record, copies=False):
    """All words of positive probability up to length `depth`, shortest first, each level in lexicographic
    order.

    Node 0 is the empty word. Children of a node stand together, so the descendants of a node form one run in
    every level. A pruned tree holds the more probable of them, each with all its prefixes; `left_out` says
    how much is missing.
    """

    process: Process
    token: Int[np.ndarray, "N"]  # last symbol of the word; -1 at the root
    parent: Int[np.ndarray, "N"]  # node of the word without its last symbol; -1 at the root
    probability: Float64[np.ndarray, "N"]  # P(word)
    belief: Float64[np.ndarray, "N S"]  # P(state | word)
    offset: Int[np.ndarray, "D"]  # level d is nodes offset[d]:offset[d+1]; so D = depth + 2

    @property
    def depth(self) -> int:
        """Length of the longest words."""
        return len(self.offset) - 2

    def __len__(self) -> int:
        return len(self.token)

    @checked
    def level(self, depth: int) -> slice:
        """The nodes whose words have this length; raises `ProcessError` beyond the tree's depth."""
        if not 0 <= depth <= self.depth:
            raise ProcessError(f"the tree has no level {depth}; its words have lengths 0 to {self.depth}")
        return slice(int(self.offset[depth]), int(self.offset[depth + 1]))

    @remembered
    def length(self) -> Int[np.ndarray, "N"]:
        """Length of each node's word."""
        return np.repeat(np.arange(self.depth + 1), np.diff(self.offset))

    @remembered
    def left_out(self) -> Float64[np.ndarray, "D"]:
        """Probability of the words of each length 0..depth that are not in the tree: zero, to rounding,
        unless it was pruned.
        """
        return (1 - np.bincount(self.length, weights=self.probability, minlength=self.depth + 1)).clip(0)

    @remembered
    def next_token(self) -> Float64[np.ndarray, "N V"]:
        """Exact distribution of the next symbol after each word."""
        return predict(self.process, self.belief)

    @remembered
    def ancestors(self) -> Int[np.ndarray, "N D"]:
        """ancestors[n, d] is the node of the first d+1 symbols of word n, itself included; -1 beyond its
        length.
        """
        table = np.full((len(self), self.depth), -1)
        for d in range(1, self.depth + 1):
            here = self.level(d)
            table[here, : d - 1] = table[self.parent[here], : d - 1]
            table[here, d - 1] = np.arange(here.start, here.stop)
        return table

    @remembered
    def words(self) -> Int[np.ndarray, "N D"]:
        """Each node's word, padded on the right with -1."""
        return np.where(self.ancestors >= 0, self.token[self.ancestors], -1)


@checked
def prefix_tree(
    process: Process, depth: int, *, least: float = 0.0, max_nodes: int = 50_000_000
) -> PrefixTree:
    """Enumerate all positive-probability words up to `depth`, or those with P(word) >= `least`, level by
    level.

    Impossible words are pruned. For an HMM that is exact: its zeros are products and sums of exact zeros (see
    `Process.zero`). A prefix is at least as probable as what continues it, so pruning needs no more than the
    level before, each level holds at most 1 / least words, and the kept words are the most probable ones: no
    other ancestor-closed set of as many holds more probability. (A budget of nodes would give the same sets,
    but would have to choose between words of equal probability.) Raises `ProcessError` if `depth` is
    negative, `least` is not in [0, 1], or the tree would exceed `max_nodes` nodes.
    """
    if depth < 0:
        raise ProcessError(f"a prefix tree cannot have depth {depth}; the depth is at least 0")
    if not 0 <= least <= 1:
        raise ProcessError(
            f"words of probability at least {least} were asked for; a probability is between 0 and 1"
        )
    V, S = process.vocab, process.n_states
    flat = process.T.transpose(1, 0, 2).reshape(S, V * S)
    token, parent = [np.array([-1])], [np.array([-1])]
    mass, belief = [np.ones(1)], [process.start[None]]
    offset = [0, 1]
    for d in range(1, depth + 1):
        # first, because it is S times smaller than what follows
        distribution = belief[-1] @ (process.T @ process.w).T
        emitted = possible(process, distribution)
        if least > 0:
            emitted &= mass[-1][:, None] * distribution >= least * (1 - ROUNDING)
        if offset[-1] + np.count_nonzero(emitted) > max_nodes:
            raise ProcessError(
                f"the prefix tree of {process.name} has over {max_nodes} words at length {d}; ask for a "
                f"smaller depth than {depth}, "
                "or for the more probable words only (least=...)"
            )
        going = emitted.any(1)
        joint = (
            (belief[-1] @ flat).reshape(-1, V, S)
            if going.all()
            else (belief[-1][going] @ flat).reshape(-1, V, S)
        )
        if (
            emitted.all()
        ):  # skips two gathers, which are half of the time on processes without impossible words
            up, x = np.repeat(np.arange(len(joint)), V), np.tile(np.arange(V), len(joint))
            below = joint.reshape(-1, S)
        else:
            up, x = np.nonzero(emitted)
            below = joint[emitted[going]]
        kept = below @ process.w
        below /= kept[:, None]
        belief.append(below)
        mass.append(mass[-1][up] * kept)
        token.append(x)
        parent.append(up + offset[-2])
        offset.append(offset[-1] + len(x))
    join = np.concatenate
    return PrefixTree(process, join(token), join(parent), join(mass), join(belief), np.array(offset))


@checked
def count_words(process: Process, depth: int, *, most: int) -> int | None:
    """How many words of length 1 to `depth` a process can emit, or None if they are more than `most`; builds
    no tree of an HMM.

    Which words may follow depends only on the hidden states that are still possible, so words are counted by
    these sets.
    """
    if depth < 0:
        raise ProcessError(f"words cannot have length {depth}; the depth is at least 0")
    if process.kind == "ghmm":  # signed sums have no such sets
        n = 0
        for d in range(1, depth + 1):
            n = len(prefix_tree(process, d, max_nodes=1 + (n + 1) * (process.vocab + 1))) - 1
            if n > most:
                return None
        return n
    edges, n = process.T > 0, 0
    count = {(process.start > 0).tobytes(): 1}
    for _ in range(depth):
        longer: dict[bytes, int] = {}
        for states, words in count.items():
            for after in np.asarray(edges[:, np.frombuffer(states, bool)].any(1)):
                if after.any():
                    longer[after.tobytes()] = longer.get(after.tobytes(), 0) + words
        count = longer
        n += sum(count.values())
        if n > most:
            return None
    return n


@checked
def beliefs_along(process: Process, tree: PrefixTree) -> Float64[np.ndarray, "N S"]:
    """What an observer who believes in `process` believes after each word of another process's tree; returns
    (N, S).

    Raises `ProcessError` if the alphabets differ, or if a word of the tree is impossible under `process`.
    """
    if process.vocab != tree.process.vocab:
        raise ProcessError(
            f"{process.name} has {process.vocab} symbols, {tree.process.name} has {tree.process.vocab}; they "
            "need one alphabet"
        )
    out = np.empty((len(tree), process.n_states))
    out[0] = process.start
    for d in range(1, tree.depth + 1):
        here = tree.level(d)
        out[here], probability = update(process, out[tree.parent[here]], tree.token[here])
        if not possible(process, probability).all():
            word = tree.words[here.start + int(np.argmin(probability))][:d]
            raise ProcessError(
                f"the word {''.join(map(str, word))} of {tree.process.name} is impossible under "
                f"{process.name}"
            )
    return out
