"""How far a network is from obeying the constraints that its controls switch on (this lab's
operationalisations).

Measured at every body position, on the contexts that the exact optimum of the subset itself produces:

    violation mass       E sum_{x forbidden after c} q(x|c)         forbidden: no continuation of c x
                                                                    satisfies the constraint
    relative violation   E violation of q / E violation of the unconstrained base predictor on the same
                         contexts
    divergence           E KL(p(.|c) || q(.|c)), p the exact conditioned predictor, nats per token
    joint satisfaction   share of bodies, sampled from the network itself, that satisfy all constraints that
                         are on

The mass that the base gives to the forbidden set grows with the load by itself: a predictor that ignores the
controls violates heavy constraints more. Relative violation is the fair measure: 0 for the optimum, 1 for
that predictor, whatever the load.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

import processes
import toy
from processes.constraints import Automaton, Protocol, accepts, live, runs
from processes.constraints.protocol import Subset

from ..instruments.evidence import divergence, log_of
from ..instruments.forward import Added, alone, forward, log_distribution

MOST_WORDS = 1024
"""Up to so many bodies of a subset all are looked at, with their probability; where there are more, half as
many are drawn.
"""

Predictor = Callable[[np.ndarray], np.ndarray]
"""Sequences (M, L) -> distribution of the next token at every position (M, L, V)."""


@dataclass(frozen=True, eq=False)
class Bodies:
    """Bodies of one subset of a protocol, whose prefixes are the contexts, with everything exact at their
    positions t = 0..B.

    At t the controls and t body tokens have been read. Rows weigh as probable as they are; every position
    counts the same.
    """

    protocol: Protocol
    on: Subset
    words: Int[np.ndarray, "M B"]
    weight: Float[np.ndarray, "M"]  # sums to one
    next_token: Float[np.ndarray, "M T V"]  # its exact conditioned distribution
    base: Float[np.ndarray, "M T V"]  # the same by the unconstrained base predictor

    @property
    def tokens(self) -> Int[np.ndarray, "M L"]:
        """What a network reads: controls, then body."""
        return np.hstack([np.tile(self.protocol.controls(self.on), (len(self.words), 1)), self.words])

    @cached_property
    def forbidden(self) -> tuple[Bool[np.ndarray, "M T V"], ...]:
        """Next symbols that each constraint that is on rules out by itself and, last, that all of them do
        together.
        """
        return tuple(
            forbidden(c, self.words)
            for c in (*(self.protocol.constraints[k] for k in self.on), self.protocol.both(self.on))
        )

    def read(self, predictor: Predictor) -> Float[np.ndarray, "M T W"]:
        """What it predicts at the body positions; W is the whole alphabet, controls included."""
        return predictor(self.tokens)[:, len(self.protocol.constraints) - 1 :]

    def mean(self, value: Float[np.ndarray, "M T"]) -> float:
        """Mean of a value over contexts."""
        return float(self.weight @ value.mean(1))


def bodies(protocol: Protocol, on: Subset, length: int, *, seed: int = 0) -> Bodies:
    """The bodies of a subset up to a length, all of them or drawn. Raises `ProcessError` for a subset of
    probability zero.
    """
    if on not in protocol.bodies:
        raise processes.ProcessError(
            f"the subset {on} has probability zero in this protocol; ask for one of "
            f"{', '.join(map(str, protocol.distribution))}"
        )
    body = protocol.bodies[on]
    if processes.count_words(body, length, most=MOST_WORDS) is None:
        words = processes.sample(body, (MOST_WORDS // 2, length), np.random.default_rng(seed))
        weight = np.full(len(words), 1 / len(words))
    else:
        tree = processes.prefix_tree(body, length)
        last = tree.level(length)
        words, weight = tree.words[last], tree.probability[last] / tree.probability[last].sum()
    return Bodies(protocol, on, words, weight, _next_token(body, words), _next_token(protocol.base, words))


def _next_token(process: processes.Process, words: np.ndarray) -> np.ndarray:
    start = np.broadcast_to(process.start, (len(words), 1, process.n_states))
    return processes.predict(
        process, np.concatenate([start, processes.filter(process, words).belief], axis=1)
    )


def forbidden(constraint: Automaton, words: Int[np.ndarray, "M B"]) -> Bool[np.ndarray, "M T V"]:
    """Which next symbols violate the constraint after each prefix: at once, or because nothing can satisfy it
    any more.
    """
    return ~live(constraint)[constraint.next[runs(constraint, words)]]


@dataclass(frozen=True)
class Violation:
    """How one predictor does on the bodies of one subset."""

    mass: float  # given to what the constraints that are on forbid together
    base: float  # what the unconstrained base predictor gives to the same
    each: tuple[float, ...]  # mass given to what each constraint that is on forbids by itself
    divergence: float  # nats per token

    @property
    def relative(self) -> float:
        """Mass over the base's; NaN where nothing the base does is forbidden."""
        return self.mass / self.base if self.base > 0 else float("nan")


def violation(where: Bodies, predictor: Predictor) -> Violation:
    """Measure a predictor on the contexts of a subset."""
    q, V = where.read(predictor), where.protocol.base.vocab

    def mass(ruled_out: np.ndarray, predicted: np.ndarray) -> float:
        return where.mean((predicted[..., :V] * ruled_out).sum(-1))

    *each, both = where.forbidden
    log_q = log_of(q[..., :V])
    return Violation(
        mass(both, q),
        mass(both, where.base),
        tuple(mass(one, q) for one in each),
        where.mean(divergence(where.next_token, log_q)),
    )


def satisfaction(
    protocol: Protocol, on: Subset, predictor: Predictor, *, length: int, n: int, seed: int = 0
) -> float:
    """Share of n bodies of a length, sampled token by token from the predictor after the controls, that
    satisfy the constraints.

    A body in which a control token occurs satisfies nothing.
    """
    rng, V = np.random.default_rng(seed), protocol.base.vocab
    words = np.tile(protocol.controls(on), (n, 1))
    for _ in range(length):
        q = predictor(words)[:, -1]
        drawn = (np.cumsum(q, -1) / q.sum(-1, keepdims=True) <= rng.random((n, 1))).sum(-1)
        words = np.hstack([words, drawn[:, None]])
    body = words[:, len(protocol.constraints) :]
    proper = np.asarray((body < V).all(1))
    return float(np.mean(proper & accepts(protocol.both(on), np.where(proper[:, None], body, 0))))


def predictor(config: toy.Config, params: toy.Params, steering: Added | None = None) -> Predictor:
    """The predictions of one network, or of that network steered: sequences are filled up to its context, so
    that one program serves all lengths.
    """
    stack = alone(params)

    def read(tokens: np.ndarray) -> np.ndarray:
        M, L = tokens.shape
        filled = np.zeros((M, config.n_ctx), np.int32)
        filled[:, :L] = tokens  # what comes after a word is not seen by it
        return np.exp(log_distribution(forward(config, stack, filled, edit=steering)["logits"][0, :, :L]))

    return read


def exact(protocol: Protocol) -> Predictor:
    """The optimum: the exact filter of controls and body."""
    process = protocol.process()
    return lambda tokens: processes.predict(process, processes.filter(process, tokens).belief)


def control_blind(protocol: Protocol) -> Predictor:
    """The unconstrained base predictor, which ignores the controls; while they are read, it expects any of
    them.
    """
    K, V = len(protocol.constraints), protocol.base.vocab

    def read(tokens: np.ndarray) -> np.ndarray:
        out = np.zeros((*tokens.shape, protocol.vocab))
        out[:, : K - 1, V:] = 1 / (K + 1)
        out[:, K - 1 :, :V] = _next_token(protocol.base, tokens[:, K:])
        return out

    return read
