"""Activations without inputs: planted clouds that must be found, clouds that must not, and the command."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from planted.blind import image

import processes
import toy
from analysis.claim.latest import published
from analysis.commands.identify import named_right, remarks
from analysis.commands.main import main
from analysis.instruments.blind import (
    Cloud,
    belief_distribution,
    cloud,
    identified,
    identify,
    match,
    symmetric_beliefs,
)
from analysis.instruments.blind.beliefs import alphabets, exchanges
from analysis.instruments.blind.match import between
from analysis.instruments.blind.naming import MARGIN, candidates_for, gaussian
from analysis.instruments.blind.sliced import directions, quantiles
from analysis.instruments.contexts import contexts

ROOT = Path(__file__).parents[3]
RNG = np.random.default_rng
N = 6  # tokens read
EXCHANGED = [list(states) for states in itertools.permutations(range(3))]
PLANES = [("even", 1), ("mess3", 2), ("nemo", 2), ("rrxor", 4), ("moon", 2)]


def exact_of(name, n_ctx=N):
    return belief_distribution(processes.named(name), n_ctx)


def r2(points, belief, weight):
    spread = ((belief - weight @ belief) ** 2).sum(1)
    return 1 - weight @ ((points - belief) ** 2).sum(1) / (weight @ spread)


# Distributions of beliefs.


@pytest.mark.parametrize(
    "name, dimension", [("even", 1), ("mess3", 2), ("nemo", 2), ("rrxor", 4), ("moon", 2)]
)
def test_a_law_is_that_of_all_contexts_whitened(name, dimension):
    exact, t = exact_of(name), contexts(processes.named(name), N)
    assert exact.dimension == dimension and exact.weight.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(exact.mean, t.weight @ t.belief, atol=1e-12)
    np.testing.assert_allclose(exact.weight @ exact.belief**3, t.weight @ t.belief**3, atol=1e-10)
    np.testing.assert_allclose(exact.weight @ exact.whitened, 0, atol=1e-9)
    covariance = (exact.whitened * exact.weight[:, None]).T @ exact.whitened
    np.testing.assert_allclose(covariance, np.eye(dimension), atol=1e-9)
    np.testing.assert_allclose(exact.mean + exact.whitened @ exact.back, exact.belief, atol=1e-9)


@pytest.mark.parametrize("name", ["coin", "quantum_rrxor:blind"])
def test_beliefs_that_never_change_are_refused(name):
    with pytest.raises(processes.ProcessError, match="same after every context"):
        exact_of(name)


def test_lengths_are_refused_in_a_sentence():
    with pytest.raises(processes.ProcessError, match="n_ctx is 0"):
        exact_of("mess3", 0)


@pytest.mark.parametrize(
    "name, count", [("mess3", 6), ("mess(x=0.05, a=0.85, s=4)", 24), ("even", 1), ("rrxor", 1), ("coin", 2)]
)
def test_symmetries_are_exact(name, count):
    """Against every renaming, by the probabilities of all words of four symbols."""
    process = processes.named(name)
    found = alphabets(process)
    words = np.array(list(itertools.product(range(process.vocab), repeat=4)))
    probability = np.array([processes.probability(process, word) for word in words])
    place = process.vocab ** np.arange(4)[::-1]
    expected = [
        symbols
        for symbols in itertools.permutations(range(process.vocab))
        if np.allclose(probability[np.array(symbols)[words] @ place], probability, atol=1e-12)
    ]
    assert found == expected and len(found) == count and found[0] == tuple(range(process.vocab))


def test_beliefs_under_the_symmetries_of_their_law():
    t = contexts(processes.named("mess3"), 5)
    found = symmetric_beliefs(exact_of("mess3", 5), t)
    assert found[0] is t.belief and len(found) == 6
    expected = {tuple(np.round(t.belief[:, p].ravel()[:60], 9)) for p in EXCHANGED}
    assert {tuple(np.round(belief.ravel()[:60], 9)) for belief in found} == expected


@pytest.mark.parametrize("name", ["mess3", "rrxor", "nemo", "even", "matching_parens"])
def test_exchanges_of_states_are_those_that_carry_the_law_to_itself(name):
    """Against the beliefs themselves, each with its weight, as a set."""
    exact = exact_of(name)

    def as_a_set(belief):
        rows, index = np.unique(belief.round(7) + 0.0, axis=0, return_inverse=True)
        return rows, np.bincount(index.ravel(), weights=exact.weight)

    rows, weight = as_a_set(exact.belief)
    expected = []
    for states in itertools.permutations(range(len(exact.mean))):
        other, of_other = as_a_set(exact.belief[:, list(states)])
        if (
            other.shape == rows.shape
            and np.allclose(other, rows, atol=2e-7)
            and np.allclose(weight, of_other)
        ):
            expected.append(states)
    assert exchanges(exact) == expected


def test_the_beliefs_of_rrxor_have_symmetries_that_its_symbols_have_not():
    process = processes.named("rrxor")
    assert len(exchanges(exact_of("rrxor", 8))) == 4 and len(alphabets(process)) == 1


# Distances.


def test_quantiles_against_copies():
    """A weight of k in n is k copies."""
    rng = RNG(0)
    copies = rng.integers(1, 5, size=40)
    x = rng.normal(size=(40, 3))
    rows, values = quantiles(x, copies / copies.sum(), 7)
    plain = np.sort(np.repeat(x, copies, axis=0), axis=0)
    at = np.ceil((np.arange(7) + 0.5) / 7 * copies.sum()).astype(int) - 1
    np.testing.assert_array_equal(values, plain[at])
    np.testing.assert_array_equal(np.take_along_axis(x, rows, 0), values)


@pytest.mark.parametrize("dimension, count", [(1, 1), (2, 8), (3, 16)])
def test_directions_are_units_and_the_same_every_time(dimension, count):
    found = directions(dimension, 8)
    assert found.shape == (dimension, count)
    np.testing.assert_allclose((found**2).sum(0), 1)
    np.testing.assert_array_equal(found, directions(dimension, 8))


@pytest.mark.thorough
def test_a_law_lies_on_itself_and_on_no_other():
    distributions = [exact_of(name) for name in ("mess3", "mess3(x=0.1, a=0.85)", "nemo")]
    assert between(distributions[0], distributions[0]) < 1e-3
    assert (
        between(distributions[0], distributions[1]) > 0.03
        and between(distributions[0], distributions[2]) > 0.2
    )
    renamed = processes.relabelled(processes.named("nemo"), [1, 0], vocab=2)
    assert between(distributions[2], belief_distribution(renamed, N)) < 1e-3


@pytest.mark.thorough
def test_a_gaussian_distance_is_that_of_gaussian_clouds():
    exact = exact_of("mess3")
    drawn = cloud(RNG(0).normal(size=(40_000, 2)) @ np.array([[3.0, 1.0], [0.0, 0.1]]))
    assert match(drawn, exact).distance == pytest.approx(gaussian(exact), abs=0.01)


# Planted clouds.


def best_r2(found, exact, order=slice(None)):
    """Up to the symmetries of the distribution."""
    weight = exact.weight[order]
    return max(r2(found.belief, exact.belief[order][:, list(p)], weight) for p in exchanges(exact))


@pytest.mark.parametrize("name", ["mess3", "nemo", "random_insertion", "even", "moon"])
def test_beliefs_under_a_random_affine_map_in_noise_are_recovered(name):
    exact, rng = exact_of(name), RNG(0)
    order = rng.permutation(len(exact.weight))
    seen = cloud(image(exact.belief, rng)[order], exact.weight[order])
    found = match(seen.first(exact.dimension), exact)
    assert best_r2(found, exact, order) > 0.97 and found.distance < gaussian(exact) / 2


@pytest.mark.thorough
def test_beliefs_of_four_dimensions_are_recovered():
    exact = exact_of("rrxor", 8)
    found = match(cloud(image(exact.belief, RNG(0), noise=0.005), exact.weight).first(4), exact)
    assert best_r2(found, exact) > 0.98 and found.distance < gaussian(exact) / 4


@pytest.mark.thorough
def test_a_plane_beneath_a_larger_axis_is_found_by_seeking_it():
    """What has more variance, and is no belief, hides the plane from the largest axes."""
    exact = exact_of("mess3")
    seen = cloud(image(exact.belief, RNG(3), beside=2.0, noise=0.01), exact.weight)
    hidden, sought = match(seen.first(2), exact), match(seen.first(3), exact)
    best = [best_r2(m, exact) for m in (hidden, sought)]
    assert best[0] < 0.7 and best[1] > 0.97


@pytest.mark.thorough
def test_gaussian_clouds_and_shuffled_ones_are_not_recovered():
    exact, rng = exact_of("mess3"), RNG(0)
    found = match(cloud(rng.normal(size=(20_000, 6))).first(2), exact)
    assert found.distance > 0.9 * gaussian(exact)
    held = image(exact.belief, rng)
    drawn = held[rng.choice(len(held), size=5_000, p=exact.weight)]
    shuffled = np.stack([rng.permutation(column) for column in drawn.T], axis=1)
    apart = [match(cloud(x).first(2), exact).distance for x in (drawn, shuffled)]
    assert apart[1] > 0.2 > 3 * apart[0]


@pytest.mark.thorough
def test_a_match_does_not_hang_on_order_units_or_directions():
    exact, rng = exact_of("mess3"), RNG(5)
    x = image(exact.belief, rng)
    turned, _ = np.linalg.qr(rng.normal(size=(x.shape[1], x.shape[1])))
    order = rng.permutation(len(x))
    plain = match(cloud(x, exact.weight).first(2), exact)
    other = match(cloud((100 * x @ turned - 7)[order], exact.weight[order]).first(2), exact)
    assert plain.distance == pytest.approx(other.distance, abs=2e-3)
    again = match(cloud(x, exact.weight).first(2), exact)
    np.testing.assert_array_equal(plain.belief, again.belief)
    best = min(np.abs(plain.belief[order][:, p] - other.belief).max() for p in EXCHANGED)
    assert best < 0.03  # one of the six


# Names.


@pytest.mark.thorough
def test_processes_are_named_by_their_clouds():
    distributions = [exact_of(name) for name in ("mess3", "mess3(x=0.15, a=0.6)", "nemo")]
    for exact in distributions:
        found = identified(cloud(image(exact.belief, RNG(0)), exact.weight), distributions)
        assert found.nearest.process == exact.process and found.told and found.same == ()
        assert [c.distance for c in found.candidates] == sorted(c.distance for c in found.candidates)
    assert (
        identified(
            cloud(image(distributions[0].belief, RNG(0)), distributions[0].weight), distributions
        ).symmetries
        == 6
    )


@pytest.mark.thorough
def test_processes_of_one_law_are_said_to_be_one():
    nemo = processes.named("nemo")
    other = processes.renamed(processes.relabelled(nemo, [1, 0], vocab=2), "omen")
    exact = exact_of("nemo")
    found = identify(image(exact.belief, RNG(0)), (nemo, other, "mess3"), n_ctx=N, weight=exact.weight)
    assert {found.nearest.process.name, *found.same} == {nemo.name, "omen"}


@pytest.mark.thorough
def test_a_gaussian_is_named_nothing():
    found = identify(RNG(0).normal(size=(20_000, 5)), ("nemo", "moon"), n_ctx=N)
    assert found.nearest.distance > 0.9 * found.nearest.gaussian
    assert not found.structured and not found.told


@pytest.mark.thorough
def test_two_that_are_as_near_name_nothing_though_the_nearest_is_right():
    """Noise fills the holes of a fractal, as a fuller one has them: by how much is what the margin is for."""
    exact = exact_of("mess3")
    among = ("mess3", "mess3(x=0.1, a=0.85)", "nemo")
    by_noise = [
        identify(image(exact.belief, RNG(1), noise=noise), among, n_ctx=N, weight=exact.weight)
        for noise in (0.02, 0.1)
    ]
    assert all(found.nearest.process == exact.process and found.structured for found in by_noise)
    assert by_noise[0].margin > 5 > MARGIN > by_noise[1].margin
    assert [found.told for found in by_noise] == [True, False]
    assert by_noise[1].runner_up.process.name.startswith("mess3(x=0.1") and not by_noise[1].to_json()["told"]
    assert any("times as far as mess3(x=0.05" in said for said in remarks(by_noise[1]))
    assert not any("nothing is named" in said for said in remarks(by_noise[0]))


def test_one_candidate_has_no_runner_up_and_a_copy_is_none():
    nemo = processes.named("nemo")
    exact = exact_of("nemo")
    other = processes.renamed(processes.relabelled(nemo, [1, 0], vocab=2), "omen")
    found = identify(image(exact.belief, RNG(0)), (nemo, other), n_ctx=N, weight=exact.weight)
    assert found.runner_up is None and found.margin == np.inf and found.told
    assert found.to_json()["margin"] is None


def test_how_many_networks_were_named_right_is_what_the_verdicts_count():
    verdicts = published("MI15")
    margins = [c.values for v in verdicts for c in v.criteria if "nearest wrong" in c.name]
    assert named_right() == (sum(m > 0 for of in margins for m in of), sum(map(len, margins)), len(verdicts))
    wrong = [-m for of in margins for m in of if m < 0]  # log: how much farther than a wrong one the right is
    assert np.exp(max(wrong)) < MARGIN


@pytest.mark.thorough
def test_ten_candidates_of_a_plane_and_of_other_dimensions():
    distributions = candidates_for(processes.named("nemo"), 4)
    assert len(distributions) == 10 and {exact.dimension for exact in distributions} == {2}
    assert (
        distributions[0].process == processes.named("nemo")
        and len({exact.process.digest for exact in distributions}) == 10
    )
    line = candidates_for(processes.named("golden_mean"), 4)
    assert len(line) == 10 and {exact.dimension for exact in line} == {1}


@pytest.mark.parametrize(
    "activations, how, told",
    [
        ("abc", {}, "give an array"),
        (np.zeros(4), {}, "give an array"),
        (np.zeros((4, 2, 2)), {}, "give an array"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), {}, "not finite"),
        (np.ones((5, 3)), {}, "all activations are the same"),
        (np.eye(4), {"weight": [1.0, 2.0]}, "one for each of the 4 rows"),
        (np.eye(4), {"weight": [1.0, -1.0, 1.0, 1.0]}, "none negative"),
        (np.eye(4), {"n_ctx": 0}, "n_ctx is 0"),
        (np.eye(4), {"among": ()}, "among is empty"),
        (np.eye(4), {"among": ("no such",)}, "no such"),
    ],
)
def test_what_are_no_activations_is_refused_in_a_sentence(activations, how, told):
    with pytest.raises((toy.ModelError, processes.ProcessError), match=told):
        identify(activations, **{"among": ("mess3",), "n_ctx": 4, **how})


def test_a_cloud_of_fewer_axes_than_beliefs_lies_nowhere():
    exact = exact_of("rrxor")
    found = match(cloud(RNG(0).normal(size=(50, 2))), exact)
    assert found.distance == np.inf and found.belief.shape == (50, 5)
    assert json.dumps(identify(RNG(0).normal(size=(50, 1)), ("rrxor",), n_ctx=4).to_json())
    assert isinstance(cloud(np.eye(3)), Cloud)


# The command.


@pytest.fixture
def file(tmp_path):
    exact = exact_of("nemo")
    np.savez(tmp_path / "x.npz", activations=image(exact.belief, RNG(0)), weight=exact.weight)
    return tmp_path / "x.npz"


@pytest.mark.thorough
def test_the_command_names_a_file(file, capsys):
    asked = ["identify", str(file), "--n-ctx", str(N), "--among", "mess3(x=0.15, a=0.6), nemo"]
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert told.index("nemo") < told.index("mess3") and "sliced Wasserstein" in told
    picture = file.with_name("found.png")
    assert main([*asked, "--json", "-o", str(picture)]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["candidates"][0]["process"].startswith("nemo") and plain["told"]
    assert picture.stat().st_size > 3_000


@pytest.mark.thorough
def test_the_command_reads_a_network_and_draws_it(tmp_path, capsys):
    picture = tmp_path / "mess3.png"
    assert main(["identify", "nemo", "--among", "mess3(x=0.15, a=0.6), nemo", "-o", str(picture)]) == 0
    told = capsys.readouterr().out
    assert told.index("mess3(x=0.15") < told.index("nemo(")  # the wrong one is nearer, and the text says so
    assert "nothing is named" in told and "nearest is no name" in told and picture.stat().st_size > 3_000


@pytest.mark.parametrize(
    "flags, told",
    [
        ([], "--n-ctx is missing"),
        (["--n-ctx", "0"], "at least 1"),
        (["--n-ctx", "4", "--site", "embed"], "--site is for a run"),
        (["--n-ctx", "4", "--seed", "1"], "--seed is for a run"),
        (["--n-ctx", "4", "-o", "x.gif"], "must end in .pdf"),
        (["--n-ctx", "4", "--among", "no such"], "no such"),
    ],
)
def test_the_command_refuses_in_a_sentence(flags, told, file, capsys):
    assert main(["identify", str(file), *flags]) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1


def test_the_command_refuses_what_is_no_file_or_run(tmp_path, capsys):
    np.savez(tmp_path / "two.npz", a=np.eye(3), b=np.eye(3))
    (tmp_path / "bad.npy").write_bytes(b"nothing")
    (tmp_path / "empty.npz").write_bytes(b"")
    for what, told in (
        ("two.npz", "holds a, b"),
        ("bad.npy", "no file of arrays"),
        ("empty.npz", "no file of arrays"),
        ("none.npy", "no file"),
    ):
        assert main(["identify", str(tmp_path / what), "--n-ctx", "4"]) == 2
        assert told in capsys.readouterr().err
    assert main(["identify", str(tmp_path)]) == 2
    assert "neither the folder of a run" in capsys.readouterr().err
    assert main(["identify", "nemo", "--n-ctx", "4"]) == 2
    assert "for a file" in capsys.readouterr().err


def test_nothing_is_imported_to_refuse():
    code = (
        "import sys; from analysis.commands.main import main; "
        "status = main(['identify', 'x.npy', '--n-ctx', '0']); print(status, 'jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["2", "False"] and "at least 1" in done.stderr
