"""Ways to run a network that should change nothing: what they agree to, and what drafts of a cheaper
predictor are worth.

A network may read its contexts one by one or in batches of any order, as a prefix tree, token by token from
what it kept, or from a beginning that several of them share, as a whole or in pages. Speculative decoding
(Leviathan, Kalman & Matias 2023, arXiv:2211.17192; Chen et al. 2023, arXiv:2302.01318) lets a cheap predictor
q write ahead and keeps a token with probability min(1, p / q): the text has the network's own distribution p,
and a token is kept with probability sum min(p, q).
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import processes
import toy
import train
from processes.entropy import total_variation

from .forward import alone, forward, log_distribution, member

Way = Literal["alone", "permuted", "cached", "forked", "paged", "tree"]
WAYS: tuple[Way, ...] = get_args(Way)
"""Every context by itself; all in another order; token by token; the second half of each after a first half
that is read once for all that begin with it; the same in pages that they share until one writes on; along the
packed prefix tree.
"""
PAGE = 4
"""Tokens of a page."""


WORDS = 64
"""Words that are read in every way, evenly spaced among all."""


def differences(
    config: toy.Config, params: toy.Params, tree: processes.PrefixTree
) -> Mapping[Way, Float[np.ndarray, "nets"]]:
    """By each way, the largest total variation of a network's predictions from those in one batch, over the
    longest words of the tree (`WORDS` of them) and their positions; for every network of a stack.

    Raises `toy.ModelError` for a tree that is deeper than the network's context.
    """
    leaves = np.arange(len(tree))[tree.level(tree.depth)]
    leaves = leaves[np.unique(np.linspace(0, len(leaves) - 1, WORDS).astype(int))]
    found: dict[Way, list[float]] = {way: [] for way in WAYS}
    for i in range(len(jax.tree.leaves(params)[0])):
        own = member(params, i)
        plain = _probability(forward(config, alone(own), tree.words[leaves])["logits"][0])
        for way in WAYS:
            read = _read(config, own, tree, leaves, way)
            found[way].append(float(total_variation(read, plain).max()))
    return {way: np.array(values) for way, values in found.items()}


def _probability(logits: Any) -> Float[np.ndarray, "*n V"]:
    return np.exp(log_distribution(np.asarray(logits, np.float32)))


def _read(
    config: toy.Config, params: toy.Params, tree: processes.PrefixTree, leaves: np.ndarray, way: Way
) -> Float[np.ndarray, "B T V"]:
    """What the network predicts along the words that end at the leaves."""
    words, stack = tree.words[leaves], alone(params)
    T = words.shape[1]
    if way == "alone":
        return np.concatenate(
            [_probability(forward(config, stack, word[None])["logits"][0]) for word in words]
        )
    if way == "permuted":
        order = np.random.default_rng(0).permutation(len(words))
        return _probability(forward(config, stack, words[order])["logits"][0])[np.argsort(order)]
    if way == "tree":
        tokens, packed = train.packed(tree, T)
        along = tree.ancestors[leaves] - 1  # packed without the empty word
        return _probability(forward(config, stack, tokens, tree=packed)["logits"][0])[along]
    extend = _extend(config)
    if way == "cached":
        read, cache = [], None
        for token in words.T:
            logits, cache = extend(params, token[:, None], cache)
            read.append(_probability(logits))
        return np.concatenate(read, 1)
    begun, of = np.unique(words[:, : T // 2], axis=0, return_inverse=True)
    of = of.reshape(-1)
    if way == "paged":
        net = replace(toy.network(config), extend=extend)
        pages = toy.Pages(net, PAGE, most=(len(begun) + len(words)) * -(-T // PAGE))
        roots = [pages.open() for _ in begun]
        first = pages.extend(params, begun, roots)
        second = pages.extend(params, words[:, T // 2 :], [pages.fork(roots[i]) for i in of])
        return np.concatenate([_probability(first)[of], _probability(second)], 1)
    first, cache = extend(params, begun, None)
    second, _ = extend(params, words[:, T // 2 :], jax.tree.map(lambda leaf: leaf[of], cache))
    return np.concatenate([_probability(first)[of], _probability(second)], 1)


@lru_cache(maxsize=16)
def _extend(config: toy.Config) -> Any:
    return train.jit(toy.network(config).extend)


class Draft(NamedTuple):
    """A predictor that knows the last k tokens, or as many as there are."""

    distributions: tuple[Float[np.ndarray, "W V"], ...]
    """After each word of 0, 1, ... k tokens, as numbers of base V."""

    def after(self, tokens: Int[Array, "B n"], length: Int[Array, "B"]) -> Float[Array, "B V"]:
        """The distribution of the token after the first `length` of each row."""
        vocab = self.distributions[0].shape[1]
        found = jnp.broadcast_to(jnp.asarray(self.distributions[0], jnp.float32), (len(tokens), vocab))
        for k, distribution in enumerate(self.distributions[1:], 1):
            last = jnp.maximum(length[:, None] - k + jnp.arange(k), 0)
            word = jnp.take_along_axis(tokens, last, 1) @ (vocab ** jnp.arange(k)[::-1])
            found = jnp.where((length >= k)[:, None], jnp.asarray(distribution, jnp.float32)[word], found)
        return found


def markov_draft(process: processes.Process, k: int) -> Draft:
    """The best predictor that knows the last k tokens of a stationary process; after words that it never
    emits, all tokens are as likely.
    """
    tree, vocab = processes.prefix_tree(process, k), process.vocab
    distributions = []
    for length in range(k + 1):
        nodes = tree.level(length)
        after = np.full((vocab**length, vocab), 1 / vocab)
        after[tree.words[nodes][:, :length] @ (vocab ** np.arange(length)[::-1])] = tree.next_token[nodes]
        distributions.append(after)
    return Draft(tuple(distributions))


class Course(NamedTuple):
    """What comes of drafts: on average in a sequence, or in all of a text."""

    drafted: float
    """Tokens that are judged: those after a rejected one are not."""
    kept: float
    passes: float
    """Of the network, over sequences that are not yet done."""

    @property
    def share(self) -> float:
        """Of the drafted tokens that is kept."""
        return self.kept / self.drafted


def course(
    tree: processes.PrefixTree, p: Float[np.ndarray, "N V"], draft: Draft, *, ahead: int = 1
) -> Course:
    """Exactly what `speculate` comes to on average for a predictor p, given at every node of the tree, that
    continues the tree's words of one token until it has predicted from all of the tree's length.

    After a kept token the next draft is judged, after the last of them comes one from p, and after a rejected
    one a new pass begins: so which contexts drafts meet depends on what became of the drafts before.
    """
    q = np.asarray(draft.after(jnp.asarray(tree.words), jnp.asarray(tree.length)), np.float64)
    both = np.minimum(p, q)
    drafting = np.zeros((ahead + 1, len(tree)))  # by how many of its drafts the pass has kept; the last: all
    first = tree.level(1)
    drafting[0, first] = tree.probability[first]
    for length in range(2, tree.depth + 1):
        here = tree.level(length)
        before, token = tree.parent[here], tree.token[here]
        keeps, all_of_p = both[before, token], p[before, token]
        drafting[1:, here] = drafting[:-1, before] * keeps
        drafting[0, here] = (
            drafting[:-1, before].sum(0) * (all_of_p - keeps) + drafting[-1, before] * all_of_p
        )
    judged, kept = drafting[:-1].sum(0), both.sum(1)
    kept = kept[first.start :]  # the empty word is no context
    return Course(float(judged.sum()), float(judged[first.start :] @ kept), float(drafting[0].sum()))


def share_of_draft(text: Int[np.ndarray, "B T"], p: Float[np.ndarray, "B T-1 V"], draft: Draft) -> float:
    """How much of the draft's distribution is in a text whose tokens, all but the first, should be drawn from
    p: 0 where they are, 1 where they are drawn from the draft q.

    The mean of f = (p - q) / (p + q) at the tokens falls short of its mean under p by sum (p - q)^2 / (p + q)
    where they are drawn from q, and by the same share of it where a share is.
    """
    B, T = text.shape
    lengths = np.broadcast_to(np.arange(1, T), (B, T - 1)).ravel()
    after = draft.after(jnp.asarray(text.repeat(T - 1, 0)), jnp.asarray(lengths))
    q = np.asarray(after, np.float64).reshape(p.shape)
    f = np.divide(p - q, p + q, out=np.zeros_like(p), where=p + q > 0)
    short = (p * f).sum(-1) - np.take_along_axis(f, text[:, 1:, None], 2)[..., 0]
    return float(short.sum() / ((p - q) * f).sum())


class Written(NamedTuple):
    """Text of speculative decoding, and how it went."""

    tokens: Int[np.ndarray, "B T"]
    """With the prompts."""
    course: Course


def speculate(
    config: toy.Config,
    params: toy.Params,
    draft: Draft,
    prompt: Int[np.ndarray, "B L"],
    n: int,
    *,
    ahead: int = 1,
    seed: int = 0,
) -> Written:
    """What one network writes after prompts of L >= 1 tokens: n more each, `ahead` of them drafted for every
    pass.

    Raises `toy.ModelError` for prompts that are none, and where the last token would be predicted from more
    than n_ctx tokens.
    """
    if ahead < 1:
        raise toy.ModelError(f"ahead is {ahead}; at least one token must be drafted")
    total = prompt.shape[1] + n
    if total - 1 > config.n_ctx:
        raise toy.ModelError(
            f"{total} tokens cannot be written by a network that reads {config.n_ctx}; write at most "
            f"{config.n_ctx + 1 - prompt.shape[1]} after prompts of {prompt.shape[1]}"
        )
    program = _speculation(config, total, ahead)
    tokens, *counts = program(params, tuple(draft.distributions), np.asarray(prompt), train.key(seed))
    return Written(np.asarray(tokens), Course(*(float(count) for count in counts)))


@lru_cache(maxsize=16)
def _speculation(config: toy.Config, total: int, ahead: int) -> Any:
    net = toy.network(config)

    def run(params: toy.Params, distribution: Any, prompt: jax.Array, key: jax.Array) -> Any:
        draft, (B, L) = Draft(distribution), prompt.shape
        rows = jnp.arange(B)
        tokens = jnp.zeros((B, total + ahead), jnp.int32).at[:, :L].set(prompt)
        cache = net.extend(params, prompt)[1]

        def turn(state: Any) -> Any:
            tokens, length, blocks, key, counts = state
            key, *own = jax.random.split(key, ahead + 3)
            distributions = []
            for j in range(ahead):
                distributions.append(draft.after(tokens, length + j))
                drawn = jax.random.categorical(own[j], jnp.log(distributions[-1]))
                tokens = tokens.at[rows, length + j].set(drawn)
            asked = jnp.take_along_axis(tokens, length[:, None] - 1 + jnp.arange(ahead + 1), 1)
            # The last token is in the text and not yet read. Beyond the network's context nothing is kept,
            # and nothing that is said there is taken.
            logits, kept = net.extend(params, asked, toy.Cache(length - 1, blocks))
            p, q = jax.nn.softmax(logits), jnp.stack([*distributions, jnp.zeros_like(distributions[0])], 1)
            theirs, drafts = (
                jnp.take_along_axis(of[:, :ahead], asked[:, 1:, None], 2)[..., 0] for of in (p, q)
            )
            good = jax.random.uniform(own[-2], (B, ahead)) * drafts < theirs
            room = total - length
            taken = jnp.minimum(jnp.cumprod(good, 1).sum(1), room)
            # What is drawn after the last one that was kept: of p where all were, else of what q lacks of p.
            rest = jnp.maximum(p - q, 0)[rows, taken]
            drawn = jax.random.categorical(own[-1], jnp.log(rest))
            tokens = tokens.at[rows, length + taken].set(drawn)
            judged = jnp.minimum(jnp.minimum(taken + 1, ahead), room)
            counts += jnp.stack([judged.sum(), taken.sum(), (room > 0).sum()])
            return tokens, jnp.minimum(length + taken + 1, total), kept.blocks, key, counts

        state = (tokens, jnp.full(B, L), cache.blocks, key, jnp.zeros(3, jnp.int32))
        state = jax.lax.while_loop(lambda s: (s[1] < total).any(), turn, state)
        return state[0][:, :total], *state[-1]

    return train.jit(run)
