"""Ablation of networks that were trained elsewhere: any function that runs with another value in a part's
place.

The same kinds as of our own (`ablation`). The best constant is found without gradients, from differences,
which takes two passes for each number of the part and every step: choose parts of few numbers, or leave it
out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

import toy
from toy.sites import shown

from ..any_network import LOGITS, words_of
from ..contexts import Contexts
from ..evidence import divergence
from ..forward import log_distribution
from .ablation import DRAWS, KINDS, drawn_alike

EditableFunction = Callable[[Int[np.ndarray, "M T"], Float[np.ndarray, "M T d"] | None], Mapping[str, Any]]
"""From words of n_ctx tokens, and what is to stand in the part's place at every position (None: what does),
to `logits` (M, T, V) and, under `part`, what stood there (M, T, d): NumPy's, JAX's or PyTorch's.
"""
PART = "part"
STEPS = 60
"""Steps of L-BFGS that the best constant may take, from the mean and from zeros."""
STEP = 1e-2
"""Of a difference, as a share of how much the part varies: float32 would drown smaller ones."""


def ablate_function(
    function: EditableFunction, truth: Contexts, *, kinds: Sequence[str] = KINDS, seed: int = 0
) -> Mapping[str, float]:
    """What ablating the part costs a network, nats per token: mean KL to the exact predictor over all
    contexts and positions, minus that of the network as it is.

    Raises `toy.ModelError` for what is no such function, and for kinds that are none.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise toy.ModelError(f"there is no ablation {unknown[0]!r}; there are {', '.join(KINDS)}")
    network = _Editable(function, truth)
    found: dict[str, float] = {}
    zero, mean = np.zeros(network.part.shape[1]), truth.weight @ network.part
    for kind in kinds:
        if kind == "resample":
            found[kind] = network.resampled(np.zeros(len(truth.weight), np.int64), seed)
        elif kind == "constant":
            found[kind] = min(network.least(start) for start in (mean, zero))
        else:
            found[kind] = network.cost(zero if kind == "zero" else mean)
    return found


def scrub_function(
    function: EditableFunction, truth: Contexts, label: Int[np.ndarray, "N"], *, seed: int = 0
) -> float:
    """What it costs if the part has its value on another context of the same length and label, nats per
    token (`ablation.scrub`).
    """
    return _Editable(function, truth).resampled(label, seed)


class _Editable:
    """A function on all contexts."""

    def __init__(self, function: EditableFunction, truth: Contexts):
        if not callable(function):
            raise toy.ModelError(
                f"the network is {shown(function)}; it must be a function of words (M, T) and of what is to "
                "stand in the part's place, or None"
            )
        self.function, self.truth = function, truth
        self.words, self.row = words_of(truth)
        self.at = self.row, truth.position
        self.part, self.before = self._passed(None)
        self._of = _contexts_of(truth, self.words)

    def cost(self, value: Float[np.ndarray, "*any"]) -> float:
        """What it costs if one constant (d,) stands there, or for each context (N, d) its value."""
        each = value[self._of] if value.ndim == 2 else np.broadcast_to(value, (*self._of.shape, len(value)))
        return self._passed(np.array(each, np.float32))[1] - self.before

    def resampled(self, label: Int[np.ndarray, "N"], seed: int) -> float:
        """What it costs if the values of others of the same length and label do, mean over draws."""
        rng = np.random.default_rng(seed)
        return float(
            np.mean([self.cost(self.part[drawn_alike(self.truth, label, rng)]) for _ in range(DRAWS)])
        )

    def least(self, start: Float[np.ndarray, "d"]) -> float:
        """The least that a constant costs."""
        spread = np.sqrt(self.truth.weight @ (self.part - self.truth.weight @ self.part) ** 2)
        step = STEP * max(float(spread.mean()), 1e-6)

        def slope(x: np.ndarray) -> tuple[float, np.ndarray]:
            aside = step * np.eye(len(x))
            return self.cost(x), np.array([self.cost(x + e) - self.cost(x - e) for e in aside]) / (2 * step)

        found = minimize(slope, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
        return min(float(found.fun), self.cost(start))

    def _passed(self, value: Float[np.ndarray, "M T d"] | None) -> tuple[np.ndarray, float]:
        """What stood in the part's place on each context, and the loss over the exact predictor."""
        given = self.function(self.words.copy(), value)
        if not isinstance(given, Mapping) or not {LOGITS, PART} <= set(given):
            what = ", ".join(map(str, given)) if isinstance(given, Mapping) else shown(given)
            raise toy.ModelError(
                f"the network returns {what}; it must return a mapping with {LOGITS!r} (M, T, V) and "
                f"{PART!r} (M, T, d)"
            )
        logits, part = (np.asarray(given[name], np.float64) for name in (LOGITS, PART))
        wanted = *self.words.shape, self.truth.process.vocab
        if logits.shape != wanted or part.ndim != 3 or part.shape[:2] != self.words.shape:
            raise toy.ModelError(
                f"the network gives {LOGITS!r} of shape {logits.shape} and {PART!r} of shape {part.shape}; "
                f"they must be {wanted} and {(*self.words.shape, 'd')}"
            )
        lost = divergence(self.truth.next_token, log_distribution(logits[self.at].astype(np.float32)))
        return part[self.at], float(self.truth.weight @ lost)


def _contexts_of(truth: Contexts, words: Int[np.ndarray, "M T"]) -> Int[np.ndarray, "M T"]:
    """Which context each word is at each position."""
    if truth.tree is None:
        return np.arange(len(truth.weight)).reshape(words.shape)
    longest, found = truth.tree.level(truth.n_ctx), np.empty(words.shape, np.int64)
    node = np.arange(longest.start, longest.stop)
    for position in range(truth.n_ctx - 1, -1, -1):
        found[:, position] = node - 1  # the root is no context
        node = truth.tree.parent[node]
    return found
