"""The value of beliefs, beside sums over words and over drawn texts, and values known beforehand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import processes
from processes import constraints
from processes.strategies import hmms


def by_words(process, belief, paid, discount, delay, steps):
    """Sum over all words of `steps` tokens after the delay, from what states emit: no linear algebra of
    chains.
    """
    total = 0.0
    joint = {(): belief}
    for k in range(delay + steps):
        longer = {}
        for word, b in joint.items():
            for x in range(process.vocab):
                if k >= delay:
                    by_state = paid[x] if paid.ndim == 2 else np.full(process.n_states, paid[x])
                    total += discount ** (k - delay) * float((b * by_state) @ process.T[x] @ process.w)
                longer[(*word, x)] = b @ process.T[x]
        joint = longer
    return total


@settings(max_examples=25, deadline=None)
@given(hmms(max_states=3, max_vocab=2), st.integers(0, 2), st.data())
def test_it_is_the_sum_over_all_words(process, delay, data):
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    paid = rng.normal(size=(process.vocab, process.n_states) if seed % 2 else process.vocab)
    discount, steps = 0.2, 7
    belief = rng.dirichlet(np.ones(process.n_states))
    found = belief @ processes.value(process, paid, discount=discount, delay=delay)
    left = discount**steps / (1 - discount) * np.abs(paid).max()
    assert abs(found - by_words(process, belief, paid, discount, delay, steps)) <= left + 1e-12


def test_it_is_what_drawn_texts_are_paid():
    """Within five standard errors of the mean over texts that go on after one word."""
    process, word, paid, discount, delay, n = (
        processes.named("mess3"),
        [0, 2, 1],
        np.r_[0, 1, 3.0],
        0.8,
        2,
        40,
    )
    rng = np.random.default_rng(0)
    belief = processes.filter(process, word).belief[-1]
    ahead = processes.hmm(process.T, belief)
    texts = processes.sample(ahead, (20_000, delay + n), rng)[:, delay:]
    sums = paid[texts] @ discount ** np.arange(n)
    expected = belief @ processes.value(process, paid, discount=discount, delay=delay)
    assert abs(sums.mean() - expected) <= 5 * sums.std() / np.sqrt(len(sums)) + 3 * discount**n / (
        1 - discount
    )


@pytest.mark.parametrize("name", ["even", "mess3", "rrxor", "nemo", "fanizza", "bloch_walk"])
def test_it_obeys_bellman(name):
    """V(b) = sum_x P(x | b) (r(x) + discount V(b')), also of generalised processes; late rewards are those of
    the beliefs to come.
    """
    process = processes.named(name)
    paid = np.arange(process.vocab) - 0.3
    value, late = (processes.value(process, paid, discount=0.7, delay=d) for d in (0, 1))
    tree = processes.prefix_tree(process, 3)
    for belief in tree.belief:
        p = processes.predict(process, belief)
        after = [belief @ process.T[x] @ value for x in range(process.vocab)]
        assert belief @ value == pytest.approx(p @ paid + 0.7 * sum(after), abs=1e-9)
        assert belief @ late == pytest.approx(sum(after), abs=1e-9)


def test_values_known_beforehand():
    rrxor = processes.value(processes.named("rrxor"), [1, 0], discount=0.9)
    assert sorted(rrxor.round(9)) == [4.5, 5, 5, 5, 5.5]
    np.testing.assert_allclose(rrxor + processes.value(processes.named("rrxor"), [0, 1], discount=0.9), 10)


KNOWN = {("checksum:ternary", 1, 0.5): 0.068, ("nemo", 2, 0.9): 0.109, ("random_insertion", 3, 0.9): 0.007}


@pytest.mark.parametrize(("name", "delay", "discount"), KNOWN)
def test_how_much_next_token_distributions_tell(name, delay, discount):
    """R2 over all contexts of up to 10 tokens (8 of checksum), in sample."""
    process = processes.named(name)
    tree = processes.prefix_tree(process, 8 if process.vocab == 3 else 10)
    weight, belief = tree.probability[1:], tree.belief[1:]
    v = belief @ processes.value(process, np.eye(process.vocab)[-1], discount=discount, delay=delay)
    x = np.column_stack([np.ones(len(belief)), processes.predict(process, belief)])
    root = np.sqrt(weight)
    left = v - x @ np.linalg.lstsq(x * root[:, None], v * root, rcond=None)[0]
    mean = weight @ v / weight.sum()
    assert 1 - weight @ left**2 / (weight @ (v - mean) ** 2) == pytest.approx(
        KNOWN[name, delay, discount], abs=6e-4
    )


def linear_r2(x, y):
    x = np.column_stack([np.ones(len(x)), x])
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return 1 - (left @ left) / ((y - y.mean()) @ (y - y.mean()))


def test_a_guarded_reward_of_a_product_is_linear_in_the_joint_belief_alone():
    """A 1 of the first factor is paid while the second writes 1."""
    both = processes.named("mess3 * even")
    product = both.made_of
    paid = (product.digits == [1, 1]).all(1).astype(float)
    words = processes.sample(both, (200, 8), np.random.default_rng(0))
    joint = processes.filter(both, words).belief.reshape(-1, both.n_states)
    apart = np.hstack([f.belief.reshape(-1, f.belief.shape[-1]) for f in product.filter(words)])
    v = joint @ processes.value(both, paid, discount=0)
    assert linear_r2(joint, v) > 1 - 1e-9
    assert linear_r2(apart, v) < 0.99
    gated = np.hstack([apart[:, :3] * apart[:, 3 + k : 4 + k] for k in range(2)])  # a head for each state
    assert linear_r2(gated, v) > 1 - 1e-9


def test_a_reward_by_component_is_linear_in_the_joint_belief_alone():
    mix = processes.named("mixture(mess3, mess3(x=0.15, a=0.6))")
    by_component = np.array([[0.0, 1.0, 2.0], [1.0, 1.0, -1.0]])
    paid = mix.made_of.reward(by_component)
    assert paid.shape == (3, 6) and (paid[:, :3] == by_component[:1].T).all()
    assert (paid[:, 3:] == by_component[1:].T).all()
    belief = processes.prefix_tree(mix, 6).belief[1:]
    v = belief @ processes.value(mix, paid, discount=0.2)
    apart = np.hstack([mix.made_of.posterior(belief), *(mix.made_of.within(belief, k) for k in range(2))])
    assert linear_r2(belief, v) > 1 - 1e-9 and linear_r2(apart, v) < 0.99
    expected = by_words(mix, belief[-1], paid, 0.2, 0, 7)
    assert v[-1] == pytest.approx(expected, abs=2 * 0.2**7 / 0.8)


def test_a_reward_by_constraint():
    """A 1 is paid where no constraint holds, a 0 where two ones in a row are forbidden."""
    coin = processes.named("coin(p=0.3)")
    forbids = constraints.forbidden_word([1, 1], vocab=2)
    guarded = constraints.protocol(coin, [forbids], {(): 0.5, (0,): 0.5})
    process = guarded.process()
    paid = guarded.reward({(): [0.0, 1.0], (0,): [1.0, 0.0]})
    assert paid.shape == (process.vocab, process.n_states)
    for on, one in (((), [0.0, 1.0]), ((0,), [1.0, 0.0])):
        body = guarded.bodies[on]
        belief = processes.filter(process, [*guarded.controls(on), 0]).belief[-1]
        alone = processes.filter(body, [0]).belief[-1] @ processes.value(body, one, discount=0.6)
        assert belief @ processes.value(process, paid, discount=0.6) == pytest.approx(alone, abs=1e-12)


def test_refusals():
    even, fanizza = processes.named("even"), processes.named("fanizza")
    for reward, how, told in (
        ([1], {"discount": 0.5}, "must be \\(2,\\)"),
        ([0, 1], {"discount": 1.0}, "less than 1"),
        ([0, 1], {"discount": 0.5, "delay": -1}, "the delay is -1"),
        ([0, 1e200], {"discount": 0.5}, "1e\\+200"),
    ):
        with pytest.raises(processes.ProcessError, match=told):
            processes.value(even, reward, **how)
    with pytest.raises(processes.ProcessError, match="generalised"):
        processes.value(fanizza, np.zeros((fanizza.vocab, fanizza.n_states)), discount=0.5)
    with pytest.raises(processes.ProcessError, match="a row for each component"):
        processes.named("mixture(even, golden_mean)").made_of.reward([[0.0, 1.0]])
    guarded = processes.named("guarded(coin; no 11; p=0.5)").made_of
    with pytest.raises(processes.ProcessError, match="subset \\(3,\\)"):
        guarded.reward({(3,): [0.0, 1.0]})
