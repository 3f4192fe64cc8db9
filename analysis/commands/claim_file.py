"""Claims in Python files of one's own, for `toylab claim FILE.py:NAME`."""

import importlib.util
import sys
from pathlib import Path

from ..claim import Claim, ClaimError


def own(file: Path, attribute: str) -> Claim:
    """The claim of that name in a Python file of one's own; the file's folder is where its imports are looked
    for first.

    Raises `ClaimError` if there is none, if the file cannot be run, or if it has the name of a module in use.
    """
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ClaimError(
            f"there is no file {file}; give FILE.py:NAME, where NAME = Claim(...) stands in the file"
        )
    there = getattr(sys.modules.get(file.stem), "__file__", None)
    if file.stem in sys.modules and (there is None or Path(there).resolve() != file.resolve()):
        raise ClaimError(f"{file} has the name of a module that is in use, {file.stem}; rename the file")
    module = importlib.util.module_from_spec(spec)
    if (folder := str(file.parent.absolute())) not in sys.path:
        sys.path.insert(0, folder)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[file.stem]
        raise ClaimError(f"{file} cannot be run: {type(error).__name__}: {error}") from error
    found = getattr(module, attribute, None)
    if not isinstance(found, Claim):
        claims = [name for name, value in vars(module).items() if isinstance(value, Claim)]
        told = f"its claims are {', '.join(claims)}" if claims else "it has none"
        raise ClaimError(f"{file} has no claim {attribute!r}; {told}")
    return found
