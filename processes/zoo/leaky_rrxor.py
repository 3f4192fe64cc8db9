"""Random-random-XOR with a leak: any symbol, from any state, back to the stationary distribution."""

from ..compose.leak import leak
from ..process import Process, renamed
from ..values.checks import checked
from ..values.structure import recorded
from .rrxor import rrxor


@checked
@recorded
def leaky_rrxor(*, p1: float, p2: float, epsilon: float) -> Process:
    """(1 - epsilon) T + (epsilon / V) w eta: with probability epsilon the symbol is uniform and the state is
    drawn anew.

    No word is impossible any more and no observer synchronises for good, so the 36 mixed states of RRXOR
    become infinitely many.
    """
    leaky = leak(rrxor(p1=p1, p2=p2), epsilon)
    return renamed(leaky, f"leaky_rrxor(p1={p1:g}, p2={p2:g}, epsilon={epsilon:g})")
