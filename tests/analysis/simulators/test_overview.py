"""What a run on a mixture tells and draws of which component writes."""

import json

import numpy as np
import pytest
from planted.fewer import few_shuffles
from planted.networks import study_of

import processes
from analysis.claim import single
from analysis.figures.record import Record
from analysis.figures.style import style, write
from analysis.instruments.contexts import contexts
from analysis.instruments.overview import Measurements
from analysis.report import experiment
from analysis.simulators.overview import overview
from analysis.simulators.panels import overview as drawings
from train.runs.sealed import write_npz


def seen(name, n_ctx=6):
    t = contexts(processes.named(name), n_ctx)
    found = Measurements({})
    study = study_of(t, np.random.default_rng(0), lambda i: t.belief, seeds=3, width=8)
    with few_shuffles():
        found.of(lambda runs: None)
        found._measured[single] = study
        return t, overview(found)


@pytest.fixture
def record(tmp_path):
    t, of = seen("mixture(rrxor, coin; 0.3, 0.7)")
    write_npz(tmp_path / "evidence.npz", **of.arrays)
    told = {"process": t.process.name, "recipe": {"first_seed": 1000}}
    (tmp_path / "report.json").write_text(json.dumps({**of.report, **told}))
    return Record(tmp_path)


@pytest.mark.thorough
def test_the_posterior_is_told_beside_the_map_that_reads_it_from_beliefs(record):
    e = record.evidence
    assert record.report["components"] == ["rrxor(p1=0.5, p2=0.5)", "coin(p=0.5)"]
    assert record.report["weights"] == [0.3, 0.7]
    np.testing.assert_allclose(e["belief"] @ e["of_component"], e["posterior"], atol=1e-12)
    np.testing.assert_allclose(e["posterior"].sum(1), 1, atol=1e-12)
    first = e["length"] == 1  # a first symbol tells nothing of the two
    np.testing.assert_allclose(e["posterior"][first, 0], 0.3, atol=1e-12)


@pytest.mark.thorough
def test_a_panel_more_shows_it_exact_and_probed(record, tmp_path):
    drawn = drawings(record)
    assert list(drawn)[-1] == "posterior" and len(drawn) == 3
    with style():
        fig = drawn["posterior"](record)
        write(fig, tmp_path / "posterior.png")
    e = record.evidence
    exact, trained, untrained = (ax.collections[0].get_offsets()[:, 1] for ax in fig.axes)
    np.testing.assert_allclose(exact, e["posterior"][:, 0], atol=1e-12)
    held = e["fold"] >= 0
    for which, shown in (("trained", trained), ("untrained", untrained)):
        network = Record.typical(record.layer("concatenated")[which]["r2"])
        probed = e[f"{which}_points_concatenated"][network][held] @ e["of_component"][:, 0]
        np.testing.assert_allclose(shown, probed, atol=1e-6)
    assert [ax.get_label() for ax in fig.axes] == ["exact", "trained", "untrained"]
    assert (tmp_path / "posterior.png").stat().st_size > 3000


def test_a_process_that_is_no_mixture_has_the_figures_of_its_beliefs_alone(tmp_path):
    _, of = seen("rrxor")
    assert "posterior" not in of.arrays and "components" not in of.report


def test_runs_on_mixtures_are_put_to_the_claim_on_sources_first():
    assert experiment("mixture(rrxor, coin)").claims[0] == "SM1"
    assert experiment("rrxor * coin").claims[0] == "BG1"
