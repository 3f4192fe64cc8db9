"""The command line: `toylab list | process | new | run | sweep | merge | show | report | figure | prove |
ablate | identify | export | claims | claim | reproduce | clean | migrate | completion`.

Nothing heavy is imported before signals are heard and the environment is settled; which command is meant is
found in `dispatch`.
"""

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence

from . import interrupt

_PLAIN = warnings.formatwarning
SETTINGS = ("MPLBACKEND", "MATPLOTLIBRC", "PYTHON_TYRO_", "SOURCE_DATE_EPOCH")
"""Variables (or what their names begin with) that could only break what this command prints or draws: it
chooses all of that itself.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status. Bad input prints one sentence and returns 2."""
    from .dispatch import main as run

    return run(list(sys.argv[1:] if argv is None else argv))


def entry() -> None:
    """The console script. A batch system's SIGTERM stops it as Ctrl-C does; numbers and figures do not depend
    on the environment.
    """
    interrupt.leave_at_once()
    _settle()
    try:
        status: int = main()
    except SystemExit as end:  # after --help
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        if interrupt.heard() or isinstance(error, KeyboardInterrupt):
            with contextlib.suppress(OSError):
                sys.stdout.flush()  # what was said until then
            interrupt.stopped()
        raise
    interrupt.done(status)
    sys.exit(status)


def _settle() -> None:
    """Forget what of the environment and of -W would change or end a command, and print on any terminal."""
    for name in [name for name in os.environ if name.startswith(SETTINGS)]:
        del os.environ[name]
    warnings.formatwarning = _told
    if (
        sys.warnoptions
    ):  # back to the filters of a plain interpreter: a dependency's warning is no error of ours
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)


def _told(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning of ours as one sentence, without the code that made it; any other as Python has it."""
    ours = category.__module__.partition(".")[0] == "processes"
    return f"toylab: {message}\n" if ours else _PLAIN(message, category, filename, lineno, line)


if __name__ == "__main__":
    entry()
