"""Filtering and trees against a naive loop and, where they are installed, against hmmlearn and dynamax.

python -m benchmarks.filtering          (pip install hmmlearn dynamax in an environment of their own to see
                                        the peers)

All filter the same Mess3 tokens in the same run. hmmlearn is asked for its forward log-likelihood, dynamax
for its filter, both on the equivalent HMM that emits from the state just entered; agreement of the
log-likelihoods is checked before anything is timed.
"""

import importlib.util
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

import processes

X, A = 0.05, 0.85
PROCESS = processes.mess3(x=X, a=A)
STAY = np.where(np.eye(3, dtype=bool), 1 - 2 * X, X)
EMIT = np.where(np.eye(3, dtype=bool), A, (1 - A) / 2)


def naive(words: np.ndarray) -> float:
    """Bayes' rule symbol by symbol in a Python loop; log-likelihood of one word."""
    belief, total = PROCESS.start, 0.0
    for x in words[0]:
        joint = belief @ PROCESS.T[x]
        p = joint.sum()
        total += np.log(p)
        belief = joint / p
    return total


def ours(words: np.ndarray) -> float:
    """`processes.filter`: all beliefs and log-probabilities."""
    return float(processes.filter(PROCESS, words).log_probability[:, -1].sum())


def hmmlearn(words: np.ndarray) -> float:
    """hmmlearn's forward pass (compiled C++), likelihood only."""
    from hmmlearn.hmm import CategoricalHMM

    model = CategoricalHMM(n_components=3, init_params="")
    model.startprob_, model.transmat_, model.emissionprob_ = PROCESS.start, STAY, EMIT
    return model.score(words.reshape(-1, 1), [words.shape[1]] * len(words))


def dynamax(words: np.ndarray) -> float:
    """dynamax's filter under jit (float32), compiled before it is timed."""
    import jax
    import jax.numpy as jnp
    from dynamax.hidden_markov_model import hmm_filter

    likelihood = jnp.log(jnp.asarray(EMIT.T, jnp.float32))[words]
    start, stay = jnp.asarray(PROCESS.start, jnp.float32), jnp.asarray(STAY, jnp.float32)

    def one(ll: jnp.ndarray) -> jnp.ndarray:
        return hmm_filter(start, stay, ll).marginal_loglik

    return float(COMPILED.setdefault("f", jax.jit(jax.vmap(one)))(likelihood).sum())


COMPILED: dict[str, Callable] = {}


def seconds(f: Callable[[np.ndarray], float], words: np.ndarray) -> float:
    """Fastest of three."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        f(words)
        times.append(time.perf_counter() - begun)
    return min(times)


def main() -> None:
    """Print tokens per second of everything that can be had, and each one's ratio to ours."""
    rng = np.random.default_rng(0)
    words = processes.sample(PROCESS, (100, 100_000), rng)
    few = words[:1]
    reference = ours(few)
    rows = [("toylab, 100 words of 100 000", words.size / seconds(ours, words))]
    rows.append(("toylab, one word of 100 000", few.size / seconds(ours, few)))
    rows.append(("naive loop", few.size / seconds(naive, few)))
    for name, peer in (("hmmlearn", hmmlearn), ("dynamax", dynamax)):
        if importlib.util.find_spec(name) is None:
            continue
        assert np.isclose(peer(few), reference, rtol=1e-3), (
            f"{name} disagrees"
        )  # a float32 sum of 10^5 terms is off by 3e-4
        rows.append((f"{name}, one word of 100 000", few.size / seconds(peer, few)))
        peer(words[:20])
        rows.append((f"{name}, 20 words of 100 000", words[:20].size / seconds(peer, words[:20])))
    table = Table("filtering Mess3", "M tokens/s", "toylab (100 words) is faster by")
    for name, rate in rows:
        table.add_row(name, f"{rate / 1e6:.3g}", f"{rows[0][1] / rate:.1f} x")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
