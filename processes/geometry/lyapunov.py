"""Lyapunov exponents of the filter and the Kaplan-Yorke estimate of the information dimension of the
mixed-state set.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from ..information.rates import entropy_rate
from ..process import Process, ProcessError
from ..structure.realisation import belief_span, minimal_ghmm
from ..values.checks import checked
from ..values.record import Record

BURN_IN = 50
"""Symbols each chain reads before it counts, so that beliefs and directions have turned into their long-run
distribution.
"""


@dataclass(frozen=True, eq=False)
class Lyapunov(Record):
    """How fast the filter contracts beliefs, and the dimension that this leaves the set of mixed states."""

    exponent: Float64[np.ndarray, "D"]  # nats per symbol, negative, largest first; D = minimal dimension - 1
    error: Float64[np.ndarray, "D"]  # standard error of each, over independent chains
    dimension: float  # Kaplan-Yorke
    dimension_error: float  # standard error


@checked
def lyapunov(process: Process, *, chains: int, steps: int, seed: int) -> Lyapunov:
    """Lyapunov exponents l_i - l_1 of b -> b T[x] / (b T[x] w) and the dimension of the distribution of b,
    from `chains` runs of `steps` symbols.

    l_1 >= l_2 >= ... are the exponents of the products T[x1] T[x2] ... in the minimal realisation, by
    repeated QR (Benettin et al. 1980). Two of their combinations are known, l_1 = -h and sum_i l_i = E log
    |det T[x]|; they serve as control variates, so for two dimensions the exponent is exact. Kaplan & Yorke
    with the entropy rate as expansion (Jurgens & Crutchfield 2021): D = k + (h - |e_1| - ... - |e_k|) /
    |e_{k+1}|, at most minimal dimension - 1: an upper bound where the images of the maps overlap. Exponents
    are -inf, and add no dimension, where some symbol's operator is singular. For an ergodic process with a
    stationary start. Raises `ProcessError` for an order-0 process, without chains or steps, and for a
    negative seed.
    """
    if chains < 1 or steps < 1 or seed < 0:
        raise ProcessError(
            f"{chains} chains of {steps} steps with the seed {seed}; give at least 1 of both, and a seed of "
            "0 or more"
        )
    small = minimal_ghmm(process)
    if small.n_states == 1:
        raise ProcessError(f"{process.name} has one mixed state: its filter has no exponents")
    h = entropy_rate(process)
    logs = _logs(small, chains, steps, np.random.default_rng(seed))
    mean, covariance = _with_controls(logs, h.value, _mean_log_determinant(small))
    exponent, spread = mean[1:] - mean[0], _difference(covariance)
    error = np.sqrt(np.diag(spread) + np.arange(2, small.n_states + 1) ** 2 * ((h.upper - h.lower) / 2) ** 2)
    D, gradient = kaplan_yorke(h.value, exponent), np.zeros(len(exponent))
    for i in np.flatnonzero(np.isfinite(exponent)):
        step = np.zeros_like(exponent)
        step[i] = 1e-6
        gradient[i] = (kaplan_yorke(h.value, exponent + step) - kaplan_yorke(h.value, exponent - step)) / 2e-6
    return Lyapunov(exponent, error, D, float(np.sqrt(max(0.0, gradient @ spread @ gradient))))


@checked
def kaplan_yorke(h: float, exponent: Float64[np.ndarray, "D"]) -> float:
    """D = k + (h - |e_1| - ... - |e_k|) / |e_{k+1}| with k as large as the sum allows; capped at the number
    of exponents.
    """
    left = h
    for k, size in enumerate(np.abs(exponent)):
        if left < size:
            return float(k + left / size) if np.isfinite(size) else float(k)
        left -= size
    return float(len(exponent))


def _logs(process: Process, chains: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Mean log |R_ii| of the QR decompositions along each chain, (chains, d); -inf where an operator was
    singular.
    """
    d = process.n_states
    belief = np.repeat(process.start[None], chains, 0)
    # Directions that the process names itself: the coordinate axes of a minimal realisation are its singular
    # vectors, which where singular
    # values coincide (as on Mess3) any rounding turns.
    frame = np.repeat(belief_span(process).T[None], chains, 0)
    total = np.zeros((chains, d))
    for t in range(-BURN_IN, steps):
        joint = np.einsum("ni,xij->nxj", belief, process.T)
        p = np.maximum(joint @ process.w, 0.0)
        x = np.minimum(
            (rng.random((chains, 1)) * p.sum(1, keepdims=True) > p.cumsum(1)).sum(1), process.vocab - 1
        )
        belief = joint[np.arange(chains), x] / p[np.arange(chains), x][:, None]
        frame, R = np.linalg.qr(process.T[x].transpose(0, 2, 1) @ frame)
        size = np.abs(np.diagonal(R, axis1=1, axis2=2))
        if t >= 0:
            lost = size <= 1e-13 * size.max(1, keepdims=True)
            total += np.where(lost, -np.inf, np.log(np.where(lost, 1.0, size)))
    return total / steps


def _mean_log_determinant(process: Process) -> float:
    p = process.start @ process.T @ process.w
    return float(p @ np.log(np.maximum(np.abs(np.linalg.det(process.T)), 1e-300)))


def _with_controls(logs: np.ndarray, h: float, log_determinant: float) -> tuple[np.ndarray, np.ndarray]:
    """Means over chains and their covariance, after regression on what is known to have mean zero."""
    mean, covariance = logs.mean(0), np.zeros((logs.shape[1],) * 2)
    finite = np.isfinite(mean)
    controls = [logs[:, 0] + h]
    if finite.all():
        controls.append(logs.sum(1) - log_determinant)
    design = np.column_stack([np.ones(len(logs)), *controls])
    fitted, *_ = np.linalg.lstsq(design, logs[:, finite], rcond=None)
    residual = logs[:, finite] - design @ fitted
    freedom = max(1, len(logs) - design.shape[1])
    mean[finite] = fitted[0]
    covariance[np.ix_(finite, finite)] = (
        residual.T @ residual / freedom * np.linalg.pinv(design.T @ design)[0, 0]
    )
    return mean, covariance


def _difference(covariance: np.ndarray) -> np.ndarray:
    """Covariance of l_i - l_1 for i > 1."""
    D = np.column_stack([-np.ones(len(covariance) - 1), np.eye(len(covariance) - 1)])
    return D @ covariance @ D.T
