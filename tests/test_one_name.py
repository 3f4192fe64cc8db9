"""`import toylab`: one name for all rooms, and what must not stand in their way."""

import ast
import pydoc
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

import analysis
import toylab
from analysis.commands.main import main
from toylab import guard

ROOT = Path(__file__).parents[1]


def python(code, cwd):
    """What a user runs in a folder of her own."""
    (cwd / "script.py").write_text(code)
    command = [sys.executable, str(cwd / "script.py")]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})


def test_importing_it_imports_no_room_and_no_library(tmp_path):
    done = python(
        "import sys, toylab; print(sorted({'jax', 'numpy', 'processes'} & set(sys.modules)))", tmp_path
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("name", toylab.__all__)
def test_every_name_is_the_same_object_as_in_its_room(name):
    if name in guard.ROOMS:
        assert getattr(toylab, name) is sys.modules[name]
    else:
        home = import_module(toylab.CURATED[name])
        there = import_module(f"analysis.{name}") if name in ("published", "testing") else getattr(home, name)
        assert getattr(toylab, name) is there
    assert name in dir(toylab)


def test_editors_and_mypy_are_told_the_same_names():
    (told,) = (
        node
        for node in ast.parse((ROOT / "toylab" / "__init__.py").read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    names = {
        alias.asname for node in told.body if not isinstance(node, ast.AnnAssign) for alias in node.names
    }
    assert names == set(toylab.__all__)


def test_a_name_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(
        AttributeError, match="toylab has no 'entropy_rat'; it has CLAIMS, Claim, .*entropy_rate"
    ):
        toylab.entropy_rat  # noqa: B018


def test_the_version_is_that_of_the_distribution(capsys):
    assert toylab.__version__ == metadata.version("toylab")
    assert main(["--version"]) == 0 and capsys.readouterr().out == f"toylab {toylab.__version__}\n"


@pytest.mark.parametrize("room", ["processes", "toy", "train"])
def test_help_lists_what_a_room_has(room):
    module = sys.modules[room]
    assert {"processes": "entropy_rate", "toy": "network", "train": "obtain"}[room] in module.__all__
    assert all(hasattr(module, name) for name in module.__all__)
    shown = pydoc.plain(pydoc.render_doc(module))
    missing = [name for name in module.__all__ if callable(getattr(module, name)) and name not in shown]
    assert missing == [] and (ROOT / room / "py.typed").exists()


@pytest.mark.parametrize(
    "asked",
    [
        "import toylab; toylab.named",
        "from toylab import Recipe",
        "from analysis.recipes import standard",
        "import train.recipe",
    ],
)
def test_a_file_of_the_users_that_has_a_rooms_name_is_named(tmp_path, asked):
    (tmp_path / "toy.py").write_text("print('mine')")
    done = python(asked, tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    said = done.stderr.splitlines()[-1]
    assert said.startswith(f"ImportError: {tmp_path / 'toy.py'} stands in the way of the lab's package 'toy'")
    assert "rename that file or folder" in said


def test_the_plugin_leaves_the_tests_of_others_alone(tmp_path):
    """pytest imports it in every project of an environment, whatever modules that has."""
    for name in toylab.ROOMS:
        (tmp_path / f"{name}.py").write_text("mine = 1")
    mine = (
        "import train\n\n\ndef test_it(toylab_store):\n    assert train.mine == 1 and toylab_store.is_dir()\n"
    )
    (tmp_path / "test_mine.py").write_text(mine)
    asked = [sys.executable, "-m", "pytest", "-q", "test_mine.py"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", analysis.__all__)
def test_modules_of_the_analysis_are_reached_under_the_one_name(name):
    assert getattr(toylab.analysis, name) is import_module(f"analysis.{name}") and name in dir(analysis)


def test_a_module_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(AttributeError, match="'analysis' has no attribute 'control'; it has claim, controls"):
        analysis.control  # noqa: B018


def test_a_folder_of_data_stands_in_nobodys_way(tmp_path):
    (tmp_path / "train").mkdir()
    done = python("import toylab; print(toylab.named('rrxor').vocab)", tmp_path)
    assert done.stdout == "2\n", done.stderr


def test_a_distribution_that_has_overwritten_a_room_is_named(tmp_path, monkeypatch):
    home = tmp_path / "site-packages"
    for room in guard.ROOMS:
        (home / room).mkdir(parents=True)
        (home / room / "__init__.py").write_text("ours")
    # SHA-256 of "ours", as a RECORD has it
    stamp = SimpleNamespace(mode="sha256", value="rgvsnp0zxWNUvWEsimAQhAMk_FuXhs4KGLaWswSwk5c")
    monkeypatch.setattr(guard, "_found", lambda room: home / room / "__init__.py")

    class Ours:
        files = [type("File", (str,), {"hash": stamp})(f"{room}/__init__.py") for room in guard.ROOMS]

    monkeypatch.setattr(metadata, "distribution", lambda name: Ours)
    monkeypatch.setattr(metadata, "packages_distributions", lambda: {"processes": ["procs", "toylab"]})
    guard.check(home)
    (home / "processes" / "__init__.py").write_text("theirs")
    with pytest.raises(ImportError, match="procs has overwritten the lab's package 'processes' in"):
        guard.check(home)


@pytest.mark.thorough
def test_mypy_follows_it_from_a_folder_of_the_users(tmp_path):
    (tmp_path / "mine.py").write_text('import toylab\n\nreveal_type(toylab.named("even"))\n')
    asked = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "mine.py"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
    assert 'Revealed type is "processes.process.Process"' in done.stdout, done.stdout + done.stderr
