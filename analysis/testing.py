"""Theories as properties: processes that can be probed, drawn by Hypothesis; a claim put to one of them for
some seconds; the search for a small process on which a claim fails.

    @given(probeable_hmms(max_states=3))
    def test_my_theory(process):
        assert put(MY_CLAIM, process)["outcome"] != "refuted"

docs/notebooks/4_my_claim.md teaches it. `toylab.testing` is this module, and the pytest plugin `toylab` gives
the fixture `toylab_store`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import hypothesis
import hypothesis.errors
import numpy as np
from hypothesis import strategies as st

import processes
import train
from processes.ensembles.hmms import sparse
from processes.information.bounds import rate_exceeds
from processes.strategies import hmms
from processes.values.user_cache import user_cache
from toy.checks import fitted

from .claim import Claim, ClaimError, Kept, Setting
from .instruments.contexts import contexts
from .lab import Announce, Trial, verdict

SMALL = Setting(seeds=8, looks=1, size="small")
"""A trial of some seconds: small networks, one look."""
SHARP = 3
"""Power to which weights of transitions are raised: evenly drawn ones make processes whose contexts are worth
next to nothing.
"""

MOST_DRAWN = 1000
"""Random processes tried for each that is asked for."""
LEAST_RATE = 0.01
"""Entropy rate, nats, below which no wrong process that is as hard could be found for a control."""
MOST_NODES = 300_000
"""Beliefs on which it is bounded at most; a few decide most often."""


@st.composite
def probeable_hmms(
    draw: Any, *, max_states: int = 3, max_vocab: int = 3, n_ctx: int = 7, least_worth: float = 0.01
) -> processes.Process:
    """Hidden Markov models whose beliefs can be probed with all controls in contexts of up to `n_ctx` tokens,
    and whose contexts are worth at least `least_worth` nats a token.

    Transition weights are third powers of integers from 0 to 20, so that shrinking ends at readable matrices.
    Raises `processes.ProcessError` for bounds that no process is within.
    """
    states = fitted("max_states", int, max_states, processes.ProcessError)
    vocab = fitted("max_vocab", int, max_vocab, processes.ProcessError)
    if states < 2 or vocab < 2:
        raise processes.ProcessError(
            f"max_states is {max_states} and max_vocab {max_vocab}; with one state or one symbol there is "
            "nothing to believe, so both must be at least 2"
        )
    S, V = draw(st.integers(2, states)), draw(st.integers(2, vocab))
    drawn = draw(st.lists(st.integers(0, 20), min_size=V * S * S, max_size=V * S * S))
    weights = np.array(drawn, float).reshape(V, S, S) ** SHARP
    for i in range(S):  # one way around all states, so that the chain is irreducible
        weights[i % V, i, (i + 1) % S] += 1
    process = processes.hmm(weights / weights.sum((0, 2))[None, :, None], name="drawn")
    hypothesis.assume(worth(process, n_ctx) >= least_worth)
    hypothesis.assume(rate_exceeds(process, LEAST_RATE, MOST_NODES))
    return process


def worthy_hmms(
    number: int,
    *,
    max_states: int = 5,
    vocab: int = 2,
    n_ctx: int = 7,
    least_worth: float = 0.01,
    seed: int = 0,
) -> tuple[list[processes.Process], int]:
    """So many random HMMs of three to `max_states` states whose contexts of up to `n_ctx` tokens are worth at
    least `least_worth` nats a token, and how many were drawn to find them.

    Half of the transitions of each are impossible (`processes.ensembles.hmms.sparse`); where all are
    possible, contexts are mostly worth a tenth of that or less. Raises `processes.ProcessError` if not one in
    a thousand is as good.
    """
    rng, drawn = np.random.default_rng(seed), 0
    found: list[processes.Process] = []
    while len(found) < number:
        if drawn >= MOST_DRAWN * number:
            raise processes.ProcessError(
                f"of {drawn} random HMMs only {len(found)} have contexts worth {least_worth:g} nats a "
                "token or more; ask for a lower least_worth"
            )
        process = sparse(vocab, int(rng.integers(3, max_states + 1)), rng)
        drawn += 1
        if worth(process, n_ctx) >= least_worth and rate_exceeds(process, LEAST_RATE, MOST_NODES):
            found.append(process)
    return found, drawn


def worth(process: processes.Process, n_ctx: int) -> float:
    """What contexts of up to `n_ctx` tokens are worth, nats a token; nothing where histories cannot be held
    out, or the belief never moves.
    """
    try:
        t = contexts(process, n_ctx)
    except processes.ProcessError:
        return 0.0
    return t.worth if np.ptp(t.belief[t.fold >= 0], axis=0).max() > 1e-9 else 0.0


def put(
    claim: Claim | str,
    process: processes.Process | str,
    *,
    seeds: int = SMALL.seeds,
    size: Literal["small", "default", "large"] = SMALL.size,
    store: Path | str | None = None,
) -> Kept:
    """The verdict of a claim (or of the lab's of this id) on a process, from one look at `seeds` networks.

    It costs what the claim's own recipes cost: seconds where these are as small as those of
    docs/notebooks/4_my_claim.md, half a minute of two cores with the standard recipe. A claim of *most*
    networks is refuted by eight, but supported only from sixteen on.

    What is trained and measured is kept in `store` (by default a folder of the user's cache), so that the
    same question costs nothing the next time. Raises `ClaimError` or `processes.ProcessError` where it cannot
    be tested; in a test of Hypothesis such an example is to be left out by `assume(askable(claim, process))`.
    """
    setting = Setting(seeds=seeds, looks=1, size=size)
    return verdict(
        Trial(claim, process, setting), Path(store) if store is not None else user_cache("verdicts")
    )


def askable(claim: Claim | str, process: processes.Process | str, *, size: str = SMALL.size) -> bool:
    """Whether the claim can be put to the process at this size."""
    return Trial(claim, process, replace(SMALL, size=size)).refusal() is None  # type: ignore[arg-type]


@dataclass(frozen=True)
class Search:
    """What a search over random processes came to."""

    verdicts: Mapping[str, Kept]  # by file of the process, in the order in which they were reached
    refused: Mapping[str, str]  # reason, by file, of processes on which the claim cannot be tested
    counterexample: str | None = field(
        default=None
    )  # file of the smallest process found on which the claim is refuted


def search(
    claim: Claim, n: int, store: Path, setting: Setting, announce: Announce = lambda stage, progress: None
) -> Search:
    """Put a claim to `n` random HMMs and, if one refutes it, to smaller ones for five minutes (by
    Hypothesis); call it again to go on.

    The draw is the same every time, and verdicts are kept, so a search that was stopped goes on where it was.
    Every process is written to `store`/processes/, ready for `--process`. A verdict that is merely
    undecided, invalid or explained is no counterexample.
    """
    verdicts: dict[str, Kept] = {}
    refused: dict[str, str] = {}

    def put_to(process: processes.Process) -> str:
        file = store / "processes" / f"{process.digest}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        processes.write(process, file)
        if str(file) not in verdicts and str(file) not in refused:
            try:
                verdicts[str(file)] = verdict(Trial(claim, str(file), setting), store, announce)
            except (ClaimError, processes.ProcessError, train.RunError) as reason:
                refused[str(file)] = str(reason)
        return str(file)

    def refutes(process: processes.Process) -> bool:
        file = put_to(process)
        hypothesis.assume(file in verdicts)
        return verdicts[file].outcome == "refuted"

    settings = hypothesis.settings(
        max_examples=n,
        deadline=None,
        database=None,
        derandomize=True,
        # that shrinking ends after five minutes is said where the search is asked for
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    try:
        found = hypothesis.find(hmms(), refutes, settings=settings)
    except (hypothesis.errors.NoSuchExample, hypothesis.errors.Unsatisfiable):
        return Search(verdicts, refused)
    return Search(verdicts, refused, put_to(found))
