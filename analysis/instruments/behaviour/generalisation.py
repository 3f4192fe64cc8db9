"""How far networks have learned what they are taught, and what is held out, at each checkpoint of a training
on a part: of the sums of an `Addition`, or of the words of a process (objective `fixed`).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

import processes
import train
from processes.constraints import Addition
from train.program import fixed_words

from ..contexts import Contexts, contexts
from ..evidence import observe
from ..forward import forward, log_distribution
from ..statistics import crossing


class Curves(NamedTuple):
    """What is left to learn, as a share of what there is: of sums, those that a network says wrong over those
    that a guess does; of a process, KL to the exact predictor over the loss of who knows no context.
    """

    steps: Int[np.ndarray, "K"]  # updates made
    taught: Float[np.ndarray, "seeds K"]
    held_out: Float[np.ndarray, "seeds K"]


def curves(run: train.Run) -> Curves:
    """Of every network, at every checkpoint; exact, over all sums or all contexts. Raises
    `train.RecipeError` for a training that holds nothing out.
    """
    source, steps = run.recipe.source(), np.array(run.checkpoint_steps)
    if isinstance(source, Addition):
        said = np.array([sum_predictions(run, int(s)).argmax(-1) for s in steps])
        wrong = (said != source.pairs.sum(1) % source.p) / (1 - 1 / source.p)
        parts = [wrong[..., which].mean(-1).T for which in (source.taught, ~source.taught)]
        return Curves(steps, *parts)
    if run.recipe.objective != "fixed" or not isinstance(source, processes.Process):
        raise train.RecipeError(
            f"the objective is {run.recipe.objective} on {run.recipe.process}, which holds nothing out; "
            "train on an addition, or on words of a process with the objective fixed"
        )
    truth = contexts(source, run.recipe.model.n_ctx)
    seen = np.array([among(truth, words) for words in fixed_words(run.recipe)])
    found = []
    for step in steps:
        networks = observe(run.recipe.model, run.params(int(step)), truth, ())
        found.append([_of_parts(truth, e.divergence, own) for e, own in zip(networks, seen, strict=True)])
    taught, held_out = np.array(found).transpose(2, 1, 0)
    return Curves(steps, taught, held_out)


def sum_predictions(run: train.Run, step: int | None = None) -> Float[np.ndarray, "seeds P p"]:
    """log P(sum) of every pair, by each network of a run on an addition."""
    question = run.recipe.source()
    assert isinstance(question, Addition)
    passed = forward(run.recipe.model, run.params(step), question.pairs, ("logits",), position="last")
    return log_distribution(passed["logits"])


def of_sums(question: Addition, log_prediction: Float[np.ndarray, "*n P p"]) -> Float[np.ndarray, "*n P"]:
    """Loss on each pair, nats."""
    pairs = question.pairs
    return -log_prediction[..., np.arange(len(pairs)), pairs.sum(1) % question.p]


def among(truth: Contexts, words: Int[np.ndarray, "M T"]) -> Bool[np.ndarray, "N"]:
    """Which contexts begin one of these words."""
    begun = {tuple(word[:n]) for word in words.tolist() for n in range(1, truth.n_ctx + 1)}
    rows = zip(truth.words.tolist(), truth.length.tolist(), strict=True)
    return np.array([tuple(word[:n]) in begun for word, n in rows])


def _of_parts(
    truth: Contexts, divergence: Float[np.ndarray, "N"], seen: Bool[np.ndarray, "N"]
) -> list[float]:
    parts = [truth.weight[which] @ divergence[which] / truth.weight[which].sum() for which in (seen, ~seen)]
    return [float(part / truth.worth) for part in parts]


def never(curve: Float[np.ndarray, "seeds K"], level: float) -> Bool[np.ndarray, "seeds"]:
    """Where a curve never comes below a level, so that the step at which it does is the last one or later."""
    return np.asarray(~(curve < level).any(1))


def reached(
    steps: Int[np.ndarray, "K"], curve: Float[np.ndarray, "seeds K"], level: float
) -> Float[np.ndarray, "seeds"]:
    """The step at which a curve first comes below a level, straight between checkpoints in the logarithms of
    1 + steps and of the curve; the last step where it never does, which is then too early.
    """
    below, time, value = curve < level, np.log1p(steps), np.log(np.maximum(curve, 1e-12))
    found = np.where(below[:, 0], steps[0], steps[-1]).astype(float)
    for i in np.flatnonzero(below.any(1) & ~below[:, 0]):
        found[i] = np.expm1(crossing(time, value[i], np.log(level), below[i]))
    return found
