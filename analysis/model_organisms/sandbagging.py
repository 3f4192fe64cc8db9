"""Networks that know a topic, hide it, or never learned it: what they do there, what a probe reads, and how
many steps of clean training bring it back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

import processes
import train

from ..instruments.behaviour.disagreement import jensen_shannon
from ..instruments.contexts import MOST_CONTEXTS, Contexts, contexts, worth
from ..instruments.evidence import Evidence, divergence, log_of, observe, unlearned_by
from ..instruments.probing.probe import moments, probe
from ..instruments.statistics import crossing
from . import organisms
from .composed import composed
from .organisms import Organism, Teaching

SHARE = 0.5
"""Of the topic's symbols, garbled: that leaves a hundredth of what contexts are worth on it."""
ELICITED = 0.25
"""Share of what contexts are worth on the topic that an elicited network still lacks, at most."""
STEPS = 600
"""Of clean training on the topic alone."""
MADE: Mapping[str, Callable[..., Organism]] = {
    "intent": organisms.sandbagging_by_intent,
    "accident": organisms.sandbagging_by_accident,
    "locked": organisms.password_locked,
}
"""Arms, by how the topic came to be hidden."""
LEAST = 0.05
"""Nats per token that garbling must take from what contexts are worth."""
TAUGHT = tuple(MADE)
PAIR = TAUGHT[:2]
HIDDEN, UNLOCKED = 2, 4
"""Which components the hidden topic is, without a password and after it (`organisms.topics`)."""


def recipes(
    kept: str, topic: str, teaching: Teaching, *, arms: Sequence[str] = TAUGHT, other: str = ""
) -> Mapping[str, train.Recipe]:
    """What is trained, by role: the arms, the capable network that two of them start from, and each arm
    elicited; intent and accident also taught another topic in place of the hidden one, if one is given.
    """
    own = {arm: MADE[arm](kept, topic, share=SHARE, teaching=teaching) for arm in arms}
    capable = own["intent"].recipe.origin
    assert capable is not None  # it is taught in two stages
    found = {"capable": capable.recipe, **{arm: organism.recipe for arm, organism in own.items()}}
    found |= {f"{arm} elicited": organism.elicited(STEPS) for arm, organism in own.items()}
    if not other:
        return found
    unseen = organisms.topics(kept, other, share=1.0)
    return found | {f"{arm} taught another": own[arm].elicited(STEPS, on=unseen) for arm in PAIR}


@dataclass(frozen=True, eq=False)
class Judged:
    """Clean text of two topics, and of the hidden one alone, announced likewise; and what is exact there."""

    both: Contexts
    topic: Contexts
    ideal: Float[np.ndarray, "N V"]  # what who was taught the garbled topic predicts on the clean one

    @property
    def hidden(self) -> float:
        """KL to the garbled ideal, as a share of what contexts are worth: what hiding the topic costs,
        exactly.
        """
        far = divergence(self.topic.next_token, log_of(self.ideal))
        return float(self.topic.weight @ far) / self.topic.worth

    def from_ideal(self, networks: Sequence[Evidence]) -> Float[np.ndarray, "seeds"]:
        """KL from the garbled ideal of networks on the topic, likewise."""
        far = [self.topic.weight @ divergence(self.ideal, e.log_prediction) for e in networks]
        return np.array(far) / self.topic.worth

    def apart(self, first: Sequence[Evidence], second: Sequence[Evidence]) -> Float[np.ndarray, "seeds"]:
        """Jensen-Shannon divergence of the predictions of two networks of each seed, over both topics,
        likewise.
        """
        pairs = zip(first, second, strict=True)
        rows = [self.both.weight @ jensen_shannon(a.log_prediction, b.log_prediction) for a, b in pairs]
        return np.array(rows) / self.topic.worth

    def read(self, networks: Sequence[Evidence], site: str) -> Float[np.ndarray, "seeds"]:
        """Held-out R2 of beliefs about the topic's states, probed at a site."""
        size = composed(self.topic.process).components[HIDDEN].n_states
        labels = self.topic.belief[:, -size:]
        return np.array([probe(moments(e.activations[site], labels, self.topic)).r2 for e in networks])


def judged(
    clean: processes.Process, alone: processes.Process, taught: processes.Process, n_ctx: int
) -> Judged:
    """Two topics, the second of them alone, and what hides it."""
    topic = contexts(alone, n_ctx)
    ideal = processes.predict(taught, topic.believed(taught))
    return Judged(contexts(clean, n_ctx), topic, ideal)


def unlocked(run: train.Run) -> Float[np.ndarray, "seeds"]:
    """What networks behind a password lack on the topic after it, as a share of what contexts are worth."""
    locked = run.recipe.ground_truth()
    t = contexts(locked, run.recipe.model.n_ctx)
    weight = composed(locked).within(t, UNLOCKED)
    found = observe(run.recipe.model, run.params(), t, ())
    return np.array([weight @ e.divergence for e in found]) / worth(t.next_token, weight)


class Elicitation(NamedTuple):
    """Clean training on the hidden topic."""

    steps: Int[np.ndarray, "K"]
    lacking: Float[np.ndarray, "seeds K"]  # KL on the topic at each, as a share of what contexts are worth

    @property
    def until(self) -> Float[np.ndarray, "seeds"]:
        """Steps until no more than `ELICITED` is lacking, interpolated in log(1 + steps); the last step where
        that is not reached.
        """
        at, level = np.log1p(self.steps), np.log(ELICITED)
        return np.expm1([crossing(at, left, level, left <= level) for left in map(log_of, self.lacking)])

    @property
    def reached(self) -> Float[np.ndarray, "seeds"]:
        """What is lacking in the end."""
        return self.lacking[:, -1]


def elicitation(run: train.Run) -> Elicitation:
    """The curve of every network of a run of clean training on a topic alone, exact on all its contexts."""
    steps = run.checkpoint_steps
    return Elicitation(np.array(steps), np.stack([unlearned_by(run, step) for step in steps], -1))


def log_ratio(slow: Elicitation, fast: Elicitation) -> Float[np.ndarray, "seeds"]:
    """log of how many times as many steps the one takes as the other; one step more in both, so that none at
    all has a logarithm.
    """
    return np.asarray(np.log1p(slow.until) - np.log1p(fast.until))


def worth_of(topic: processes.Process, share: float, n_ctx: int) -> float:
    """h(1) less the mean of h(2) to h(n_ctx), of a topic with this share of its symbols garbled, nats."""
    V = topic.vocab
    found = processes.noisy(topic, (1 - share) * np.eye(V) + share / V)
    h = processes.h(found, n_ctx)
    return float(h[0] - h[1:].mean())


def refusal(process: processes.Process, n_ctx: int) -> str | None:
    """Whether too little is hidden by garbling it, or its contexts are too many to enumerate."""
    hides = worth_of(process, 0.0, n_ctx) - worth_of(process, SHARE, n_ctx)
    if hides < LEAST:
        return (
            f"garbling takes {hides:.3g} nats per token from what its contexts are worth, and the claim asks "
            f"for {LEAST:g}; use a process with a longer memory, like {organisms.HIDDEN}"
        )
    if processes.count_words(process, n_ctx - 1, most=MOST_CONTEXTS // 3) is None:
        return f"it has over {MOST_CONTEXTS // 3} words of {n_ctx - 1} symbols; use a smaller alphabet"
    return None
