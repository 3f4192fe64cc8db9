"""Settings shared by all tests."""

import gc
import logging
import os
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

os.environ.setdefault("COLUMNS", "160")  # before workers are begun, which are told it
# Most of the time of these small networks is LLVM's; what it would optimise is not what is tested. Without
# optimisation the fusion emitters compile longer than the older path (two files of tests: 50 and 29 CPU
# seconds); with it they win. One thread a device, as in real runs (`train.use_all_cores`), so that
# subprocesses, which inherit this, compute the same bits.
XLA_FLAGS = (
    "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1 "
    "--xla_cpu_multi_thread_eigen=false"
)
if version("jaxlib").startswith("0.10."):  # later ones know no such flag, and abort
    XLA_FLAGS += " --xla_cpu_use_fusion_emitters=false"


def pytest_configure(config):
    """Who deals tests out to workers runs none, and imports nothing that they need: they begin sooner."""
    if config.getoption("dist", "no") == "no":
        settle()


def settle():
    """What holds in a process that runs tests."""
    # Tracing makes many objects of which few are in circles: looking for garbage among them as often as
    # Python does by itself took a fifteenth of the time.
    gc.set_threshold(100_000, 50, 100)
    import shapes

    shapes.check("processes", "toy", "train", "analysis")
    import hypothesis
    import jax

    from analysis.figures.style import _RC

    logging.getLogger("absl").setLevel(logging.ERROR)
    hypothesis.settings.register_profile("toylab", deadline=None, max_examples=40, derandomize=True)
    hypothesis.settings.load_profile("toylab")
    # Compiled programs are kept between runs: they depend on the code, not on the results.
    jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".pytest_cache" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
    # Where in the source each operation comes from is written into every program, for profilers.
    jax.config.update("jax_traceback_in_locations_limit", 0)
    _RC["savefig.dpi"] = 40  # nobody looks at these pixels
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {XLA_FLAGS}".strip()


def pytest_collection_finish():
    """What is imported stays."""
    gc.freeze()


@pytest.fixture(scope="session")
def small():
    """A network that compiles and trains in a second."""
    from toy import TransformerConfig

    return TransformerConfig(vocab=2, n_ctx=6, n_layers=2, n_heads=2, d_model=16, d_head=4, d_mlp=32)


@pytest.fixture(scope="session")
def recipe(small):
    """A recipe that trains one of its layers on RRXOR."""
    from at_doors import RECIPE

    assert RECIPE.model == replace(small, n_layers=1)
    return RECIPE


@pytest.fixture(scope="session")
def rrxor():
    from processes import named

    return named("rrxor")


@pytest.fixture(scope="session")
def forked():
    """Runs a program in a process that is forked from one that has imported the lab."""
    from forks import Forks

    forks = Forks()
    yield forks
    forks.close()


def pytest_runtest_setup():
    import shapes

    shapes.next_test()


LONG_FIRST = ("train", "analysis", "tests", "toy", "processes")
"""Rooms in the order of how long their files take, so that two workers end together."""


def pytest_collection_modifyitems(items):
    def room(item):
        name = item.path.parent.name
        return LONG_FIRST.index(name) if name in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=room)  # stable: files stay whole and in their order


@pytest.fixture
def asked(monkeypatch):
    """The recipe that a command line asks for, without training it."""
    import train
    from analysis.commands.main import main

    def parse(*arguments):
        seen = []

        def stop(path, recipe, **kwargs):
            seen.append(recipe)
            raise train.RunError("seen enough")

        monkeypatch.setattr("train.open_run", stop)
        monkeypatch.setattr("train.use_all_cores", lambda: None)
        assert main(["run", *arguments]) == 2
        return seen[0]

    return parse
