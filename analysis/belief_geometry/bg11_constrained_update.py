"""BG11: one layer of attention cannot update beliefs exactly; what it does instead has a closed form on
Mess3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

import toy
import train
from processes import Process

from ..claim import Claim, Criterion, Published, Setting
from ..instruments.contexts import Contexts, contexts
from ..instruments.evidence import observe
from ..instruments.forward import cast_up_params
from ..instruments.probing.probe import moments, probe
from ..instruments.untrained import untrained
from ..recipes import PAPER, standard
from .bg11_contributions import contributions

AFTER_ATTENTION, AFTER_MLP, PATTERN = "blocks.0.resid_mid", "blocks.0.resid_post", "blocks.0.attn_pattern"
VALUES = "blocks.0.attn.v"
SINGLE = 1e-12
"""Entries of a polynomial of the hidden chain that are zero but for rounding."""
LAGS = 5
"""From the token read last to the fourth before it; what is farther back adds little."""
TOLERANCE = 0.1
"""Largest difference between a contribution and the eigenvalue's power, of which the first is 1."""


def rate(process: Process) -> float | None:
    """The one eigenvalue, besides 1, of the hidden chain (1 - 3x for Mess3); None if there are several or it
    is not in (0, 1).
    """
    chain, n = process.T.sum(0), process.n_states
    if n < 2:
        return None
    value = float((np.trace(chain) - 1) / (n - 1))
    # They are all this one if and only if (P - 1)(P - value)^(S-1) = 0 (Cayley and Hamilton): eigenvalues
    # that a solver finds would
    # differ by the square root of rounding where they coincide.
    rest = (chain - np.eye(n)) @ np.linalg.matrix_power(chain - value * np.eye(n), n - 1)
    return value if np.abs(rest).max() < SINGLE and SINGLE < value < 1 - SINGLE else None


def constrained_belief(truth: Contexts) -> np.ndarray:
    """Beliefs that sum what every token says by itself: pi + sum_s (pi T^{|z_s} T^{d-s} - pi), (N, S).

    pi T^{|z} is the belief after the single symbol z, and T^{d-s} lets it age to the present position d
    (Piotrowski et al. 2025, eq. 4).
    """
    process = truth.process
    pi, chain = process.start, process.T.sum(0)
    once = np.stack([pi @ process.T[x] / (pi @ process.T[x] @ process.w) for x in range(process.vocab)]) - pi
    aged = [once]
    for _ in range(1, truth.n_ctx):
        aged.append(aged[-1] @ chain)
    words, belief = truth.words, np.tile(pi, (len(truth.length), 1))
    for lag in range(truth.n_ctx):
        reached = truth.position >= lag
        belief[reached] += aged[lag][words[reached, truth.position[reached] - lag]]
    return belief


class Read(NamedTuple):
    """Where beliefs are probed, and which."""

    site: str
    belief: Literal["full", "constrained"]


@dataclass(frozen=True, eq=False)
class Layer:
    """What one-layer networks attend to, and which of the two beliefs they hold where; a row for each
    network.
    """

    attention: Float[np.ndarray, "seeds lags"]
    """Mean attention, at the last position, to the token so many positions back."""
    contribution: Float[np.ndarray, "seeds lags"]
    """What that token adds to the stream (attention times what the head writes for it), along the one pattern
    over tokens and directions that explains most of all lags; of no scale.
    """
    pattern: Float[np.ndarray, "seeds"]  # share of all lags' contributions that lies along it
    r2: Mapping[Read, Float[np.ndarray, "seeds"]]  # held out

    def slope(self) -> Float[np.ndarray, "seeds"]:
        """Least-squares slope of log attention against lag."""
        return np.polyfit(np.arange(self.attention.shape[1]), np.log(self.attention).T, 1)[0]

    def scaled(self, rate: float) -> Float[np.ndarray, "seeds lags"]:
        """Contributions on the scale on which the first `LAGS` are nearest to the powers of a rate."""
        first, powers = self.contribution[:, :LAGS], rate ** np.arange(LAGS)
        scale = first @ powers / (powers @ powers)
        return self.contribution / np.where(np.abs(scale) > 0, scale, np.inf)[:, None]

    def off(self, rate: float) -> Float[np.ndarray, "seeds"]:
        """Largest distance between these and the powers."""
        return np.asarray(np.abs(self.scaled(rate)[:, :LAGS] - rate ** np.arange(LAGS)).max(1))

    def constrained_first(self) -> Float[np.ndarray, "seeds"]:
        """After attention: R2 of constrained minus full beliefs."""
        return self.r2[Read(AFTER_ATTENTION, "constrained")] - self.r2[Read(AFTER_ATTENTION, "full")]

    def full_at_last(self) -> Float[np.ndarray, "seeds"]:
        """After the MLP: R2 of full minus constrained beliefs."""
        return self.r2[Read(AFTER_MLP, "full")] - self.r2[Read(AFTER_MLP, "constrained")]


@dataclass(frozen=True, eq=False)
class Update:
    """Trained and untrained networks of one layer on a process whose hidden chain has one decay rate."""

    rate: float  # NaN where there are several
    sampled: int | None  # sequences drawn, where contexts are too many to enumerate
    trained: Layer
    untrained: Layer

    def off(self) -> Float[np.ndarray, "seeds"]:
        """How far contributions are from the powers of the eigenvalue."""
        return self.trained.off(self.rate)

    def untrained_off(self) -> Float[np.ndarray, "seeds"]:
        """The same of untrained networks."""
        return self.untrained.off(self.rate)

    def slope(self) -> Float[np.ndarray, "seeds"]:
        """Slope of log attention against lag."""
        return self.trained.slope()

    def untrained_slope(self) -> Float[np.ndarray, "seeds"]:
        """The same of untrained attention."""
        return self.untrained.slope()

    def constrained_first(self) -> Float[np.ndarray, "seeds"]:
        """Margin of the constrained beliefs after attention."""
        return self.trained.constrained_first()

    def constrained_beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """The same minus every untrained network's."""
        return self.constrained_first() - self.untrained.constrained_first().max()

    def full_at_last(self) -> Float[np.ndarray, "seeds"]:
        """Margin of the full beliefs after the MLP."""
        return self.trained.full_at_last()

    def full_beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """R2 of full beliefs after the MLP minus every untrained network's."""
        full = Read(AFTER_MLP, "full")
        return self.trained.r2[full] - self.untrained.r2[full].max()


def _evidence(runs: Mapping[str, train.Run]) -> Update:
    (run,) = runs.values()
    config, process = run.recipe.model, run.recipe.ground_truth()
    t = contexts(process, config.n_ctx)
    trained, fresh = (layer(config, params, t) for params in (run.params(), untrained(run.recipe)))
    return Update(rate(process) or np.nan, t.sampled, trained, fresh)


def layer(config: toy.Config, params: toy.Params, truth: Contexts) -> Layer:
    """Attention and probes of every network of a stack."""
    labels: dict[Literal["full", "constrained"], np.ndarray] = {
        "full": truth.belief,
        "constrained": constrained_belief(truth),
    }
    last = truth.position == truth.n_ctx - 1
    weight = truth.weight[last] / truth.weight[last].sum()
    attention, contribution, pattern = [], [], []
    r2: dict[Read, list[float]] = {
        Read(site, belief): [] for site in (AFTER_ATTENTION, AFTER_MLP) for belief in labels
    }
    written = cast_up_params(params)["blocks.0.attention.out.kernel"]
    for i, e in enumerate(observe(config, params, truth, (PATTERN, VALUES, AFTER_ATTENTION, AFTER_MLP))):
        heads = e.activations[PATTERN][last].astype(np.float64)
        attention.append((weight @ heads.mean(1))[::-1])
        along, share = contributions(heads, e.activations[VALUES], written[i], truth)
        contribution.append(along)
        pattern.append(share)
        for read, scores in r2.items():
            scores.append(probe(moments(e.activations[read.site], labels[read.belief], truth)).r2)
    scores_by_read = {read: np.array(scores) for read, scores in r2.items()}
    return Layer(np.array(attention), np.array(contribution), np.array(pattern), scores_by_read)


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    model = replace(PAPER, n_layers=1, d_head=64)
    return {"one layer": standard(process, setting, model=model)}


def _prediction(process: Process, n_ctx: int) -> Mapping[str, Any]:
    value = rate(process) or np.nan
    powers = ", ".join(f"{value**lag:.2f}" for lag in range(LAGS))
    return {
        "contribution by lag": powers,
        "slope of log attention against lag": float(np.log(value)),
    }


def _refusal(process: Process, n_ctx: int) -> str | None:
    if rate(process):
        return None
    return "its hidden chain has no single decay rate, so no slope is predicted"


BG11: Claim[Update, Update] = Claim(
    id="BG11",
    statement=(
        "Attention performs the constrained belief update: one layer weighs the past by the hidden chain's "
        "decay, and the MLP does the rest."
    ),
    source="Piotrowski et al. 2025 (arXiv:2502.01954)",
    tested_on=("mess3", "mess3:piotrowski2025"),
    runs=2,
    recipes=_recipes,
    evidence=_evidence,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "contribution by lag: largest distance from the eigenvalue's powers", Update.off, below=TOLERANCE
        ),
        Criterion(
            "after attention: R2 of constrained minus full beliefs", Update.constrained_first, above=0.0
        ),
        Criterion("after the MLP: R2 of full minus constrained beliefs", Update.full_at_last, above=0.0),
    ),
    controls=(
        Criterion(
            "after attention: the margin is beyond every untrained network's",
            Update.constrained_beyond_untrained,
            above=0.0,
            rival="the architecture alone",
        ),
        Criterion(
            "contributions in untrained networks are not the eigenvalue's powers",
            Update.untrained_off,
            above=TOLERANCE,
            means="any attention would fit the eigenvalue's powers",
        ),
        Criterion(
            "full beliefs after the MLP above every untrained network",
            Update.full_beyond_untrained,
            above=0.0,
            means="the architecture alone, untrained, holds these beliefs",
        ),
    ),
    drawn_from=Update,
    published=(
        Published(
            "slope of log attention against lag",
            (
                "log of the hidden chain's eigenvalue, -.163 and -.598 on the two settings (Piotrowski et "
                "al. 2025)"
            ),
            Update.slope,
            Update.untrained_slope,
            "not run to its end: 8000 steps of Adam at 1e-4 on 128 sampled words leave 5e-4 to 1.5e-3 nats "
            "unlearned; these are our own networks",
        ),
    ),
    would_change=(
        "Contributions of another decay in networks of one layer that predict as well as these, or "
        "trained as in the paper to their end."
    ),
    revision=3,
    limits=(
        "Trained on exact targets by Muon, not by Adam at 1e-4 on samples as in the paper: which "
        "solution is found depends on the training, and one layer cannot reach the floor, so how far it "
        "is trained is not asked. Contributions are attention times what a head writes, averaged over "
        "contexts at the last position; what the stream carries past attention is not in them. The paper "
        "fits the constrained belief to the attention output; here both beliefs are probed with "
        "histories held out, and the two sets of labels are strongly correlated, so the margins are "
        "small. The constrained belief is a sum over tokens, so whatever is additive shows it."
    ),
)
