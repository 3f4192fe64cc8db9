"""What the states of generators and predictors of words are: points at the hidden states of a process, or
beliefs of whoever reads its words.

Both are asked after the same histories, of one token up to one less than a word has; a generator in as many
states there as its noise makes, each as probable as its path.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

import processes
import toy
from processes.entropy import total_variation
from toy.generator import GeneratorConfig, Parameters, steps, words_read

from ..instruments.behaviour.own_text import MOST_WORDS
from ..instruments.contexts import enumerated
from ..instruments.evidence import observe
from ..instruments.forward import cast_up, member
from ..instruments.statistics import group_means

PATHS = 20_000
"""Paths of tokens and noise that are followed in a step, at most."""
NEAR = 0.05
"""Total variation up to which a state is at a vertex."""
SCALES = (2.0**-5, 2.0**-3)
"""Sides of boxes, as shares of the extent of a cloud, over which its dimension is told."""


class Cloud(NamedTuple):
    """States after at least one token, each length of history weighing alike."""

    state: Float[np.ndarray, "N d"]
    token: Float[np.ndarray, "N V"]  # distribution of the next token in that state
    word: Int[np.ndarray, "N"]  # which history, counted through all lengths
    weight: Float[np.ndarray, "N"]  # summing to one


def vertices(process: processes.Process) -> Float[np.ndarray, "S V"] | None:
    """Distribution of the token that goes with each hidden state, whatever state came before; None where it
    hangs on that too.
    """
    moved = process.T.sum(0)
    into = process.T.sum(1)  # (x, j)
    emitted = (into / np.where(into.sum(0) > 0, into.sum(0), 1.0)).T
    alike = np.allclose(process.T, moved * emitted.T[:, None, :], rtol=0, atol=1e-12)
    return emitted if alike else None


def word_length(process: processes.Process) -> int:
    """Symbols of the longest words whose paths can all be followed, with noise of a value for each state."""
    n, V, M = 1, process.vocab, process.n_states
    while V**n * M ** (n + 1) <= PATHS and V ** (n + 1) <= MOST_WORDS:
        n += 1
    return n


def of_generator(config: GeneratorConfig, params: Parameters) -> Cloud:
    """The states of one generator on its own words."""
    parts: list[tuple[np.ndarray, ...]] = []
    weight, emitted, shorter = np.ones(1), np.ones((1, 1)), 0
    for t, (step, read) in enumerate(zip(steps(config, params), words_read(config), strict=True)):
        noise, state, token = (cast_up(np.asarray(part)) for part in step)
        weight = (noise[:, None, :] * (emitted * weight)[None]).ravel()
        emitted = token
        if t > 0:
            parts.append((state.T, token.T, shorter + read, weight))
            shorter += config.vocab**t
    states, tokens, words, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Cloud(states, tokens, words, weights / weights.sum())


def of_predictors(config: toy.RecurrentConfig, params: toy.Params, process: processes.Process) -> list[Cloud]:
    """The states of each network of a stack that predicts what the process emits, on all of its words."""
    every, site = enumerated(process, config.n_ctx), config.stream[-1]
    return [
        Cloud(
            cast_up(np.asarray(seen.activations[site])),
            np.exp(seen.log_prediction),
            np.arange(len(every.weight)),
            every.weight,
        )
        for seen in observe(config, params, every, (site,))
    ]


def of_hidden_states(process: processes.Process, n: int) -> Cloud:
    """The process itself as a generator: its hidden states, with what they emit, on words of n symbols."""
    at = vertices(process)
    assert at is not None
    S, moved = process.n_states, process.T.sum(0)
    joint = np.broadcast_to(process.start, (1, S))
    parts, shorter = [], 0
    for t in range(1, n):
        joint = np.einsum("bi,xij->bxj", joint, process.T).reshape(-1, S)
        parts.append(((joint @ moved).ravel(), np.repeat(shorter + np.arange(len(joint)), S)))
        shorter += process.vocab**t
    weight, word = (np.concatenate(part) for part in zip(*parts, strict=True))
    which = np.tile(np.arange(S), len(word) // S)
    return Cloud(np.eye(S)[which], at[which], word, weight / weight.sum())


def near(cloud: Cloud, at: Float[np.ndarray, "S V"]) -> float:
    """Share of states whose next token is distributed as at a vertex, within `NEAR` in total variation."""
    apart = total_variation(cloud.token[:, None], at[None]).min(1)
    return float(cloud.weight @ (apart <= NEAR))


def r2(cloud: Cloud, belief: Float[np.ndarray, "K S"]) -> float:
    """Share of the variance of beliefs given history that is linear in the state."""
    y = belief[cloud.word]
    y = (y - cloud.weight @ y) * np.sqrt(cloud.weight)[:, None]
    x = np.column_stack([cloud.state, np.ones(len(cloud.state))]) * np.sqrt(cloud.weight)[:, None]
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(1 - (left**2).sum() / (y**2).sum())


def dimension(cloud: Cloud) -> float:
    """Information dimension of next-token distributions, between the sides of boxes in `SCALES`."""
    return processes.information_dimension(cloud.token[:, :-1], cloud.weight, fit=SCALES).value


def own(cloud: Cloud) -> float:
    """Share of the variance of next-token distributions that history does not tell: what is noise's own."""
    expected = group_means(cloud.token, cloud.word, cloud.weight)[cloud.word]
    total = cloud.weight @ (cloud.token - cloud.weight @ cloud.token) ** 2
    return float((cloud.weight @ (cloud.token - expected) ** 2).sum() / total.sum())


def each(params: Parameters, seeds: int) -> list[Parameters]:
    """The generators of a stack, one by one."""
    return [member(params, i) for i in range(seeds)]
