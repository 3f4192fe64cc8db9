"""Kinds of failure of a prediction under constraints.

A word is *violated* if the network leaves forbidden symbols more than half of what the base, which knows no
constraint, leaves them. Then it is `generic` if the prediction is near the base, KL(base || q) < load / 2,
and else a `collapse` (no constraint, no base). If it is not violated, the prediction is a `loophole` where
the allowed symbols fare badly all the same, KL(exact || q) > load / 2, and else `fine`. Half of what is at
stake, on both scales: load is KL(exact || base), what there is to lose by not knowing the constraints.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from processes.constraints import Ledger

from ..instruments.evidence import divergence

KINDS = ("fine", "generic", "loophole", "collapse")


def kind(
    made: Ledger, on: Bool[np.ndarray, "n K"], log_q: Float[np.ndarray, "n vocab"]
) -> Int[np.ndarray, "m"]:
    """Number in `KINDS` of each word on which a constraint with some load is on; the others say nothing."""
    some = (~made.allowed(on))[:, made.base > 0].any(1)  # a load of nothing may come out as 1e-16
    on, log_q, load = on[some], log_q[some, : made.V], made.load(on[some])
    q, allowed, exact = np.exp(log_q), made.allowed(on), made.body(on)
    violated = (q * ~allowed).sum(1) > 0.5 * -np.expm1(-load)
    from_base, from_exact = (
        divergence(np.broadcast_to(made.base, log_q.shape), log_q),
        divergence(exact, log_q),
    )
    return np.where(violated, np.where(from_base < load / 2, 1, 3), np.where(from_exact > load / 2, 2, 0))
