"""Nothing lost: whatever happens to a run folder, the next call ends with the same bits or refuses with a
sentence.
"""

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from safetensors import safe_open

import processes
import train
from benchmarks.work import FEW, arithmetic
from processes.values.whole_file import write_json
from train import RunError
from train.runs import checkpoints
from train.runs.checkpoints import GATHERED

ROOT = Path(__file__).parents[3]


def outcome(path: Path) -> list[bytes]:
    """All that a run gives, once it is trained to its end."""
    run = train.open_run(path, FEW)
    list(run.train())
    values = [run.history(), [run.params(step) for step in run.checkpoint_steps]]
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(values)]


def in_place_of_learning(patch: pytest.MonkeyPatch) -> None:
    """Sums, and a save after every step."""
    for name, value in arithmetic().items():
        patch.setattr(train.runs.run, name, value)
    patch.setattr(train.runs.run, "SAVE_EVERY_SECONDS", -1.0)


@pytest.fixture
def sums(monkeypatch):
    """Sums in the place of learning, and a save after every step."""
    in_place_of_learning(monkeypatch)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run that nothing happened to, made once, and what it gives."""
    folder = tmp_path_factory.mktemp("undisturbed") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        in_place_of_learning(patch)
        return folder, outcome(folder)


@pytest.fixture
def whole(sums, undisturbed, tmp_path):
    """What the run gives; a copy of it is in the folder of the test."""
    folder, given = undisturbed
    shutil.copytree(folder, tmp_path / "whole")
    return given


@pytest.mark.parametrize(("took", "pause"), [(0.5, 20.0), (3.0, 60.0)])
def test_saves_hold_a_training_up_by_a_twentieth_at_most(tmp_path, monkeypatch, took, pause):
    """By a clock that passes a second in every step, and as long as it takes in every save."""
    now, begun = [0.0], []

    def keep_state(path: Path, step: int, leaves: object) -> None:
        begun.append(now[0])
        now[0] += took

    for name, value in arithmetic().items():
        monkeypatch.setattr(train.runs.run, name, value)
    monkeypatch.setattr(train.runs.run, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(train.runs.run.checkpoints, "keep_state", keep_state)
    for _ in train.open_run(tmp_path / "run", replace(FEW, steps=200)).train():
        now[0] += 1.0
    between = np.diff(begun)[:-1]  # the last is at the end
    assert len(between) >= 1 and ((between >= pause) & (between < pause + took + 2)).all(), begun


@pytest.mark.parametrize("work", ["saving", pytest.param("claim", marks=pytest.mark.slow)])
def test_killed_work_ends_with_the_same_bits(work, forked):
    """The benchmark does this hundreds of times, with every kind of work."""
    done = forked("import runpy; runpy.run_module('benchmarks.kill', run_name='__main__')", work, "3")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["kills"] >= 3 and found["resumed"] > 0, (found, done.stderr)


def damaged(content: bytes, how: str, rng: np.random.Generator) -> bytes:
    where = int(rng.integers(len(content)))
    if how == "flipped":
        return content[:where] + bytes([content[where] ^ 1 << int(rng.integers(8))]) + content[where + 1 :]
    return content[:where] if how == "truncated" else b""


@pytest.mark.thorough
@pytest.mark.parametrize("finished", [True, False], ids=["finished", "unfinished"])
def test_no_damaged_file_gives_another_number(whole, tmp_path, finished):
    if finished:
        source = tmp_path / "whole"
    else:
        source = tmp_path / "part"
        with contextlib.closing(train.open_run(source, FEW).train()) as steps:
            for _ in zip(range(3), steps, strict=False):
                pass
    rng, same = np.random.default_rng(0), 0
    files = [p.relative_to(source) for p in sorted(source.rglob("*")) if p.is_file() and p.name != ".lock"]
    cases = [(file, how) for file in files for how in ("flipped", "truncated", "emptied", "deleted")]
    cases = [cases[i] for i in rng.permutation(len(cases))[:32]]
    for file, how in cases:
        path = tmp_path / "damaged"
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(source, path)
        if how == "deleted":
            (path / file).unlink()
        else:
            (path / file).write_bytes(damaged((source / file).read_bytes(), how, rng))
        try:
            assert outcome(path) == whole, (file, how)
            same += 1
        except RunError as error:
            assert "\n" not in str(error)
    assert 0 < same < len(cases)  # some damage is healed, some refused: both branches were taken


@pytest.mark.parametrize("where", ["checkpoints", "resume"])
def test_a_bit_flipped_in_the_numbers_is_noticed(whole, tmp_path, where):
    """The same flip is read as another number by safetensors alone."""
    run = tmp_path / "whole"
    file = run / (GATHERED if where == "checkpoints" else f"resume/{FEW.steps}.safetensors")
    content = bytearray(file.read_bytes())
    content[-2] ^= 1  # the last number is of the last step
    file.write_bytes(content)
    with safe_open(file, "numpy") as alone:
        assert all(alone.get_tensor(name).size for name in alone.keys())  # noqa: SIM118
    with pytest.raises(checkpoints.DamagedCheckpoint, match="not those that were written"):
        read = checkpoints.read_parameters if where == "checkpoints" else checkpoints.read_state
        read(run, FEW.steps)


def test_a_trained_run_keeps_its_parameters_in_one_file(whole, tmp_path):
    run = train.open_run(tmp_path / "whole")
    files = {p.relative_to(run.path).as_posix() for p in run.path.rglob("*") if p.is_file()}
    states = {f"resume/{step}.safetensors" for step in (FEW.steps - 1, FEW.steps)}
    assert files == {".lock", "recipe.json", "history.npz", "parameters.safetensors", *states}
    assert checkpoints.parameter_steps(run.path) == list(run.checkpoint_steps)


def test_a_folder_may_have_any_name(whole, tmp_path):
    for name in ("[a]*?", "a b", "été"):
        assert outcome(tmp_path / name / "run") == whole


def test_others_read_a_gathered_file_by_the_names_of_its_leaves(whole, tmp_path):
    run = train.open_run(tmp_path / "whole")
    with safe_open(run.path / GATHERED, "numpy") as file:
        (name,) = file.keys()
        assert json.loads(file.metadata()["steps"]) == list(run.checkpoint_steps)
        assert np.array_equal(file.get_tensor(name), [run.params(s)[name] for s in run.checkpoint_steps])


def test_damage_to_one_step_of_a_gathered_file_is_no_damage_to_another(whole, tmp_path):
    run = train.open_run(tmp_path / "whole")
    file = run.path / GATHERED
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(content)
    shutil.rmtree(run.path / "resume")
    assert run.params(0)["w"].shape == (FEW.seeds, 64)
    with pytest.raises(RunError, match="the checkpoint cannot be read"):
        run.params()
    file.write_bytes(content[:50])
    with pytest.raises(RunError, match="the checkpoint cannot be read"):
        run.params(0)


def test_parameters_that_are_damaged_are_gathered_by_nobody_and_stay(sums, tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    for step in (0, 1, 2):
        checkpoints.keep_parameters(path, step, {"w": np.full(3, step, np.float32)})
    file = path / "checkpoints" / "1.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    checkpoints.gather(path, [0, 1, 2])
    assert [p.name for p in (path / "checkpoints").iterdir()] == ["1.safetensors"]
    assert checkpoints.parameter_steps(path) == [0, 1, 2]
    assert [float(checkpoints.read_parameters(path, step)["w"][0]) for step in (0, 2)] == [0.0, 2.0]
    with pytest.raises(checkpoints.DamagedCheckpoint, match="not those that were written"):
        checkpoints.read_parameters(path, 1)
    checkpoints.keep_parameters(path, 1, {"w": np.ones(3, np.float32)})  # made anew, it is gathered with them
    checkpoints.gather(path, [0, 1, 2])
    assert not (path / "checkpoints").exists() and checkpoints.read_parameters(path, 1)["w"].sum() == 3
    checkpoints.forget_parameters(path, since=1)
    assert checkpoints.parameter_steps(path) == [0]
    checkpoints.forget_parameters(path, since=0)
    assert not (path / GATHERED).exists()


def test_older_parameters_are_never_given_for_the_last(whole, tmp_path):
    run = train.open_run(tmp_path / "whole")
    checkpoints.forget_parameters(run.path, since=FEW.steps)
    (run.path / "resume" / f"{FEW.steps}.safetensors").unlink()
    with pytest.raises(RunError, match="keeps no parameters of step"):
        run.params()
    shutil.rmtree(run.path / "resume")
    with pytest.raises(RunError, match="keeps no parameters of step"):
        run.params()


def test_names_in_an_npz_are_sealed(tmp_path):
    from train.runs import sealed

    sealed.write_npz(tmp_path / "a.npz", loss=np.zeros(2), exces=np.ones(2))
    assert set(sealed.read_npz(tmp_path / "a.npz", "")) == {"loss", "exces"}
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes().replace(b"exces", b"axces"))
    with pytest.raises(RunError, match="damaged"):
        sealed.read_npz(tmp_path / "a.npz", "")


def test_a_changed_digit_in_a_report_is_refused(tmp_path):
    from train.runs import sealed

    write_json(tmp_path / "r.json", sealed.sealed({"r2": 0.25}))
    assert sealed.read_sealed(tmp_path / "r.json")["r2"] == 0.25
    (tmp_path / "r.json").write_text((tmp_path / "r.json").read_text().replace("0.25", "0.75"))
    with pytest.raises(ValueError, match="not what was written"):
        sealed.read_sealed(tmp_path / "r.json")


def test_one_of_two_trainings_of_a_folder_gets_a_sentence(whole, tmp_path):
    first, second = (train.open_run(tmp_path / "run", FEW) for _ in range(2))
    with contextlib.closing(first.train()) as steps:
        next(steps)
        with pytest.raises(RunError, match="another process is using"):
            next(second.train())
        with pytest.raises(RunError, match="another process is using"):
            train.open_run(tmp_path / "run", FEW, fresh=True)
    assert outcome(tmp_path / "run") == whole


def test_a_clock_that_jumps_changes_nothing(whole, tmp_path, monkeypatch):
    real, jumps = time.time, iter(np.random.default_rng(0).normal(0, 1e8, 100_000))
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    with contextlib.closing(train.open_run(tmp_path / "run", FEW).train()) as steps:
        next(steps)
    for file in (tmp_path / "run").rglob("*"):
        os.utime(file, (0, 2**32 - 1 if "1" in file.name else 0))
    assert outcome(tmp_path / "run") == whole


FULL = """
import resource, sys, train
from pathlib import Path
from benchmarks.work import FEW, arithmetic
vars(train.runs.run).update(arithmetic(), SAVE_EVERY_SECONDS=-1.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    list(train.open_run(Path(sys.argv[1]), FEW).train())
except (OSError, train.RunError) as error:
    print(type(error).__name__, str(error).count("\\n"))
"""


@pytest.mark.parametrize("size", [0, 300, 900])
def test_a_full_disk_is_a_sentence_and_then_the_same_bits(whole, tmp_path, size, forked):
    """A limit on the size of a file: to those who write it is a disk that is full."""
    done = forked(FULL, str(tmp_path / "run"), str(size))
    assert done.returncode == 0 and done.stdout.split() in (["OSError", "0"], ["RunError", "0"])
    assert outcome(tmp_path / "run") == whole


PROGRAM = """
import jax, train
jax.config.update("jax_compilation_cache_dir", str(train.program_cache()))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
print(jax.jit(lambda x: (x @ x).sum())(jax.numpy.ones((3, 3))))
"""


def test_half_a_compiled_program_is_compiled_anew_without_a_word(tmp_path, forked):
    def said():
        done = forked(PROGRAM, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)})
        return done.stdout, done.stderr

    assert said() == ("27.0\n", "")
    programs = {
        file: file.stat().st_size for file in (tmp_path / "toylab" / "xla").rglob("*") if file.is_file()
    }
    assert programs and all(file.name.endswith("-cache") for file in programs)
    for file in programs:
        os.truncate(file, 100)
    assert said() == ("27.0\n", "")
    assert all(file.stat().st_size > 100 for file in programs)  # whole again: JAX itself would have left them


@pytest.mark.thorough
def test_writers_of_one_file_take_turns(tmp_path):
    """Without turns, what the longer one wrote stands behind the end of the shorter one, or a rename finds
    nothing.
    """
    command = (
        "import sys; from pathlib import Path; from processes.values.whole_file import write_json\nfor k in "
        "range(200): write_json(Path(sys.argv[1]), %s * k)"
    )
    path = tmp_path / "a.json"
    writers = [
        subprocess.Popen([sys.executable, "-c", command % value, str(path)], cwd=ROOT)
        for value in ("[1]", "[2, 3]", "'x'")
    ]
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            json.loads(path.read_text())
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def _figure(path: Path) -> None:
    from matplotlib.figure import Figure

    from analysis.figures.style import write

    write(Figure(figsize=(1, 1)), path)


def _json(path: Path) -> None:
    from processes.values.whole_file import write_json

    write_json(path, list(range(1000)))


def _npz(path: Path) -> None:
    from train.runs.sealed import write_npz

    write_npz(path, w=np.arange(1000))


def _table(path: Path) -> None:
    from train.sweeps.table import write_table

    write_table(path, ["a"], [{"a": k} for k in range(1000)])


def _process(path: Path) -> None:
    processes.write(processes.named("rrxor"), path)


WRITERS = {
    "figure.svg": _figure,
    "figure.png": _figure,
    "verdict.json": _json,
    "shown.npz": _npz,
    "table.csv": _table,
    "rrxor.json": _process,
}


@pytest.mark.parametrize("name", WRITERS)
def test_no_room_for_a_file_leaves_the_earlier_one_and_nothing_else(name, tmp_path):
    path, (soft, hard) = tmp_path / name, resource.getrlimit(resource.RLIMIT_FSIZE)
    path.write_text("earlier")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        with pytest.raises((OSError, processes.ProcessError), match=name):
            WRITERS[name](path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "earlier" and list(tmp_path.iterdir()) == [path]
    WRITERS[name](path)
    assert path.stat().st_size > 100 and list(tmp_path.iterdir()) == [path]


def test_numbers_of_a_test_that_was_killed_are_never_drawn_under_an_older_verdict(tmp_path):
    from analysis import lab
    from analysis.claim.latest import published
    from train.runs import sealed

    there = published("BG1")[0]
    tmp_path = tmp_path / f"BG1-{there.key}"
    tmp_path.mkdir()
    first = sealed.write_npz(tmp_path / "shown.npz", w=np.zeros(2))
    values = there.to_json()
    write_json(tmp_path / "verdict.json", sealed.sealed(values | {lab.NUMBERS: first}))
    assert lab.kept(tmp_path) == there
    sealed.write_npz(tmp_path / "shown.npz", w=np.ones(2))
    assert lab.kept(tmp_path) is None  # made anew
    write_json(tmp_path / "verdict.json", values)
    assert lab.kept(tmp_path) is None  # without a seal, of an earlier version
    write_json(tmp_path / "verdict.json", sealed.sealed(values | {"schema": 3}))
    assert lab.kept(tmp_path) is None  # of an earlier version, too
    for content in (
        "",
        '{"outcome": ',
        "[1]",
        '{"outcome": "refuted", "asked": "rrxor", "key": "k", "sha256": "0"}',
    ):
        (tmp_path / "verdict.json").write_text(content)
        with pytest.raises(RunError, match="is damaged"):
            lab.kept(tmp_path)
