"""CL8: kinds of failure under constraints, and in which order they appear as the load rises."""

import numpy as np
from jaxtyping import Float

from ..claim import Claim, Criterion
from .failure_kinds import KINDS
from .ledger_design import LEDGERS, THEORY, prediction, recipes, refusal
from .ledger_grid import LoadGrid, load_grid

LEVEL = 0.1
"""Share of words at which a kind of failure has appeared."""


def onset(x: Float[np.ndarray, "L"], rate: Float[np.ndarray, "L"], level: float) -> float:
    """Where a rate first exceeds a level, linear in log x between the loads measured; the first load if it
    does there, the last if never.
    """
    above = rate > level
    if not above.any():
        return float(x[-1])
    k = int(above.argmax())
    if k == 0:
        return float(x[0])
    share = (level - rate[k - 1]) / (rate[k] - rate[k - 1])
    return float(np.exp(np.log(x[k - 1]) + share * np.log(x[k] / x[k - 1])))


def lead(
    relative: Float[np.ndarray, "W L"], kinds: Float[np.ndarray, "W L seeds 4"]
) -> Float[np.ndarray, "seeds"]:
    """log of the load at which collapse appears over that at which the first other kind does, mean over
    widths.
    """
    out = []
    for x, share in zip(relative, kinds, strict=True):
        at = np.array(
            [
                [onset(x, share[:, s, KINDS.index(k)], LEVEL) for k in ("generic", "loophole", "collapse")]
                for s in range(share.shape[1])
            ]
        )
        out.append(np.log(at[:, 2] / at[:, :2].min(1)))
    return np.asarray(np.mean(out, axis=0))


def exchanged(kinds: Float[np.ndarray, "W L seeds 4"]) -> Float[np.ndarray, "W L seeds 4"]:
    """Shares if failures came in the same mixture at every load: then the commonest kind appears first for no
    other reason.
    """
    failed = 1 - kinds[..., :1]
    total = kinds[..., 1:].sum(1, keepdims=True)
    mixture = total / np.maximum(total.sum(-1, keepdims=True), 1e-12)
    return np.concatenate([1 - failed, failed * mixture], axis=-1)


def lead_of_collapse(g: LoadGrid) -> Float[np.ndarray, "seeds"]:
    """`lead` of what the networks did."""
    return lead(g.relative, g.kinds)


def beyond_mixture(g: LoadGrid) -> Float[np.ndarray, "seeds"]:
    """The same minus that of one mixture of failures at all loads."""
    return lead_of_collapse(g) - lead(g.relative, exchanged(g.kinds))


CL8: Claim[LoadGrid, LoadGrid] = Claim(
    id="CL8",
    statement="Pathologies come in kinds: some other failure appears at a smaller load than collapse.",
    source=THEORY,
    tested_on=LEDGERS,
    recipes=recipes,
    evidence=load_grid,
    prediction=prediction,
    refusal=refusal,
    criteria=(
        Criterion("log of the load where collapse appears over the first other", lead_of_collapse, above=0.0),
    ),
    controls=(
        Criterion("share of fine words at the least load", lambda g: g.kinds[:, 0, :, 0].mean(0), above=0.5),
        Criterion(
            "share of fine words of untrained networks",
            lambda g: g.untrained_kinds[..., 0].mean((0, 1)),
            below=LEVEL,
        ),
        Criterion(
            "the same log ratio minus that of one mixture at all loads",
            beyond_mixture,
            above=0.0,
        ),
    ),
    drawn_from=LoadGrid,
    limits=(
        "The kinds are this lab's operationalisation. A word is violated if forbidden symbols keep more than "
        "half of the mass that the base gives"
        " them; generic, then, if KL(base || q) is below half of the load, and else a collapse. Where it is "
        "met, it is a loophole if KL(exact || "
        f"q) exceeds half of the load. A kind has appeared when {LEVEL:.0%} of words are of it; one that "
        "never does within the loads measured "
        "counts as appearing at the last. The body is one symbol, so a failure that needs several (a loop, a "
        "constant answer) has no room here."
    ),
)
