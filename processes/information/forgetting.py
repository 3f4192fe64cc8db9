"""How fast a generalised HMM forgets what came before: the lower half of the bound on its entropy rate.

An HMM has the bound "given the hidden start state". A generalised HMM has no hidden states, but its beliefs s
lie in a compact convex set K of dimension d-1. Pick beliefs s_1..s_d of K that span it and constants c_i >=
|l_i(s)| for the barycentric coordinates of every s in K. After a word u of length L-1 the observer who knew
the past believes s T[u] / p_s(u) = sum_i l_i(s) p_i(u) b_i(u) / p_s(u), so with Q_u the prediction of the
observer who did not,

    mean over past and u of TV(prediction given past and u, Q_u)  <=  t_L := sum_i c_i sum_u p_i(u)
        TV(prediction of b_i(u), Q_u).

|H(P) - H(Q)| <= f(TV) with f(t) = t log(V-1) + H2(t) (Zhang 2007; sharp), concave, hence h(L) - h <= f(t_L).
"""

import numpy as np
from jaxtyping import Float

from ..algebra.pivots import pivots
from ..process import Process
from ..structure.realisation import minimal_ghmm
from ..tree import prefix_tree

FORGOTTEN = 1e-13
"""A word whose operator is of rank one to this relative precision makes every past irrelevant."""


def forgotten_rate_gap(process: Process, order: int, max_nodes: int) -> Float[np.ndarray, "L"]:
    """Upper bounds on h(L) - h for L = 1..order (fewer if more than `max_nodes` words would be visited),
    nats.

    At least log V, which says nothing, where words of manageable length do not span all beliefs.
    """
    small = minimal_ghmm(process)
    points, c = _spanning_beliefs(small)
    V, d = small.vocab, small.n_states
    if not np.isfinite(c).all():
        return np.array([np.log(V)])
    start = np.linalg.solve(points.T, small.start)  # barycentric coordinates of the stationary belief
    rows, out, visited, lost = points[None], [], 1, 0.0
    for _ in range(order):
        out.append(_entropy_continuity(lost + _disturbance(small, rows, start, c), V))
        visited += V * len(rows)
        if visited > max_nodes:
            break
        rows = np.einsum("nij,xjk->nxik", rows, small.T).reshape(-1, d, d)
        mass = np.abs(rows @ small.w) @ c
        heavy = mass > 1e-15  # a dropped word and all that follow it disturb by at most their own mass
        lost += float(mass[~heavy].sum())
        rows = rows[heavy]
        rows = rows[_tells_pasts_apart(rows, small.w)]
    return np.array(out)


def _spanning_beliefs(process: Process) -> tuple[np.ndarray, np.ndarray]:
    """d reachable beliefs of nearly largest volume, and bounds on the barycentric coordinates of all beliefs
    in them (or infinity).
    """
    d, depth = process.n_states, 1
    while process.vocab ** (depth + 1) <= 2000 and depth < 2 * process.n_states + 2:
        depth += 1
    beliefs = prefix_tree(process, depth).belief
    points = beliefs[pivots(beliefs)]
    if len(points) < d or np.linalg.cond(points) > 1e8:
        return points, np.full(d, np.inf)
    coordinates = np.linalg.inv(points)  # column i: the functional l_i
    return points, np.array([_largest(process, column) for column in coordinates.T])


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


def _disturbance(process: Process, rows: np.ndarray, start: np.ndarray, c: np.ndarray) -> float:
    """t_L, from the operators points T[u] (N, d, d) of the words u that still tell pasts apart."""
    if not len(rows):
        return 0.0
    joint = np.einsum("nij,xjk,k->nix", rows, process.T, process.w)  # p_i(u) times the prediction after it
    law = np.einsum("i,nix->nx", start, joint)
    total = law.sum(-1, keepdims=True)
    Q = law / np.where(total > 1e-300, total, 1.0)
    mass = joint.sum(-1)
    return float(c @ (0.5 * np.abs(joint - mass[..., None] * Q[:, None, :]).sum(-1)).sum(0))


def _entropy_continuity(t: float, V: int) -> float:
    """f(t) = t log(V-1) + H2(t), continued by its maximum log V beyond t = 1 - 1/V."""
    if V == 1 or t >= 1 - 1 / V:
        return float(np.log(V))
    return 0.0 if t <= 0 else float(t * np.log(V - 1) - t * np.log(t) - (1 - t) * np.log(1 - t))
