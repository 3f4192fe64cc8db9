"""Ctrl-C and SIGTERM at any moment of a command: one sentence and status 130, or nothing at all when all is
done.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STOPPED = "toylab: stopped; the same command goes on from here\n"
# A shell's background jobs, tests among them, ignore SIGINT, and so would their children.
BEGIN = """
import atexit, os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
def press(number=signal.SIGINT): os.kill(os.getpid(), number)
def later(*seconds):
    for s in seconds: threading.Timer(s, press).start()
"""
AT_IMPORT = """
def hook(event, args):
    if event == "import" and args[0] == MODULE: press(NUMBER)
sys.addaudithook(hook)
"""
WORK = """
from analysis.commands import interrupt
from analysis.commands import main as cli
def work():
    with interrupt.working():
        %s
    return 0
cli.main = work
cli.entry()
"""


def child(code, *args):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code, *args],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=env,
        timeout=120,
    )


def test_the_command_line_itself_imports_nothing_heavy():
    loaded = child("import analysis.commands.main; print(*sys.modules)").stdout.split()
    assert "analysis.commands.interrupt" in loaded
    assert not {"numpy", "rich", "tyro", "processes", "jax", "matplotlib", "logging"} & set(loaded)


@pytest.mark.parametrize(
    ("module", "number"),
    [
        ("analysis.commands.dispatch", signal.SIGINT),
        ("numpy._core._multiarray_umath", signal.SIGINT),
        ("rich.console", signal.SIGTERM),
        ("jaxlib._jax", signal.SIGINT),
        ("jaxlib.mlir", signal.SIGTERM),
        ("safetensors", signal.SIGINT),
    ],
)
def test_at_any_import(module, number, tmp_path):
    hook = AT_IMPORT.replace("MODULE", repr(module)).replace("NUMBER", str(int(number)))
    done = child(
        f"{hook}\nfrom analysis.commands.main import entry\nentry()",
        "run",
        "rrxor",
        "--out",
        str(tmp_path / "run"),
    )
    assert (done.returncode, done.stderr, done.stdout) == (130, STOPPED, "")
    assert not (tmp_path / "run").exists()


def test_a_signal_that_is_ignored_stays_ignored():
    code = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + WORK % "press(); print('went on')"
    done = child(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "went on\n", "")


AT_EXIT = (
    "atexit.register(lambda: (press(), time.sleep(0.2)))\nsys.argv[1:] = ['process', 'coin', '--json']\n"
)


def test_when_all_is_done():
    done = child(AT_EXIT + "from analysis.commands.main import entry\nentry()")
    assert (done.returncode, done.stderr) == (0, "") and '"name": "coin' in done.stdout
    planted = child(AT_EXIT + "from analysis.commands.main import main\nsys.exit(main())")
    assert "KeyboardInterrupt" in planted.stderr


PUT_AWAY = "later(%s)\n        try: time.sleep(30)\n        finally: time.sleep(2); print('put away')"


@pytest.mark.parametrize(
    ("moments", "output"),
    [("0.1", "put away\n"), ("0.1, 0.3", "put away\n"), ("0.1, 1.6", "")],
    ids=["once", "twice within a second is once", "a second time leaves at once"],
)
def test_work_is_put_away(moments, output):
    done = child(WORK % (PUT_AWAY % moments))
    assert (done.returncode, done.stdout, done.stderr) == (130, output, STOPPED)


def test_what_others_swallow_or_turn_into_an_error_stops_all_the_same():
    swallowed = "try: press(); time.sleep(5)\n        except KeyboardInterrupt: pass\n        "
    for after in (
        "interrupt.check(); print('went on')",
        "raise RuntimeError('a library that was interrupted')",
    ):
        done = child(WORK % (swallowed + after))
        assert (done.returncode, done.stdout, done.stderr) == (130, "", STOPPED)


def test_a_module_that_work_imports_is_imported_to_its_end(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import os, time\nos.kill(os.getpid(), 2)\ntime.sleep(0.2)\nprint('imported', flush=True)\n"
    )
    done = child(WORK % f"sys.path.append({str(tmp_path)!r}); import slow; time.sleep(10); print('went on')")
    assert (done.returncode, done.stdout, done.stderr) == (130, "imported\n", STOPPED)


def test_an_interrupt_comes_once_more_where_there_is_no_alarm():
    """As on Windows."""
    code = """
del signal.SIGALRM, signal.setitimer, signal.ITIMER_REAL
from analysis.commands import interrupt
try:
    interrupt._in_a_moment()
    time.sleep(30)
except KeyboardInterrupt:
    print("once more")
"""
    done = child(code)
    assert (done.returncode, done.stdout) == (0, "once more\n"), done.stderr


@pytest.mark.parametrize("asked", [["migrate", "--help"], ["list"], ["claims", "--store", "none"]])
def test_a_reader_who_has_read_enough_is_told_nothing(asked):
    """As `toylab list | head -1`."""
    command = [sys.executable, "-m", "toylab", *asked]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as done:
        done.stdout.close()
        assert done.stderr.read() == ""
    assert done.returncode in (0, 1)
