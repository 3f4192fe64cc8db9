"""Networks that hold, or do not hold, which component writes: SM1 to SM3."""

import numpy as np

import processes
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import divergence, log_of
from analysis.instruments.probing.partial import Beyond
from analysis.instruments.probing.study import CONCATENATED, Study
from analysis.simulators.sm02_wrong_prior import PRIORS, Costs, _of_a_memory, _prompts, prior
from analysis.simulators.sm03_myopia import Myopia
from analysis.simulators.sm03_myopic_design import PROCESSES, context
from analysis.simulators.sources import FEATURES, TOGETHER, labels, rival_r2

from .fewer import few_shuffles
from .networks import LAYERS, last_token, planted
from .rates import SEEDS

WHICH = (TOGETHER, *((rival,) for rival in FEATURES))
"""The rivals that are asked for, together and one by one."""
MIXED = "mixture(rrxor, even)"
WRONG = "mixture(even, golden_mean; 0.9, 0.1)"


def telling(t, *, posterior=0.3, untrained=0.05, others=0.3, rivals=None, spread=0.2):
    """Studies in which this part of what all rivals leave of the posterior is told, and the like of log odds
    and of beliefs within components; of what single rivals leave, `rivals` or as much more.
    """

    rng = np.random.default_rng(0)
    held = [planted(t, rng, lambda i, x=x: x, noise=0.3, width=4) for x in (t.belief, last_token(t))]
    base = Study(t, LAYERS[:2], *held)
    with few_shuffles():  # what no trial varies is worked out once
        base.r2(CONCATENATED), base.shuffled(CONCATENATED)
    known = {(name, which): rival_r2(base, name, which) for name in labels(t) for which in WHICH}

    def study(rng):
        s = Study(t, LAYERS[:2], *held, dict(base._memo))

        shared = spread * rng.normal(size=SEEDS)  # networks that tell more of one tell more of all

        def plant(name, which, trained, mean):
            rival = known[name, which]
            part = mean + (shared if trained else 0) + spread / 5 * rng.normal(size=SEEDS)
            s.once(("told", name, which, trained), lambda: Beyond(rival, rival + part * (1 - rival)))

        for name in labels(t):
            plant(name, TOGETHER, True, others if name == "regrouped" else posterior)
            plant(name, TOGETHER, False, untrained)
        for rival in FEATURES:
            plant("posterior", (rival,), True, posterior if rivals is None else rivals)
        return s

    return study


def paying(off=0.0, *, after=None, noise=0.005, like="exact", name=WRONG, n_ctx=8):
    """What networks pay that filter exactly but for `off` nats, or as a short memory would."""
    t = contexts(processes.named(name), n_ctx)
    mixture = t.process.made_of
    prompts, _ = _prompts(t)
    told = [processes.prompted(mixture, word) for word in prompts]
    readers = [processes.mixture(mixture.components, prior(mixture, q)) for q in PRIORS]
    exact = np.array(
        [processes.prior_cost(mixture, reader.weights, n_ctx + 1)[1:].cumsum() for reader in readers]
    )
    left = np.array(
        [
            [
                processes.prior_cost(text, processes.prompted(reader, word).weights, n_ctx - 3).sum()
                for text, word in zip(told, prompts, strict=True)
            ]
            for reader in readers
        ]
    )
    short = np.array([_of_a_memory(t, reader) for reader in readers])
    limit = np.array(
        [
            divergence(mixture.weights, log_of(r.weights)) - processes.prior_cost(mixture, r.weights, 1)[0]
            for r in readers
        ]
    )
    target = exact if like == "exact" else exact * (short / np.maximum(exact[:, -1], 1e-9))[:, None]

    def plant(rng):
        drawn = noise * rng.normal(size=(len(PRIORS), SEEDS, 1))
        each = noise * rng.normal(size=(len(PRIORS), SEEDS, len(prompts)))
        return Costs(
            limit,
            exact,
            target[:, None] + (off + drawn) * np.linspace(0.1, 1, n_ctx),
            2 + 0.1 * rng.normal(size=(len(PRIORS), SEEDS)),
            short,
            prompts,
            np.array([processes.entropy(text.weights) for text in told]),
            left,
            left[:, None] + (off if after is None else after) + each,
            1e-5 * rng.uniform(1, 2, (len(PRIORS), SEEDS)),
        )

    return plant


def falling_behind(slope=0.3, *, free=0.0, shallow=0.0, noise=0.05, beliefs=0.1, by_worth=False):
    """Pairs of networks whose gap is this part of the price, or follows what contexts are worth."""
    found = [(name, processes.named(name)) for name in PROCESSES]
    crumbs = {name: processes.breadcrumbs(p, context(p.vocab)) for name, p in found}
    names = sorted(PROCESSES, key=lambda name: (round(crumbs[name].price, 9), name))
    price, worth = (np.array([getattr(crumbs[n], what) for n in names]) for what in ("price", "worth"))

    def plant(rng):
        def around(mean, size=noise):
            return mean[:, None] + size * rng.normal(size=(len(names), SEEDS))

        ordinary = np.abs(around(np.full(len(names), 1e-3), 1e-4)) * worth[:, None]
        by = worth / worth.max() if by_worth else price
        steady = np.where(price > 1e-9, noise, 0.01)[:, None]
        gap = (by * slope)[:, None] + steady * rng.normal(size=ordinary.shape)
        gap = gap * worth[:, None] + free * (price <= 1e-9)[:, None]
        of_one = (by * shallow)[:, None] * worth[:, None] + 0.01 * worth[:, None] * rng.normal(size=gap.shape)
        r2 = around(np.full(len(names), 0.8), 0.03)
        return Myopia(
            tuple(names),
            price,
            worth,
            ordinary,
            ordinary + gap,
            ordinary,
            ordinary + of_one,
            r2,
            r2 - beliefs * (price > 1e-9)[:, None] + 0.02 * rng.normal(size=r2.shape),
        )

    return plant
