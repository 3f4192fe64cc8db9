"""CL8: kinds of failure under constraints, and in which order they appear as the load rises."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

import processes

from ..claim import Claim, Criterion
from .cl8_failure_kinds import KINDS, OTHERS
from .cl8_ledger_failures import Failures, failures
from .ledger_design import ONSETS, THEORY, settled

LEDGERS = ("ledger(K=32, g=2, p=0.5, n=4, stay=0.5)",)
"""Where it is tested by default; K is what varies."""
LEVEL = 0.1
"""Share of predictions at which a kind of failure has appeared."""


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
    relative: Float[np.ndarray, "W L"], kinds: Float[np.ndarray, "W L seeds kinds"]
) -> Float[np.ndarray, "seeds"]:
    """log of the load at which collapse appears over that at which the first other kind does, mean over
    widths.
    """
    out = []
    for x, share in zip(relative, kinds, strict=True):
        at = np.array(
            [
                [onset(x, share[:, s, KINDS.index(k)], LEVEL) for k in ("collapse", *OTHERS)]
                for s in range(share.shape[1])
            ]
        )
        out.append(np.log(at[:, 0] / at[:, 1:].min(1)))
    return np.asarray(np.mean(out, axis=0))


def exchanged(kinds: Float[np.ndarray, "W L seeds kinds"]) -> Float[np.ndarray, "W L seeds kinds"]:
    """Shares if failures came in the same mixture at every load: then the commonest kind appears first for no
    other reason.
    """
    failed = 1 - kinds[..., :1]
    total = kinds[..., 1:].sum(1, keepdims=True)
    mixture = total / np.maximum(total.sum(-1, keepdims=True), 1e-12)
    return np.concatenate([1 - failed, failed * mixture], axis=-1)


def lead_of_collapse(f: Failures) -> Float[np.ndarray, "seeds"]:
    """`lead` of what the networks did."""
    return lead(f.relative, f.kinds)


def beyond_mixture(f: Failures) -> Float[np.ndarray, "seeds"]:
    """The same minus that of one mixture of failures at all loads."""
    return lead_of_collapse(f) - lead(f.relative, exchanged(f.kinds))


def prediction(process: processes.Source, n_ctx: int) -> Mapping[str, Any]:
    """The order in which failures appear, and that of one mixture at all loads: by how common they are."""
    return {"log of the load where collapse appears over the first other": "positive"}


CL8: Claim[Failures, Failures] = Claim(
    id="CL8",
    statement="Pathologies come in kinds: some other failure appears at a smaller load than collapse.",
    source=THEORY,
    tested_on=LEDGERS,
    recipes=ONSETS.recipes,
    evidence=failures,
    prediction=prediction,
    refusal=ONSETS.refusal,
    criteria=(
        Criterion("log of the load where collapse appears over the first other", lead_of_collapse, above=0.0),
    ),
    controls=(
        settled(lambda f: f.still.max(0)),
        Criterion(
            "share of fine predictions at the least load",
            lambda f: f.fine(0),
            above=0.5,
            means="the task itself was not learned",
        ),
        Criterion(
            "share of fine predictions of untrained networks",
            lambda f: f.untrained[..., 0].mean(0),
            below=LEVEL,
            means="predictions are fine without any training",
        ),
        Criterion(
            "the same log ratio minus that of one mixture at all loads",
            beyond_mixture,
            above=0.0,
            rival="one mixture of failures at every load, whose commonest kind appears first",
        ),
    ),
    drawn_from=Failures,
    revision=2,
    would_change="Collapse that comes first at widths, depths or bodies larger than these.",
    limits=(
        "The kinds are this lab's operationalisation, and every line between them is drawn at half of what "
        "is at stake. A prediction violates if forbidden symbols keep more than half of the mass that the "
        "base gives them; what else it is told by is whether it is near the base (generic), near the "
        "network's own average (constant), or gives its surplus to what the body has said (loop). A kind "
        f"has appeared when {LEVEL:.0%} of predictions are of it; one that never does within the loads "
        "measured counts as appearing at the last. The earliest of four kinds is compared with one, which "
        "chance alone favours; one mixture of failures at every load has the same advantage, and is taken "
        "off. Predictions are read on bodies that the exact process has said, not on what networks would go "
        "on to say by themselves: a loop that feeds on itself is not seen, only the first step into one. "
        "The symbol that nothing forbids (0) is always a way to obey. How near networks are to the floor of "
        "their width is measured at one load."
    ),
)
