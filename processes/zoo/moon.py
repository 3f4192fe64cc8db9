"""The moon process: post-quantum, with a crescent of beliefs."""

import numpy as np
from jaxtyping import Float64

from ..process import Process, ProcessError, ghmm
from ..values.checks import checked
from ..values.identity import identified
from ..values.structure import recorded


@checked
@recorded
def moon(*, alpha: float, beta: float) -> Process:
    """T = [outer([1,1,0], [1,-1,-1]), M(alpha), M(beta)] / (spectral radius of their sum), M(v) = [[v,0,0],
    [0,1,0], [0,ln v,1]].

    Symbol 0 forgets everything, so 00 never occurs; 1 and 2 commute and move the belief along one curve, in
    steps of ln alpha and ln beta. Three dimensions suffice here, though neither a hidden Markov nor a quantum
    model of finite dimension exists (Fanizza, Lumbreras & Winter 2024). Raises `ProcessError` unless alpha >
    1 > beta > 0.
    """
    if not alpha > 1 > beta > 0:
        raise ProcessError(f"moon has alpha = {alpha:g} and beta = {beta:g}; it needs alpha > 1 > beta > 0")
    made = ghmm(operators(alpha, beta), name=f"moon(alpha={alpha:g}, beta={beta:g})")
    return identified(made, "moon", float(alpha), float(beta))


def operators(alpha: float, beta: float) -> Float64[np.ndarray, "3 3 3"]:
    """T of the moon process (see `moon`)."""

    def drift(v: float) -> np.ndarray:
        return np.array([[v, 0, 0], [0, 1, 0], [0, np.log(v), 1]])

    T = np.stack([np.outer([1.0, 1, 0], [1.0, -1, -1]), drift(alpha), drift(beta)])
    # The Perron value is real; the other eigenvalues come in a complex pair of smaller modulus.
    return T / np.abs(np.linalg.eigvals(T.sum(0))).max()
