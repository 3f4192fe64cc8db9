"""Recurrent networks trained by relaxation (predictive coding) in the place of backpropagation.

A state h_n stands at every context n, of probability w_n, and is predicted from the state before it, at the
context without its last token x_n. With F the step of the network and q its prediction,

    E(h) = sum_n w_n [ |h_n - F(h_before(n), x_n)|^2 / 2 + beta KL(p_n || q(h_n)) ],

p_n the exact distribution of the next token. States settle into a minimum of E before weights are moved
along -dE / dW at these states. That is local: each term holds one step of the network (Rao & Ballard 1999;
Whittington & Bogacz 2017, doi:10.1162/NECO_a_00949), where backpropagation sends errors back through all
steps. As beta goes to zero the gradients are one, up to the factor beta (Scellier & Bengio 2017,
arXiv:1602.05179). Where the loss is at its floor all errors vanish, and both have that minimum; away from it
E at rest is another objective, which weights that make states easy to correct lower too.
"""

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float32, Int

import processes
import toy
from toy.bridge import Blueprint, parameter_shapes
from toy.checks import check_range, fitted
from toy.inputs import check_stack

from ..errors import RecipeError
from ..machine import numerics
from ..objectives import divergence
from ..optimiser import MAX_STEPS, check_rate
from ..schedule import cosine_adam
from ..tables import packed

Gradients: TypeAlias = tuple[Float[np.ndarray, "networks P"], Float[np.ndarray, "networks P"]]
"""Of relaxation, then of backpropagation, in all parameters of each network."""
STATE = "blocks.0.state"
TOLERANCE = 2e-5
"""Gradient in the states at which they rest, over that of a forward pass. It is soon small, for errors of
outputs go first; those that travel back along the tree go last, and move weights.
"""
SETTLING = 1000
"""Steps of relaxation, at most."""
MOST_SETTLING = 100_000
BETA = 1e-6, 1e6
"""Weights with which the output may be held, so that float32 resolves both terms of the energy."""


class Relaxed(NamedTuple):
    """Networks trained by relaxation, one for each that they started from."""

    params: toy.Params  # first axis: networks
    left: Float32[np.ndarray, "networks steps"]  # KL to the exact predictor before every step, nats per token
    settled: Int[np.ndarray, "networks steps"]  # steps that relaxation took


class _Contexts(NamedTuple):
    """Every context, as a node of the tree in which each hangs at the one without its last token."""

    token: Int[Array, "N"]
    before: Int[Array, "N"]  # node; N for the empty context, which is none
    weight: Float[Array, "N"]
    given: Float[Array, "N"]  # probability of a context given the one before
    exact: Float[Array, "N V"]  # distribution of the next token


@numerics.pinned()
def by_relaxation(
    config: toy.RecurrentConfig,
    start: toy.Params,
    process: processes.Process,
    *,
    steps: int,
    learning_rate: float,
    beta: float = 1.0,
    tolerance: float = TOLERANCE,
    settling: int = SETTLING,
) -> Relaxed:
    """Train recurrent networks of one layer from the parameters `start` (first axis: networks), on all
    contexts of up to n_ctx tokens at every step: so many steps of Adam with a cosine, as `train.fit` has
    them, on the gradient of the energy. States relax from those of a forward pass by descent with
    momentum, until what is left of the gradient in them is below `tolerance` of what there was, or `settling`
    steps are done, each of which costs about a forward and a backward pass.

    Raises `RecipeError` for networks and settings that are none, and `toy.ModelError` for parameters of
    another network.
    """
    check_range("steps", fitted("steps", int, steps, RecipeError), 1, MAX_STEPS, RecipeError)
    check_rate(fitted("learning_rate", float, learning_rate, RecipeError), steps)
    net = _network(config, start, process, beta, tolerance, settling)
    adam = cosine_adam(learning_rate, steps)

    def one(params: toy.Params) -> tuple[toy.Params, Array, Array]:
        def step(carry, _):
            params, state = carry
            slope, left, settled = net.relaxed(params)
            updates, state = adam.update(slope, state, params)
            return (optax.apply_updates(params, updates), state), (left, settled)

        (params, _), told = jax.lax.scan(step, (params, adam.init(params)), None, length=steps)
        return params, *told

    run = numerics.jit(lambda params: jax.lax.map(one, params))
    return Relaxed(*jax.device_get(run(jax.tree.map(jnp.asarray, start))))


@numerics.pinned()
def gradients(
    config: toy.RecurrentConfig,
    params: toy.Params,
    process: processes.Process,
    *,
    beta: float = 1.0,
    tolerance: float = TOLERANCE,
    settling: int = SETTLING,
) -> Gradients:
    """The gradient that relaxation gives, over beta, and that of backpropagation, in all parameters of each
    network of a stack. Raises `RecipeError` as `by_relaxation` does.
    """
    net = _network(config, params, process, beta, tolerance, settling)

    def one(params: toy.Params) -> tuple[Array, Array]:
        found = (net.relaxed(params)[0], jax.grad(net.loss)(params))
        local, exact = (jnp.concatenate([x.ravel() for x in jax.tree.leaves(of)]) for of in found)
        return local, exact

    run = numerics.jit(lambda params: jax.lax.map(one, params))
    local, exact = jax.device_get(run(jax.tree.map(jnp.asarray, params)))
    return local.astype(float), exact.astype(float)


def agreement(
    local: Float[np.ndarray, "networks P"], exact: Float[np.ndarray, "networks P"]
) -> Float[np.ndarray, "networks"]:
    """Cosine of the two `gradients` of each network."""
    return np.asarray((local * exact).sum(1) / np.sqrt((local**2).sum(1) * (exact**2).sum(1)))


def _network(
    config: Any,
    params: toy.Params,
    process: processes.Process,
    beta: float,
    tolerance: float,
    settling: int,
) -> "_Network":
    config = fitted("config", toy.RecurrentConfig, config, RecipeError)
    if config.n_layers != 1 or config.cell != "rnn":
        raise RecipeError(
            f"the network has {config.n_layers} layers of cell {config.cell!r}; relaxation is of one layer "
            "of cell 'rnn'"
        )
    if config.vocab != process.vocab:
        raise RecipeError(
            f"the network reads {config.vocab} symbols and {process.name} has {process.vocab}; choose a "
            "network of as many"
        )
    check_stack(parameter_shapes(config), params)
    check_range("settling", fitted("settling", int, settling, RecipeError), 1, MOST_SETTLING, RecipeError)
    if not 0 <= fitted("tolerance", float, tolerance, RecipeError) < 1:
        raise RecipeError(f"tolerance is {tolerance}; it is a part of a gradient, 0 or more and below 1")
    least, most = BETA
    if not least <= fitted("beta", float, beta, RecipeError) <= most:
        raise RecipeError(f"beta is {beta}; the output is held with a weight of {least:g} to {most:g}")
    tree = processes.prefix_tree(process, config.n_ctx)
    above, probability = tree.parent[1:], np.asarray(tree.probability, float)
    weight = probability[1:]
    nodes = _Contexts(
        jnp.asarray(tree.token[1:], jnp.int32),
        jnp.asarray(np.where(above > 0, above - 1, len(weight)), jnp.int32),
        jnp.asarray(weight / weight.sum(), jnp.float32),
        jnp.asarray(weight / probability[above], jnp.float32),
        jnp.asarray(tree.next_token[1:], jnp.float32),
    )
    return _Network(Blueprint(config), nodes, packed(tree, config.n_ctx).tree, beta, tolerance, settling)


class _Network(NamedTuple):
    """A network on every context: its loss, and its energy."""

    blueprint: Blueprint
    nodes: _Contexts
    tree: toy.Tree
    beta: float
    tolerance: float
    settling: int

    def step(self, params: toy.Params, before: Array) -> Array:
        """What follows at every context from a state before it."""
        model: Any = self.blueprint.module(params)
        return model.blocks[0](before, model.embed(self.nodes.token))[0]

    def missed(self, params: toy.Params, state: Array) -> Array:
        """KL of the exact distribution of the next token to what is predicted from each state, nats."""
        model: Any = self.blueprint.module(params)
        logits = model.embed.attend(state) if model.unembed is None else model.unembed(state)
        return divergence(self.nodes.exact, jax.nn.log_softmax(logits))

    def forward(self, params: toy.Params) -> Array:
        """States of a forward pass."""
        return self.blueprint.module(params)(self.nodes.token, self.tree, None, (STATE,))[STATE]

    def before(self, state: Array) -> Array:
        """The state before that of each context: zero where that is empty."""
        return jnp.concatenate([state, jnp.zeros_like(state[:1])])[self.nodes.before]

    def loss(self, params: toy.Params) -> Array:
        """Mean KL to the exact predictor."""
        return self.nodes.weight @ self.missed(params, self.forward(params))

    def energy(self, params: toy.Params, state: Array) -> Array:
        """E over beta."""
        error = state - self.step(params, self.before(state))
        return self.nodes.weight @ ((error**2).sum(-1) / (2 * self.beta) + self.missed(params, state))

    def pull(self, params: toy.Params, state: Array) -> Array:
        """Gradient of E in every state, over the weight of its context, so that rare ones relax as fast: its
        own error, less what that says of errors after it, and what its prediction misses.
        """
        predicted, back = jax.vjp(lambda before: self.step(params, before), self.before(state))
        error = state - predicted
        (to_before,) = back(self.nodes.given[:, None] * error)
        after = jnp.zeros((len(state) + 1, state.shape[1])).at[self.nodes.before].add(to_before)[:-1]
        missed = jax.grad(lambda state: self.missed(params, state).sum())(state)
        return error - after + self.beta * missed

    def relaxed(self, params: toy.Params) -> tuple[toy.Params, Array, Array]:
        """Gradient of E over beta in the parameters, at the states to which those of a forward pass relax;
        the loss; how many steps relaxation took.

        Descent with momentum that begins anew where it has gone too far (O'Donoghue & Candes 2015): without,
        errors that travel back along the tree come to rest a hundred times more slowly than those of outputs.
        """
        first = self.forward(params)
        model: Any = self.blueprint.module(params)
        carry = model.blocks[0].dense_h.kernel[...]
        out = model.embed.embedding[...] if model.unembed is None else model.unembed.kernel[...]
        # What E curves by at most (docs/theory/predictive_coding.md), but for the curvature of tanh times
        # errors; with that, descent was stable wherever it was tried.
        curved = (1 + jnp.linalg.norm(carry, 2)) ** 2 + self.beta * jnp.linalg.norm(out, 2) ** 2 / 2

        def settle(at):
            state, ahead, time, pull, steps = at
            new = ahead - pull / curved
            uphill = self.nodes.weight @ (pull * (new - state)).sum(-1) > 0
            longer = (1 + jnp.sqrt(1 + 4 * time**2)) / 2
            momentum = jnp.where(uphill, 0.0, (time - 1) / longer)
            further = new + momentum * (new - state)
            return new, further, jnp.where(uphill, 1.0, longer), self.pull(params, further), steps + 1

        pull = self.pull(params, first)
        least = self.tolerance * self._length(pull)
        begun = (first, first, jnp.float32(1), pull, jnp.int32(0))

        def moving(at):
            return (self._length(at[3]) > least) & (at[4] < self.settling)

        _, rest, _, _, steps = jax.lax.while_loop(moving, settle, begun)
        return jax.grad(self.energy)(params, rest), self.nodes.weight @ self.missed(params, first), steps

    def _length(self, pull: Array) -> Array:
        return jnp.sqrt(self.nodes.weight @ (pull**2).sum(-1))
