"""Fanizza's process (FRDN): four generalised states that no finite number of hidden states can replace."""

import numpy as np

from ..process import Process, ProcessError, ghmm
from ..values.checks import checked
from ..values.identity import identified
from ..values.structure import recorded


@checked
@recorded
def fanizza(*, alpha: float, lam: float) -> Process:
    """T[0] = outer(w0, p0) forgets everything; T[1] = lam blockdiag(0, 1, R(alpha)) turns by alpha radians
    and shrinks.

    With c, s = cos alpha, sin alpha and D = 1 - 2 lam c + lam^2, A = (1 - lam c + lam s)/D, B = (1 - lam c -
    lam s)/D: p0 = [1 - (2/(1-lam) - A - B)/4, 1/(2(1-lam)), -A/4, -B/4] and w0 = [1, 1-lam, 1 + lam(s-c), 1 -
    lam(s+c)]. Row sums are 1. A renewal process: P(run of n ones) is a sum of lam^n and lam^n cos(n alpha),
    so when alpha/pi is irrational the beliefs never repeat and every hidden Markov model of it has infinitely
    many states. Raises `ProcessError` unless 0 < lam < 1, and where a word would have a negative probability.
    (Fox & Rubin 1968; Dharmadhikari & Nadkarni 1970; in this form Fanizza, Lumbreras & Winter 2024)
    """
    if not 0 < lam < 1:
        raise ProcessError(f"fanizza has lam = {lam:g}; it shrinks the belief: choose it between 0 and 1")
    c, s = np.cos(alpha), np.sin(alpha)
    D = 1 - 2 * lam * c + lam**2
    A, B = (1 - lam * c + lam * s) / D, (1 - lam * c - lam * s) / D
    p0 = np.array([1 - (2 / (1 - lam) - A - B) / 4, 1 / (2 * (1 - lam)), -A / 4, -B / 4])
    w0 = np.array([1, 1 - lam, 1 + lam * (s - c), 1 - lam * (s + c)])
    T = np.zeros((2, 4, 4))
    T[0] = np.outer(w0, p0)
    T[1, 1, 1] = lam
    T[1, 2:, 2:] = lam * np.array([[c, -s], [s, c]])
    made = ghmm(T, name=f"fanizza(alpha={alpha:g}, lam={lam:g})")
    return identified(made, "fanizza", float(alpha), float(lam))
