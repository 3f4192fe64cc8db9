"""The expected loss of a toy model of superposition, in closed form, and its gradient.

n features pass m dimensions and are read back (Elhage et al. 2022, arXiv:2209.10652): with W (m, n), b (n,),

    x' = relu(W^T W x + b).

One feature is on at a time, x = u e_i, with u uniform on [0, 1]. Then output j sees g u + b_j with
g = (W^T W)_ji, and the squared error, summed over inputs i and outputs j, is a sum of integrals over u of
squares of lines on the interval where that is positive. docs/theory/superposition.md derives all of it.
"""

from typing import Any, NamedTuple

from jaxtyping import Float

import toy


class Loss(NamedTuple):
    """The expected loss of models side by side, and its gradient."""

    value: Any  # (*models,)
    W: Any  # (*models, m, n)
    b: Any  # (*models, n)


def expected_loss(W: Float[Any, "*models m n"], b: Float[Any, "*models n"]) -> Loss:
    """sum_ij int_0^1 (relu(G_ji u + b_j) - [i = j] u)^2 du with G = W^T W, and its gradient; exact but for
    rounding, of NumPy's arrays or JAX's, in their precision.

    Raises `toy.ModelError` for shapes that fit no model.
    """
    if W.ndim < 2 or b.shape != (*W.shape[:-2], W.shape[-1]):
        raise toy.ModelError(f"W has shape {W.shape} and b {b.shape}; they must be (..., m, n) and (..., n)")
    xp = W.__array_namespace__()
    turned = xp.swapaxes(W, -1, -2)
    wanted = xp.eye(W.shape[-1], dtype=W.dtype)  # [j, i]: what is wanted of output j for input i, over u
    value, of_g, of_b = integrated(turned @ W, b[..., :, None], wanted)
    return Loss(value.sum((-1, -2)), W @ (of_g + xp.swapaxes(of_g, -1, -2)), of_b.sum(-1))


def integrated(g: Any, b: Any, wanted: Any) -> tuple[Any, Any, Any]:
    """int_0^1 (relu(g u + b) - wanted u)^2 du, and its derivatives in g and b, elementwise.

    The line is positive between `low` and `high`, which move with g and b; but where it begins to be positive
    the integrand does not jump, so that derivatives of the ends do not enter.
    """
    xp = g.__array_namespace__()
    root = xp.clip(-b / xp.where(g == 0, 1, g), 0, 1)
    flat = xp.where(b > 0, 0, 1)  # a line without slope is positive everywhere or nowhere
    low = xp.where(g > 0, root, xp.where(g < 0, 0, flat))
    high = xp.where(g < 0, root, 1)
    one, two, three = (((high**k) - (low**k)) / k for k in (1, 2, 3))  # integrals of u^0, u, u^2 between them
    value = g**2 * three + 2 * g * b * two + b**2 * one - 2 * wanted * (g * three + b * two) + wanted**2 / 3
    return value, 2 * ((g - wanted) * three + b * two), 2 * ((g - wanted) * two + b * one)
