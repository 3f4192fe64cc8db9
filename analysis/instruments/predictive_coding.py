"""Predictive coding: a network whose states settle into a minimum of an energy before weights are moved.

With weights W_1 .. W_L, the input x_0, a target y and f an activation,

    F(x) = 1/2 sum_l |x_l - W_l f(x_l-1)|^2 + beta/2 |x_L - y|^2,

f(x_0) = x_0. At the minimum over x_1 .. x_L the errors e_l = x_l - W_l f(x_l-1) are local, and
-e_l f(x_l-1)^T is the gradient in W_l (Whittington & Bogacz 2017). As beta goes to zero it tends to beta
times the gradient of 1/2 |output - y|^2 that backpropagation finds in one pass (Scellier & Bengio 2017,
arXiv:1602.05179); with `beta` infinite the output is y itself. Of linear chains the minimum and its energy
are closed forms (docs/theory/predictive_coding.md).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float

import toy

Activation = Literal["linear", "tanh"]
Weights = Sequence[Float[np.ndarray, "_ _"]]
"""W_l (d_l, d_l-1) of every layer, the first one's first."""
States = list[Float[np.ndarray, "N _"]]
"""x_0 .. x_L of N inputs, a row for each."""
TOLERANCE = 1e-10
"""Largest component of the energy's gradient, over the largest of input and target, at which states rest."""
MOST_STEPS = 100_000


class Settled(NamedTuple):
    """States at the minimum of the energy, or where relaxation stopped."""

    states: States
    energy: Float[np.ndarray, "N"]  # of each input
    steps: int
    """Of relaxation, each of which costs about what a forward and a backward pass do; 0 of a closed form."""


def outputs(weights: Weights, x: Float[np.ndarray, "N d"], activation: str = "linear") -> States:
    """States of a forward pass: what the energy is least at where no target is held.

    Raises `toy.ModelError` for weights and inputs that make no chain.
    """
    f, _ = _activation(activation)
    _check(weights, x)
    states = [np.asarray(x, np.float64)]
    for layer, W in enumerate(weights):
        states.append((f(states[-1]) if layer else states[-1]) @ W.T)
    return states


def backpropagated(
    weights: Weights, x: Float[np.ndarray, "N d"], y: Float[np.ndarray, "N k"], activation: str = "linear"
) -> list[Float[np.ndarray, "_ _"]]:
    """Gradient in every W_l of 1/2 |output - y|^2, summed over inputs."""
    f, slope = _activation(activation)
    states = outputs(weights, x, activation)
    error, found = states[-1] - _target(y, states), []
    for layer in range(len(weights) - 1, -1, -1):
        below = states[layer]
        found.append(error.T @ (f(below) if layer else below))
        error = (error @ weights[layer]) * slope(below)
    return found[::-1]


def local_gradient(weights: Weights, states: States, activation: str = "linear") -> list[np.ndarray]:
    """Gradient of the energy in every W_l at these states: -e_l f(x_l-1)^T, summed over inputs."""
    f, _ = _activation(activation)
    below = [f(x) if layer else x for layer, x in enumerate(states[:-1])]
    return [-(x - b @ W.T).T @ b for W, b, x in zip(weights, below, states[1:], strict=True)]


def settled(
    weights: Weights, x: Float[np.ndarray, "N d"], y: Float[np.ndarray, "N k"], *, beta: float
) -> Settled:
    """The minimum of the energy of a linear chain, in closed form.

    With A_l = W_L .. W_l+1, S = sum_l A_l A_l^T and r = y - W_L .. W_1 x: e_l = A_l^T (S + 1/beta)^-1 r, and
    the energy is 1/2 r^T (S + 1/beta)^-1 r. Raises `toy.ModelError` for what makes no such chain.
    """
    _held(beta)
    plain = outputs(weights, x)
    r = _target(y, plain) - plain[-1]
    above = [np.eye(len(weights[-1]))]  # A_L, A_L-1, ..
    for W in reversed(weights[1:]):
        above.append(above[-1] @ W)
    S = np.sum([A @ A.T for A in above], axis=0)
    pull = np.linalg.solve(S + np.eye(len(S)) / beta, r.T).T
    states = [plain[0]]
    for W, A in zip(weights, reversed(above), strict=True):
        states.append(states[-1] @ W.T + pull @ A)
    return Settled(states, (r * pull).sum(1) / 2, 0)


def relaxed(
    weights: Weights,
    x: Float[np.ndarray, "N d"],
    y: Float[np.ndarray, "N k"],
    *,
    beta: float,
    activation: str = "linear",
    tolerance: float = TOLERANCE,
    most: int = MOST_STEPS,
) -> Settled:
    """States by gradient descent on the energy from a forward pass, all layers at once, until they rest.

    Raises `toy.ModelError` for what makes no chain, or if states do not rest after `most` steps.
    """
    _held(beta)
    states = outputs(weights, x, activation)
    y = _target(y, states)
    if np.isinf(beta):
        states[-1] = y.copy()
    size = 1 + max(float(np.linalg.norm(W, 2)) ** 2 for W in weights) + (0 if np.isinf(beta) else beta)
    scale = max(float(np.abs(states[0]).max()), float(np.abs(y).max()), np.finfo(float).tiny)
    for step in range(most + 1):
        slopes = _slopes(weights, states, y, beta, activation)
        if max(float(np.abs(s).max()) for s in slopes) <= tolerance * scale:
            return Settled(states, energy(weights, states, y, beta=beta, activation=activation), step)
        states = [states[0], *(x - s / size for x, s in zip(states[1:], slopes, strict=True))]
    raise toy.ModelError(
        f"states did not rest after {most} steps; hold the output more strongly than beta = {beta}, ask for "
        f"less than tolerance = {tolerance}, or allow more steps"
    )


def energy(
    weights: Weights, states: States, y: Float[np.ndarray, "N k"], *, beta: float, activation: str = "linear"
) -> Float[np.ndarray, "N"]:
    """F of each input; where `beta` is infinite the output is y, and the last term is not there."""
    held = 0.0 if np.isinf(beta) else beta * ((states[-1] - y) ** 2).sum(1)
    errors = _errors(weights, states, activation)
    return np.asarray(sum((e**2).sum(1) for e in errors) + held) / 2


def _errors(weights: Weights, states: States, activation: str) -> list[np.ndarray]:
    f, _ = _activation(activation)
    below = [f(x) if layer else x for layer, x in enumerate(states[:-1])]
    return [x - b @ W.T for W, b, x in zip(weights, below, states[1:], strict=True)]


def _slopes(
    weights: Weights, states: States, y: np.ndarray, beta: float, activation: str
) -> list[np.ndarray]:
    """Derivatives of the energy in x_1 .. x_L; none in x_L where it is held at y."""
    _, slope = _activation(activation)
    errors = _errors(weights, states, activation)
    inner = [
        e - (above @ W) * slope(x)
        for e, above, W, x in zip(errors[:-1], errors[1:], weights[1:], states[1:-1], strict=True)
    ]
    last = np.zeros_like(y) if np.isinf(beta) else errors[-1] + beta * (states[-1] - y)
    return [*inner, last]


def _activation(name: str):
    """An activation and its derivative."""
    if name not in get_args(Activation):
        raise toy.ModelError(f"the activation is {name!r}; choose one of {', '.join(get_args(Activation))}")
    if name == "linear":
        return (lambda x: x), np.ones_like
    return np.tanh, (lambda x: 1 - np.tanh(x) ** 2)


def _check(weights: Weights, x: np.ndarray) -> None:
    shapes = [W.shape for W in weights]
    fits = all(a[0] == b[1] for a, b in zip(shapes, shapes[1:], strict=False))
    if not weights or not fits or x.ndim != 2 or x.shape[1] != shapes[0][1]:
        raise toy.ModelError(
            f"inputs have shape {x.shape} and weights {shapes}; they must be (N, d_0) and (d_1, d_0), "
            "(d_2, d_1), .."
        )


def _target(y: np.ndarray, states: States) -> Float[np.ndarray, "N k"]:
    if y.shape != states[-1].shape:
        raise toy.ModelError(f"targets have shape {y.shape} and outputs {states[-1].shape}; they must agree")
    return np.asarray(y, np.float64)


def _held(beta: float) -> None:
    if not beta > 0:
        raise toy.ModelError(
            f"beta is {beta}; the output is held with a weight above 0, which may be infinite"
        )
