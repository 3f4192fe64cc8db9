"""Contextual mass, inhibitory torque, kinetic and potential terms: limits, invariances, nulls."""

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from hypothesis import given
from planted.runs import beginnings
from scipy import stats

import processes
import toy
from analysis.constraint_load.cl5_attention_rank import (
    contextual_mass,
    effective_rank,
    patterns,
    row_entropy,
    shuffled_tokens,
)
from analysis.constraint_load.cl5_inertia import disturbance, respond
from analysis.constraint_load.cl6_gradient_overlap import (
    cosines,
    excess,
    gradients,
    inhibitory_torque,
    null_torque,
)
from analysis.constraint_load.cl7_hamiltonian import (
    ORDERS,
    balance,
    halfway,
    kinetic,
    potential,
    terms,
    variation,
)
from analysis.instruments.decompositions.attribution import head_outputs
from analysis.instruments.statistics import partial_rank_correlation, rank_correlation

SEED = st.integers(0, 2**32 - 1)


def causal(n):
    """Each position attends to all it sees alike."""
    return np.tri(n) / np.arange(1, n + 1)[:, None]


def softmax(rng, *shape):
    score = np.exp(2 * rng.normal(size=shape))
    return score / score.sum(-1, keepdims=True)


# Contextual mass


def test_rank_one_attention_has_no_mass_and_identity_has_all():
    row = softmax(np.random.default_rng(0), 7)
    assert effective_rank(np.tile(row, (7, 1))) == pytest.approx(1, abs=1e-6) and contextual_mass(
        np.tile(row, (7, 1))
    ) == pytest.approx(0, abs=1e-6)
    assert effective_rank(np.eye(7)) == pytest.approx(7) and contextual_mass(np.eye(7)) == pytest.approx(1)
    assert contextual_mass(np.eye(7)[::-1]) == pytest.approx(1)  # any permutation
    assert row_entropy(np.eye(7)) == 0 and row_entropy(np.full((7, 7), 1 / 7)) == pytest.approx(
        np.log(7)
    )  # says nothing of likeness of rows


def test_two_equal_singular_values_count_two():
    assert effective_rank(np.diag([1.0, 1, 0, 0])) == pytest.approx(2) and contextual_mass(
        np.diag([1.0, 1, 0, 0])
    ) == pytest.approx(0.5)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_causal_uniform_attention(n):
    """A A^T of the mean of all positions so far is 1 / max(s, t): its eigenvalues are the squared singular
    values. For n = 2 in closed form.
    """
    squared = np.linalg.eigvalsh(1 / np.maximum.outer(np.arange(1, n + 1), np.arange(1, n + 1)))
    if n == 2:
        np.testing.assert_allclose(squared, [(1.5 - np.sqrt(1.25)) / 2, (1.5 + np.sqrt(1.25)) / 2])
    size = np.sqrt(squared)
    assert effective_rank(causal(n)) == pytest.approx(np.exp(stats.entropy(size / size.sum())), rel=1e-9)
    assert row_entropy(causal(n)) == pytest.approx(np.log(np.arange(1, n + 1)).mean())


def test_random_matrices_approach_the_quarter_circle():
    """Singular values of a large square Gaussian matrix follow the quarter circle: erank / n = exp(-E[y log
    y]), y = x / E[x].
    """
    x = (np.arange(200_000) + 0.5) / 100_000
    density = np.sqrt(4 - x**2) / np.pi
    density /= density.sum()
    mean = density @ x
    expected = np.exp(-(density @ (x / mean * np.log(x / mean))))
    ratio = effective_rank(np.random.default_rng(0).normal(size=(8, 300, 300))) / 300
    np.testing.assert_allclose(ratio, expected, rtol=0.01)  # the spread of eight matrices is .001


@pytest.mark.thorough
@given(SEED, st.integers(2, 8), st.floats(0.01, 100))
def test_mass_does_not_change_with_scale_or_with_the_order_of_rows_and_columns(seed, n, scale):
    rng = np.random.default_rng(seed)
    A = softmax(rng, n, n)
    mass = contextual_mass(A)
    assert contextual_mass(scale * A[rng.permutation(n)][:, rng.permutation(n)]) == pytest.approx(
        mass, abs=1e-7
    )
    assert contextual_mass(A.T) == pytest.approx(mass, abs=1e-7) and -1e-9 <= mass <= 1 + 1e-9
    assert row_entropy(A[rng.permutation(n)][:, rng.permutation(n)]) == pytest.approx(row_entropy(A))


def test_mass_does_change_with_what_is_attended_to():
    """A planted violation of the invariance: one row is another's copy."""
    A = softmax(np.random.default_rng(0), 6, 6)
    B = A.copy()
    B[3] = B[0]
    assert abs(contextual_mass(A) - contextual_mass(B)) > 0.05


@pytest.mark.thorough
def test_patterns_are_those_of_the_network(small):
    params = beginnings(small, 3)
    words = np.random.default_rng(0).integers(2, size=(4, 6))
    found = patterns(small, params, words)
    assert found.shape == (3, 2, 2, 4, 6, 6)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    one = jax.jit(toy.network(small).apply)(jax.tree.map(lambda leaf: leaf[2], params), words)
    np.testing.assert_allclose(found[2, 1, :, 3], one["blocks.1.attn_pattern"][3], atol=1e-6)


def test_shuffled_tokens_keep_every_position_and_part_them():
    words = np.arange(300)[:, None] + np.zeros((1, 3), int)
    dealt = shuffled_tokens(words, np.random.default_rng(0))
    assert (np.sort(dealt, axis=0) == words).all() and abs(np.corrcoef(dealt.T)[0, 1]) < 0.3


# Responses


@pytest.fixture(scope="module")
def stack(small):
    return beginnings(small, 2), np.random.default_rng(0).integers(2, size=(16, 6))


@pytest.mark.thorough
def test_head_outputs_are_pattern_times_values_through_the_output_projection(small, stack):
    """By the parameters themselves, which the reconstruction does not look at; with the bias they add up to
    what attention adds.
    """
    params, words = jax.tree.map(lambda leaf: leaf[0], stack[0]), stack[1]
    sites = (*small.sites, "blocks.1.attn.z")
    seen = jax.device_get(jax.jit(lambda p: toy.network(small).apply(p, words, sites=sites))(params))
    found = head_outputs(small, params, 1, np.asarray(seen["blocks.1.attn.z"][:, -1], np.float64))
    own = jax.device_get(params["blocks"][1])
    x = np.asarray(seen["blocks.1.resid_pre"], np.float64)
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    x = x * own["attention_norm"]["scale"] + own["attention_norm"]["bias"]
    qkv = x @ own["attention"]["qkv"]["kernel"] + own["attention"]["qkv"]["bias"]
    value = qkv.reshape(16, 6, 3 * 2, 4)[:, :, 4:]
    mixed = np.einsum("whs,wshd->hwd", seen["blocks.1.attn_pattern"][:, :, -1], value)
    by_hand = np.einsum(
        "hwd,hde->hwe", mixed, np.asarray(own["attention"]["out"]["kernel"]).reshape(2, 4, 16)
    )
    np.testing.assert_allclose(found, by_hand, atol=2e-6)
    bias = np.asarray(own["attention"]["out"]["bias"])
    np.testing.assert_allclose(found.sum(0) + bias, seen["blocks.1.attn_out"][:, -1], atol=2e-6)


@pytest.mark.thorough
def test_responses(small, stack):
    params, words = stack
    by = disturbance(small, 16, size=0.3, seed=0)
    assert by.position.max() < 5 and set(disturbance(small, 400, size=0.3, seed=0).position) == set(range(5))
    np.testing.assert_allclose(np.linalg.norm(by.direction, axis=-1), 1)
    found, still = respond(small, params, words, by), respond(small, params, words, by._replace(size=0.0))
    np.testing.assert_allclose(found.added, 0.3, rtol=1e-4)
    assert (found.output > 1e-3).all() and (found.prediction > 0).all() and found.output.shape == (2, 2, 2)
    assert (still.output == 0).all() and (np.abs(still.prediction) < 1e-9).all()
    half = respond(small, params, words, by._replace(size=0.15))
    assert (half.output < found.output).all()


# Partial rank correlation


@pytest.mark.thorough
@given(SEED)
def test_partial_rank_correlation_is_the_closed_form(seed):
    """(r_ab - r_ac r_bc) / sqrt((1 - r_ac^2)(1 - r_bc^2)), of Spearman's correlations."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, 20))
    ab, ac, bc = (stats.spearmanr(*pair).statistic for pair in ((a, b), (a, c), (b, c)))
    assert partial_rank_correlation(a, b, c) == pytest.approx(
        (ab - ac * bc) / np.sqrt((1 - ac**2) * (1 - bc**2)), abs=1e-9
    )
    assert partial_rank_correlation(np.exp(a), b**3, 2 * c) == pytest.approx(
        partial_rank_correlation(a, b, c)
    )


@pytest.mark.thorough
def test_what_a_third_quantity_explains_is_nothing():
    c = np.arange(12.0)
    assert (
        partial_rank_correlation(c, 3 * c, c) == 0 and partial_rank_correlation(np.ones(12), c[::-1], c) == 0
    )
    rng = np.random.default_rng(0)
    a, b = (c[None] + rng.normal(size=(400, 12)) for _ in range(2))
    assert np.mean([rank_correlation(x, y, np.ones(12)) for x, y in zip(a, b, strict=True)]) > 0.7
    left = [partial_rank_correlation(x, y, c) for x, y in zip(a, b, strict=True)]
    assert abs(np.mean(left)) < 5 * np.std(left) / 20


# Inhibitory torque


def test_torque_of_directions_inside_and_outside():
    base = np.zeros((2, 5))
    base[0, 0] = base[1, 1] = 1.0
    assert inhibitory_torque(np.array([3.0, -1, 0, 0, 0]), base) == pytest.approx(1)
    assert inhibitory_torque(np.array([0.0, 0, 1, 1, 0]), base) == 0
    assert inhibitory_torque(np.array([3.0, 0, 4, 0, 0]), base) == pytest.approx(0.6)
    assert inhibitory_torque(np.array([3.0, 0, 4, 0, 0]), np.vstack([base, base])) == pytest.approx(
        0.6
    )  # a span, whatever spans it


def test_null_of_torque():
    """Random directions: |P g|^2 / |g|^2 has mean m / D exactly (a Beta law), its variance 2 m (D - m) / (D^2
    (D + 2)).
    """
    rng, m, D, n = np.random.default_rng(0), 8, 200, 2000
    squared = inhibitory_torque(rng.normal(size=(n, D)), rng.normal(size=(m, D))) ** 2
    assert abs(squared.mean() - m / D) < 4 * np.sqrt(2 * m * (D - m) / (D**2 * (D + 2)) / n)
    assert null_torque(m, D) == pytest.approx(np.sqrt(m / D)) and inhibitory_torque(
        rng.normal(size=D), rng.normal(size=(D, D))
    ) == pytest.approx(1)


@pytest.mark.thorough
@given(SEED, st.floats(1e-3, 1e3))
def test_torque_does_not_change_with_rotation_or_scale(seed, scale):
    rng = np.random.default_rng(seed)
    g, base = rng.normal(size=6), rng.normal(size=(3, 6))
    rotation = stats.ortho_group.rvs(6, random_state=rng)
    mixed = rng.normal(size=(3, 3)) @ base
    assert inhibitory_torque(-scale * g @ rotation, base @ rotation) == pytest.approx(
        inhibitory_torque(g, base)
    )
    assert inhibitory_torque(g, mixed) == pytest.approx(
        inhibitory_torque(g, base), abs=1e-5
    )  # another basis, maybe an ill conditioned one


def test_cosines_tell_conflict():
    found = cosines(np.array([[1.0, 0], [-2, 0], [1, 1]]))
    np.testing.assert_allclose(
        found, [[1, -1, 0.5**0.5], [-1, 1, -(0.5**0.5)], [0.5**0.5, -(0.5**0.5), 1]], atol=1e-12
    )


@pytest.mark.thorough
def test_gradients_are_those_of_the_loss(small):
    """Along its own gradient a loss falls as its square says; at the same words, the excess falls as much."""
    params = beginnings(small, 2)
    process = processes.named("rrxor")
    found = gradients(small, params, process, count=2, batch=32, seed=3)
    assert found.shape[:2] == (2, 2) and np.abs(found[0, 0] - found[0, 1]).max() > 1e-4
    leaves, structure = jax.tree.flatten(params)
    ends = np.cumsum([leaf[0].size for leaf in leaves])
    assert found.shape[2] == ends[-1]
    one = gradients(small, params, process, count=1, batch=64, seed=0)[:, 0]
    step = 1e-2

    def stepped(sign):
        parts = np.split(sign * step * one, ends[:-1], axis=1)
        moved = [leaf + part.reshape(leaf.shape) for leaf, part in zip(leaves, parts, strict=True)]
        return excess(small, jax.tree.unflatten(structure, moved), process, batch=4096, seed=1)

    slope = (stepped(1) - stepped(-1)) / (2 * step)
    np.testing.assert_allclose(slope, (one**2).sum(1), rtol=0.15)  # other words: a minibatch is not the whole


# Kinetic and potential terms


def distribution(rng, *shape):
    return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])


def planted(rng, sites=5, N=40, d=6):
    stream = np.cumsum(rng.normal(size=(sites, N, d)), axis=0)
    return stream, 1 + rng.random((sites, N)), rng.dirichlet(np.ones(N))


def test_terms_by_hand():
    stream = np.array([[[0.0, 0]], [[2.0, 0]], [[2.0, 1]]])
    height = np.array([[1.0], [1.0], [0.0]])
    moved = kinetic(stream)
    assert moved[0, 1, 0] == 2 and moved[1, 2, 0] == 0.5 and moved[0, 2, 0] == 2.5
    np.testing.assert_array_equal(halfway(height)[:, 0], [1, 0.5])
    found = terms(stream, height, np.ones(1))
    np.testing.assert_allclose(found.kinetic, [2, 0.5])
    assert found.unit == pytest.approx(0.75 / 1.25)
    assert found.own == pytest.approx(1 / 2)  # sums 3 and 1
    assert found.balanced == pytest.approx((2.2 - 0.8) / 2 / 1.5)  # sums 1.2 + 1 and .3 + .5


def test_a_conserved_sum_does_not_vary_and_any_other_does():
    """What the stream loses in height it gains in speed."""
    height = np.array([3.0, 2, 1.5, 1, 0.25])[:, None]
    speed = np.sqrt(2 * (5 - halfway(height)[:, 0]))
    stream = np.concatenate([[0], np.cumsum(speed)])[:, None, None]
    found = terms(stream, height, np.ones(1))
    assert found.own == pytest.approx(0, abs=1e-12) and found.shuffled > 0.1
    assert terms(stream[[0, 2, 1, 3, 4]], height, np.ones(1)).own > 0.1


def test_potential_is_cross_entropy():
    rng = np.random.default_rng(0)
    exact, predicted = distribution(rng, 7, 3), distribution(rng, 4, 7, 3)
    by_hand = [
        [-sum(exact[c, x] * np.log(predicted[site, c, x]) for x in range(3)) for c in range(7)]
        for site in range(4)
    ]
    np.testing.assert_allclose(potential(exact, np.log(predicted)), by_hand)
    np.testing.assert_allclose(potential(exact, np.log(exact)[None])[0], processes.entropy(exact))


@pytest.mark.thorough
@given(SEED, st.floats(0.1, 10))
def test_terms_do_not_change_with_rotation_shift_or_scale(seed, scale):
    """Own units change with the scale of the stream (a planted violation); balanced ones do not."""
    rng = np.random.default_rng(seed)
    stream, height, weight = planted(rng)
    found = terms(stream, height, weight)
    turned = terms(stream @ stats.ortho_group.rvs(6, random_state=rng) + rng.normal(size=6), height, weight)
    np.testing.assert_allclose([turned.balanced, turned.own], [found.balanced, found.own], rtol=1e-8)
    scaled = terms(scale * stream, height, 3 * weight)
    assert scaled.balanced == pytest.approx(found.balanced, rel=1e-8) and scaled.unit == pytest.approx(
        found.unit / scale**2
    )
    if abs(np.log(scale)) > 0.1:
        assert abs(scaled.own / found.own - 1) > 1e-6


def test_a_stream_that_stands_still_is_all_potential():
    height = np.array([[1.0], [1.0], [1.0]])
    found = terms(np.zeros((3, 1, 4)), height, np.ones(1))
    assert (
        found.unit == 1
        and found.balanced == found.own == 0
        and balance(np.zeros((2, 1)), height[:2], np.ones(1)) == 1
    )


def test_random_orders_are_many():
    assert ORDERS >= 20 and variation(np.array([[1.0, 2], [3, 2]]), np.array([0.5, 0.5])) == pytest.approx(
        0.25
    )
