"""Locks: who holds one refuses others, who waits gets the turn, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from processes.values import locks
from processes.values.whole_file import write_text

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, time
from pathlib import Path
from processes.values import locks
with getattr(locks, sys.argv[1])(Path(sys.argv[2])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Where turns are taken."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "toylab" / "locks"


@pytest.fixture
def other(cache):
    """Another process that holds what it is told to, until it is killed."""
    begun = []

    def hold(how, path):
        child = subprocess.Popen(
            [sys.executable, "-c", HOLD, how, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        begun.append(child)
        assert child.stdout.readline() == "held\n"
        return child

    yield hold
    for child in begun:
        child.kill()
        child.wait()
        child.stdout.close()


def test_what_another_holds_is_refused_at_once_and_had_when_it_is_killed(other, tmp_path):
    child = other("held", tmp_path / ".lock")
    with pytest.raises(BlockingIOError), locks.held(tmp_path / ".lock"):
        pass
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with locks.held(tmp_path / ".lock"), pytest.raises(BlockingIOError), locks.held(tmp_path / ".lock"):
        pass


def test_a_writer_waits_for_its_turn_and_leaves_nothing(other, cache, tmp_path):
    path = tmp_path / "a.txt"
    child, done = other("turn", path), threading.Event()
    writer = threading.Thread(target=lambda: (write_text(path, "mine"), done.set()))
    writer.start()
    assert not done.wait(0.3) and not path.exists() and len(list(cache.iterdir())) == 1
    write_text(tmp_path / "b.txt", "another file needs no turn at this one")
    os.kill(child.pid, signal.SIGKILL)
    assert done.wait(10) and path.read_text() == "mine"
    writer.join()
    assert list(cache.iterdir()) == []


def test_where_nothing_can_be_locked_files_are_written_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(locks.tempfile, "tempdir", str(tmp_path / "file"))
    write_text(tmp_path / "a.txt", "mine")
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_without_a_cache_turns_are_taken_among_temporary_files(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(locks.tempfile, "tempdir", str(tmp_path))
    with locks.turn(tmp_path / "a.txt"):
        (folder,) = tmp_path.glob("toylab-*")
        assert len(list(folder.iterdir())) == 1
    assert list(folder.iterdir()) == []


def test_a_file_has_one_turn_by_whatever_way_it_is_named(cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path)
    names = []
    for path in (Path("a.txt"), tmp_path / "a.txt", tmp_path / "linked" / "a.txt"):
        with locks.turn(path):
            names += [file.name for file in cache.iterdir()]
    assert len(set(names)) == 1
