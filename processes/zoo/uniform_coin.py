"""A coin whose bias nobody knows: the simplest source that is learned by a power distribution."""

import numpy as np

from ..compose.mixture import mixture
from ..process import Process, renamed
from ..values.checks import checked
from ..values.identity import identified
from ..values.structure import recorded
from .coin import coin


@checked
@recorded
def uniform_coin(*, n: int) -> Process:
    """A coin of uniformly distributed bias, drawn once for ever, exact for words of up to 2n - 1 symbols.

    P(word with k zeros of L) = k! (L - k)! / (L + 1)!; after L flips the next one has h(L + 1) - 1/2 ~ 1 / (2
    L) nats to spare: a power distribution, no spectral gap. The prior is n coins at the nodes of
    Gauss-Legendre quadrature, which integrates polynomials of degree 2n - 1 exactly; later the n coins are
    told apart.
    """
    node, weight = np.polynomial.legendre.leggauss(n)
    made = renamed(
        mixture([coin(p=float(p)) for p in (1 + node) / 2], weight / 2).process(), f"uniform_coin(n={n:g})"
    )
    return identified(made, "uniform_coin", int(n))
