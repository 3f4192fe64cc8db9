"""The place where a run is made: its processor, flags and cores are told, and where they are others it goes
on only if that is accepted.
"""

import contextlib
import os
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

import train
from benchmarks.work import FEW, arithmetic
from train import RunError
from train.machine import devices, environment
from train.machine.environment import Leg
from train.runs import checkpoints

X86 = (
    "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse smep pni fma avx2 avx512f bmi2\nbugs\t: "
    "sysret\n"
)


def test_what_a_processor_computes_with_is_told_and_no_more():
    known = environment.cpu(X86).split(" L1")[0]
    assert known == "avx2 avx512f fma sse"
    assert environment.cpu(X86.replace("pni", "lm").replace("EPYC", "Ryzen")).split(" L1")[0] == known
    assert environment.cpu(X86.replace("avx512f ", "")).split(" L1")[0] != known
    assert environment.cpu("Features\t: fp asimd evtstrm sve crc32").split(" L1")[0] == "asimd fp sve"
    assert environment.cpu("nothing") != ""


def test_flags_are_told_as_xla_takes_them(monkeypatch, tmp_path):
    def told(written: str) -> tuple[str, ...]:
        monkeypatch.setenv("XLA_FLAGS", written)
        return devices.xla_flags()

    assert (
        told("--xla_b=2 --xla_a=1 --xla_b=3")
        == told("--xla_a=1 --xla_dump_to=x --xla_b=3")
        == ("--xla_a=1", "--xla_b=3")
    )
    (tmp_path / "flags").write_text("--xla_b=3\n--xla_a=1\n")
    caches = {environment.program_cache(), (told(str(tmp_path / "flags")), environment.program_cache())[1]}
    assert devices.xla_flags() == ("--xla_a=1", "--xla_b=3") and len(caches) == 1
    (tmp_path / "flags").write_text("--xla_a=1")
    assert environment.program_cache() not in caches
    assert told("") == told(str(tmp_path / "absent")) == ()


CHANGES = {
    "flag": ("XLA_FLAGS", "--xla_cpu_max_isa=SSE4_2", "xla "),
    "threads": ("PJRT_NPROC", "3", "threads "),
    "kernels of NumPy": ("NPY_DISABLE_CPU_FEATURES", "AVX2", "NPY_DISABLE_CPU_FEATURES not set -> AVX2"),
    "kernels of OpenBLAS": ("OPENBLAS_CORETYPE", "Prescott", "OPENBLAS_CORETYPE not set -> Prescott"),
}


@pytest.fixture
def sums(monkeypatch):
    """Sums in the place of learning, and a save after every step."""
    for name, value in arithmetic().items():
        monkeypatch.setattr(train.runs.run, name, value)
    monkeypatch.setattr(train.runs.run, "SAVE_EVERY_SECONDS", -1.0)


def some_steps(path: Path, n: int, **kwargs) -> None:
    with contextlib.closing(train.open_run(path, FEW, **kwargs).train()) as steps:
        for _ in zip(range(n), steps, strict=False):
            pass


@pytest.mark.parametrize("change", CHANGES)
def test_an_unfinished_run_goes_on_elsewhere_only_if_that_is_accepted_and_says_so(
    change, sums, tmp_path, monkeypatch
):
    variable, value, told = CHANGES[change]
    if told.startswith(variable):
        monkeypatch.delenv(variable, raising=False)  # the suite itself may run under another kernel
    some_steps(tmp_path / "run", 2)
    (home,) = train.open_run(tmp_path / "run").made
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv(variable, value)
        with pytest.raises(RunError, match=told) as refused:
            train.open_run(tmp_path / "run", FEW)
        assert "\n" not in str(refused.value) and "--accept-other-bits" in str(refused.value)
        with pytest.raises(RunError, match=told):
            list(train.open_run(tmp_path / "run").train())  # opened to be read
        some_steps(tmp_path / "run", 1, accept_other_bits=True)
    with pytest.raises(RunError, match="was begun in another place"):
        train.open_run(tmp_path / "run", FEW)
    list(train.open_run(tmp_path / "run", FEW, accept_other_bits=True).train())
    run = train.open_run(tmp_path / "run", FEW)  # finished: read anywhere
    assert [leg.step for leg in run.made] == [0, 2, 3] and run.made[0] == home
    assert run.made[1].versions != home.versions == run.made[2].versions
    assert run.finished and np.isfinite(run.history()["excess"]).all()


def test_what_was_computed_elsewhere_and_not_kept_leaves_no_trace(sums, tmp_path, monkeypatch):
    some_steps(tmp_path / "run", 2)
    home = train.open_run(tmp_path / "run").made
    shutil.copytree(tmp_path / "run" / "resume", tmp_path / "kept")
    monkeypatch.setenv("PJRT_NPROC", "3")
    list(train.open_run(tmp_path / "run", FEW, accept_other_bits=True).train())
    monkeypatch.delenv("PJRT_NPROC")
    shutil.rmtree(tmp_path / "run" / "resume")
    (tmp_path / "run" / "history.npz").unlink()
    shutil.copytree(tmp_path / "kept", tmp_path / "run" / "resume")
    run = train.open_run(tmp_path / "run", FEW, accept_other_bits=True)
    with contextlib.closing(run.train()) as steps:
        next(steps)
        assert run.made == home  # from step 2 on it is computed here again
        assert FEW.steps not in checkpoints.parameter_steps(tmp_path / "run")


def test_a_sweep_begins_again_what_was_begun_elsewhere(sums, tmp_path, monkeypatch):
    path = tmp_path / FEW.hash
    monkeypatch.setenv("PJRT_NPROC", "3")
    some_steps(path, 2)
    (there,) = train.open_run(path).made
    monkeypatch.delenv("PJRT_NPROC")
    train.sweep([FEW], tmp_path)
    (here,) = train.open_run(path).made
    assert train.open_run(path).finished and here.versions != there.versions


def test_where_nothing_can_be_written_a_finished_run_is_read_and_others_are_refused(sums, tmp_path):
    """No lock can be made where its name is a folder's."""
    list(train.open_run(tmp_path / FEW.hash, FEW).train())
    some_steps(tmp_path / "part", 1)
    for path in (tmp_path / FEW.hash, tmp_path / "part"):
        (path / ".lock").unlink()
        (path / ".lock").mkdir()
    assert train.obtain(FEW, tmp_path).finished
    with pytest.raises(RunError, match="cannot use .*part as a run folder: Is a directory"):
        list(train.open_run(tmp_path / "part", FEW).train())


def test_a_place_is_told_with_a_report(capsys):
    from rich.console import Console

    from analysis.commands.tables import made

    legs = [Leg(0, {"jax": "1"})._asdict(), Leg(7, {"jax": "2"})._asdict()]
    made(legs[:1], Console(width=120))
    assert capsys.readouterr().out.split() == ["made", "with", "jax", "1"]
    made(legs, Console(width=120))
    assert "continued from step 7, where last bits differ, with jax 2" in capsys.readouterr().out


def test_cores_are_those_that_the_process_may_be_scheduled_on(tmp_path):
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert devices.allotted_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert devices.allotted_cores(tmp_path / "absent", tmp_path) == len(allowed)


GROUPS = {
    "no quota": ("0::/job\n", {"job/cpu.max": "max 100000"}, 8),
    "two cores": ("0::/job\n", {"job/cpu.max": "200000 100000"}, 2),
    "less than one": ("0::/job\n", {"job/cpu.max": "20000 100000"}, 1),
    "one above": ("0::/job/step\n", {"job/step/cpu.max": "max 100000", "job/cpu.max": "300000 100000"}, 3),
    "two above": ("0::/a/b/c\n", {"a/cpu.max": "500000 100000", "a/b/c/cpu.max": "600000 100000"}, 5),
    "its own root": ("0::/only/known/outside\n", {"cpu.max": "150000 100000"}, 1),
    "version 1": (
        "4:cpu,cpuacct:/job\n",
        {"cpu,cpuacct/job/cpu.cfs_quota_us": "400000", "cpu,cpuacct/job/cpu.cfs_period_us": "100000"},
        4,
    ),
    "version 1, linked": (
        "1:cpu:/a/b\n",
        {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "10000"},
        5,
    ),
    "version 1, none": ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
    "both": (
        "1:cpu:/j\n0::/j\n",
        {"cpu/j/cpu.cfs_quota_us": "6", "cpu/j/cpu.cfs_period_us": "1", "unified/j/cpu.max": "7 1"},
        6,
    ),
    "of memory alone": ("3:memory:/job\n", {"memory/job/cpu.max": "1 1"}, 8),
    "damaged": ("0::/job\n", {"job/cpu.max": "many\n"}, 8),
}


@pytest.mark.parametrize("case", GROUPS)
def test_cores_are_no_more_than_a_control_group_allows(case, tmp_path, monkeypatch):
    proc, files, expected = GROUPS[case]
    monkeypatch.setattr(devices, "scheduled_cores", lambda: 8)
    (tmp_path / "proc").write_text(proc)
    for name, content in files.items():
        file = tmp_path / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert devices.allotted_cores(tmp_path / "proc", tmp_path / "cgroup") == expected


def test_cores_cannot_be_given_once_jax_has_computed(monkeypatch):
    jax.devices()
    flags = os.environ["XLA_FLAGS"]
    with pytest.raises(RunError, match="JAX has computed already, on 1 devices"):
        train.use_all_cores(7)
    assert os.environ["XLA_FLAGS"] == flags  # or `versions` would tell of flags that are not in force


def test_one_allotted_core_is_one_device_and_one_thread(forked):
    code = """
import train, jax, os
train.use_all_cores()
from benchmarks.work import FEW
print(jax.device_count(), train.versions(FEW)["threads"])
train.use_all_cores()
"""
    done = forked(code, cores=(min(os.sched_getaffinity(0)),))
    assert done.returncode == 0 and done.stdout.split() == ["1", "1"], done
