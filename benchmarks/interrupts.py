"""Press Ctrl-C at every moment of a command's life: python -m benchmarks.interrupts [STEP [UNTIL]], both in
seconds.

Prints a row for each command and kind of end: exit status, last line of standard error, how often, and at
which moments. A signal that comes before Python runs any of our code (its own start, some 20 ms) kills the
process without a word: status -2.
"""

import collections
import os
import signal
import subprocess
import sys
import tempfile
import time

from .asked import positive, words

TINY = (
    *("--steps", "20000", "--optimiser.warmup", "5", "--seeds", "2", "--checkpoints", "4"),
    *("--model.n-layers", "1", "--model.d-model", "8", "--model.d-mlp", "16", "--model.n-ctx", "6"),
)
COMMANDS = {
    "run": ("run", "rrxor", *TINY),
    "claims": ("claims",),
    "process": ("process", "rrxor"),
    "list": ("list",),
}


def pressed(
    args: tuple[str, ...], moments: tuple[float, ...], number: int = signal.SIGINT
) -> tuple[int, str]:
    """Exit status and standard error of a command that gets a signal so many seconds after its start, once or
    several times.
    """

    def heed() -> None:  # a shell's background jobs ignore SIGINT, and so would their children
        signal.signal(signal.SIGINT, signal.default_int_handler)

    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "analysis",
            *args,
            *(("--out", f"{folder}/run") if args[0] == "run" else ()),
        ]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed
        ) as child:
            for moment in moments:
                time.sleep(max(0.0, start + moment - time.monotonic()))
                if child.poll() is None:
                    os.kill(child.pid, number)
            try:
                err = child.communicate(timeout=60)[1]
            except subprocess.TimeoutExpired:
                child.kill()
                err = child.communicate()[1] + "it went on for a minute"
        return child.returncode, err


def main(step: float = 0.05, until: float = 4.0) -> None:
    """Print the table."""
    for name, args in COMMANDS.items():
        ends = collections.defaultdict(list)
        for k in range(1, int(until / step + 0.5) + 1):
            status, err = pressed(args, (k * step,))
            lines = err.strip().splitlines()
            ends[status, len(lines), lines[-1][:90] if lines else ""].append(k * step)
        for (status, lines, last), moments in sorted(ends.items()):
            print(
                f"{name:<8} status {status:>4} {len(moments):>4} times, {moments[0]:.2f} .. "
                f"{moments[-1]:.2f} s, {lines} lines: {last}",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(positive, ("STEP", "UNTIL"), words(__doc__)))
