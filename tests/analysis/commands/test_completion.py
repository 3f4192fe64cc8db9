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
from analysis.commands.completion import SCRIPTS, commands, fish, zsh
from analysis.commands.dispatch import COMMANDS
from analysis.commands.main import main
from analysis.families import CLAIMS

BASH = shutil.which("bash")
FISH = shutil.which("fish")
ASK = """
source "$1"
COMP_LINE="$2" COMP_POINT=${#2}
read -r -a COMP_WORDS <<< "$2"
_toylab
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The file that each shell reads."""
    from contextlib import redirect_stdout

    files = {shell: tmp_path_factory.mktemp("completion") / shell for shell in SCRIPTS}
    for shell, file in files.items():
        with open(file, "w") as out, redirect_stdout(out):
            assert main(["completion", shell]) == 0
    return files


@pytest.fixture
def offered(scripts):
    """What bash offers after a line."""

    def ask(line):
        done = subprocess.run(
            [BASH, "--norc", "-c", ASK, "bash", str(scripts["bash"]), line],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return ask


@pytest.mark.thorough
def test_every_command_and_flag_of_every_help_is_there(capsys):
    found = commands(COMMANDS)
    assert list(found) == list(COMMANDS)
    for name in found:
        with pytest.raises(SystemExit):
            main([name, *(["mess3"] if name in ("run", "sweep") else []), "--help"])
        said = capsys.readouterr().out
        assert said.split("\n\n")[1].split()[0] not in ("What", "How", "Where"), name  # it says what is done
        flags = set(re.findall(r"(?<!\S)--[a-z][\w.-]*(?=,|  | [A-Z{\[]|\n)", said))
        assert flags and flags <= set(found[name].flags), name
    assert "--model.d-model" in found["run"].flags and "--model.cell" in found["run"].flags
    assert found["sweep"].words == [*dict.fromkeys(found["run"].words)]


def test_there_is_one_documented_way(capsys):
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    said = capsys.readouterr().out
    assert all(f"toylab completion {shell} > " in said for shell in ("bash", "zsh", "fish"))


@pytest.mark.thorough
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


SETTINGS = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
}
SAYS = """PS1='$ '; source '{}'; toylab() {{ echo "g"ot "<$*>"; }}; echo re"ady"
"""


@pytest.mark.parametrize("shell", SETTINGS)
@pytest.mark.parametrize(
    "keys, got",
    [
        (
            "toylab ru\trrx\t--objective pop\tmodel:rec\t",
            "run rrxor --objective population model:recurrent-config",
        ),
        ("toylab run mess3 --model.positions=r\t", "run mess3 --model.positions=rotary"),
        ("toylab run mess3 --model.pos\tr\t", "run mess3 --model.positions rotary"),
        ("toylab sweep mess3 --over model.n-l\t4", "sweep mess3 --over model.n-layers=4"),
        ("toylab claim BG1 --process rrx\t--check", "claim BG1 --process rrxor --check"),
        ("toylab comp\tz\t", "completion zsh"),
        ("toylab show own\t", "show own.json"),
    ],
)
def test_keys_are_pressed(shell, keys, got, scripts, tmp_path):
    """A real shell, which completes toylab without calling it."""
    if not (path := shutil.which(shell)):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "own.json").write_text("{}")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ.update(PS1="$ ", TERM="dumb")
        os.execl(path, shell, *SETTINGS[shell])
    said = b""

    def until(text):
        nonlocal said
        end = time.monotonic() + 20
        while text not in said and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                said += os.read(terminal, 4096)
        assert text in said, said

    os.write(terminal, SAYS.format(scripts[shell]).encode())
    until(b"ready")
    os.write(terminal, f"{keys}\n".encode())
    until(f"got <{got}>".encode())
    os.write(terminal, b"exit\n")
    os.close(terminal)
    os.waitpid(pid, 0)


@pytest.mark.thorough
@pytest.mark.skipif(FISH is None, reason="fish is not installed")
@pytest.mark.parametrize(
    "line, expected",
    [
        ("toylab re", ["report", "reproduce"]),
        ("toylab run rrx", ["rrxor"]),
        ("toylab run mess3 --model.positions ", ["learned", "none", "rotary"]),
        ("toylab sweep mess3 --over model.n-l", ["model.n-layers="]),
        ("toylab claim BG1 --process rrx", ["rrxor"]),
        ("toylab completion ", ["bash", "fish", "zsh"]),  # and no files
        ("toylab list run --j", ["--json"]),  # what another command is called is a word here
        ("toylab show own", ["own.json"]),
    ],
)
def test_fish_offers(line, expected, scripts, tmp_path):
    (tmp_path / "own.json").write_text("{}")
    ask = f"source {scripts['fish']}; complete -C '{line}'"
    done = subprocess.run(
        [FISH, "--no-config", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert [row.partition("\t")[0] for row in done.stdout.splitlines()] == expected


@pytest.mark.thorough
def test_other_shells_have_the_same(capsys):
    found = commands(COMMANDS)
    said = zsh(found)
    assert all(
        f"'{word}'" in said for name in found for word in [name, *found[name].words, *found[name].flags]
    )
    lines = fish(found).splitlines()
    flags = [line for line in lines if " -l " in line and "__toylab_is run'" in line]
    assert len(flags) == sum(flag.startswith("--") for flag in found["run"].flags)
    assert any("-l model.positions -x -a 'learned rotary none'" in line for line in flags)
    assert main(["completion", "tcsh"]) == 2
    assert "must be one of bash, zsh, fish" in capsys.readouterr().err
