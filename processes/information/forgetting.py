"""How fast a generalised HMM forgets what came before: the lower half of the bound on its entropy rate.

An HMM has the bound "given the hidden start state". A generalised HMM has no hidden states, but d of its
beliefs span all others, and a word forgets its past as far as the predictions after these d agree; derived in
docs/theory/forgetting_bound.md.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from ..algebra.pivots import pivots
from ..entropy import total_variation
from ..process import Process
from ..structure.realisation import minimal_ghmm
from ..tree import prefix_tree

FORGOTTEN = 1e-13
"""A word whose operator is of rank one to this relative precision makes every past irrelevant."""


def forgotten_rate_gap(process: Process, order: int, max_nodes: int) -> Float64[np.ndarray, "L"]:
    """Upper bounds on h(L) - h for L = 1..order (fewer if more than `max_nodes` words would be visited),
    nats.

    At least log V, which says nothing, where words of manageable length do not span all beliefs.
    """
    small = minimal_ghmm(process)
    V, d, span = small.vocab, small.n_states, _spanning_beliefs(small)
    if not np.isfinite(span.bound).all():
        return np.array([np.log(V)])
    rows, out, visited, lost = span.points[None], [], 1, 0.0  # the operators of the words of one length
    for _ in range(order):
        out.append(_entropy_continuity(lost + _disturbance(small, rows, span), V))
        visited += V * len(rows)
        if visited > max_nodes:
            break
        rows = np.einsum("nij,xjk->nxik", rows, small.T).reshape(-1, d, d)
        mass = np.abs(rows @ small.w) @ span.bound
        heavy = mass > 1e-15  # a dropped word and all that follow it disturb by at most their own mass
        lost += float(mass[~heavy].sum())
        rows = rows[heavy]
        rows = rows[_tells_pasts_apart(rows, small.w)]
    return np.array(out)


class Span(NamedTuple):
    """d beliefs that span all others, each of which is sum_i l_i s_i with sum_i l_i = 1."""

    points: Float64[np.ndarray, "d d"]  # s_1..s_d, as rows
    start: Float64[np.ndarray, "d"]  # barycentric coordinates l_i of the stationary belief
    bound: Float64[np.ndarray, "d"]  # c_i, at least |l_i| of any belief; infinite where none was found


def _spanning_beliefs(process: Process) -> Span:
    """d reachable beliefs of nearly largest volume."""
    d, depth = process.n_states, 1
    while process.vocab ** (depth + 1) <= 2000 and depth < 2 * process.n_states + 2:
        depth += 1
    beliefs = prefix_tree(process, depth).belief
    points = beliefs[pivots(beliefs)]
    if len(points) < d or np.linalg.cond(points) > 1e8:
        return Span(points, np.full(d, np.nan), np.full(d, np.inf))
    coordinates = np.linalg.inv(points)  # column i: the functional l_i
    bound = np.array([_largest(process, column) for column in coordinates.T])
    return Span(points, np.linalg.solve(points.T, process.start), bound)


def _largest(process: Process, functional: np.ndarray) -> float:
    """Upper bound on |functional| over all beliefs: write it as sum_u m_u P(u | belief) over words of one
    length; then max_u |m_u|.

    The best m solves a linear programme; longer words bound more tightly.
    """
    from scipy.optimize import linprog  # slow to import, and needed for generalised HMMs only

    futures, length = process.w[None], 0
    while len(futures) * process.vocab <= 256 and length < 8:
        futures, length = (
            np.einsum("xij,nj->nxi", process.T, futures).reshape(-1, process.n_states),
            length + 1,
        )
    n, d = futures.shape
    A = np.block([[np.eye(n), -np.ones((n, 1))], [-np.eye(n), -np.ones((n, 1))]])
    equal = np.hstack([futures.T, np.zeros((d, 1))])
    found = linprog(
        np.r_[np.zeros(n), 1.0],
        A_ub=A,
        b_ub=np.zeros(2 * n),
        A_eq=equal,
        b_eq=functional,
        bounds=[(None, None)] * n + [(0, None)],
    )
    m = found.x[:-1] if found.success else np.linalg.lstsq(futures.T, functional, rcond=None)[0]
    exact = np.abs(m @ futures - functional).max() < 1e-9 * np.abs(functional).max()
    return float(np.abs(m).max()) if exact else np.inf


def _tells_pasts_apart(rows: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Which operators (N, d, d) are not of rank one, so that the beliefs after them still depend on those
    before.
    """
    mass = rows @ w
    n, heaviest = np.arange(len(rows)), np.abs(mass).argmax(1)
    rest = rows - (mass / mass[n, heaviest][:, None])[:, :, None] * rows[n, heaviest][:, None, :]
    return np.abs(rest).max((1, 2)) > FORGOTTEN * np.abs(rows).max((1, 2))


def _disturbance(process: Process, rows: Float64[np.ndarray, "N d d"], span: Span) -> float:
    """t_L = sum_i c_i sum_u p_i(u) TV(prediction after u from s_i, Q_u), from the operators points T[u] of
    the words u that still tell pasts apart.
    """
    if not len(rows):
        return 0.0
    # joint[u, i, x] = P(u x | s_i), so mass[u, i] = p_i(u).
    joint = np.einsum("nij,xjk,k->nix", rows, process.T, process.w)
    mass = joint.sum(-1)
    # Q_u, what an observer who did not know the past predicts: from the stationary belief, sum_i start_i s_i.
    blind = np.einsum("i,nix->nx", span.start, joint)
    total = blind.sum(-1, keepdims=True)
    Q = blind / np.where(total > 1e-300, total, 1.0)
    # p_i(u) TV(.., Q_u), without dividing by p_i(u), which may be tiny.
    apart = total_variation(joint, mass[..., None] * Q[:, None, :])
    return float(span.bound @ apart.sum(0))


def _entropy_continuity(t: float, V: int) -> float:
    """f(t) = t log(V-1) + H2(t), continued by its maximum log V beyond t = 1 - 1/V."""
    if V == 1 or t >= 1 - 1 / V:
        return float(np.log(V))
    return 0.0 if t <= 0 else float(t * np.log(V - 1) - t * np.log(t) - (1 - t) * np.log(1 - t))
