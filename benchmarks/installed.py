"""The sdist and the wheel, each installed by pip alone in an empty environment, and what the README tells one
to type, typed there: python -m benchmarks.installed [--whole]

The wheel is built from the sdist, so neither can lack what the other has. Commands are made small, by flags
after the name that they begin with; --whole leaves them as they are (a quarter of an hour on two cores).
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from .asked import words

ROOT = Path(__file__).parents[1]
SMALL = {
    "run": "--steps 50 --optimiser.warmup 5 --seeds 2 --finish 0",
    "sweep": "--steps 50 --optimiser.warmup 5 --seeds 2",
    "claim": "--seeds 2 --size small",
}
"""What is added to a command after what it is about."""
SHAPE = "--model.n-ctx 6 --model.n-layers 1"
"""And to those that name no kind of network."""
INSTEAD = {"--random": "2", "--model.n-ctx": "6"}
"""Values of flags that are there already."""
FINE = (0, 1)
"""Exit statuses of a command that does its work: 1 says that a claim is not supported."""


def commands(readme: str) -> Iterator[tuple[str, str]]:
    """Python blocks and lines for a shell, in the order of the page; not `make` and `pip`, which this is."""
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", readme, re.S | re.M):
        if kind == "python":
            yield kind, block
        elif not kind:
            for line in block.splitlines():
                command = line.partition("#")[0].strip()
                if command.startswith("toylab "):
                    yield "shell", command


def small(command: str) -> str:
    """The same command on networks that are trained in seconds."""
    words = command.split()
    shape = SHAPE if words[1] in ("run", "sweep") and "model:" not in command else ""
    flags = f"{SMALL.get(words[1], '')} {shape}".split()
    words[3:3] = [
        w for pair in zip(flags[::2], flags[1::2], strict=True) if pair[0] not in words for w in pair
    ]
    return " ".join(INSTEAD.get(before, word) for before, word in zip(["", *words], words, strict=False))


def built(place: Path) -> tuple[Path, Path]:
    """The sdist, and the wheel that is made of it."""
    _call(sys.executable, "-m", "build", "--outdir", str(place), str(ROOT))
    (sdist,), (wheel,) = place.glob("*.tar.gz"), place.glob("*.whl")
    return sdist, wheel


def environment(place: Path, what: Path) -> Path:
    """An empty environment in which this alone is installed; returns its folder of commands."""
    _call(sys.executable, "-m", "venv", str(place))
    _install(place / "bin", str(what))
    return place / "bin"


def _install(commands: Path, *what: str) -> None:
    pip = "-m", "pip", "install", "--quiet", "--disable-pip-version-check"
    _call(str(commands / "python"), *pip, *what)


def files(commands: Path) -> set[str]:
    """What the distribution has put into an environment."""
    code = "from importlib.metadata import files; print(*sorted(map(str, files('toylab'))), sep='\\n')"
    said = subprocess.run(
        [commands / "python", "-c", code], check=True, capture_output=True, text=True, cwd="/", env=bare()
    )
    return {
        line for line in said.stdout.splitlines() if ".dist-info" not in line and "__pycache__" not in line
    }


def typed(commands_folder: Path, place: Path, whole: bool) -> list[str]:
    """Type everything in a folder that has nothing of ours; returns what failed."""
    failed = []
    env = bare() | {
        "PATH": f"{commands_folder}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(place / "cache"),
    }
    for kind, text in commands((ROOT / "README.md").read_text()):
        command = text if whole or kind == "python" else small(text)
        argv = ["python", "-c", command] if kind == "python" else shlex.split(command)
        argv[0] = str(commands_folder / argv[0])
        began = time.monotonic()
        done = subprocess.run(argv, cwd=place, env=env, capture_output=True, text=True)
        told = command if kind == "shell" else "the block of Python"
        print(f"{time.monotonic() - began:6.1f} s  status {done.returncode}  {told}", flush=True)
        if done.returncode not in (FINE if kind == "shell" else (0,)) or "Traceback" in done.stderr:
            failed.append(f"{told}: {done.stderr[-2000:]}")
    return failed


def main(argv: list[str]) -> int:
    """All of it; the exit status is 1 if anything fails."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        sdist, wheel = built(place / "dist")
        of_sdist, of_wheel = environment(place / "sdist", sdist), environment(place / "wheel", wheel)
        failed = [f"only one of sdist and wheel has {name}" for name in files(of_sdist) ^ files(of_wheel)]
        (place / "elsewhere").mkdir()
        failed += typed(of_wheel, place / "elsewhere", "--whole" in argv)
        for extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]:
            _install(of_wheel, "--dry-run", f"{wheel}[{extra}]")
            print(f"extra {extra}: can be installed", flush=True)
    print(*failed, sep="\n")
    return 1 if failed else 0


def bare() -> dict[str, str]:
    """The environment without what leads Python elsewhere: pip would find toylab there already."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}


def _call(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=bare())


if __name__ == "__main__":
    sys.exit(main(words(__doc__, ["--whole"])))
