"""Theories as properties: processes that can be probed, claims put to them, claims in files of one's own, and
the pytest plugin.
"""

import gc
import json
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings

import processes
from analysis.claim import Claim, ClaimError, Criterion, judge
from analysis.commands.claim_file import own
from analysis.commands.main import main
from analysis.families import CLAIMS
from analysis.instruments.probing.study import check
from analysis.recipes import one_run, standard
from analysis.testing import askable, probeable_hmms, put, worth, worthy_hmms
from analysis.trial import Trial

ROOT = Path(__file__).parents[2]
FEW = settings(max_examples=15, deadline=None, database=None, derandomize=True)
MINE = """
import numpy as np
from analysis.claim import Claim, Criterion

def rate(process):
    with open("measured", "a") as file:
        file.write("x")
    return np.full(8, float(LIMIT))

LIMIT = 1.0
CLAIM = Claim(
    id="OWN1",
    statement="It is above a half.",
    source="a test",
    prediction=lambda process, n_ctx: {},
    criteria=(Criterion("level", rate, above=0.5),),
    controls=(Criterion("control", lambda process: np.ones(8), above=0.0),),
    evidence=lambda runs: runs,
    recipes=lambda process, setting: {},
    refusal=lambda process, n_ctx: None if process.vocab == 2 else "it is about two symbols",
)
OTHER = 3
"""


def measured() -> int:
    """How often the claim of the file was measured in this folder."""
    return len(Path("measured").read_text())


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file of a claim of one's own, in the folder where one is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "own_claim.py").write_text(MINE)
    yield tmp_path / "own_claim.py"
    for name in ("own_claim", "beside_own_claim"):
        sys.modules.pop(name, None)


@FEW
@given(probeable_hmms(max_states=3, max_vocab=3))
def test_only_processes_that_can_be_probed_are_drawn(process):
    assert worth(process, 7) >= 0.01
    assert 2 <= process.n_states <= 3 and 2 <= process.vocab <= 3


def test_a_theory_about_processes_costs_milliseconds():
    """With the settings that a user has who sets none: a draw that takes long is an error of Hypothesis."""

    @settings(database=None, derandomize=True)
    @given(probeable_hmms(max_states=3))
    def symbols_are_not_certain(process):
        assert processes.h(process, 4)[-1] > 0

    before = time.process_time()
    symbols_are_not_certain()
    assert time.process_time() - before < 15  # of 100 examples; 2.4 measured, 20 with bounds to the end


@pytest.mark.thorough
def test_shrinking_stays_among_them_and_ends_at_few_states():
    reached = []

    def is_large(process):
        reached.append(worth(process, 5))
        return worth(process, 5) > 0.05

    small = hypothesis.find(probeable_hmms(n_ctx=5, max_vocab=2), is_large, settings=FEW)
    assert small.n_states == small.vocab == 2 and worth(small, 5) > 0.05
    assert min(reached) >= 0.01


@pytest.mark.parametrize(("states", "vocab"), [(1, 2), (2, 1), (0, 0), (-1, 3)])
def test_bounds_that_no_process_is_within_are_refused(states, vocab):
    with pytest.raises(processes.ProcessError, match="there is nothing to believe"):
        hypothesis.find(
            probeable_hmms(max_states=states, max_vocab=vocab), lambda process: True, settings=FEW
        )


@pytest.mark.parametrize(("spec", "n_ctx"), [("coin(p=0.5)", 5), ("mess3", 1)])
def test_contexts_that_tell_nothing_or_cannot_be_held_out_are_worth_nothing(spec, n_ctx):
    assert worth(processes.named(spec), n_ctx) == 0


@pytest.mark.thorough
def test_what_was_put_is_kept_and_measured_once(mine, tmp_path):
    claim = own(mine, "CLAIM")
    process = processes.hmm(np.array([[[0.5, 0.0], [0.3, 0.0]], [[0.0, 0.5], [0.0, 0.7]]]), name="mine")
    first = put(claim, process, store=tmp_path / "runs")
    assert first.outcome == "supported" and measured() == 1
    again = put(claim, process, store=tmp_path / "runs")
    assert measured() == 1 and again.criteria[0].state == first.criteria[0].state
    assert put(claim, "coin(p=0.3)", store=tmp_path / "runs").outcome == "supported" and measured() == 2


def test_by_default_it_is_kept_in_the_users_cache(mine, tmp_path):
    assert put(own(mine, "CLAIM"), "coin(p=0.4)").outcome == "supported"
    assert list((tmp_path / "cache" / "toylab" / "verdicts" / "claims").glob("OWN1-*/verdict.json"))


def test_where_it_cannot_be_tested_is_told_beforehand(mine, tmp_path):
    claim = own(mine, "CLAIM")
    assert askable(claim, "coin(p=0.5)") and not askable(claim, "mess3")
    with pytest.raises(ClaimError, match="it is about two symbols"):
        put(claim, "mess3", store=tmp_path / "runs")


@pytest.mark.thorough
def test_decoys_of_a_process_in_a_file_are_looked_for_once_in_a_trial(tmp_path, monkeypatch):
    """They take a second, and go with the last that holds the process."""
    decoys = sys.modules["processes.ensembles.decoy"]  # the package has a function of that name
    found, tempered = [], decoys._tempered
    monkeypatch.setattr(decoys, "_tempered", lambda *asked: found.append(asked) or tempered(*asked))
    file = tmp_path / "mine.json"
    T = np.zeros((3, 3, 3))
    T[0, 0, 0], T[1, 0, 1], T[2, 1, 2], T[0, 1, 0], T[:, 2, 0] = 0.6, 0.4, 0.7, 0.3, 1 / 3
    processes.write(processes.hmm(T), file)  # held by nobody, as those of the catalogue are
    trial = Trial("BG1", str(file))
    assert trial.refusal() is None and found
    first = len(found)
    gc.collect()
    check(processes.named(str(file)), trial.n_ctx)
    assert len(found) == first


@pytest.mark.thorough
def test_an_edited_claim_is_measured_again(mine, tmp_path):
    assert put(own(mine, "CLAIM"), "coin(p=0.5)", store=tmp_path).outcome == "supported"
    mine.write_text(MINE.replace("LIMIT = 1.0", "LIMIT = 0.1"))
    assert put(own(mine, "CLAIM"), "coin(p=0.5)", store=tmp_path).outcome == "refuted"
    mine.write_text(MINE)
    assert put(own(mine, "CLAIM"), "coin(p=0.5)", store=tmp_path).outcome == "supported"
    assert measured() == 2


@pytest.mark.parametrize(
    ("text", "asked", "told"),
    [
        (MINE, "own_claim.py:NONE", "has no claim 'NONE'; its claims are CLAIM"),
        (MINE, "own_claim.py:OTHER", "has no claim 'OTHER'; its claims are CLAIM"),
        ("x = 1", "own_claim.py:CLAIM", "has no claim 'CLAIM'; it has none"),
        ("1 / 0", "own_claim.py:CLAIM", "cannot be run: ZeroDivisionError: division by zero"),
        ("def", "own_claim.py:CLAIM", "cannot be run: SyntaxError"),
        (MINE, "none.py:CLAIM", "there is no file none.py; give FILE.py:NAME"),
        (MINE, "own_claim.py", "there is no claim 'own_claim.py'"),
    ],
)
def test_a_file_without_such_a_claim_is_refused_in_a_sentence(mine, capsys, text, asked, told):
    mine.write_text(text)
    assert main(["claim", asked, "--process", "coin"]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_claim_that_names_no_process_is_not_passed_for_want_of_one(mine, capsys):
    assert main(["claim", "own_claim.py:CLAIM", "--check", "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "OWN1 names no process to be put to (tested_on is empty)" in " ".join(err.split())


def test_claims_of_the_lab_and_processes_are_taken_by_name_and_as_they_are(monkeypatch):
    assert Trial("BG1", processes.named("mess3")).key == Trial(CLAIMS["BG1"], "mess3").key
    assert askable("BG1", "mess3")
    with pytest.raises(ClaimError, match="there is no claim 'BG99'; it is one of BG1, "):
        Trial("BG99", "mess3")
    written = processes.named("mess3")
    assert standard(written) == standard(str(written.spec))
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # the annotation is for editors
    with pytest.raises(ClaimError, match=r"claim is 'BG1'; give the claim itself, as toylab.CLAIMS\['BG1'\]"):
        judge("BG1", None, "mess3", 5)


def test_a_file_named_as_a_module_in_use_does_not_take_its_place(mine):
    room = sys.modules["train"]
    (mine.parent / "train.py").write_text(MINE)
    with pytest.raises(ClaimError, match="has the name of a module that is in use, train; rename the file"):
        own(Path("train.py"), "CLAIM")
    assert sys.modules["train"] is room


def test_a_file_may_import_what_stands_beside_it(mine):
    (mine.parent / "beside_own_claim.py").write_text("LIMIT = 2.0")
    mine.write_text(MINE.replace("LIMIT = 1.0", "from beside_own_claim import LIMIT"))
    assert own(Path("own_claim.py"), "CLAIM").id == "OWN1"


@pytest.mark.thorough
def test_the_command_prints_json_alone_and_its_status_is_the_verdict(mine, capsys, monkeypatch):
    monkeypatch.setattr("train.use_all_cores", lambda: None)  # this process has computed already
    asked = ["claim", "own_claim.py:CLAIM", "--process", "coin(p=0.5)", "coin(p=0.3)", "--json"]
    assert main([*asked, "--check"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [v["asked"] for v in found] == ["coin(p=0.5)", "coin(p=0.3)"]
    assert all(v["outcome"] == "supported" and Path(v["figure"]).stat().st_size > 1000 for v in found)
    mine.write_text(MINE.replace("LIMIT = 1.0", "LIMIT = 0.1"))
    assert main([*asked, "--check"]) == 1 and main(asked) == 0


def test_one_name_gives_the_very_module():
    import toylab
    from toylab.testing import put as there

    assert there is put and toylab.testing is sys.modules["analysis.testing"]


TEST = """
from own_claim import CLAIM
from toylab.testing import put

def test_mine(toylab_store):
    assert toylab_store.is_dir()
    assert put(CLAIM, "coin(p=0.5)", store=toylab_store).outcome == "supported"
"""


@pytest.mark.slow
def test_the_store_of_the_plugin_outlives_the_session(mine):
    (mine.parent / "test_mine.py").write_text(TEST)
    (mine.parent / "plugin.py").write_text("from toylab.pytest_plugin import toylab_store\n")

    def session(*options):
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "plugin", *options, "test_mine.py"]
        done = subprocess.run(
            command,
            cwd=mine.parent,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": f"{ROOT}:{mine.parent}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return measured()

    assert session() == session() == 1
    assert session("-p", "no:cacheprovider") == 2 and session("--cache-clear") == 3


@pytest.mark.slow
def test_a_claim_about_networks_costs_its_training_once(mine, tmp_path):
    """Put to a process that was drawn, and again."""
    claim = Claim(
        id="OWN2",
        statement="Trained networks hold more of the belief than untrained ones.",
        source="a test",
        recipes=one_run,
        prediction=lambda process, n_ctx: {},
        criteria=(
            Criterion(
                "gain",
                lambda s: s.r2(s.final_layer) - s.r2(s.final_layer, trained=False).max(),
                above=0.0,
            ),
        ),
        controls=(),
    )
    process = hypothesis.find(
        probeable_hmms(max_states=2, max_vocab=2), lambda p: worth(p, 7) > 0.05, settings=FEW
    )
    first = put(claim, process, seeds=2, store=tmp_path / "runs")
    assert first.outcome in ("undecided", "supported", "refuted") and first.seconds["training"] > 0
    runs = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").glob("*/history.npz")}
    again = put(claim, process, seeds=2, store=tmp_path / "runs")
    assert again.seconds == first.seconds
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").glob("*/history.npz")} == runs != {}


@pytest.mark.slow
@settings(FEW, max_examples=8)
@given(probeable_hmms())
def test_a_study_takes_what_is_drawn(process):
    check(process, 7)  # eight wrong processes as hard are looked for


@pytest.mark.thorough
def test_random_hmms_that_are_worth_learning_are_the_same_every_time_and_counted():
    found, drawn = worthy_hmms(3, least_worth=0.02)
    again, _ = worthy_hmms(3, least_worth=0.02)
    assert [p.digest for p in found] == [p.digest for p in again] and drawn >= 3
    assert all(worth(p, 7) >= 0.02 and 3 <= p.n_states <= 5 and p.vocab == 2 for p in found)
    assert [p.digest for p in worthy_hmms(3, least_worth=0.02, seed=1)[0]] != [p.digest for p in found]


def test_random_hmms_that_no_draw_is_as_good_as_are_refused(monkeypatch):
    monkeypatch.setattr("analysis.testing.MOST_DRAWN", 5)
    with pytest.raises(processes.ProcessError, match="of 5 random HMMs only 0 have contexts worth 10 nats"):
        worthy_hmms(1, least_worth=10.0)
