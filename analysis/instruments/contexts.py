"""The contexts a network can see, all or a sample, with what is exact about each, and which are held out
together.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

import processes
from processes.values import earlier
from processes.values.notes import Notes, noted

HISTORY = 4
"""Contexts that share their first HISTORY tokens are held out together (fixed beforehand, see
docs/evidence.md).
"""
FEW_CONTEXTS = 64
"""A position with fewer contexts than this is neither fitted nor scored, where others have as many."""
FOLDS = 8
"""Number of folds that the subtrees are dealt into."""
MOST_CONTEXTS = 300_000
"""Up to so many contexts all are enumerated (Mess3 up to 11 tokens); where there are more, whole words are
drawn instead.
"""
DRAWN_CONTEXTS, FEWEST_WORDS = 32_768, 256
"""So many contexts are drawn then, as words of n_ctx tokens; never fewer words than that, because words are
what varies.
"""
SAME = 1e-9
"""Beliefs that agree to this are one."""
LONGEST = 2**14
"""Of a sample, the most tokens a word may have: four million contexts, with a window of 64 tokens each, are
two gigabytes.
"""


@dataclass(frozen=True, eq=False)
class Contexts:
    """Contexts up to a length, with everything exact about each of them: all that have positive probability,
    or those of drawn words.

    float64, root left out. Of enumerated contexts the rows are the nodes of `tree`; of drawn ones they are
    every position of every word of `drawn`, a word's positions together.
    """

    process: processes.Process
    n_ctx: int  # longest context
    tree: processes.PrefixTree | None  # all contexts; None where they are too many
    drawn: Int[np.ndarray, "M T"] | None  # independent words of n_ctx tokens instead
    length: Int[np.ndarray, "N"]  # number of tokens of each context
    belief: Float[np.ndarray, "N S"]  # posterior over hidden states after each context
    weight: Float[
        np.ndarray, "N"
    ]  # each position equal, summing to one: P(context) / n_ctx, or 1 / N where words were drawn
    history: int = HISTORY  # contexts that share so many first tokens are held out together

    def __repr__(self) -> str:
        return f"<contexts of {self.process.name}: {self.size}>"

    @property
    def size(self) -> str:
        """How many there are, in words."""
        of = "" if self.sampled is None else f", of {self.sampled} sampled words"
        return f"{len(self.length)} of up to {self.n_ctx} tokens{of}"

    @cached_property
    def notes(self) -> Notes:
        """What has been worked out about these contexts: it goes when they go."""
        return Notes()

    @property
    def sampled(self) -> int | None:
        """How many words were drawn; None where every context is there."""
        return None if self.drawn is None else len(self.drawn)

    @cached_property
    def position(self) -> Int[np.ndarray, "N"]:
        """Position at which a network has read each context."""
        return processes.alignment.position(self.length)

    @cached_property
    def words(self) -> Int[np.ndarray, "N T"]:
        """The tokens of each context, padded on the right with -1."""
        if self.tree is not None:
            return self.tree.words[1:]
        assert self.drawn is not None
        read = np.tri(self.n_ctx, dtype=bool)
        return np.where(read, self.drawn[:, None].astype(np.int32), -1).reshape(-1, self.n_ctx)

    @cached_property
    def next_token(self) -> Float[np.ndarray, "N V"]:
        """Exact distribution of the next token after each context."""
        return processes.predict(self.process, self.belief)

    @cached_property
    def floor(self) -> Float[np.ndarray, "T"]:
        """Least possible loss at each position, nats: h(t+2), or its mean over the drawn words."""
        if self.sampled is None:
            return processes.floor_by_position(self.process, self.n_ctx)
        return processes.entropy(self.next_token).reshape(-1, self.n_ctx).mean(0)

    @cached_property
    def worth(self) -> float:
        """What contexts are worth, nats per token: the loss of who knows none of them minus the floor."""
        return worth(self.next_token, self.weight)

    @cached_property
    def fold(self) -> Int[np.ndarray, "N"]:
        """Fold of each context: that of its first `history` tokens. -1 for contexts of at most as many, and
        for those at positions that have few (see `scored_lengths`).

        A short context is the past of several subtrees, so it is neither fitted nor scored when histories are
        held out. A position weighs as much as any other, so that single contexts of one that has few would
        have leverage for which no fold can answer.
        """
        long = self.length > self.history
        roots, index = _histories(self)
        dealt = np.random.default_rng(0).permutation(len(roots)) % FOLDS
        fold = np.full(len(long), -1)
        fold[long] = dealt[index]
        return np.where(np.isin(self.length, self.scored_lengths), fold, -1)

    @property
    def one_belief(self) -> bool:
        """Whether all scored contexts end in one belief, so that there is nothing to probe."""
        return bool(np.ptp(self.belief[self.fold >= 0], axis=0).max() < SAME)

    def half(self, which: int) -> Bool[np.ndarray, "N"]:
        """The contexts that are held out in every other fold: those of the even ones (0) or the odd (1)."""
        return (self.fold >= 0) & (self.fold % 2 == which)

    @property
    def scored_lengths(self) -> Int[np.ndarray, "L"]:
        """Lengths beyond `history` that have at least `FEW_CONTEXTS` contexts; the longest third of all
        lengths where none has.
        """
        lengths, count = np.unique(self.length, return_counts=True)
        beyond, many = lengths > self.history, count >= FEW_CONTEXTS
        enough = beyond & many
        return lengths[enough if enough.any() else beyond & (3 * lengths > 2 * self.n_ctx)]

    def believed(self, observer: processes.Process) -> Float[np.ndarray, "N S"]:
        """What an observer who takes the data for those of another process believes after each context.

        Raises `processes.ProcessError` if a context is impossible for that process.
        """
        if self.tree is not None:
            return processes.beliefs_along(observer, self.tree)[1:]
        return processes.filter(observer, self.drawn).belief.reshape(-1, observer.n_states)

    def mean_of_words(self, value: Float[np.ndarray, "N"]) -> Float[np.ndarray, "M"]:
        """Mean of a value over the contexts of each drawn word: independent numbers whose spread says how
        much a sample can err.
        """
        assert self.sampled is not None
        return value.reshape(self.sampled, self.n_ctx).mean(1)


def worth(next_token: Float[np.ndarray, "N V"], weight: Float[np.ndarray, "N"]) -> float:
    """What it is worth to know next-token distributions p one by one and not their mean alone, nats per
    token: H(mean p) - mean H(p), means by weights that sum to one.

    For all contexts of a stationary process that is h(1) - h(t+2), averaged over positions t.
    """
    return float(processes.entropy(weight @ next_token) - weight @ processes.entropy(next_token))


def contexts(process: processes.Process, n_ctx: int) -> Contexts:
    """All contexts of up to `n_ctx` tokens, or a sample of them where there are more than `MOST_CONTEXTS`.

    Kept with the process: claims ask for it by process as well, and equal processes share it as far as they
    go by one name. The sample is the same every time.
    Raises `processes.ProcessError` if contexts are too short, or too few, to hold histories out.
    """
    return _called(process, n_ctx, process.name, process.states, process.spec or id(process.made_of))


@noted(4)
def _called(process: processes.Process, n_ctx: int, *called: object) -> Contexts:
    """The contexts of a process that is called and made so, which is no matter of its numbers."""
    found = _contexts(process, n_ctx)
    if found.process is process:
        return found
    return replace(found, process=process, tree=found.tree and replace(found.tree, process=process))


@noted(4)
def _contexts(process: processes.Process, n_ctx: int) -> Contexts:
    if n_ctx <= HISTORY:
        raise processes.ProcessError(
            f"n_ctx is {n_ctx}; histories are held out by their first {HISTORY} tokens, so it must be larger"
        )
    if n_ctx > LONGEST:
        raise processes.ProcessError(
            f"n_ctx is {n_ctx}; the contexts of {FEWEST_WORDS} words of so many tokens are more than can be "
            f"measured; use at most {LONGEST}"
        )
    words = processes.count_words(process, n_ctx, most=MOST_CONTEXTS)
    found = (
        enumerated(process, n_ctx)
        if words is not None
        else drawn(process, n_ctx, max(FEWEST_WORDS, DRAWN_CONTEXTS // n_ctx))
    )
    roots = len(_histories(found)[0])
    if roots < 3:
        raise processes.ProcessError(
            f"{process.name} has only {roots} histories of length {HISTORY}; holding out histories needs at "
            "least 3, so it cannot be probed this way"
        )
    return found


def enumerated(process: processes.Process, n_ctx: int) -> Contexts:
    """All contexts, weighted by their probability. Raises `processes.ProcessError` if no memory could hold
    them.
    """
    tree = processes.prefix_tree(process, n_ctx)
    return Contexts(
        process, n_ctx, tree, None, tree.length[1:], tree.belief[1:], tree.probability[1:] / n_ctx
    )


def drawn(process: processes.Process, n_ctx: int, words: int, *, seed: int = 0) -> Contexts:
    """Every context of independent words.

    Probable contexts are drawn more often already, so all weigh the same: sum_i f(c_i) / N has the mean sum_c
    P(c) f(c) / n_ctx. (Weights P(c) on top would make it P(c)^2.)
    """
    found = processes.sample(process, (words, n_ctx), np.random.default_rng(seed))
    belief = processes.filter(process, found).belief.reshape(-1, process.n_states)
    n = words * n_ctx
    return Contexts(
        process, n_ctx, None, found, np.tile(np.arange(1, n_ctx + 1), words), belief, np.full(n, 1 / n)
    )


def shuffled(
    contexts: Contexts, values: Shaped[np.ndarray, "N *_"], rng: np.random.Generator
) -> Shaped[np.ndarray, "N *_"]:
    """Values of contexts, permuted among those of equal length."""
    dealt = values.copy()
    for length in range(1, contexts.n_ctx + 1):
        level = np.flatnonzero(contexts.length == length)
        dealt[level] = values[rng.permutation(level)]
    return dealt


def shuffled_beliefs(contexts: Contexts, rng: np.random.Generator) -> Float[np.ndarray, "N S"]:
    """The beliefs, permuted among the contexts of equal length."""
    return shuffled(contexts, contexts.belief, rng)


def _histories(contexts: Contexts) -> tuple[np.ndarray, np.ndarray]:
    """The different histories of `history` tokens, in lexicographic order, and for each context longer than
    that which one is its own.
    """
    k = contexts.history
    drawn, long = contexts.drawn, contexts.length > k
    first = contexts.words[long, :k] if drawn is None else drawn[:, :k]
    code = first.astype(np.int64) @ contexts.process.vocab ** np.arange(k)[::-1]
    roots, index = np.unique(code, return_inverse=True)
    return roots, index if drawn is None else np.repeat(index, contexts.n_ctx - k)


__getattr__ = earlier.names(__name__, {"Truth": "Contexts", "truth": "contexts"})
