"""Segmentation by entropy: text is cut where the next token is least certain, or where uncertainty rises; how
well that recovers the blocks of a source, exactly; and what it is worth to remember patches in place of
tokens.
"""

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import softmax

import processes
from processes.algebra.levels import levels

from ..contexts import Contexts

Rule = Literal["threshold", "rise"]
"""A patch begins where the entropy of the next token is above a threshold, or where it exceeds the entropy of
the token before by more than that.
"""
RULES: tuple[Rule, ...] = get_args(Rule)
SAME = 1e-9
"""Entropies and posteriors that agree to this are one: exact ones come out of a few hundred float64
operations.
"""


class Steps(NamedTuple):
    """What an observer of text has after a token and had before it, in every case that can be."""

    entropy: Float[np.ndarray, "N"]  # of the next token, nats
    before: Float[np.ndarray, "N"]  # of the token just read, before it was
    begins: Float[np.ndarray, "N"]  # exact probability, given all that was read, that the next begins a block
    weight: Float[np.ndarray, "N"]  # of the case

    def signal(self, rule: Rule) -> Float[np.ndarray, "N"]:
        """What the rule compares with its threshold, nats."""
        return signal(self.entropy, self.before, rule)


class Cut(NamedTuple):
    """Where a signal is cut so that what is above it recovers most."""

    threshold: float  # midway between the least value above it and the greatest below; -inf if none is below
    f1: float


def signal(
    entropy: Float[np.ndarray, "*n"], before: Float[np.ndarray, "*n"], rule: Rule
) -> Float[np.ndarray, "*n"]:
    """What a rule compares with its threshold, nats."""
    return entropy if rule == "threshold" else entropy - before


def boundaries(log_prediction: Any, *, threshold: float, rule: str = "rise") -> Bool[np.ndarray, "*M T"]:
    """After which tokens of a text a patch ends, by a network's predictions alone: True at t where token t +
    1 begins the next patch (dynamic patching: Pagnoni et al. 2024).

    Arguments: `log_prediction` (..., T, V), log P(next token) after each token, nats, or logits;
    `threshold`, nats of entropy, or of its rise. The rise of the first is unknown, so that no patch ends
    there. Raises `ValueError` if these are not of at least one token and two symbols, or for another rule.
    """
    if rule not in RULES:
        raise ValueError(f"the rule is {rule!r}; use 'threshold' or 'rise'")
    given = np.asarray(log_prediction, np.float64)
    if given.ndim < 2 or given.shape[-2] < 1 or given.shape[-1] < 2 or not np.isfinite(given.max(-1)).all():
        raise ValueError(
            f"log_prediction has shape {given.shape}; give log P(next token) as (tokens, symbols), of two "
            "symbols or more, or words of these, with a finite number in every row"
        )
    entropy = processes.entropy(softmax(given, axis=-1))
    if rule == "threshold":
        return np.asarray(entropy > threshold)
    rises = np.diff(entropy, axis=-1) > threshold
    return np.concatenate([np.zeros_like(rises[..., :1], shape=(*rises.shape[:-1], 1)), rises], -1)


def f1(
    flagged: Bool[np.ndarray, "N"], begins: Float[np.ndarray, "N"], weight: Float[np.ndarray, "N"]
) -> float:
    """2 P(flagged and begins) / (P(flagged) + P(begins)): the harmonic mean of precision and recall, in
    expectation over which token begins a block.
    """
    return float(2 * (weight[flagged] @ begins[flagged]) / (weight[flagged].sum() + weight @ begins))


def best_cut(
    values: Float[np.ndarray, "N"], begins: Float[np.ndarray, "N"], weight: Float[np.ndarray, "N"]
) -> Cut:
    """The threshold of largest F1, the highest of several; cutting everywhere is one of the choices."""
    number = levels(values, SAME)
    n = int(number.max()) + 1
    mass = np.bincount(number, weights=weight, minlength=n)[::-1].cumsum()
    hit = np.bincount(number, weights=weight * begins, minlength=n)[::-1].cumsum()
    score = 2 * hit / (mass + hit[-1])
    at = n - 1 - int(np.flatnonzero(score > score.max() - SAME)[0])  # the lowest level above the cut
    if at == 0:
        return Cut(-np.inf, float(score[-1]))
    above, below = values[number == at].min(), values[number == at - 1].max()
    return Cut(float((above + below) / 2), float(score[n - 1 - at]))


def scores(steps: Steps) -> Mapping[str, float]:
    """F1 of cutting everywhere, of both rules at their best thresholds, and of the exact posterior of the
    phase at its own, which no rule that reads the same text exceeds.
    """
    begins, weight = steps.begins, steps.weight
    found = {"everywhere": f1(np.ones(len(weight), bool), begins, weight)}
    found |= {rule: best_cut(steps.signal(rule), begins, weight).f1 for rule in RULES}
    return found | {"posterior": best_cut(begins, begins, weight).f1}


def steps_after(process: processes.Process, tokens: int, *, state_known: bool = False) -> Steps:
    """What an ideal observer has after so many tokens, exactly; `state_known` of one who was told the first
    hidden state, as whoever has read for long is of a unifilar process. Raises `processes.ProcessError` where
    no state begins a block, or where beliefs are too many.
    """
    begins = processes.block_starts(process)
    if tokens < 1:
        raise processes.ProcessError(f"steps after {tokens} tokens were asked for; give 1 or more")
    distributions = processes.belief_distributions(process, state_known=state_known)
    was = next(islice(distributions, tokens - 1, None))
    joint = np.einsum("ni,xij->nxj", was.belief, process.T)
    probability = joint.sum(-1)
    case, token = np.nonzero(probability > 0)
    weight = probability[case, token]
    belief = joint[case, token] / weight[:, None]
    entropy = processes.entropy(processes.predict(process, was.belief))
    return Steps(
        processes.entropy(processes.predict(process, belief)),
        entropy[case],
        belief[:, begins].sum(1),
        was.mass[case] * weight,
    )


def previous(contexts: Contexts) -> Int[np.ndarray, "N"]:
    """The row of each context without its last token; -1 of those that have but one."""
    rows = np.arange(len(contexts.length)) - 1 if contexts.tree is None else contexts.tree.parent[1:] - 1
    return np.where(contexts.length > 1, rows, -1)


def steps_of(contexts: Contexts, entropy: Float[np.ndarray, "N"]) -> Steps:
    """Every step from one context to the next, with somebody's entropies after each context: the contexts of
    two tokens or more, in order; weights sum to one.
    """
    later, before = contexts.length > 1, previous(contexts)
    begins = contexts.belief[:, processes.block_starts(contexts.process)].sum(1)
    weight = contexts.weight[later]
    return Steps(entropy[later], entropy[before[later]], begins[later], weight / weight.sum())


class Memory(NamedTuple):
    """A predictor that knows of its text no more than some of the last tokens, and is exact given these."""

    loss: float  # nats per token
    tokens: float  # how many it remembers on average


def since_boundary(contexts: Contexts, flagged: Bool[np.ndarray, "N"]) -> Memory:
    """The lower level of a model of patches: it knows the tokens since the last boundary, and where there is
    none, all from the beginning of the text. `flagged` says after which contexts a patch ends.
    """
    last, before = np.zeros(len(flagged), int), previous(contexts)
    for length in range(1, contexts.n_ctx + 1):
        here = contexts.length == length
        earlier = last[before[here]] if length > 1 else 0
        last[here] = np.where(flagged[here], length, earlier)
    return _memory(contexts, contexts.length - last, unbroken=last == 0)


def last_tokens(contexts: Contexts, k: int) -> Memory:
    """A predictor that knows the last k tokens, or all of a text that has fewer."""
    kept = np.minimum(contexts.length, k)
    return _memory(contexts, kept, unbroken=contexts.length == kept)


def gain(contexts: Contexts, flagged: Bool[np.ndarray, "N"]) -> float:
    """What it is worth to remember the tokens since the last boundary in place of the last ones, as many as
    that are on average, rounded up; nats per token.
    """
    patches = since_boundary(contexts, flagged)
    return last_tokens(contexts, math.ceil(patches.tokens - SAME)).loss - patches.loss


def _memory(contexts: Contexts, kept: Int[np.ndarray, "N"], unbroken: Bool[np.ndarray, "N"]) -> Memory:
    """Contexts of which the same last tokens are kept are one, and predicted by their mean."""
    at = (contexts.length - kept)[:, None] + np.arange(contexts.n_ctx)
    inside = at < contexts.length[:, None]
    known = np.where(inside, np.take_along_axis(contexts.words, np.where(inside, at, 0), 1), -1)
    row = np.unique(np.column_stack([known, unbroken]), axis=0, return_inverse=True)[1].reshape(-1)
    joint = np.zeros((int(row.max()) + 1, contexts.process.vocab))
    np.add.at(joint, row, contexts.weight[:, None] * contexts.next_token)
    mass = joint.sum(1)
    loss = float(mass @ processes.entropy(joint / mass[:, None]))
    return Memory(loss, float(contexts.weight @ kept / contexts.weight.sum()))
