"""Mess3: three symbols, three states, a fractal of beliefs."""

from ..process import Process, renamed
from ..values.checks import checked
from ..values.structure import recorded
from .mess import mess


@checked
@recorded
def mess3(*, x: float, a: float) -> Process:
    """T[k, i, j] = (y if i == j else x) (a if j == k else b), with b = (1-a)/2 and y = 1-2x.

    The symbol depends on the state just entered. sum_k T[k] has eigenvalues 1, 1-3x, 1-3x; the emission map
    is invertible, so beliefs are a linear image of next-token distributions (Marzen & Crutchfield 2017; Shai
    et al. 2024).
    """
    return renamed(mess(x=x, a=a, s=3), f"mess3(x={x:g}, a={a:g})")
