"""Processes as their papers write them, term by term."""

from functools import cache

import numpy as np
from hypothesis import settings

import processes
from processes import Process, ghmm

named = cache(
    processes.named
)  # one object a name: quantities remember the mixed states of the objects they have seen
some = settings(max_examples=6, deadline=None, derandomize=True)


def fanizza(alpha: float, lam: float) -> Process:
    c, s = np.cos(alpha), np.sin(alpha)
    D = 1 - 2 * lam * c + lam**2
    A, B = (1 - lam * c + lam * s) / D, (1 - lam * c - lam * s) / D
    p0 = [1 - (2 / (1 - lam) - A - B) / 4, 1 / (2 * (1 - lam)), -A / 4, -B / 4]
    w0 = [1, 1 - lam, 1 + lam * (s - c), 1 - lam * (s + c)]
    T1 = np.zeros((4, 4))
    T1[1, 1], T1[2:, 2:] = 1, [[c, -s], [s, c]]
    return ghmm([np.outer(w0, p0), lam * T1], name="fanizza")


def bloch_walk(a: float, b: float) -> Process:
    g, d = 1 / (4 * (a * a + b * b)), 0.25
    m, o = (a * a - b * b) * g, 2 * a * b * g
    T = [[[[d, 0, o], [0, m, 0], [o, 0, d]], [[d, o, 0], [o, d, 0], [0, 0, m]]][axis] for axis in (0, 1)]
    flipped = [np.where(np.eye(3) == 1, t, -np.array(t)) for t in T]
    return ghmm([T[0], flipped[0], T[1], flipped[1]], name="bloch walk")
