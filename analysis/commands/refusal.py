"""Errors that our rooms raise on bad input, as one sentence."""

import contextlib

from .arguments import Refused


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
    except OSError as error:
        raise Refused(
            f"cannot write or read {error.filename or error}: {error.strerror or 'failed'}; free some space, "
            "or choose another place"
        ) from None
