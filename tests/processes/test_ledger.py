"""Ledgers against protocols and enumeration, their sampler on the device, what bottlenecks alone predict."""

import itertools

import jax
import numpy as np
import pytest

import processes
import toy
import train
from analysis.claim import Setting
from analysis.commands.main import main
from analysis.constraint_load import bottleneck
from analysis.constraint_load.ledger_grid import bandwidth
from analysis.families import CLAIMS
from analysis.instruments.dimensions import dimensions
from analysis.lab import Trial
from processes import ProcessError, hmm
from processes.constraints import dense_consistency, independent_distribution, ledger, protocol
from train.samplers import sampler

BASE = np.array([0.4, 0.3, 0.2, 0.1])
FORBIDS = np.array([[0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]])
"""Two of them share a symbol, so their loads do not add."""
ROUNDING = 1e-12
"""A few hundred float64 roundings of numbers up to one."""


def every_word(made):
    slots = [range(made.V + j * 2**made.g, made.V + (j + 1) * 2**made.g) for j in range(made.slots)]
    return np.array([[*controls, x] for controls in itertools.product(*slots) for x in range(made.V)])


def probability(made, words):
    return np.prod(
        [made.next_token(words[:, :t])[np.arange(len(words)), words[:, t]] for t in range(words.shape[1])],
        axis=0,
    )


def test_a_ledger_of_single_slots_is_the_protocol():
    made = ledger(BASE, FORBIDS, p=0.3, g=1)
    base = hmm(BASE[:, None, None])
    constraints = [
        processes.constraints.phases([np.flatnonzero(row == 0).tolist()], vocab=4) for row in FORBIDS
    ]
    joint = protocol(base, constraints, independent_distribution(3, p=0.3)).process()
    words = every_word(made)
    # Token V + 2k + bit of slot k is `off` (V) or `on` of constraint k (V + 1 + k) there.
    switched = (words[:, :3] - 4) % 2
    there = np.column_stack([np.where(switched == 1, 5 + np.arange(3), 4), words[:, 3]])
    expected = [float(processes.probability(joint, word)) for word in there]
    np.testing.assert_allclose(probability(made, words), expected, atol=ROUNDING)
    assert min(expected) == 0 and abs(sum(expected) - 1) < ROUNDING


@pytest.mark.parametrize("n", [2, 3])
def test_a_ledger_of_longer_bodies_is_the_protocol(n):
    """The base remembers its last symbol as its state, and begins with one that nobody has seen."""
    stay, k = 0.4, len(BASE)
    made = ledger(BASE, FORBIDS, p=0.3, g=1, n=n, stay=stay)
    step = stay * np.eye(k) + (1 - stay) * BASE
    base = hmm(np.stack([step * (np.arange(k) == x) for x in range(k)]), start=BASE)
    constraints = [
        processes.constraints.phases([np.flatnonzero(row == 0).tolist()], vocab=k) for row in FORBIDS
    ]
    joint = protocol(base, constraints, independent_distribution(3, p=0.3)).process()
    controls, bodies = every_word(made)[:: made.V, :3], itertools.product(range(k), repeat=n)
    words = np.array([[*c, *body] for c, body in itertools.product(controls, bodies)])
    on = made.active(words)
    ok = np.take_along_axis(made.allowed(on), words[:, 3:], 1).all(1)
    there = np.column_stack([np.where((words[ok, :3] - k) % 2 == 1, k + 1 + np.arange(3), k), words[ok, 3:]])
    expected = np.array([float(processes.probability(joint, word)) for word in there])
    np.testing.assert_allclose(probability(made, words[ok]), expected, atol=ROUNDING)
    assert abs(expected.sum() - 1) < ROUNDING  # the others have none
    body = probability(made, words[ok]) / probability(made, words[ok][:, :3])
    mean = np.array([body[(on[ok] == s).all(1)] @ -np.log(body[(on[ok] == s).all(1)]) for s in on[ok]])
    alone = ledger(BASE, FORBIDS, p=0.3, g=1, n=n, stay=stay)._floor(on[ok])
    np.testing.assert_allclose(alone * n, mean, atol=ROUNDING)
    free = probability(made, np.column_stack([np.tile([k, k + 2, k + 4], (sum(ok), 1)), words[ok, 3:]]))
    off = probability(made, np.tile([k, k + 2, k + 4], (1, 1)))
    kl = np.array([(body * np.log(body / (free / off)))[(on[ok] == s).all(1)].sum() for s in on[ok]])
    np.testing.assert_allclose(made.load(on[ok]), kl, atol=ROUNDING)
    with pytest.raises(ProcessError, match="no successor"):
        made.next_token(words[~ok][:, :4])
    with pytest.raises(ProcessError, match=f"after {3 + n} tokens"):
        made.next_token(words)


def test_longer_bodies_by_name():
    made = processes.source("ledger(K=8, g=4, p=0.5, n=4, stay=0.25)")
    assert (made.n, made.stay, made.answers, made.slots) == (4, 0.25, 4, 2)
    assert (
        processes.source(made.spec).digest
        == made.digest
        != processes.source("ledger(K=8, g=4, p=0.5)").digest
    )
    one = processes.source("ledger(K=8, g=4, p=0.5, n=1, stay=0.25)")  # one symbol repeats nothing
    assert one.digest == processes.source("ledger(K=8, g=4, p=0.5)").digest
    words = made.sample(20_000, np.random.default_rng(0))
    assert words.shape == (20_000, 6)
    on = made.active(words)
    repeats = (words[:, 3:] == words[:, 2:-1]).mean(0)
    kept = made.allowed(on).sum(1) / made.V
    expected = ((0.25 + 0.75 / made.V) / (0.25 + 0.75 * kept)).mean()
    assert (np.abs(repeats - expected) < 5 * np.sqrt(0.25 / len(words))).all()
    for bad, told in (("n=0", "1 to"), ("n=2, stay=1", "below 1"), ("n=2, stay=-.1", "below 1")):
        with pytest.raises(ProcessError, match=told):
            processes.source(f"ledger(K=8, g=4, p=0.5, {bad})")


def test_two_constraints_a_slot_by_enumeration():
    forbids = np.array([[0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    made = ledger(BASE, forbids, p=0.3, g=2)
    words, expected = every_word(made), []
    for word in words:
        bits = [int(b) for j, token in enumerate(word[:2]) for b in f"{token - 4 - 4 * j:02b}"]
        distribution = BASE * (np.array(bits) @ forbids == 0)
        expected.append(
            np.prod([0.3 if b else 0.7 for b in bits]) * distribution[word[2]] / distribution.sum()
        )
    np.testing.assert_allclose(probability(made, words), expected, atol=ROUNDING)
    np.testing.assert_array_equal(made.controls(made.active(words)), words[:, :2])


def test_draws_follow_the_law():
    made, n = ledger(BASE, FORBIDS, p=0.3, g=3), 40_000
    words = made.sample(n, np.random.default_rng(0))
    listed = every_word(made)
    exact = probability(made, listed)
    count = np.array([(words == w).all(1).sum() for w in listed])
    assert count.sum() == n and not count[exact == 0].any()
    assert (np.abs(count - n * exact) <= 5 * np.sqrt(n * exact)).all()  # five standard errors of a count


def test_loads_and_interactions():
    made = ledger(BASE, FORBIDS, p=0.3, g=1)
    np.testing.assert_allclose(made.loads, -np.log([0.7, 0.5, 0.9]))
    between = made.interactions
    np.testing.assert_allclose(
        between[0, 1], -np.log(0.5) + np.log(0.7) + np.log(0.5)
    )  # shared work: one contains the other
    np.testing.assert_allclose(
        between[0, 2], -np.log(0.6) + np.log(0.7) + np.log(0.9)
    )  # conflict: both narrow the same distribution
    np.testing.assert_allclose(np.diag(between), -made.loads)
    on = np.array([True, False, True])
    body = made.body(on)
    assert float(made.load(on)) == pytest.approx(
        float(body[body > 0] @ np.log(body[body > 0] / BASE[body > 0]))
    )  # KL(body || base)


def test_contradictions_are_named_by_a_minimal_part():
    forbids = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    with pytest.raises(ProcessError, match="constraints 1, 2, 3 together"):
        ledger(BASE, forbids, p=0.5, g=1)
    assert ledger(np.array([0.5, 0.5, 0, 0]), forbids[[0, 2, 3]], p=0.5, g=1).K == 3  # symbol 1 is left
    with pytest.raises(ProcessError, match="constraints 1 together"):
        ledger(np.array([0.5, 0.5, 0, 0]), forbids, p=0.5, g=1)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (dict(base=BASE / 2), "must sum to 1"),
        (dict(forbids=FORBIDS[:, :3]), "a column for each of 4"),
        (dict(forbids=2 * FORBIDS), "must be 0 or 1"),
        (dict(p=1.5), "p is 1.5"),
        (dict(g=2), "must divide"),
    ],
)
def test_what_is_no_ledger(bad, told):
    with pytest.raises(ProcessError, match=told):
        ledger(**(dict(base=BASE, forbids=FORBIDS, p=0.5, g=1) | bad))


def test_words_that_a_ledger_does_not_have():
    made = ledger(BASE, FORBIDS, p=0.5, g=1)
    for words, told in (([[5, 6, 8, 0, 0]], "nothing follows"), ([[6]], "not of its own slot")):
        with pytest.raises(ProcessError, match=told):
            made.next_token(np.array(words))
    with pytest.raises(ProcessError, match="not all 3 controls"):
        made.active(np.array([[4, 6]]))


def test_written_ledgers():
    made = processes.source("ledger(K=32, g=4, p=0.5)")
    assert (made.K, made.V, made.slots, made.vocab) == (32, 33, 8, 33 + 8 * 16)
    np.testing.assert_array_equal(made.forbids[:, 1:], np.eye(32))
    assert (
        made.digest
        == processes.source("ledger(p=.5, K=32, g=4)").digest
        != processes.source("ledger(K=32, g=4, p=0.4)").digest
    )
    for bad in (
        "ledger(K=32, g=4)",
        "ledger(K=x, g=4, p=0.5)",
        "ledger(K=0, g=1, p=0.5)",
        "ledger(K=33, g=4, p=0.5)",
    ):
        with pytest.raises(ProcessError):
            processes.source(bad)
    with pytest.raises(ProcessError, match="needs a process"):
        processes.named("ledger(K=32, g=4, p=0.5)")
    assert processes.source("mess3").digest == processes.named("mess3").digest


def test_the_device_draws_what_the_ledger_is():
    made, n = ledger(BASE, np.vstack([FORBIDS, np.zeros((1, 4))]), p=0.3, g=2), 4000
    controls, bodies, distributions = jax.tree.map(np.asarray, sampler(made).draw(jax.random.key(0), n))
    assert bodies.shape == (n, 1) and distributions.shape == (n, 1, made.vocab)
    (body,), distribution = bodies.T, distributions[:, 0]
    on = made.active(controls)
    np.testing.assert_allclose(distribution, made.next_token(controls), atol=1e-6)  # float32
    assert (np.abs(on.mean(0) - 0.3) < 5 * np.sqrt(0.3 * 0.7 / n)).all()
    x = np.arange(4) == body[:, None]
    expected = made.body(on)
    assert not x[expected == 0].any()
    assert (np.abs(x.mean(0) - expected.mean(0)) < 5 * np.sqrt(0.25 / n)).all()


@pytest.mark.thorough
def test_the_device_draws_longer_bodies():
    made, n = ledger(BASE, np.vstack([FORBIDS, np.zeros((1, 4))]), p=0.3, g=2, n=3, stay=0.4), 4000
    tokens, bodies, distributions = jax.tree.map(np.asarray, sampler(made).draw(jax.random.key(0), n))
    np.testing.assert_array_equal(tokens[:, 2:], bodies[:, :-1])
    expected = np.zeros((3, made.V))
    for t in range(3):
        distribution = made.next_token(tokens[:, : 2 + t])
        np.testing.assert_allclose(distributions[:, t], distribution, atol=1e-6)  # float32
        expected[t] = distribution[:, : made.V].mean(0)
    found = (bodies[:, :, None] == np.arange(made.V)).mean(0)
    assert (np.abs(found - expected) < 5 * np.sqrt(0.25 / n)).all()


def recipe(objective="expected", **changes):
    asked = dict(
        process="ledger(K=8, g=4, p=0.5)", objective=objective, steps=150, batch=32, seeds=1, checkpoints=2
    )
    model = toy.TransformerConfig(
        vocab=9 + 2 * 16, n_ctx=2, n_layers=1, n_heads=1, d_model=8, d_head=8, d_mlp=0
    )
    asked |= dict(model=model, optimiser=train.Optimiser("adam", 2e-2))
    return train.Recipe(**(asked | changes))


@pytest.mark.thorough
def test_networks_learn_a_ledger():
    last = [*train.fit(recipe())][-1].state
    first, end = np.asarray(last.excess)[0, :5].mean(), np.asarray(last.excess)[0, -5:].mean()
    assert end < 0.2 * first and np.isfinite(np.asarray(last.loss)).all()


@pytest.mark.thorough
def test_the_objectives_of_a_ledger_have_one_expectation():
    """The loss of sampled targets is that of expected ones within its standard error, on the same words."""
    network, values = toy.network(recipe().model), {}
    params, given = network.init(jax.random.key(1)), train.data(recipe())
    for kind in ("expected", "sampled"):
        loss = train.objective(kind, 256, network)
        one = jax.jit(lambda key, loss=loss: loss(params, key, jax.tree.map(lambda x: x[0], given)))
        values[kind] = np.array([[*one(jax.random.key(k))] for k in range(40)])
    gap = values["sampled"][:, 0] - values["expected"][:, 0]
    assert abs(gap.mean()) < 4 * gap.std(ddof=1) / np.sqrt(40)
    np.testing.assert_allclose(
        values["sampled"][:, 1], values["expected"][:, 1], rtol=1e-5
    )  # the excess needs no target


def test_recipes_of_ledgers():
    assert recipe().hash != recipe(process="ledger(K=8, g=4, p=0.4)").hash
    assert train.recipe.from_json(recipe().to_json()).hash == recipe().hash
    model = recipe().model
    with pytest.raises(train.RecipeError, match="too many prefixes for the population"):
        recipe("population", batch=None)
    with pytest.raises(train.RecipeError, match="after 2 tokens"):
        recipe(model=toy.TransformerConfig(**(vars(model) | {"n_ctx": 3})))
    with pytest.raises(ProcessError, match="needs a process"):
        recipe().ground_truth()


def test_recipes_of_processes_hash_as_they_did():
    from analysis.recipes import standard

    short = Setting(training="short")
    found = [standard(name, short).hash for name in ("mess3", "rrxor")]
    assert found == ["a7974b220b20", "edd4021802d3"]


def test_recipes_of_ledgers_hash_as_they_did():
    """A store of finished runs is found by them."""
    found = recipe(
        process="ledger(K=4, g=4, p=0.5)",
        model=toy.TransformerConfig(5 + 16, 1, n_layers=1, n_heads=1, d_model=8, d_head=8, d_mlp=32),
        optimiser=train.Optimiser("adam", learning_rate=1e-2, warmup=20, schedule="cosine"),
        steps=2000,
        seeds=8,
    )
    assert found.hash == "cca755a14377"


def test_commands_take_or_refuse_a_ledger(capsys):
    assert main(["process", "ledger(K=8, g=4, p=0.5)"]) == 0
    shown = capsys.readouterr().out
    assert "mean load" in shown and "loss floor" in shown
    assert main(["process", "ledger(K=8, g=3, p=0.5)"]) == 2
    assert "g must divide" in capsys.readouterr().err
    with pytest.raises(ProcessError, match="needs a process"):
        _ = Trial(CLAIMS["BG1"], "ledger(K=8, g=4, p=0.5)").recipes


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.5, 1.0), (1.0, 1.0), (1.5, 0.921), (2.0, 0.841), (3.0, 0.760)]
)
def test_the_linear_bottleneck(ratio, expected):
    d = 64
    k = round(ratio * d)
    assert bottleneck.accuracy(k, d) == pytest.approx(expected, abs=6e-4)  # printed to three digits
    rng = np.random.default_rng(0)
    found = np.array([bottleneck.simulated(k, d, words=400, rng=rng) for _ in range(8)])
    # Signs of one word share a projection: what is left beyond 8 * 400 words is of the order of 1 / sqrt(8
    # k).
    np.testing.assert_allclose(found.mean(0), [bottleneck.lost(k, d), bottleneck.accuracy(k, d)], atol=0.02)


@pytest.mark.parametrize(("p", "ratio"), [(0.125, 1.5), (0.125, 3.0), (0.3, 2.0)])
def test_the_linear_bottleneck_of_sparse_flags(p, ratio):
    """A Gaussian for what others leave is an approximation where few are on: within .02 at these sizes."""
    d, rng = 64, np.random.default_rng(0)
    k = round(ratio * d)
    found = np.mean([bottleneck.simulated(k, d, words=400, rng=rng, p=p) for _ in range(8)], axis=0)
    np.testing.assert_allclose(found, [bottleneck.lost(k, d), bottleneck.accuracy(k, d, p)], atol=0.02)
    assert bottleneck.accuracy(bottleneck.load_at(0.9, p), 1.0, p) == pytest.approx(0.9)
    assert bottleneck.accuracy(k, d, p) == pytest.approx(bottleneck.accuracy(k, d, 1 - p))


def test_planes_and_parities():
    told = {24: 0.953, 28: 0.779, 32: 0.5, 36: 0.250, 40: 0.100}  # N points in 16 dimensions
    assert {n: round(bottleneck.separable(n, 16), 3) for n in told} == pytest.approx(told, abs=1.1e-3)
    assert bottleneck.separable(10, 10) == 1 and bottleneck.separable(14, 7) == 0.5
    told = {16: 0.98, 18: 0.88, 20: 0.61, 22: 0.21, 24: 0.05}  # k equations in 20 unknowns
    assert {k: dense_consistency(20, k) for k in told} == pytest.approx(told, abs=0.011)
    # One unknown by enumeration: 0 = 1 is the only contradiction of one equation.
    assert dense_consistency(1, 1) == 0.75


def test_bandwidth():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(500, 3)) @ np.eye(3, 10) + 1e-3 * rng.normal(size=(500, 10))
    assert bandwidth(flat, np.ones(500)) == 7
    still = np.ones((5, 10))  # nothing varies, but a direction is taken
    assert bandwidth(still, np.ones(5)) == 9 and dimensions(still, np.ones(5), centred=True) == 0
    assert dimensions(flat, np.r_[np.ones(1), np.zeros(499)], centred=False) == 1  # weights count
