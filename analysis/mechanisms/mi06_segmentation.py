"""MI6: text cut where a network's entropy rises falls apart into the blocks of its source.

Byte-latent models cut their text into patches where the entropy of the next token is high, or rises. Of a
source of blocks it is exact how well that can work, with the entropies of an ideal observer; a network's
should do as well, and a memory that begins anew with each patch should be worth more than as many last
tokens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import processes
import toy
import train

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.behaviour import segmentation
from ..instruments.behaviour.segmentation import RULES, Cut, Rule, best_cut, gain, scores, steps_of
from ..instruments.contexts import Contexts, contexts, shuffled
from ..instruments.evidence import observe, unlearned
from ..instruments.untrained import untrained
from ..recipes import one_sharp_run

AS_WELL = 0.02
"""F1 by which a network's boundaries may miss those of exact entropies, and be as good."""
TELLS = 0.03
"""F1 by which exact entropies must do better than what tells nothing of blocks: more than may be missed."""
WORDS: Mapping[Rule, str] = {"threshold": "above a threshold", "rise": "rising"}
"""Where the rules begin a patch, in words."""


@dataclass(frozen=True, eq=False)
class Segmented:
    """F1 of boundaries, by rule, over contexts of two tokens or more; and what patches are worth."""

    exact: Mapping[str, float]  # of exact entropies, of cutting everywhere, of the posterior of the phase
    one_token: Mapping[Rule, float]  # entropies of the Markov chain that remembers one token
    network: Mapping[Rule, Float[np.ndarray, "seeds"]]  # cut at the threshold best for exact entropies
    at_best: Mapping[Rule, Float[np.ndarray, "seeds"]]  # cut at each network's own best threshold
    untrained: Mapping[Rule, Float[np.ndarray, "seeds"]]  # likewise
    shuffled: Mapping[Rule, Float[np.ndarray, "seeds"]]  # likewise, entropies of other contexts as long
    exact_gain: float  # of remembering patches, cut where exact entropies rise, nats per token
    gain: Float[np.ndarray, "seeds"]  # cut where the network's rise
    elsewhere: Float[np.ndarray, "seeds"]  # cut after other contexts as long, as many
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth
    text: Int[np.ndarray, "T"]  # the tokens of one text
    text_begins: Float[np.ndarray, "T"]  # exact probability that a block begins after each
    text_exact: Float[np.ndarray, "T"]  # exact entropy after each, nats
    text_network: Float[np.ndarray, "seeds T"]  # the networks'

    def missed(self, rule: Rule) -> Float[np.ndarray, "seeds"]:
        """F1 of the network's entropies minus that of exact ones."""
        return self.network[rule] - self.exact[rule]


def segmented(runs: Mapping[str, train.Run]) -> Segmented:
    """Cut every text that a network can read, by its entropies after every context."""
    (run,) = runs.values()
    recipe, config = run.recipe, run.recipe.model
    truth = contexts(recipe.ground_truth(), config.n_ctx)
    exact = processes.entropy(truth.next_token)
    steps = steps_of(truth, exact)
    cuts = {rule: best_cut(steps.signal(rule), steps.begins, steps.weight) for rule in RULES}
    seen = observe(config, run.params(), truth, ())
    own = np.array([processes.entropy(np.exp(e.log_prediction)) for e in seen])
    fresh = _entropies(config, untrained(recipe), truth)
    rng = np.random.default_rng(0)
    dealt = np.array([shuffled(truth, entropy, rng) for entropy in own])
    flagged = [_flagged(truth, entropy, cuts["rise"]) for entropy in own]
    text = _text(truth, _flagged(truth, exact, cuts["rise"]))
    return Segmented(
        exact=scores(steps),
        one_token={rule: cut.f1 for rule, cut in _best(truth, _of_one_token(truth)).items()},
        network={rule: np.array([_f1(truth, e, rule, cuts[rule]) for e in own]) for rule in RULES},
        at_best=_all_best(truth, own),
        untrained=_all_best(truth, fresh),
        shuffled=_all_best(truth, dealt),
        exact_gain=gain(truth, _flagged(truth, exact, cuts["rise"])),
        gain=np.array([gain(truth, f) for f in flagged]),
        elsewhere=np.array([gain(truth, shuffled(truth, f, rng)) for f in flagged]),
        unlearned=unlearned(seen),
        text=truth.words[text[-1]],
        text_begins=truth.belief[text][:, processes.block_starts(truth.process)].sum(1),
        text_exact=exact[text],
        text_network=own[:, text],
    )


def _entropies(config: toy.Config, params: toy.Params, truth: Contexts) -> Float[np.ndarray, "seeds N"]:
    return np.array([processes.entropy(np.exp(e.log_prediction)) for e in observe(config, params, truth, ())])


def _of_one_token(truth: Contexts) -> Float[np.ndarray, "N"]:
    """Entropies of who takes the last token for the whole story."""
    chain = processes.markov(truth.process, 1)
    return processes.entropy(processes.predict(chain, truth.believed(chain)))


def _best(truth: Contexts, entropy: Float[np.ndarray, "N"]) -> Mapping[Rule, Cut]:
    steps = steps_of(truth, entropy)
    return {rule: best_cut(steps.signal(rule), steps.begins, steps.weight) for rule in RULES}


def _all_best(truth: Contexts, entropies: Float[np.ndarray, "seeds N"]) -> Mapping[Rule, np.ndarray]:
    found = [_best(truth, entropy) for entropy in entropies]
    return {rule: np.array([cut[rule].f1 for cut in found]) for rule in RULES}


def _f1(truth: Contexts, entropy: Float[np.ndarray, "N"], rule: Rule, cut: Cut) -> float:
    steps = steps_of(truth, entropy)
    return segmentation.f1(steps.signal(rule) > cut.threshold, steps.begins, steps.weight)


def _flagged(truth: Contexts, entropy: Float[np.ndarray, "N"], cut: Cut) -> np.ndarray:
    """After which contexts a patch ends, by rising entropy; never after a single token."""
    flagged = np.zeros(len(entropy), bool)
    flagged[truth.length > 1] = steps_of(truth, entropy).signal("rise") > cut.threshold
    return flagged


def _text(truth: Contexts, flagged: np.ndarray) -> np.ndarray:
    """Rows of the contexts along one text of full length: that on which exact boundaries are surest."""
    begins = truth.belief[:, processes.block_starts(truth.process)].sum(1)
    sure, before = np.where(flagged, begins - 0.5, 0.0), segmentation.previous(truth)
    total = np.zeros(len(flagged))
    for length in range(1, truth.n_ctx + 1):
        here = truth.length == length
        total[here] = sure[here] + (total[before[here]] if length > 1 else 0)
    rows = [int(np.where(truth.length == truth.n_ctx, total, -np.inf).argmax())]
    while before[rows[-1]] >= 0:
        rows.append(int(before[rows[-1]]))
    return np.array(rows[::-1])


def _of_exact(process: processes.Process, n_ctx: int) -> Mapping[str, float]:
    truth = contexts(process, n_ctx)
    return scores(steps_of(truth, processes.entropy(truth.next_token)))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    found = _of_exact(process, n_ctx)
    return {f"F1 of exact entropies {WORDS[rule]}": found[rule] for rule in RULES}


def _refusal(process: processes.Source, n_ctx: int) -> str | None:
    if not isinstance(process, processes.Process):
        return "it is a question, which has no blocks"
    try:
        processes.block_starts(process)
    except processes.ProcessError as error:
        return str(error)
    found = _of_exact(process, n_ctx)
    if found["rise"] < found["everywhere"] + TELLS:
        return (
            f"cutting where exact entropies rise recovers its blocks no better (F1 {found['rise']:.2f}) than "
            f"cutting everywhere ({found['everywhere']:.2f})"
        )
    return None


def _each(
    name: str, measure: Callable[[Segmented, Rule], Any], **where: Any
) -> tuple[Criterion[Segmented], ...]:
    """The same asked of both rules."""

    def of(rule: Rule) -> Callable[[Segmented], Any]:
        return lambda s: measure(s, rule)

    return tuple(Criterion(f"{name}, entropy {WORDS[rule]}", of(rule), **where) for rule in RULES)


def _rising(name: str, of: Callable[[Segmented], Mapping[Rule, Any]], means: str) -> Criterion[Segmented]:
    """Whether exact entropies that rise tell more than something that knows nothing of the process."""
    return Criterion(
        f"F1 of exact entropies minus that of {name}, rising",
        lambda s: s.exact["rise"] - of(s)["rise"],
        above=TELLS,
        means=means,
    )


MI6: Claim[Segmented, Segmented] = Claim(
    id="MI6",
    statement=(
        "Patches that begin where a network's entropy is high, or rises, recover the blocks of a source as "
        "well as exact entropies do, and are worth more to remember than as many tokens."
    ),
    source=(
        "notes on mechanistic interpretability; patches by entropy: Pagnoni et al. 2024, arXiv:2412.09871; "
        "exact F1 and the worth of patches: this lab's operationalisation"
    ),
    tested_on=("rrxor", "checksum:ternary", "leak(rrxor, 0.1)"),
    recipes=one_sharp_run,
    evidence=segmented,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        *_each(
            "F1 of boundaries minus that of exact ones",
            Segmented.missed,
            above=-AS_WELL,
            below=AS_WELL,
        ),
        Criterion(
            "gain of remembering patches over as many last tokens, nats per token",
            lambda s: s.gain,
            above=0.0,
        ),
    ),
    controls=(
        learned_by(lambda s: s.unlearned),
        _rising(
            "untrained networks",
            lambda s: s.untrained,
            "the architecture alone, untrained, tells as much of blocks, so that to do as well says nothing",
        ),
        _rising(
            "entropies of other contexts",
            lambda s: s.shuffled,
            "a threshold chosen in hindsight finds as much in entropies that are none of these texts'",
        ),
        Criterion(
            "F1 of boundaries minus that of entropies given one token, rising",
            lambda s: s.network["rise"] - s.one_token["rise"],
            above=TELLS,
            rival="a memory of one token",
        ),
        Criterion(
            "gain of patches minus that of as many boundaries elsewhere, nats per token",
            lambda s: s.gain - s.elsewhere,
            above=0.0,
            rival="boundaries anywhere",
        ),
    ),
    drawn_from=Segmented,
    literature={"bytes": "patches by entropy keep up with tokens at less computation (Pagnoni et al. 2024)"},
    would_change="Networks at the floor whose entropies cut text elsewhere than exact ones do.",
    limits=(
        "Contexts are short, and an observer who began to read at an unknown phase has hardly found it after "
        "ten tokens: exact boundaries themselves recover less there than in the long run (RRXOR .69, and 1 "
        "once synchronised). Which state begins a block is a convention of the process. The threshold is "
        "that best for exact entropies; the figure has each network's own beside it. Where entropies "
        "fall at the beginning of a block, as on zero-one-random, neither rule finds it, though the phase is "
        "known. The worth of patches is that of a predictor exact given the tokens since the last boundary."
    ),
)
