"""What commands refuse before they import JAX; and errors that our rooms raise on bad input, as one
sentence.
"""

import contextlib
from pathlib import Path

from processes.values.whole_file import PART

from .arguments import Refused
from .listing import contents

NETWORKS = Path(__file__).parents[1] / "published" / "networks"
"""The networks that came with the lab, which `published` reads."""


def claim_ids() -> list[str]:
    """The ids of the claims of the lab."""
    return [claim["id"] for claim in contents()["claims"]]


def claim_there(name: str) -> str:
    """The id of a claim, or FILE.py:NAME of one's own. Raises `Refused` where that is no claim or no file."""
    file, _, _ = name.rpartition(":")
    if file.endswith(".py"):
        if not Path(file).is_file():
            raise Refused(
                f"there is no file {file}; give FILE.py:NAME, where NAME = Claim(...) stands in the file"
            )
    elif name.upper() not in claim_ids():
        raise Refused(
            f"there is no claim {name!r}; it is one of {', '.join(claim_ids())}, or one of your own, "
            "FILE.py:NAME"
        )
    return name


def networks_there(run: str) -> str:
    """The folder of a run, or the name of a network that came with the lab. Raises `Refused` for neither."""
    names = sorted(file.stem for file in NETWORKS.glob("*.npz"))
    if not (Path(run) / "recipe.json").exists() and run not in names:
        raise Refused(
            f"{run} is neither the folder of a run (no recipe.json) nor a network that came with the "
            f"lab (there are {', '.join(names)}); `toylab run` makes one and says where it is"
        )
    return run


def store_read(folder: Path) -> Path:
    """The folder of a store that is looked into, and need not be there. Raises `Refused` for a file."""
    if folder.exists() and not folder.is_dir():
        raise Refused(f"--store is {folder}, which is a file; give a folder of runs and verdicts")
    return folder


def store_kept(folder: Path) -> Path:
    """The folder of a store that runs are to be kept in, made if it is absent. Raises `Refused` if it cannot
    be made.
    """
    try:
        store_read(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"--store is {folder}, which cannot be made: {error.strerror or error}; give another folder"
        ) from None
    return folder


def store_there(folder: Path, otherwise: str) -> Path:
    """The folder of a store. Raises `Refused`, with what to do otherwise, if it is not."""
    if not folder.is_dir():
        raise Refused(f"there is no store in {folder}; {otherwise}")
    return folder


@contextlib.contextmanager
def one_sentence():
    """Turn the errors that our rooms raise on bad input into one sentence without a traceback."""
    try:
        yield
    except ValueError as error:
        # By name: importing the rooms that define the others would import JAX.
        if type(error).__name__ in (
            "ProcessError",
            "RecipeError",
            "ModelError",
            "RunError",
            "Busy",
            "ClaimError",
        ):
            raise Refused(str(error)) from None
        if "JAX" in str(error) and (
            "environment" in str(error) or "flag" in str(error)
        ):  # while it is imported
            raise Refused(
                f"JAX refuses its settings ({str(error).partition(chr(10))[0]}); unset or correct that "
                "variable"
            ) from None
        raise
    except BrokenPipeError:  # whoever read our output has read enough
        raise
    except OSError as error:
        meant = str(error.filename or error).removesuffix(PART)  # beside which it is written first
        raise Refused(
            f"cannot write or read {meant}: {error.strerror or 'failed'}; free some space, "
            "or choose another place"
        ) from None
