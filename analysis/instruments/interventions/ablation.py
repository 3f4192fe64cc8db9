"""Ablation: what predictions lose when a part of a network no longer tells its contexts apart.

A part is what passes a site: all of it, one head, or one neuron. What stands in its place says how much the
loss overstates what the part does: zeros and means are inputs that later layers never meet, another context's
value tells them something wrong; the best constant tells them nothing and leaves them as well off as a
constant can (optimal ablation: Li & Janson 2024, arXiv:2409.09951). Where every way from earlier tokens leads
through the part, what its absence must cost is known exactly (`removed`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

import toy
import train
from processes.structure.belief_distribution import alike, comparable
from toy.sites import Place

from ..contexts import Contexts
from ..forward import member
from .removed import Part as Part
from .removed import known_without
from .seen import Seen, distinct, everything

Kind = Literal["zero", "mean", "resample", "constant"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What may stand in the place of a part: nothing; its mean over contexts; its value on another context of the
same length; the constant with which predictions lose least.
"""
DRAWS = 16
"""Draws of other contexts, over which what resampling costs is averaged."""
STEPS = 300
"""Steps of L-BFGS that the best constant may take from each start."""
MORE_STARTS = 30
"""What stands there in so many contexts, beside the mean and zeros, from which the best constant is looked
for where that costs next to nothing (`distinct`). Constants have many local optima: of three networks of one
block on Mess3, seeds below 1000, the mean and zeros led to 1.02 to 1.05 times what is exact, these to 1.01 to
1.02, and thirty more to no less.
"""


def ablate(
    config: toy.Config, params: toy.Params, truth: Contexts, part: Part, *, seed: int = 0
) -> Mapping[Kind, Float[np.ndarray, "nets"]]:
    """What ablating the part costs each network of a stack, nats per token: mean KL to the exact predictor
    over all contexts and positions, minus that of the network as it is.

    `params` has the networks as the first axis of every leaf. The constant is of one value at all positions,
    and the best that L-BFGS finds: from the mean and zeros, and where predictions without the part depend on
    the present token and the position at most, from `MORE_STARTS` values more. Raises `toy.ModelError` for a
    part that is none, and for contexts longer than the network's.
    """
    ablated = _Ablated(config, params, truth, part)
    others = ablated.others(np.zeros(len(truth.weight), np.int64), seed)
    found: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    for i in range(ablated.nets):
        value = ablated.value(i)
        zero = np.zeros(ablated.shape, np.float32)
        mean = np.asarray(np.tensordot(truth.weight, value, 1), np.float32)
        found["zero"].append(ablated.cost(i, zero))
        found["mean"].append(ablated.cost(i, mean))
        found["resample"].append(ablated.resampled(i, others))
        best = ablated.cost(i, ablated.best(i, [mean, zero, *ablated.more_starts(value, seed)]))
        found["constant"].append(min(best, found["zero"][-1], found["mean"][-1]))
    return {kind: np.array(costs) for kind, costs in found.items()}


def scrub(
    config: toy.Config,
    params: toy.Params,
    truth: Contexts,
    part: Part,
    label: Int[np.ndarray, "N"],
    *,
    seed: int = 0,
) -> Float[np.ndarray, "nets"]:
    """Causal scrubbing (Chan et al. 2022): what it costs if the part has its value on another context of the
    same length and the same label, nats per token.

    The hypothesis that the part carries nothing but the label costs nothing where it is right; with
    `belief_labels` it is that the part carries nothing but the belief.
    """
    ablated = _Ablated(config, params, truth, part)
    others = ablated.others(label, seed)
    return np.array([ablated.resampled(i, others) for i in range(ablated.nets)])


def belief_labels(truth: Contexts) -> Int[np.ndarray, "N"]:
    """A number for each context, the same for those after which the belief is the same."""
    return alike(*comparable(truth.process, truth.belief))


def drawn_alike(
    truth: Contexts, label: Int[np.ndarray, "N"], rng: np.random.Generator
) -> Int[np.ndarray, "N"]:
    """For each context another one (or itself) of the same length and label, drawn by its probability."""
    rows = np.empty(len(label), np.int64)
    group = np.unique(np.stack([truth.length, label]), axis=1, return_inverse=True)[1].reshape(-1)
    order = np.argsort(group, kind="stable")
    for here in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        rows[here] = rng.choice(here, len(here), p=truth.weight[here] / truth.weight[here].sum())
    return rows


class _Ablated:
    """A stack of networks on all contexts, one part of which can be replaced."""

    def __init__(self, config: toy.Config, params: toy.Params, truth: Contexts, part: Part):
        _check(config, truth, part)
        self.params, self.truth = params, truth
        self.all = everything(truth)
        # Hundreds of times fewer, for a network of one block whose attention is constant.
        self.distinct = self.all if known_without(config, part) is None else distinct(truth)
        network = toy.network(config)
        value = jax.eval_shape(
            lambda own: network.apply(own, self.all.tokens, self.all.tree, sites=(part.site,))[part.site],
            member(params, 0),
        )
        self.shape = value.shape[self.all.tokens.ndim :]
        mask = np.ones(self.shape, np.float32)
        if part.head is not None or part.neuron is not None:
            mask[:] = 0
            mask[part.neuron if part.head is None else part.head] = 1
        self.mask = jnp.asarray(mask)
        self.nets = len(jax.tree.leaves(params)[0])
        self._value, self._loss, self._slope = _programs(config, part.site)
        self._same = np.arange(len(truth.weight))
        self._before: dict[int, float] = {}

    def value(self, i: int) -> Float[np.ndarray, "N ..."]:
        """What stands there on each context."""
        value = self._value(member(self.params, i), self.all.tokens, self.all.tree)
        return np.asarray(value, np.float64).reshape(len(self.truth.weight), *self.shape)

    def cost(
        self,
        i: int,
        constant: Float[np.ndarray, "..."] | None = None,
        *,
        rows: Int[np.ndarray, "N"] | None = None,
    ) -> float:
        """What it costs network i if a constant stands there, or what stands there on other contexts."""
        if i not in self._before:
            self._before[i] = float(self._at(self._loss, i, np.zeros(self.shape), self._same))
        there = np.zeros(self.shape) if constant is None else constant
        rows = self._same if rows is None else rows
        return float(self._at(self._loss, i, there, rows if constant is None else None)) - self._before[i]

    def others(self, label: Int[np.ndarray, "N"], seed: int) -> list[Int[np.ndarray, "N"]]:
        """For each context one of the same length and label, drawn `DRAWS` times."""
        rng = np.random.default_rng(seed)
        return [drawn_alike(self.truth, label, rng) for _ in range(DRAWS)]

    def resampled(self, i: int, others: Sequence[Int[np.ndarray, "N"]]) -> float:
        """What it costs network i if there stands what stands on others, mean over the draws."""
        return float(np.mean([self.cost(i, rows=rows) for rows in others]))

    def more_starts(self, value: Float[np.ndarray, "N ..."], seed: int) -> Float[np.ndarray, "more ..."]:
        """Of what stands there on each context, where else the best constant is looked for."""
        more = 0 if self.distinct is self.all else MORE_STARTS
        weight = self.truth.weight
        return value[np.random.default_rng(seed).choice(len(weight), more, p=weight / weight.sum())]

    def best(self, i: int, starts: Sequence[Float[np.ndarray, "..."]]) -> Float[np.ndarray, "..."]:
        """The constant that costs least of those that L-BFGS finds."""

        def slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
            loss, g = self._at(self._slope, i, flat.reshape(self.shape), seen=self.distinct)
            return float(loss), np.asarray(g, np.float64).ravel()

        found = [
            minimize(
                slope,
                np.asarray(start, np.float64).ravel(),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": STEPS},
            )
            for start in starts
        ]
        return min(found, key=lambda end: end.fun).x.reshape(self.shape)

    def _at(
        self,
        program: Callable[..., Any],
        i: int,
        constant: Float[np.ndarray, "..."],
        rows: Int[np.ndarray, "N"] | None = None,
        seen: Seen | None = None,
    ) -> Any:
        """A program on network i, with what stands on other contexts in the place of a constant if given."""
        seen = self.all if seen is None else seen
        others = np.arange(len(seen.weight)) if rows is None else rows
        there = jnp.asarray(constant, jnp.float32)
        return program(member(self.params, i), there, self.mask, jnp.asarray(others), rows is not None, *seen)


@lru_cache(maxsize=32)
def _programs(config: toy.Config, site: str) -> tuple[Callable[..., Any], ...]:
    """Compiled: what passes a site; the loss with a part replaced; and that with its slope.

    Not by `forward`, which gives no slopes, nor replaces what it finds in other contexts: all of them pass at
    once here.
    """
    network = toy.network(config)

    def value(own, tokens, tree):
        return network.apply(own, tokens, tree, sites=(site,))[site]

    def loss(constant, own, mask, rows, others, tokens, tree, p, weight):
        """Cross entropy on the exact distributions, nats per token."""

        def replaced(passed):
            flat = passed.reshape(len(p), *constant.shape)
            other = jnp.where(others, flat[rows], jnp.broadcast_to(constant, flat.shape))
            return (mask * other + (1 - mask) * flat).reshape(passed.shape)

        logits = network.apply(own, tokens, tree, edit={site: replaced}, sites=("logits",))["logits"]
        logp = jax.nn.log_softmax(logits.reshape(len(p), -1))
        return -(weight * (p * logp).sum(-1)).sum()

    def ordered(own, constant, mask, rows, others, *rest):
        return loss(constant, own, mask, rows, others, *rest)

    def slope(own, constant, mask, rows, others, *rest):
        return jax.value_and_grad(loss)(constant, own, mask, rows, others, *rest)

    return train.jit(value), train.jit(ordered), train.jit(slope)


def _check(config: toy.Config, truth: Contexts, part: Part) -> None:
    """Raises `toy.ModelError` for a part that this network has not."""
    if truth.n_ctx > config.n_ctx:
        raise toy.ModelError(
            f"contexts have up to {truth.n_ctx} tokens but the model reads at most n_ctx = {config.n_ctx}; "
            "use contexts of that length"
        )
    known = [s for s in (*config.sites, *config.inner_sites) if not Place.of(s).of_pairs]
    if part.site not in known:
        raise toy.ModelError(
            f"there is no site {part.site!r} that could be ablated; this network has {', '.join(known)}"
        )
    for what, number, kind, most in (
        ("head", part.head, "attn.z", getattr(config, "n_heads", 0)),
        ("neuron", part.neuron, "mlp.post", getattr(config, "d_mlp", 0)),
    ):
        if number is None:
            continue
        if Place.of(part.site).kind != kind:
            raise toy.ModelError(f"{part.site!r} has no {what}s; a {what} is one of blocks.K.{kind}")
        if not 0 <= number < most:
            raise toy.ModelError(f"{what} {number} is none of this network's; it has {most}, from 0 on")
