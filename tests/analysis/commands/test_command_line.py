"""The command line as a user meets it."""

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import jax
import numpy as np
import pytest

import processes
import toy
import train
from analysis.commands.main import main
from analysis.commands.run import options
from analysis.lab import SCHEMA
from analysis.recipes import EFFORTS, descent
from analysis.report import EXPERIMENTS, experiment

ROOT = Path(__file__).parents[3]
TINY = (
    *("--training", "short", "--steps", "40", "--optimiser.warmup", "5", "--checkpoints", "4"),
    *("--model.n-layers", "1", "--model.d-model", "8", "--model.d-mlp", "16", "--model.n-ctx", "6"),
    *("--seeds", "2"),
)
FINISHED = (*TINY, "--finish", "3")


def toylab(*args):
    """The command in this process, which has its programs compiled already; Ctrl-C is asked of a child."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("train.use_all_cores", lambda: None)
        status = main(list(args))
    return subprocess.CompletedProcess(args, status, out.getvalue(), err.getvalue())


def test_list_and_help(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("mess3", "rrxor", "BG1", "BG4", "golden_mean", "zero_one_random"))
    assert main([]) == 0 and "usage: toylab" in capsys.readouterr().out


def test_a_card_is_for_people_and_for_machines(capsys):
    assert main(["process", "rrxor"]) == 0
    out = capsys.readouterr().out
    assert "36 = 31 transient + 5 recurrent" in out and "0.666667 bits" in out
    assert main(["process", "rrxor", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["mixed_states"] == {"transient": 31, "recurrent": 5} and len(card["h"]) == 10
    assert f"{card['worth']:.6f} nats per token, up to 10 tokens" in out and "breadcrumb price" in out
    assert main(["process", "coin"]) == 0
    out = capsys.readouterr().out
    assert "contexts are worth" in out and "nothing: " in out and "breadcrumb price" not in out


def test_a_state_graph_can_be_written_for_graphviz(tmp_path, capsys):
    assert main(["process", "even", "--figure", str(tmp_path / "new" / "even.dot")]) == 0
    assert (tmp_path / "new" / "even.dot").read_text() == processes.to_dot(processes.named("even"))
    assert main(["process", "moon", "--figure", str(tmp_path / "moon.dot")]) == 2
    assert "generalised HMM" in capsys.readouterr().err


def test_float32_matrices_are_said_to_be_so_in_one_line(tmp_path):
    T = processes.named("mess3").T.astype(np.float32).tolist()
    (tmp_path / "coarse.json").write_text(json.dumps({"transition_matrices": T}))
    command = [sys.executable, "-m", "analysis", "process", str(tmp_path / "coarse.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and done.stdout.startswith("coarse")
    assert done.stderr.startswith("toylab: T holds float32 numbers") and done.stderr.count("\n") == 1


@pytest.mark.thorough
@pytest.mark.parametrize("flags", [(), ("--like", "rrxor"), ("--emission", "states")])
def test_a_template_can_be_run_at_once(flags, capsys, asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine/my.json", *flags]) == 0
    assert "toylab run mine/my.json" in capsys.readouterr().out
    assert main(["process", "mine/my.json"]) == 0 and capsys.readouterr().out.startswith("my\n")
    recipe = asked("mine/my.json")
    assert recipe.model.vocab == 2 and recipe.process == "mine/my.json"
    before = (tmp_path / "mine" / "my.json").read_text()
    assert main(["new", "mine/my.json"]) == 2 and "is there already" in capsys.readouterr().err
    assert (tmp_path / "mine" / "my.json").read_text() == before


BAD = {
    "a template that is no JSON": (["new", "my.txt"], "my.txt must end in .json"),
    "a template like nothing": (["new", "my.json", "--like", "mess33"], "did you mean 'mess3'"),
    "a template of signed numbers": (["new", "my.json", "--like", "moon"], "is a generalised HMM"),
    "unknown command": (["trian"], "there is no command 'trian'"),
    "unknown process": (["process", "rrxo"], "did you mean 'rrxor'"),
    "no process at all": (["process", "mess3(x=0.9, a=0.5)"], "is no process"),
    "no context": (["process", "rrxor", "--n-ctx", "0"], "n_ctx is 0"),
    "unknown experiment": (["run", "mess33"], "there is no experiment 'mess33'"),
    "zero seeds": (["run", "rrxor", "--seeds", "0"], "seeds is 0"),
    "wrong vocabulary": (["run", "rrxor", "--process", "mess3"], "vocabulary of 2 but mess3 emits 3"),
    "impossible width": (["run", "rrxor", "--model.d-model", "0"], "d_model is 0"),
    "context too short to hold histories out": (["run", "rrxor", "--model.n-ctx", "3"], "n_ctx is 3"),
    "nothing to probe": (["run", "rrxor", "--process", "coin"], "is the same after every history"),
    "no decoy": (["run", "rrxor", "--process", "zero_one_random(p=1)"], "entropy rate 0.000000"),
    "endless step": (["run", "rrxor", "--optimiser.learning-rate", "inf"], "learning_rate is inf"),
    "a name that looks like markup": (["[/foo]"], "no command '[/foo]'"),
    "a parameter twice": (["process", "coin(p=0.5, p=0.2)"], "cannot read the process"),
    "unwritable folder": (["run", "rrxor", "--out", "/proc/none"], "cannot use /proc/none"),
    "folder without a run": (["show", "tests"], "no finished run in tests"),
    "nothing of that kind to list": (
        ["list", "proceses"],
        "must be one of all, experiments, claims, processes",
    ),
    "no number": (
        ["run", "rrxor", "--optimiser.learning-rate", "abc"],
        "--optimiser.learning-rate is 'abc', which is no number",
    ),
    "no whole number": (
        ["run", "rrxor", "--steps", "1e400"],
        "--steps is '1e400', which is no whole number; `toylab run rrxor --help` says more",
    ),
    "no whole number in a card": (
        ["process", "rrxor", "--n-ctx", "x"],
        "--n-ctx is 'x', which is no whole number",
    ),
    "no such choice": (
        ["run", "rrxor", "--model.positions", "[b]"],
        "--model.positions is '[b]'; it must be one of learned, rotary, none",
    ),
    "unknown flag": (
        ["run", "rrxor", "--model.d-modl", "8"],
        "does not know --model.d-modl; did you mean --model.d-model or",
    ),
    "unknown flags": (
        ["run", "rrxor", "--stepss", "3", "--zzz"],
        "does not know --stepss, --zzz; did you mean --steps?",
    ),
    "unknown argument": (
        ["process", "rrxor", "more"],
        "does not know more; `toylab process --help` says more",
    ),
    "unknown kind of model": (
        ["run", "rrxor", "model:gru"],
        "did you mean model:transformer-config or model:recurrent-config?",
    ),
    "flag of another model": (
        ["run", "rrxor", "--model.cell", "gru"],
        "takes --model.cell only after model:recurrent-config",
    ),
    "fields without defaults": (
        ["run", "rrxor", "model:recurrent-config"],
        "lacks --model.vocab, --model.n-ctx, --model.n-layers, --model.d-model",
    ),
    "no value": (["process", "rrxor", "--figure"], "--figure is given no value"),
    "no argument": (
        ["process"],
        'lacks an argument (NAME, NAME:published_set, or "NAME(parameter=value, ...)")',
    ),
    "no such size": (
        ["claim", "BG1", "--size", "huge"],
        "--size is 'huge'; it must be one of small, default, large",
    ),
    "nothing to claim": (["claims", "BG1"], "does not know BG1"),
    "nothing to sweep": (["sweep", "rrxor", "--over"], "--over is given no value"),
    "a value of several lines": (
        ["run", "rrxor", "--objective", "a\nb"],
        "--objective is 'a b'; it must be one of sampled",
    ),
    "a wide value": (["run", "rrxor", "--objective", "x" * 300], "x" * 300),
    "a command of several lines": (["a\nb\x1b[31m"], "there is no command"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_status_2(case, capsys, tmp_path, monkeypatch):
    argv, message = BAD[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "train.use_all_cores", lambda: None
    )  # the tests share one process, whose devices stay as they are
    (tmp_path / "tests").mkdir()
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err
    assert err.startswith("toylab: ") and err.count("\n") == 1 and "\x1b" not in err
    assert list(tmp_path.rglob("*")) == [tmp_path / "tests"]  # nothing was begun


@pytest.fixture
def asked(asked):
    """The recipe that a command line asks for, but for its finish, without training it."""
    return lambda *args: descent(asked(*args))[0]


@pytest.mark.thorough
def test_flags_change_the_recipe_of_the_training_that_is_asked_for(asked):
    recipe = asked("rrxor", "--seeds", "3", "--training", "sharp")
    assert (recipe.steps, recipe.seeds) == (EFFORTS["sharp", True].steps, 3)
    assert asked("rrxor", "--training=short").optimiser.name == "adam"
    assert asked("rrxor").steps == EFFORTS["floor", True].steps
    assert asked("rrxor", "--steps", "70", "--training", "sharp").steps == 70


@pytest.mark.thorough
def test_any_process_has_an_experiment_that_follows_from_it(asked, tmp_path):
    processes.write(processes.hmm(processes.named("rrxor").T, name="mine"), tmp_path / "my.json")
    for name, vocab in (("nemo", 2), ("mess3 * even", 6), (str(tmp_path / "my.json"), 2)):
        recipe = asked(name)
        assert (recipe.process, recipe.model.vocab) == (name, vocab)
        assert experiment(name).claims == ("BG1", "BG2", "BG3", "BG4")
    assert "trained on mine hold its beliefs" in experiment(str(tmp_path / "my.json")).question
    assert (
        experiment("guarded(mess(x=0.1, a=0.85, s=5); never 0; never 12; p=0.5)").claims
        == EXPERIMENTS["guarded"].claims
    )
    assert experiment("mess3") is EXPERIMENTS["mess3"]


@pytest.mark.parametrize(
    "flags, iterations",
    [
        ((), EFFORTS["floor", True].finish),
        (("--training", "short"), 0),
        (("--finish", "0"), 0),
        (("--finish", "7", "--training", "short"), 7),
        (("--objective", "expected", "--batch", "8"), 0),  # drawn anew in every step
    ],
)
def test_a_finish_follows_where_the_loss_has_no_noise(flags, iterations):
    recipe = options(["--seeds", "3", *flags], EXPERIMENTS["rrxor"])[1]
    assert descent(recipe)[1] == iterations and recipe.seeds == 3


def test_flags_of_the_default_model_are_plain(asked):
    recipe = asked(
        "rrxor", "--model.d-model", "16", "--steps", "70", "--model.n-ctx", "6", "--model.positions", "rotary"
    )
    assert (recipe.model.d_model, recipe.model.positions, recipe.steps, recipe.model.d_head) == (
        16,
        "rotary",
        70,
        8,
    )


def test_a_recurrent_network_is_asked_for_by_name(asked, capsys):
    shape = (
        "--model.vocab",
        "2",
        "--model.n-ctx",
        "6",
        "--model.n-layers",
        "1",
        "--model.d-model",
        "8",
        "--model.cell",
        "gru",
    )
    recipe = asked("rrxor", "--steps", "70", "model:recurrent-config", *shape, "--seeds", "3")
    assert recipe.model == toy.RecurrentConfig(vocab=2, n_ctx=6, n_layers=1, d_model=8, cell="gru")
    assert (recipe.steps, recipe.seeds, recipe.process) == (70, 3, "rrxor")
    with pytest.raises(SystemExit):
        main(["run", "rrxor", "--help"])
    assert "model:recurrent-config" in capsys.readouterr().out


def test_a_parser_that_says_other_words_still_makes_one_sentence():
    from analysis.commands.arguments import _sentence

    assert (
        _sentence(["Some other words", "of two rows.", "-----", "more"], "toylab x")
        == "Some other words of two rows; `toylab x --help` says more"
    )


def test_output_that_cannot_be_written_is_said():
    with open("/dev/full", "w") as full:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "analysis", "process", "coin"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
    assert (done.returncode, done.stderr) == (
        2,
        "toylab: cannot write the output: No space left on device; send it somewhere else\n",
    )


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    done = toylab("run", "rrxor", *FINISHED, "--out", str(folder), "--check")
    assert done.returncode == 1, done.stderr  # two barely trained networks support nothing
    return folder, done


def test_a_run_leaves_what_it_promises(run_folder):
    folder, done = run_folder
    names = {p.name for p in folder.iterdir()}
    assert {
        "recipe.json",
        "parameters.safetensors",
        "history.npz",
        "evidence.npz",
        "report.json",
        "figures",
    } <= names
    report = json.loads((folder / "report.json").read_text())
    assert report["schema"] == SCHEMA and [v["claim"] for v in report["verdicts"]] == ["BG2", "BG3", "BG4"]
    assert all(
        v["outcome"] == "undecided" and "2 trained networks" in v["reason"] for v in report["verdicts"]
    )
    assert json.loads((folder / "recipe.json").read_text())["hash"] == report["hash"]
    assert {p.suffix for p in (folder / "figures").iterdir()} == {".svg", ".png"}
    assert "Verdicts" in done.stdout and "undecided" in done.stdout


def test_a_finish_starts_from_a_run_beside_it_and_the_whole_training_is_told(run_folder):
    folder, done = run_folder
    report, run = json.loads((folder / "report.json").read_text()), train.open_run(folder)
    assert run.recipe.steps == 3 and run.recipe.origin is not None
    first = train.open_run(folder / "origin")
    assert first.finished and done.stdout.count("trained in") == 2
    same = zip(jax.tree.leaves(first.params()), jax.tree.leaves(run.params(0)), strict=True)
    assert all(np.array_equal(a, b) for a, b in same)
    assert report["training"]["step"][-1] == 43
    assert "40 steps, then 3 of L-BFGS, population objective" in " ".join(done.stdout.split())
    assert np.all(run.history()["excess"][:, -1] < first.history()["excess"][:, -1])


def test_what_is_left_to_learn_is_told_in_units_of_what_contexts_are_worth(run_folder):
    folder, done = run_folder
    report = json.loads((folder / "report.json").read_text())
    process = processes.named("rrxor")
    worth = processes.h(process, 1)[0] - processes.floor_by_position(process, 6).mean()
    assert np.isclose(report["worth"], worth, rtol=1e-12)
    np.testing.assert_allclose(report["unlearned"], np.array(report["excess"]["trained"]) / worth)
    told = " ".join(done.stdout.split())
    assert f"there are {worth:.4g} nats per token to learn" in told
    assert f"of the {worth:.4f} nats that contexts are worth" in told
    assert "2 of 2 networks have more than 0.0001 of it still to learn" in told


def test_the_report_speaks_of_the_trained_networks(run_folder):
    import numpy as np

    import train
    from analysis.instruments.evidence import observe
    from analysis.instruments.probing.study import study

    folder, _ = run_folder
    run, report = train.open_run(folder), json.loads((folder / "report.json").read_text())
    s = study(run)
    again = observe(run.recipe.model, run.params(), s.contexts, s.layers)
    np.testing.assert_allclose([e.excess for e in again], report["excess"]["trained"], rtol=1e-5)
    assert max(report["excess"]["trained"]) < min(report["excess"]["untrained"])
    kl, t = again[0].divergence, s.contexts
    for position in range(6):
        here = t.position == position
        assert np.isclose(
            again[0].excess_by_position[position], t.weight[here] @ kl[here] / t.weight[here].sum(), rtol=1e-9
        )
    begun = observe(run.recipe.model, run.params(0), s.contexts, s.layers)
    assert not np.allclose(begun[0].log_prediction, s.untrained[0].log_prediction)


@pytest.mark.thorough
def test_the_same_recipe_is_not_run_twice(run_folder):
    folder, done = run_folder
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*.npz")}
    again = toylab("run", "rrxor", *FINISHED, "--out", str(folder))
    assert again.returncode == 0 and before == {p: p.stat().st_mtime_ns for p in folder.rglob("*.npz")}
    shown = toylab("show", str(folder))
    assert shown.stdout == again.stdout and shown.stdout in done.stdout


def test_another_recipe_does_not_touch_the_folder(run_folder):
    folder, _ = run_folder
    refused = toylab("run", "rrxor", *FINISHED, "--first-seed", "5", "--out", str(folder))
    assert refused.returncode == 2 and "run of another recipe" in refused.stderr


def test_a_damaged_report_is_refused_with_the_remedy(run_folder, tmp_path):
    (tmp_path / "report.json").write_text("{")
    assert "delete that file" in toylab("show", str(tmp_path)).stderr


def test_divergence_is_named(tmp_path):
    done = toylab("run", "rrxor", *TINY, "--optimiser.learning-rate", "1e30", "--out", str(tmp_path / "run"))
    assert (
        done.returncode == 2
        and "training diverged (seed 1000" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_ctrl_c_and_a_second_call_resume(tmp_path, forked):
    longer = [
        "100000" if flag == "--steps" else value for flag, value in zip(("", *TINY), TINY, strict=False)
    ]
    args = ["run", "rrxor", *longer, "--out", str(tmp_path / "run")]
    env = {**os.environ, "XDG_CACHE_HOME": str(ROOT / ".pytest_cache")}
    # A shell's background jobs, tests among them, ignore SIGINT, and so would their children.
    heard = f"""
import os, pathlib, signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
first = pathlib.Path({str(tmp_path / "run" / "checkpoints" / "1.safetensors")!r})
def press():
    deadline = time.time() + 60
    while not first.exists() and time.time() < deadline:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
from analysis.commands.main import entry
entry()
"""
    child = forked(heard, *args, env=env)
    assert child.returncode == 130, child.stderr
    assert "goes on from here" in child.stderr and "Traceback" not in child.stderr
    assert any(p.stem.isdigit() and int(p.stem) > 0 for p in (tmp_path / "run" / "resume").iterdir())


@pytest.mark.thorough
def test_a_run_that_is_asked_for_afresh_is_made_again_with_all_that_belongs_to_it(run_folder, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder[0], folder)
    before = {p.relative_to(folder): p.stat().st_mtime_ns for p in folder.rglob("*.npz")}
    done = toylab("run", "rrxor", *FINISHED, "--out", str(folder), "--fresh")
    assert done.returncode == 0, done.stderr
    after = {p.relative_to(folder): p.stat().st_mtime_ns for p in folder.rglob("*.npz")}
    assert before.keys() == after.keys() and all(before[p] < after[p] for p in before)
