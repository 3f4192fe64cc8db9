"""Which of its components writes the text of a mixture: how soon that is known, and what a wrong prior costs.

Everything follows from one reader, to whom all K components are equally likely at first. With r_k the
posterior of that reader after a word,

    P_p(word) = P(word) K sum_k p_k r_k        and        posterior_k under p = p_k r_k / sum_l p_l r_l

for every prior p, so that this reader's equal beliefs can be merged whatever is asked.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from ..compose.built import distribution
from ..compose.mixture import Mixture
from ..entropy import divergence, entropy
from ..filter import filter, predict
from ..process import Process, ProcessError
from ..structure.belief_distribution import belief_distributions
from ..values.checks import checked


@checked
def component_entropies(mixture: Mixture, length: int) -> Float64[np.ndarray, "L"]:
    """H(K | X_1 .. X_L), L = 0 .. length: what is not known of the component K after L symbols, nats.

    It falls from H(weights) to what no text tells; to 0 where the components' words differ in the long run.
    Raises `ProcessError` if `length` is negative.
    """
    if length < 0:
        raise ProcessError(f"length is {length}; a text has at least 0 symbols")
    p = mixture.weights
    return np.array([r.mass(p) @ entropy(r.posterior(p)) for r in _readings(mixture, length)])


@checked
def prior_cost(mixture: Mixture, prior, length: int) -> Float64[np.ndarray, "L"]:
    """What it costs to read text of a mixture with another prior (K,) over its components, symbol by symbol:

        cost_n = E KL( P_p(X_n | X_1 .. X_{n-1}) || P_q(X_n | X_1 .. X_{n-1}) ),    n = 1 .. length, nats,

    with p the weights of the mixture and q the prior. By the chain rule of relative entropy the first n costs
    add up to KL(p || q) - E KL(posterior under p || posterior under q): never more than KL(p || q), and that
    in the end where the component becomes known. Raises `ProcessError` if the prior is no distribution of the
    components, if it excludes one that writes, or if `length` is less than 1.
    """
    if length < 1:
        raise ProcessError(f"length is {length}; costs are of at least 1 symbol")
    p, q = mixture.weights, distribution(prior, len(mixture.components), "prior over the components")
    if (excluded := np.flatnonzero((q == 0) & (p > 0))).size:
        raise ProcessError(
            f"the prior {q.tolist()} excludes component {excluded[0]}, which writes with probability "
            f"{p[excluded[0]]:g}, so the cost is infinite; give that component more than 0"
        )
    return np.array(
        [r.mass(p) @ divergence(r.predicted(p), r.predicted(q)) for r in _readings(mixture, length - 1)]
    )


@checked
def prompted(mixture: Mixture, words) -> Mixture:
    """The mixture of what the components go on to write after a prompt: each starts at its belief after it,
    weighted by its posterior. Components that the prompt excludes are left out.

    Raises `ProcessError` if the mixture cannot write the prompt, or if it is not a single word.
    """
    read = filter(mixture.process(), words)
    if read.belief.ndim != 2:
        raise ProcessError(f"words have shape {read.belief.shape[:-1]}; a prompt is a single word")
    belief = read.belief[-1] if len(read.belief) else mixture.process().start
    weight = mixture.posterior(belief)
    possible = np.flatnonzero(weight > mixture.process().zero)
    going_on = tuple(replace(mixture.components[k], start=mixture.within(belief, int(k))) for k in possible)
    return Mixture(going_on, weight[possible] / weight[possible].sum())


class _Reading(NamedTuple):
    """What the reader to whom all components are alike believes after some number of symbols."""

    mixture: Mixture  # of equal weights
    process: Process
    belief: Float64[np.ndarray, "N S"]
    probability: Float64[np.ndarray, "N"]

    def mass(self, p: Float64[np.ndarray, "K"]) -> Float64[np.ndarray, "N"]:
        """Probability of each belief on text of weights p."""
        return np.asarray(self.probability * len(p) * (self.mixture.posterior(self.belief) @ p))

    def posterior(self, p: Float64[np.ndarray, "K"]) -> Float64[np.ndarray, "N K"]:
        """P(component | word) under the prior p; uniform where p excludes all that could have written it."""
        weighted = self.mixture.posterior(self.belief) * p
        total = weighted.sum(1, keepdims=True)
        return np.where(total > 0, weighted / np.where(total > 0, total, 1.0), 1 / len(p))

    def predicted(self, p: Float64[np.ndarray, "K"]) -> Float64[np.ndarray, "N V"]:
        """P(next symbol | word) under the prior p; of the equal one where p excludes what was read."""
        states = np.repeat(p, [c.n_states for c in self.mixture.components])
        weighted = self.belief * states
        total = (weighted @ self.process.w)[:, None]
        return predict(
            self.process, np.where(total > 0, weighted / np.where(total > 0, total, 1), self.belief)
        )


def _readings(mixture: Mixture, length: int) -> Iterator[_Reading]:
    """That reader after 0 .. length symbols."""
    number = len(mixture.components)
    alike = Mixture(mixture.components, np.full(number, 1 / number))
    process = alike.process()
    for level in islice(belief_distributions(process), length + 1):
        yield _Reading(alike, process, level.belief, level.mass)
