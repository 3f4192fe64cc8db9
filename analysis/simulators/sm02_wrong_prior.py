"""SM2: prompts sharpen, and a wrong prior is paid for once.

Networks that were trained on a mixture whose components came with prior q read text in which they come with
weights p. All tokens together should cost KL(p || q) and no more, at the rate at which exact filtering learns
the component; and after a prompt what exact filtering has left to learn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

import processes
import train

from ..claim import Claim, Criterion, Setting
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.decompositions.mixtures import mixture_of, the_mixture
from ..instruments.evidence import divergence, log_of, observe, unlearned_by
from ..instruments.untrained import untrained
from ..recipes import standard

Prior = Literal["right", "equal", "reversed"]
"""The role of networks by the weights that they were trained with: those of the text, equal ones, those of
the text in reverse order.
"""
PRIORS: tuple[Prior, ...] = ("right", "equal", "reversed")
WITHIN = 0.05
"""Nats by which all tokens together may cost other than exact filtering says."""
PROMPT = 4
"""Tokens of a prompt."""
LEAST = 0.01
"""Prompts that are rarer than this are not asked about: networks have seen little of what follows them."""
MEMORY = 3
"""Tokens that the rival remembers."""


def prior(mixture: processes.Mixture, which: Prior) -> Float[np.ndarray, "K"]:
    """The weights of the components in training."""
    p = mixture.weights
    return {"right": p, "equal": np.full(len(p), 1 / len(p)), "reversed": p[::-1]}[which]


@dataclass(frozen=True, eq=False)
class Costs:
    """What networks of every prior pay on the text, beside what exact filtering with that prior pays; nats,
    over the exact predictor of the text.
    """

    limit: Float[np.ndarray, "Q"]  # KL(p || q) less what the first token costs, in the order of `PRIORS`
    exact: Float[
        np.ndarray, "Q T"
    ]  # all tokens up to each position together; the first token is not predicted
    measured: Float[np.ndarray, "Q seeds T"]
    untrained: Float[np.ndarray, "Q seeds"]  # at the last position
    short: Float[np.ndarray, "Q"]  # of who has learned the mixture as a Markov chain
    prompts: Int[np.ndarray, "U L"]
    left: Float[np.ndarray, "U"]  # H(component | prompt) on the text
    exact_after: Float[np.ndarray, "Q U"]  # all tokens after a prompt together
    measured_after: Float[np.ndarray, "Q seeds U"]
    unlearned: Float[np.ndarray, "Q seeds"]  # on text of the prior: share of what contexts are worth

    def off(self, which: int) -> Float[np.ndarray, "seeds"]:
        """What all tokens cost networks of one prior, minus what exact filtering says."""
        return self.measured[which, :, -1] - self.exact[which, -1]

    def off_after(self, which: int) -> Float[np.ndarray, "seeds"]:
        """The same after the prompt where it is farthest from zero, without its sign."""
        return np.abs(self.measured_after[which] - self.exact_after[which][None]).max(1)

    def nearer(self) -> Float[np.ndarray, "seeds"]:
        """Distance to what a short memory would cost minus distance to what exact filtering costs, mean over
        priors.
        """
        paid = self.measured[:, :, -1]
        away = np.abs(paid - self.short[:, None]) - np.abs(paid - self.exact[:, -1:])
        return np.asarray(away.mean(0))

    def untrained_off(self) -> Float[np.ndarray, "seeds"]:
        """How far untrained networks are from it, for the prior where that is least."""
        return np.asarray(np.abs(self.untrained - self.exact[:, -1:]).min(0))


def _recipes(process: str, setting: Setting) -> Mapping[Prior, train.Recipe]:
    """The lab's usual training, of one mixture for each prior."""
    mixture = mixture_of(processes.named(process))
    if mixture is None or mixture.spec is None:
        return {}
    made = {q: processes.mixture(mixture.components, prior(mixture, q)).spec for q in PRIORS}
    return {q: standard(process if q == "right" else str(made[q]), setting) for q in PRIORS}


def costs(runs: Mapping[Prior, train.Run]) -> Costs:
    """Measure the networks of every prior on the text that those of the right one were trained on."""
    config = runs["right"].recipe.model
    t = contexts(runs["right"].recipe.ground_truth(), config.n_ctx)
    mixture = the_mixture(t.process)
    prompts, inside = _prompts(t)
    after = [processes.prompted(mixture, word) for word in prompts]
    found = []
    for which in PRIORS:
        run, q = runs[which], prior(mixture, which)
        reader = processes.mixture(mixture.components, q)
        read, fresh = (observe(config, p, t, ()) for p in (run.params(), untrained(run.recipe)))
        exact_after = [
            processes.prior_cost(text, processes.prompted(reader, word).weights, t.n_ctx + 1 - PROMPT).sum()
            for text, word in zip(after, prompts, strict=True)
        ]
        found.append(
            (
                float(divergence(mixture.weights, log_of(q))) - processes.prior_cost(mixture, q, 1)[0],
                processes.prior_cost(mixture, q, t.n_ctx + 1)[1:].cumsum(),
                np.array([e.excess_by_position.cumsum() for e in read]),
                np.array([e.excess_by_position.sum() for e in fresh]),
                _of_a_memory(t, reader),
                exact_after,
                np.array([inside @ e.divergence for e in read]),
                unlearned_by(run),
            )
        )
    limit, exact, measured, unread, short, told, measured_after, left = map(
        np.array, zip(*found, strict=True)
    )
    entropies = np.array([processes.entropy(text.weights) for text in after])
    return Costs(limit, exact, measured, unread, short, prompts, entropies, told, measured_after, left)


def _prompts(t: Contexts) -> tuple[Int[np.ndarray, "U L"], Float[np.ndarray, "U N"]]:
    """Every prompt that is not rare, and the weights of contexts whose sum is over all that follow it: the
    probability of each context given the prompt.
    """
    probability = t.weight * t.n_ctx
    here = (t.length == PROMPT) & (probability >= LEAST)
    prompts = t.words[here][:, :PROMPT]
    begins = (t.words[None, :, :PROMPT] == prompts[:, None]).all(2)
    return prompts, begins * probability / probability[here][:, None]


def _of_a_memory(t: Contexts, reader: processes.Mixture) -> float:
    """What all tokens together cost who takes what the reader expects for a Markov chain."""
    chain = processes.markov(reader.process(), MEMORY)
    predicted = processes.predict(chain, t.believed(chain))
    return float(t.n_ctx * t.weight @ divergence(t.next_token, log_of(predicted)))


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    mixture = mixture_of(process)
    if mixture is None:
        return "it is not a mixture of several components; write one, as mixture(even, golden_mean; 0.9, 0.1)"
    if mixture.spec is None:
        return "a component of it has no name, so that it could not be trained on with other weights"
    if np.ptp(mixture.weights) < 1e-9 or not (mixture.weights > 0).all():
        return (
            "its weights are equal or zero, so no prior is wrong by a finite amount; write others after a ;"
        )
    t = contexts(process, n_ctx)
    if t.sampled is not None:
        return f"it has too many contexts of up to {n_ctx} tokens to add up what they cost"
    return None if len(_prompts(t)[0]) else f"all of its prompts of {PROMPT} tokens are rarer than {LEAST}"


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    mixture = the_mixture(process)
    return {
        f"summed excess of the {q} prior, nats": float(
            processes.prior_cost(mixture, prior(mixture, q), n_ctx + 1)[1:].sum()
        )
        for q in PRIORS
    }


def _criteria() -> tuple[Criterion[Costs], ...]:
    whole = (
        Criterion(
            f"{q} prior: summed excess minus that of exact filtering, nats",
            partial(Costs.off, which=i),
            above=-WITHIN,
            below=WITHIN,
        )
        for i, q in enumerate(PRIORS)
    )
    after = (
        Criterion(
            f"{q} prior: the same after a prompt, the worst one, without sign",
            partial(Costs.off_after, which=i),
            below=WITHIN,
        )
        for i, q in enumerate(PRIORS)
    )
    return *whole, *after


SM2: Claim[Costs, Costs] = Claim(
    id="SM2",
    statement=(
        "Prompts sharpen, and a wrong prior is paid for once: networks pay what exact filtering pays for "
        "having been trained on other proportions of the sources, before and after a prompt."
    ),
    source="public comments on simulators and prompts; formula: this lab's operationalisation",
    tested_on=("mixture(even, golden_mean; 0.9, 0.1)", "mixture(rrxor, even; 0.9, 0.1)"),
    recipes=_recipes,
    evidence=costs,
    prediction=_prediction,
    refusal=_refusal,
    criteria=_criteria(),
    controls=(
        learned_by(lambda c: c.unlearned.max(0)),
        Criterion(
            "untrained networks are farther from it",
            Costs.untrained_off,
            above=WITHIN,
            means="whatever is put there comes this near to the exact cost",
        ),
        Criterion(
            f"nearer to exact filtering than to a memory of {MEMORY} tokens, nats",
            Costs.nearer,
            above=0.0,
            rival="a memory of three tokens",
        ),
    ),
    drawn_from=Costs,
    would_change=(
        "Networks at the floor of one proportion of sources that pay more, or less, than KL of the "
        "proportions for reading another, or do not pay less after a prompt that tells the source."
    ),
    limits=(
        "The first token is not predicted, so what it would cost is in neither sum. Prompts are all words of "
        f"{PROMPT} tokens that are not rarer than {LEAST:g}; after one, costs are means over what the text "
        "goes on to. For a network whose excess on its own text is e, that on other text can be larger by "
        "the ratio of the weights: at the floor this is far below the threshold, so the claim can fail by "
        "what networks have not learned of rare sources, and by nothing else. It is a statement about "
        "proportions of sources that were all seen in training, not about new ones."
    ),
)
