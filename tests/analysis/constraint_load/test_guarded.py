"""Guarded processes as experiments: steering vectors, training regimes, and what is measured of
constraints."""

import json
from dataclasses import replace
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from planted.runs import beginnings

import processes
import toy
import train
from analysis.claim import Setting, Training
from analysis.commands.main import main
from analysis.constraint_load.violation import (
    bodies,
    control_blind,
    exact,
    forbidden,
    predictor,
    satisfaction,
    violation,
)
from analysis.families import CLAIMS
from analysis.lab import Trial, verdict
from analysis.recipes import descent
from analysis.report import EXPERIMENTS, is_current
from processes.constraints import constraint, costs
from train import RecipeError, Steering, steer, steered

SITE = "blocks.0.resid_post"
MODEL = toy.TransformerConfig(vocab=5, n_ctx=4, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=0)
TARGET = "guarded(given(mess(x=0.1, a=0.85, s=3); never 0); never 0; on=none)"


def how(**changes):
    return Steering(
        **(
            {
                "process": TARGET,
                "site": SITE,
                "first": 0,
                "steps": 40,
                "learning_rate": 0.3,
                "batch": 16,
                "seed": 0,
            }
            | changes
        )
    )


@pytest.fixture(scope="module")
def networks():
    return beginnings(MODEL, 2)


@pytest.mark.thorough
def test_a_steering_vector_lowers_the_divergence_and_leaves_the_network_alone(networks):
    before = jax.tree.map(np.array, networks)
    found = steer(MODEL, networks, how(), np.eye(8))
    assert found.vector.shape == (2, 8) and found.excess.shape == (2, 40)
    assert (found.excess[:, -10:].mean(1) < 0.8 * found.excess[:, :3].mean(1)).all()
    jax.tree.map(np.testing.assert_array_equal, before, networks)


@pytest.mark.thorough
def test_a_steering_vector_lies_in_its_span(networks):
    rng = np.random.default_rng(0)
    for basis in (
        rng.normal(size=(2, 8)),
        rng.normal(size=(2, 3, 8)),
    ):  # one span for all networks, one for each
        found = np.asarray(steer(MODEL, networks, how(steps=5), basis).vector)
        for v, b in zip(found, np.broadcast_to(basis, (2, *basis.shape[-2:])), strict=True):
            rest = v - np.linalg.lstsq(b.T, v, rcond=None)[0] @ b
            assert np.abs(v).max() > 0.1 and np.abs(rest).max() < 1e-5  # float32


@pytest.mark.thorough
def test_no_steps_of_steering_are_the_zero_vector(networks):
    assert not np.asarray(steer(MODEL, networks, how(steps=0), np.eye(8)).vector).any()


@pytest.mark.thorough
def test_a_vector_is_added_from_its_first_position_on(networks):
    one, tokens = jax.tree.map(lambda leaf: leaf[0], networks), jnp.array([[3, 0, 1, 2]])
    plain = jax.jit(toy.network(MODEL).apply)(one, tokens)[SITE]
    moved_network = jax.jit(steered(toy.network(MODEL), SITE, 2).apply)
    moved = moved_network((one, jnp.ones(8)), tokens)[SITE]
    np.testing.assert_allclose(moved - plain, np.array([0, 0, 1, 1.0])[None, :, None] * np.ones(8), atol=1e-6)
    tree = processes.prefix_tree(processes.named(TARGET), 3)
    batch = train.packed(tree, 4)
    packed = jax.jit(
        lambda x: steered(toy.network(MODEL), SITE, 2).apply(x, batch.tokens, batch.tree)["logits"]
    )((one, jnp.ones(8)))
    row = int(tree.offset[3]) - 1  # the first word of three tokens, root left out
    flat = moved_network((one, jnp.ones(8)), tree.words[1:][row][None])["logits"][0, 2]
    np.testing.assert_allclose(packed[row], flat, atol=1e-5)


BAD_STEERING = {
    "site": (how(site="logits"), np.eye(8), toy.ModelError, "not on the residual stream"),
    "alphabet": (how(process="mess3"), np.eye(8), RecipeError, "emits 3 symbols but the network reads 5"),
    "first": (how(first=4), np.eye(8), RecipeError, "first is 4; it must be at most 3"),
    "basis": (how(), np.eye(7), RecipeError, r"shape \(7, 7\); it must be \(r, 8\)"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("case", BAD_STEERING)
def test_bad_steering_gets_one_sentence(case, networks):
    setting, basis, error, message = BAD_STEERING[case]
    with pytest.raises(error, match=message):
        steer(MODEL, networks, setting, basis)


@pytest.fixture(scope="module")
def protocol():
    return processes.named(
        "guarded(mess(x=0.1, a=0.85, s=4); never 01; no 23; at most 1 of 3 in a row; p=0.5)"
    ).made_of


@pytest.mark.thorough
@pytest.mark.parametrize("on", [(), (0,), (1,), (0, 1), (1, 2), (0, 1, 2)])
def test_the_optimum_violates_nothing_and_the_base_violates_as_the_base(protocol, on):
    b = bodies(protocol, on, 3)
    best, base = violation(b, exact(protocol)), violation(b, control_blind(protocol))
    assert best.mass == 0 and set(best.each) <= {0.0} and abs(best.divergence) < 1e-12
    assert satisfaction(protocol, on, exact(protocol), length=4, n=200) == 1.0
    assert len(best.each) == len(on) and b.weight.sum() == pytest.approx(1)
    if on:
        assert best.relative == 0 and base.relative == pytest.approx(1, abs=1e-12) and base.divergence > 0.01
        assert satisfaction(protocol, on, control_blind(protocol), length=4, n=200) < 1.0
    else:
        assert np.isnan(best.relative)  # nothing is forbidden


def test_a_uniform_predictor_violates_by_the_share_of_what_is_forbidden(protocol):
    def uniform(tokens):
        return np.tile(np.r_[np.full(4, 0.25), np.zeros(4)], (*tokens.shape, 1))

    found = violation(bodies(protocol, (0,), 3), uniform)
    assert found.mass == pytest.approx(0.5) and found.each == (pytest.approx(0.5),)
    both = violation(bodies(protocol, (0, 2), 3), uniform)
    assert (
        both.mass == pytest.approx(sum(both.each)) and min(both.each) > 0.01
    )  # they forbid different symbols
    for n in (1, 2):  # 1/2 of all symbols at every step
        share = satisfaction(protocol, (0,), uniform, length=n, n=4000)
        assert share == pytest.approx(0.5**n, abs=4 * np.sqrt(0.25 / 4000))


def test_a_share_of_the_base_mixed_into_the_optimum_is_its_relative_violation(protocol):
    best, base = exact(protocol), control_blind(protocol)
    found = violation(bodies(protocol, (0, 1), 3), lambda tokens: 0.7 * best(tokens) + 0.3 * base(tokens))
    assert found.relative == pytest.approx(0.3)


def test_forbidden_is_also_what_leads_nowhere():
    dead_end = processes.constraints.automaton(
        [[1, 0], [2, 2], [2, 2]], [2]
    )  # after a 0 everything is forbidden
    np.testing.assert_array_equal(forbidden(dead_end, np.array([[1]])), [[[True, False], [True, False]]])
    word = forbidden(constraint("no 01", 2), np.array([[0, 1]]))
    np.testing.assert_array_equal(word, [[[False, False], [False, True], [True, True]]])


def test_drawn_bodies_measure_as_all_of_them_do(protocol, monkeypatch):
    full = violation(bodies(protocol, (1,), 4), control_blind(protocol))
    monkeypatch.setattr("analysis.constraint_load.violation.MOST_WORDS", 250)
    drawn = violation(bodies(protocol, (1,), 4), control_blind(protocol))
    assert len(bodies(protocol, (1,), 4).words) == 125
    assert drawn.mass != full.mass and drawn.mass == pytest.approx(
        full.mass, abs=4 * 0.2 / np.sqrt(125)
    )  # .2: spread of a word's mean
    with pytest.raises(processes.ProcessError, match="has probability zero"):
        bodies(processes.named("guarded(mess3; never 0; never 1; on=none,0)").made_of, (1,), 3)


@pytest.mark.thorough
def test_a_network_is_read_as_it_predicts(networks):
    one = jax.tree.map(lambda leaf: leaf[0], networks)
    tokens = np.array([[3, 0, 1], [3, 1, 2]])
    logits = jax.jit(toy.network(MODEL).apply)(one, tokens)["logits"]
    found = predictor(MODEL, one)(tokens)
    np.testing.assert_allclose(found, jax.nn.softmax(logits), atol=1e-6)
    assert found.shape == (2, 3, 5)


@pytest.mark.thorough
def test_the_card_of_a_guarded_process_prices_every_subset(capsys):
    # x = 1/s: symbols are independent and uniform
    name = "guarded(mess(x=0.125, a=0.85, s=8); never 0123; never 2345; no 77; p=0.5)"
    found = costs(processes.named(name))
    log2 = float(np.log(2))
    np.testing.assert_allclose(found["single_loads"][:2], log2)
    assert found["interactions"][0][1] == pytest.approx(0.0) and found["interactions"][0][0] == pytest.approx(
        -log2
    )
    priced = {tuple(s["on"]): s for s in found["subsets"]}
    assert len(priced) == found["subsets_in_all"] == 8 and priced[()]["load"] == 0.0
    assert priced[(0, 1)]["load"] == pytest.approx(2 * log2) and priced[(2,)]["memory_cost"] == 1
    assert main(["process", name, "--json", "--n-ctx", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["constraints"] == found
    assert main(["process", name, "--n-ctx", "2"]) == 0
    told = capsys.readouterr().out
    assert "memory cost" in told and "never 2345" in told and "0,1,2" in told and "T[0]" not in told


@pytest.mark.thorough
def test_the_card_of_a_conditioned_process_prices_its_constraints(capsys):
    found = costs(processes.named("given(mess(x=0.25, a=0.85, s=4); never 01; no 33)"))
    assert (
        found["load"] == pytest.approx(sum(found["single_loads"]) + found["interaction"])
        and found["memory_cost"] == 1
    )
    assert main(["process", "given(coin; at most 2 of 1 in a row)", "--n-ctx", "2"]) == 0
    assert "an exact predictor adds 2 dimensions" in capsys.readouterr().out
    assert (
        costs(processes.named("mess3")) is None
        and processes.card(processes.named("mess3"), n_ctx=2)["constraints"] is None
    )


@pytest.mark.thorough
def test_no_more_than_sixteen_subsets_are_priced():
    found = costs(processes.named(f"guarded(mess(x=0.2, a=0.85, s=5); {'; '.join(['never 0'] * 5)}; p=0.5)"))
    assert len(found["subsets"]) == 16 and found["subsets_in_all"] == 32


BAD = {
    "given(mess3; never 0; only 0)": "cannot satisfy never 0, only 0 for ever",
    "guarded(mess3; never 0; only 0; p=0.5)": "contradicts itself",
    "given(mess3; never 012)": "its language is empty",
    "given(mess3; no 7)": "symbol 7 is not in the alphabet",
    "guarded(mess3; never 0)": "does not say when",
    "guarded(mess3; never 0; on=1)": "no subset of the 1 constraints",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_constraints_get_one_sentence_from_the_command_line(name, capsys):
    assert main(["process", name]) == 2
    told = capsys.readouterr().err
    assert BAD[name] in told and told.startswith("toylab: ") and told.count("\n") == 1


def test_bad_automata_get_one_sentence_from_the_command_line(tmp_path, capsys):
    file = tmp_path / "c.json"
    for table, message in (
        ([[0, 0, 1], [1, -1, 1]], "is undefined"),
        ([[0, 0], [0, 0]], "reads 2 symbols, but the base emits 3"),
    ):
        file.write_text(json.dumps({"next": table, "forbidden": []}))
        assert main(["process", f"given(mess3; {file})"]) == 2
        assert message in capsys.readouterr().err


SHAPE = {"vocab": 9, "n-ctx": 7, "n-layers": 1, "d-model": 8, "d-head": 4, "d-mlp": 0}
OWN = "guarded(mess(x=0.15, a=0.85, s=4); never 012; never 0; never 01; never 2; p=0.5)"
TINY = [
    "--process",
    OWN,
    *(word for name, n in SHAPE.items() for word in (f"--model.{name}", str(n))),
    "--seeds",
    "2",
    "--steps",
    "60",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("guarded") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.use_all_cores", lambda: None)
        patch.setattr("analysis.constraint_load.subset_violation.UNTRAINED", 2)
        assert main(["run", "guarded", *TINY, "--out", str(path)]) == 0
    return path


@pytest.mark.thorough
def test_a_run_on_a_guarded_process_reports_every_subset(folder, capsys):
    assert main(["show", str(folder)]) == 0
    told = capsys.readouterr().out
    assert (
        "Constraints obeyed" in told and "CL2" in told and "2 trained networks" in told
    )  # too few to decide anything
    assert {p.name for p in (folder / "figures").glob("*.png")} == {"loss.png", "violation.png"}
    report = json.loads((folder / "report.json").read_text())
    assert len(report["subsets"]) == 15 and all(len(s["satisfied"]) == 2 for s in report["subsets"])
    assert report["excess"]["trained"][0] < report["excess"]["untrained"][0]


@pytest.mark.thorough
def test_a_report_by_other_rules_is_not_current(folder, monkeypatch):
    run, report = train.open_run(folder), json.loads((folder / "report.json").read_text())
    experiment = EXPERIMENTS["guarded"]
    assert is_current(report, run, experiment)
    moved = replace(
        CLAIMS["CL2"], criteria=[replace(CLAIMS["CL2"].criteria[0], above=-1.0), *CLAIMS["CL2"].criteria[1:]]
    )
    monkeypatch.setattr("analysis.report.CLAIMS", {**CLAIMS, "CL2": moved})
    assert not is_current(report, run, experiment)


@pytest.mark.thorough
def test_a_run_and_a_claim_share_the_folder_and_the_verdict(folder, monkeypatch):
    """What `toylab run` has trained and judged is there when the claim is put to the same networks."""
    report, run = json.loads((folder / "report.json").read_text()), train.open_run(folder)
    trial = EXPERIMENTS["guarded"].trials(run.recipe)["CL2"]
    monkeypatch.setattr("train.obtain", lambda *args, **kwargs: pytest.fail("it is trained again"))
    again = verdict(trial, folder)
    assert again.to_json() == report["verdicts"][0]
    assert again.recipes["transformer"]["hash"] == run.recipe.hash


@pytest.mark.parametrize("training", get_args(Training))
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_train_what_their_claims_ask_for(name, training):
    """So `runs/HASH` is one folder for both, and those claims that ask for these networks alone share their
    verdict too.
    """
    experiment = EXPERIMENTS[name]
    recipe = experiment.trained(training)
    for id, trial in experiment.trials(recipe).items():
        alone = Trial(CLAIMS[id], experiment.process, Setting(training=training))
        assert recipe.hash in {r.hash for r in alone.recipes.values()}
        assert trial.key == alone.key or len(alone.recipes) > 1


@pytest.mark.thorough
@pytest.mark.parametrize("id", CLAIMS)
def test_every_claim_is_offered_every_training(id):
    """Whether or not it changes what the claim has trained; nothing else of a recipe changes with it."""
    claim = CLAIMS[id]
    for process in claim.tested_on:
        for size in ("small", "default"):
            asked = [
                claim.recipes(process, Setting(2, size=size, training=training))
                for training in get_args(Training)
            ]
            assert len({tuple(map(str, recipes)) for recipes in asked}) == 1
            for role in asked[0]:
                models = {descent(recipes[role])[0].model for recipes in asked}
                assert len(models) == 1 and {recipes[role].seeds for recipes in asked} == {2}


def test_an_experiment_on_constraints_refuses_before_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("train.use_all_cores", lambda: None)
    assert (
        main(["run", "guarded", "--process", "mess3", "--model.vocab", "3", "--out", str(tmp_path / "run")])
        == 2
    )
    assert "CL2 cannot be tested on" in capsys.readouterr().err and not (tmp_path / "run").exists()
