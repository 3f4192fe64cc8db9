"""Processes that need not import the lab: each is forked from one that has, and has computed nothing.

To import JAX and the lab takes longer than most of what is asked of a process. Without a backend JAX has no
threads, so that what has imported it may fork; devices, flags and cores are those that a process finds when
it first computes. What is read when Python begins, or when JAX is imported, wants a new Python all the same.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

ROOT = Path(__file__).parents[1]
SERVER = """
import json, os, selectors, sys, traceback
import benchmarks.work

def answer(asked, ends):
    for number, end in zip((1, 2), ends):
        os.dup2(end, number)
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["-c", *asked["argv"]]
    if asked["cores"]:
        os.sched_setaffinity(0, asked["cores"])
    exec(compile(asked["code"], "<string>", "exec"), {"__name__": "__main__"})

def child(asked, ends):
    status = 1
    try:
        answer(asked, ends)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

for line in sys.stdin:
    pipes = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        child(json.loads(line), [write for _, write in pipes])
    said, waiting = {}, selectors.DefaultSelector()
    for read, write in pipes:
        os.close(write)
        said[read] = b""
        waiting.register(read, selectors.EVENT_READ)
    while waiting.get_map():
        for key, _ in waiting.select():
            part = os.read(key.fd, 1 << 16)
            said[key.fd] += part
            if not part:
                waiting.unregister(key.fd)
                os.close(key.fd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(json.dumps([status, *(text.decode() for text in said.values())]), flush=True)
"""


class Forks:
    """Runs programs one after the other, as `python -c` would; closed, it ends what they are forked from."""

    def __init__(self) -> None:
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.server = subprocess.Popen([sys.executable, "-c", SERVER], text=True, cwd=ROOT, env=env, **pipes)

    def __call__(
        self, code: str, *argv: str, env: Mapping[str, str] | None = None, cores: tuple[int, ...] = ()
    ) -> CompletedProcess:
        """What a program does; by default in the environment of this process, on its cores."""
        asked = {"code": code, "argv": argv, "cores": cores, "env": dict(os.environ if env is None else env)}
        self.server.stdin.write(json.dumps(asked) + "\n")
        self.server.stdin.flush()
        return CompletedProcess(argv, *json.loads(self.server.stdout.readline()))

    def close(self) -> None:
        """Let it end."""
        self.server.stdin.close()
        self.server.wait()
