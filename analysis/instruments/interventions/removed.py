"""What the absence of a part must cost, where that follows from which tokens still reach the prediction.

A part that is the same on all contexts tells nothing of them. Where every way from some tokens to the
prediction leads through it, what is predicted without it is a function of what is left to know: nothing, the
position, the present token, or both. The best function of these is exact, so no constant in the part's place
can leave a network less wrong than that.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np

import toy
from toy.sites import Place

from ..contexts import Contexts
from ..evidence import divergence, log_of
from ..statistics import group_means

Known = Literal["nothing", "position", "present token", "present token and position"]
"""What a prediction may still depend on."""
KNOWN: tuple[Known, ...] = get_args(Known)


class Part(NamedTuple):
    """What is ablated: a site, or of `attn.z` one head, or of `mlp.post` one neuron."""

    site: str
    head: int | None = None
    neuron: int | None = None


def cost_of_knowing(truth: Contexts, known: Known) -> float:
    """What the best predictor loses that knows no more than this of its context, nats per token: mean KL of
    the exact distribution of the next token to its mean over all contexts that are alike in what is known.
    """
    last = np.take_along_axis(truth.words, truth.position[:, None], 1)[:, 0]
    known_of = {
        "nothing": np.zeros(len(last), np.int64),
        "position": truth.position,
        "present token": last,
        "present token and position": truth.position * truth.process.vocab + last,
    }
    group = np.unique(known_of[known], return_inverse=True)[1]
    pooled = group_means(truth.next_token, group, truth.weight)
    lost = divergence(truth.next_token, log_of(pooled)[group])
    return float(truth.weight @ lost)


def cost_of_the_past(truth: Contexts) -> float:
    """What a predictor loses that knows the position and the present token alone, nats per token.

    No network of one block whose attention is constant can lose less than this minus what it has left to
    learn: what it predicts is a function of these two.
    """
    return cost_of_knowing(truth, "present token and position")


def known_without(config: toy.Config, part: Part) -> Known | None:
    """What a network's prediction may still depend on if one constant stands in the part's place; None where
    other ways lead past it, so that this does not follow from where it is.
    """
    if part.neuron is not None or (part.head is not None and getattr(config, "n_heads", 0) > 1):
        return None
    place = Place.of(part.site)
    what, last = place.kind, place.block == config.n_layers - 1
    if isinstance(config, toy.RecurrentConfig):
        # Whoever carries a state can count, even if told nothing.
        ends = what == "logits" or (last and what in ("state", "resid_post"))
        return "nothing" if ends else "position"
    counts, placed = config.mixer == "decay", config.positions == "learned"
    if what == "embed":
        return "position" if placed or counts else "nothing"
    if what in ("resid_pre", "resid_mid", "resid_post", "final_norm", "logits"):
        ends = what in ("final_norm", "logits") or (last and what != "resid_pre")
        return "position" if counts and not ends else "nothing"
    if config.n_layers == 1 and what in ("attn_out", "attn.z"):
        return "present token and position" if placed else "present token"
    return None


def exact_cost(config: toy.Config, truth: Contexts, part: Part) -> float | None:
    """What no constant in the part's place can cost less than, but for what the network has left to learn,
    nats per token; None where that is not known.
    """
    known = known_without(config, part)
    return None if known is None else cost_of_knowing(truth, known)
