"""Shells complete what there is: every command and flag that a help names, and no other."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

import processes
from analysis.commands.completion import commands, fish, zsh
from analysis.commands.dispatch import COMMANDS
from analysis.commands.main import main
from analysis.families import CLAIMS

BASH = shutil.which("bash")
ASK = """
source "$1"
COMP_LINE="$2" COMP_POINT=${#2}
read -r -a COMP_WORDS <<< "$2"
_toylab
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The file that is sourced."""
    file = tmp_path_factory.mktemp("completion") / "toylab.bash"
    from contextlib import redirect_stdout

    with open(file, "w") as out, redirect_stdout(out):
        assert main(["completion", "bash"]) == 0
    return file


@pytest.fixture
def offered(script):
    """What bash offers after a line."""

    def ask(line):
        done = subprocess.run(
            [BASH, "--norc", "-c", ASK, "bash", str(script), line], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return done.stdout.split()

    return ask


def test_every_command_and_flag_of_every_help_is_there(capsys):
    found = commands(COMMANDS)
    assert list(found) == list(COMMANDS)
    for name in found:
        with pytest.raises(SystemExit):
            main([name, *(["mess3"] if name in ("run", "sweep") else []), "--help"])
        flags = set(re.findall(r"(?<!\S)--[a-z][\w.-]*(?=,|  | [A-Z{\[]|\n)", capsys.readouterr().out))
        assert flags and flags <= set(found[name].flags), name
    assert "--model.d-model" in found["run"].flags and "--model.cell" in found["run"].flags
    assert found["sweep"].words == [*dict.fromkeys(found["run"].words)]


def test_there_is_one_documented_way(capsys):
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    said = capsys.readouterr().out
    assert all(f"toylab completion {shell} > " in said for shell in ("bash", "zsh", "fish"))


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
@pytest.mark.parametrize(
    "line, expected",
    [
        ("toylab re", ["report", "reproduce"]),
        ("toylab --v", ["--version"]),
        ("toylab run me", ["mess3", "mess"]),
        ("toylab run mess3 --model.pos", ["--model.positions"]),
        ("toylab run mess3 --model.positions ", ["learned", "rotary", "none"]),
        ("toylab run mess3 --model.positions r", ["rotary"]),
        ("toylab run mess3 --model.positions=r", ["rotary"]),
        ("toylab run mess3 --training", ["--training"]),
        ("toylab run mess3 model:r", ["recurrent-config"]),  # bash has model: already
        ("toylab sweep mess3 --over process=m", []),
        ("toylab sweep mess3 --over model.n-l", ["model.n-layers="]),
        ("toylab process quantum", ["quantum_rrxor"]),
        ("toylab claim CL", [id for id in CLAIMS if id.startswith("CL")]),
        ("toylab claim BG1 --process rrx", ["rrxor"]),
        ("toylab list pro", ["processes"]),
        ("toylab completion ", ["bash", "zsh", "fish"]),
        ("toylab show ", []),  # files, by bash itself
        ("toylab nonsense ", []),
    ],
)
def test_bash_offers(offered, line, expected):
    assert offered(line) == expected


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
def test_bash_offers_every_command(offered):
    assert offered("toylab ") == [*COMMANDS, "--help", "--version"]
    assert set(processes.CATALOGUE) <= set(offered("toylab run "))


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
def test_keys_are_pressed(script):
    """A real bash, which completes toylab without calling it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(PS1="$ ", TERM="dumb")
        os.execl(BASH, "bash", "--norc", "--noprofile", "-i")
    said = b""

    def until(text):
        nonlocal said
        end = time.monotonic() + 20
        while text not in said and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                said += os.read(terminal, 4096)
        assert text in said, said

    os.write(terminal, f'source {script}; toylab() {{ echo "got <$*>"; }}\n'.encode())
    os.write(terminal, b"toylab ru\trrx\t--objective pop\tmodel:rec\t\n")
    until(b"got <run rrxor --objective population model:recurrent-config>")
    os.write(terminal, b"exit\n")
    os.close(terminal)
    os.waitpid(pid, 0)


def test_other_shells_have_the_same(capsys):
    found = commands(COMMANDS)
    assert "bashcompinit" in zsh(found) and "complete -o default -F _toylab toylab" in zsh(found)
    lines = fish(found).splitlines()
    flags = [line for line in lines if " -l " in line and "seen_subcommand_from run'" in line]
    assert len(flags) == sum(flag.startswith("--") for flag in found["run"].flags)
    assert any("-l model.positions -x -a 'learned rotary none'" in line for line in flags)
    assert main(["completion", "tcsh"]) == 2
    assert "must be one of bash, zsh, fish" in capsys.readouterr().err
