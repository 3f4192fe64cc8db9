"""Kinds of failure of a prediction under constraints.

A prediction is made of the next symbol of a body, which may have said some already. It *violates* if it
leaves forbidden symbols more than half of what the base, which knows no constraint, leaves them there. It is
`fine` if it does not, and KL(exact || q) is at most half of the load. Otherwise it is, the first that holds:

    generic    violates, and is near the base: KL(base || q) < load / 2
    constant   near what the network predicts on average, whatever it has read: KL(mean || q) < load / 2
    loop       does not violate, and more than half of the mass that it gives too much is on symbols that the
               body has said: what was said is allowed, so repeating it obeys
    loophole   does not violate, and the allowed symbols fare badly all the same
    collapse   violates: no constraint, no base

Half of what is at stake, on all scales: load is KL(exact || base) there, what there is to lose by not knowing
the constraints.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from processes.constraints import Ledger

from ..instruments.evidence import divergence

KINDS = ("fine", "generic", "constant", "loop", "loophole", "collapse")
OTHERS = KINDS[1:-1]
"""Failures that are no collapse."""


def kind(
    made: Ledger,
    on: Bool[np.ndarray, "n K"],
    said: Int[np.ndarray, "n t"],
    log_q: Float[np.ndarray, "n vocab"],
) -> Int[np.ndarray, "m"]:
    """Number in `KINDS` of each prediction of what follows `said`, the body so far, where a constraint with
    some load is on; the others say nothing. The mean prediction is that over all n words.
    """
    mean = np.exp(log_q[:, : made.V]).mean(0)
    some = (~made.allowed(on))[:, made.base > 0].any(1)  # a load of nothing may come out as 1e-16
    on, said, log_q = on[some], said[some], log_q[some, : made.V]
    q, allowed = np.exp(log_q), made.allowed(on)
    exact, base = exact_next_token(made, on, said), exact_next_token(made, np.zeros_like(on), said)
    load = -np.log((base * allowed).sum(1))
    violates = (q * ~allowed).sum(1) > 0.5 * (base * ~allowed).sum(1)
    from_base, from_mean, from_exact = (
        divergence(np.broadcast_to(p, log_q.shape), log_q) for p in (base, mean / mean.sum(), exact)
    )
    repeated = np.zeros_like(allowed)
    np.put_along_axis(repeated, said, True, axis=1)
    too_much = np.maximum(q - exact, 0)
    loops = (too_much * repeated).sum(1) > 0.5 * too_much.sum(1)
    kinds = (
        (~violates & (from_exact <= load / 2), "fine"),
        (violates & (from_base < load / 2), "generic"),
        (from_mean < load / 2, "constant"),
        (~violates & loops, "loop"),
        (~violates, "loophole"),
    )
    return np.select([which for which, _ in kinds], [KINDS.index(name) for _, name in kinds], len(KINDS) - 1)


def exact_next_token(
    made: Ledger, on: Bool[np.ndarray, "n K"], said: Int[np.ndarray, "n t"]
) -> Float[np.ndarray, "n V"]:
    """Exact distribution of the next symbol of a body."""
    return made.after(on, said[:, -1]) if said.shape[1] else made.body(on)
