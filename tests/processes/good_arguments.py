"""Arguments that every public function and method of `processes` takes."""

from collections.abc import Mapping

import numpy as np

import processes as P
from processes import constraints, named
from processes.values.structure import FromFile

EVEN, COIN, MESS3, MOON = named("even"), named("coin(p=0.3)"), named("mess3"), named("moon")
RNG = np.random.default_rng(0)
NO_11 = constraints.forbidden_word([1, 1], vocab=2)
NEVER_1 = constraints.forbidden_word([1], vocab=2)
MIXED = P.mixed_states(EVEN)
LEDGER = constraints.ledger([0.5, 0.25, 0.25], [[0, 1, 0], [0, 0, 1]], p=0.5, g=1)
ADDED = constraints.addition(p=7, share=0.5)
ASKED = constraints.instances(n=3, k=2, m=2)
XOR = constraints.xorsat([[1, 1]], [0])
PROTOCOL = constraints.protocol(COIN, [NO_11], {(): 0.5, (0,): 0.5})
HORIZON = constraints.horizon(EVEN, NO_11, 4)
GIVEN = constraints.conditioned(EVEN, constraints.at_most_in_a_row(3, 1, vocab=2)).made_of
COUPLED = P.coupled([COIN, [EVEN, P.golden_mean(p=0.5)]], "sequential")
MIX, PAIR = P.mixture([EVEN, COIN], [0.5, 0.5]), P.product([EVEN, COIN])
TREE = P.prefix_tree(EVEN, 3)
SWITCH = [[0, 0.5], [0, 0]]

GOOD: Mapping[str, dict] = {
    **dict.fromkeys(("Bounded", "Rate"), dict(value=0.4, lower=0.39, upper=0.42)),
    "addition": dict(p=7, share=0.5, draw=1),
    "as_words": dict(process=EVEN, words=[[0, 1]]),
    "at_most": dict(m=1, symbol=0, vocab=2),
    "at_most_in_a_row": dict(m=1, symbol=0, vocab=2),
    "accepts": dict(constraint=NO_11, words=[[0, 1]]),
    "anything": dict(vocab=2),
    "automaton": dict(next=[[0, 1], [1, 1]], forbidden=[1], start=0, final=[0], name="c"),
    "belief_distributions": dict(process=EVEN, state_known=True, max_beliefs=100),
    "belief_span": dict(process=EVEN),
    "beliefs_along": dict(process=EVEN, tree=TREE),
    "bloch_walk": dict(a=1.0, b=3.0),
    "block": dict(process=EVEN, n=2, max_entries=1000),
    "block_starts": dict(process=named("rrxor")),
    "block_entropy": dict(process=EVEN, order=3),
    "breadcrumbs": dict(process=EVEN, n_ctx=3, most=1000),
    "component_entropies": dict(mixture=MIX, length=3),
    "bounded_depth": dict(opening=0, closing=1, vocab=2, depth=2, closed=True),
    "bounded_excess": dict(process=EVEN, max_nodes=100),
    "bounded_rate": dict(process=EVEN, max_nodes=100),
    "card": dict(process=COIN, n_ctx=3),
    "checksum": dict(P=[[0.5, 0.5], [0.5, 0.5]]),
    "coin": dict(p=0.5),
    "conditioned": dict(base=EVEN, constraint=constraints.at_most_in_a_row(3, 1, vocab=2), max_pairs=100),
    "conflicting_subset": dict(base=EVEN, constraints=[NO_11]),
    "conjunction": dict(constraints=[NO_11, NEVER_1], max_states=100),
    "constraint": dict(text="no 11", vocab=2),
    "contradictions": dict(base=EVEN, constraints=[NO_11]),
    "costs": dict(process=named("given(coin; no 11)")),
    "count_words": dict(process=EVEN, depth=3, most=100),
    "coupled": dict(
        factors=[COIN, [EVEN, P.golden_mean(p=0.5)]],
        structure="sequential",
        maps=[None, [0, 1]],
        parents=[-1, 0],
        emission=None,
        coupling=0.5,
        tokens=None,
    ),
    "crypticity": dict(process=EVEN),
    "cycle": dict(n=3, p=0.5),
    "decoy": dict(process=COIN, seed=0),
    "dense_consistency": dict(n=3, m=3),
    "distinguishing_word": dict(a=EVEN, b=COIN),
    "endless_word": dict(process=EVEN),
    "entropy": dict(p=[0.5, 0.5]),
    "entropy_rate": dict(process=EVEN, max_nodes=100),
    "epsilon_machine": dict(process=EVEN),
    "equivalent": dict(a=EVEN, b=COIN),
    "escape": dict(r=constraints.restricted(EVEN, NO_11)),
    "even": dict(p=0.5),
    "excess_entropy": dict(process=EVEN),
    "excess_entropy_bounds": dict(process=EVEN, max_nodes=100),
    "expand": dict(process=P.block(EVEN, 2), radix=2, digits=2),
    "fanizza": dict(alpha=2000.0, lam=0.49),
    "filter": dict(process=EVEN, words=[[0, 1]]),
    "finite_load": dict(base=EVEN, constraint=NO_11, n=3),
    "floor_by_position": dict(process=EVEN, n_ctx=3),
    "forbidden_word": dict(word=[0, 1], vocab=2),
    "future_span": dict(process=EVEN),
    "from_model": dict(
        model=dict(start=[0.5, 0.5], transition=np.eye(2), emission=np.eye(2)), emits="left", name="m"
    ),
    "from_moore": dict(
        start=[0.25, 0.75], transition=np.eye(2), emission=np.eye(2), emits="arrived", name="m"
    ),
    "from_simplexity": dict(process_name="even_ones", process_params={"p": 0.5}),
    "gf2_rank": dict(H=[[0, 1]]),
    "ghmm": dict(T=EVEN.T, start=EVEN.start, w=[1.0, 1.0], name="g", states=["A", "B"]),
    "golden_mean": dict(p=0.5),
    "h": dict(process=EVEN, order=3, most=1000),
    "hmm": dict(T=EVEN.T, start=EVEN.start, name="h", states=["A", "B"]),
    "horizon": dict(base=EVEN, constraint=NO_11, length=3),
    "independent_distribution": dict(n_constraints=2, p=0.5),
    "information_dimension": dict(points=RNG.random((900, 1)), weight=np.ones(900), fit=(0.01, 0.5)),
    "instances": dict(n=3, k=2, m=2),
    "interaction": dict(base=COIN, first=NO_11, second=NEVER_1),
    "interactions": dict(base=COIN, constraints=[NO_11]),
    "kaplan_yorke": dict(h=0.5, exponent=[-1.0, -2.0]),
    "leak": dict(process=EVEN, epsilon=0.1),
    "leaky_rrxor": dict(p1=0.5, p2=0.5, epsilon=0.1),
    "ledger": dict(
        base=[0.5, 0.25, 0.25], forbids=[[0, 1, 0], [0, 0, 1]], p=0.5, g=1, name="l", n=2, stay=0.5
    ),
    "live": dict(constraint=NO_11),
    "load": dict(base=EVEN, constraint=NO_11),
    "lyapunov": dict(process=MESS3, chains=4, steps=3, seed=0),
    "markov": dict(process=EVEN, order=2),
    "markov_order": dict(process=EVEN),
    "matching_parens": dict(open=[1.0, 0.5]),
    "memory_cost": dict(base=COIN, constraint=NO_11),
    "mess": dict(x=0.1, a=0.5, s=3),
    "mess3": dict(x=0.1, a=0.5),
    "minimal_dimension": dict(process=EVEN),
    "minimal_ghmm": dict(process=EVEN),
    "mixed_states": dict(process=EVEN, max_states=10),
    "mixture": dict(components=[EVEN, COIN], weights=[0.5, 0.5]),
    "moon": dict(alpha=2.0, beta=0.5),
    "named": dict(spec="coin"),
    "nemo": dict(p=0.5, q=0.5),
    "noisy": dict(process=EVEN, channel=[[0.9, 0.1], [0.1, 0.9]]),
    "order": dict(first=0, second=1, vocab=2),
    "parity": dict(symbol=0, vocab=2, odd=True, period=2),
    "parity_checks": dict(H=[[1, 1]], syndrome=[0]),
    "period": dict(n=2, vocab=2, max_states=100),
    "permuted": dict(process=EVEN, order=[1, 0]),
    "phases": dict(permitted=[[0], [0, 1]], vocab=2),
    "predict": dict(process=EVEN, belief=[[0.5, 0.5]]),
    "prefix_tree": dict(process=EVEN, depth=3, least=0.1, max_nodes=100),
    "probability": dict(process=EVEN, word=[0, 1]),
    "prior_cost": dict(mixture=MIX, prior=[0.4, 0.6], length=3),
    "prompted": dict(mixture=MIX, words=[0, 1]),
    "product": dict(factors=[EVEN, COIN]),
    "protocol": dict(base=COIN, constraints=[NO_11], distribution={(): 0.5, (0,): 0.5}),
    "pulled_back": dict(constraint=NO_11, symbols=[0, 1, 1], name="c"),
    "quantum_rrxor": dict(phi=1.0, theta=0.5),
    "random_insertion": dict(p=0.5, q=0.5),
    "rashomon_set": dict(process=EVEN, k=2, eps=1e-6),
    "random_xorsat": dict(n=3, m=2, k=2, rng=None, seed=0),
    "read": dict(path="none.json"),
    "relabelled": dict(process=EVEN, symbols=[1, 0], vocab=2),
    "renamed": dict(process=EVEN, name="other"),
    "restricted": dict(base=EVEN, constraint=NO_11, max_pairs=10),
    "rrxor": dict(p1=0.5, p2=0.5),
    "runs": dict(constraint=NO_11, words=[[0, 1]]),
    "sample": dict(process=EVEN, shape=(2, 3), rng=RNG, seed=None),
    "satisfiable": dict(base=EVEN, constraints=[NO_11]),
    "similar": dict(process=EVEN, A=[[1.0, 1.0], [0.0, 1.0]]),
    "sns": dict(p=0.5, q=0.5),
    "source": dict(spec="ledger(K=4, g=2, p=0.5)"),
    "spectrum": dict(ms=MIXED),
    "stationary": dict(chain=EVEN.T.sum(0)),
    "statistical_complexity": dict(process=EVEN),
    "symmetric_channel": dict(vocab=2, error=0.1),
    "supremum": dict(process=EVEN, symbol=1),
    "synchronisation": dict(process=EVEN, order=3),
    "synchronising_words": dict(process=EVEN, order=3, max_words=100),
    "synonyms": dict(process=EVEN, n=2),
    "to_dot": dict(of=EVEN),
    "to_json": dict(process=named("even * coin")),
    "to_moore": dict(process=EVEN),
    "to_networkx": dict(of=EVEN),
    "transient_information": dict(process=EVEN),
    "tally": dict(M=2, p=0.3),
    "triggered": dict(components=[EVEN, COIN], switch=SWITCH, first=[1, 0]),
    "update": dict(process=EVEN, belief=[[0.5, 0.5]], token=[1]),
    "value": dict(process=EVEN, reward=[0.0, 1.0], discount=0.9, delay=1),
    "without_contradictions": dict(base=EVEN, constraints=[NO_11], distribution={(): 1.0}),
    "write": dict(process=EVEN, path="none/none.json"),
    "xorsat": dict(checks=[[1, 1]], right=[0]),
    "xorsat_stream": dict(n=3, k=2),
    "xorsat_thresholds": dict(k=3),
    "zero_one_random": dict(p=0.5),
}
"""A call of every public function that works (or, of `read` and `write`, that fails in one sentence)."""

VALUES: Mapping[type, object] = {
    type(v): v
    for v in (
        EVEN, NO_11, MIXED, LEDGER, ASKED, XOR, PROTOCOL, HORIZON, MIX, PAIR, COUPLED, TREE,
        P.spectrum(MIXED),
        GIVEN, EVEN.made_of, FromFile("even.json"),
        P.filter(EVEN, [[0, 1]]),
        P.CATALOGUE["coin"], next(P.belief_distributions(EVEN)), P.lyapunov(MESS3, chains=4, steps=3, seed=0),
        constraints.xorsat_thresholds(3),
        constraints.restricted(EVEN, NO_11), constraints.escape(constraints.restricted(EVEN, NO_11)),
        P.information_dimension(RNG.random((900, 1))), P.breadcrumbs(EVEN, 3),
        P.supremum(EVEN, 0), P.rashomon_set(EVEN, 2, 1e-6), constraints.addition(p=5, share=0.6),
    )
}  # fmt: skip
"""A value of every public class."""

METHODS: Mapping[str, dict] = {
    "BeliefDistribution.mean": dict(value=[1.0]),
    "Coupled.filter": dict(words=[[0, 1]]),
    "Coupled.next_token": dict(beliefs=[[[1.0]], [[0.5, 0.5]]]),
    "Coupled.process": dict(max_entries=1000),
    "Horizon.log_probability": dict(prefixes=[[0, 1]]),
    "Horizon.next_token": dict(prefixes=[[0, 0]]),
    "Addition.next_token": dict(words=[[0, 1]]),
    "Addition.sample": dict(n=2, rng=RNG),
    "Instances.instance": dict(word=[0, 1]),
    "Instances.next_token": dict(words=[[0, 1]]),
    "Instances.sample": dict(n=2, rng=RNG),
    "Instances.satisfiable": dict(words=[[0, 1]]),
    "Ledger.active": dict(words=[[3, 5, 0]]),
    "Ledger.after": dict(on=[[True, False]], symbol=[2]),
    "Ledger.allowed": dict(on=[[True, False]]),
    "Ledger.bodies": dict(on=[[True, False]], rng=RNG),
    "Ledger.body": dict(on=[[True, False]]),
    "Ledger.controls": dict(on=[[True, False]]),
    "Ledger.draw": dict(n=2, rng=RNG),
    "Ledger.load": dict(on=[[True, False]]),
    "Ledger.next_token": dict(words=[[3]]),
    "Ledger.sample": dict(n=2, rng=RNG),
    "Mixture.posterior": dict(belief=[[0.5, 0.25, 0.25]]),
    "Mixture.reward": dict(by_component=[[0.0, 1.0], [1.0, 0.0]]),
    "Mixture.within": dict(belief=[[0.5, 0.25, 0.25]], k=1),
    "Mixture.shifted": dict(belief=[[0.5, 0.25, 0.25]], k=1, by=1.0),
    "PrefixTree.level": dict(depth=1),
    "Product.filter": dict(words=[[0, 1]]),
    "Product.join": dict(symbols=[[0, 1], [1, 1]]),
    "Product.joint_distribution": dict(distributions=[[0.5, 0.5], [0.5, 0.5]]),
    "Product.next_tokens": dict(words=[[0, 1]]),
    "Product.process": dict(max_entries=1000),
    "Product.split": dict(tokens=[0, 1]),
    "Protocol.both": dict(on=(0,)),
    "Protocol.controls": dict(on=(0,)),
    "Protocol.reward": dict(by_subset={(0,): [0.0, 1.0]}),
    "Protocol.process": dict(max_states=100),
    "Protocol.split": dict(word=[2, 0]),
    "Spectrum.h": dict(order=3),
    "XorSat.satisfies": dict(x=[[0, 1]]),
}
"""Likewise of every public method that takes arguments."""
