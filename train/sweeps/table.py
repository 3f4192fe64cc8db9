"""Tidy tables on disk: CSV, or Parquet where pyarrow is installed; written whole or not at all."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from processes.values.whole_file import replacing

from ..errors import RunError

INSTALL = 'pip install "toylab[cluster]"'

Row = Mapping[str, Any]
"""A value by column; None where there is none."""


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Write rows as the suffix of `path` says; numbers keep every digit. Raises `RunError` as `check_table`
    does.
    """
    with replacing(path) as part:
        if path.suffix == ".parquet":
            pa, parquet = _pyarrow(path)
            arrays = [pa.array([_number(row.get(column)) for row in rows]) for column in columns]
            parquet.write_table(pa.table(arrays, names=list(columns)), part)
        else:
            with open(part, "w", newline="") as file:
                writer = csv.DictWriter(file, columns, restval="")
                writer.writeheader()
                writer.writerows(rows)


def check_table(path: Path, columns: Sequence[str]) -> None:
    """Raises `RunError` if a table with these columns cannot be written here: another suffix, no pyarrow, or
    a file that is none of ours.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise RunError(f"the table {str(path)!r} must end in .csv or .parquet")
    if path.suffix == ".parquet":
        _pyarrow(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and _columns(path) != list(columns):
            raise RunError(
                f"{path} exists and is not a table of this sweep; choose another with --table, or move it "
                "away"
            )
    except OSError as error:
        raise RunError(
            f"cannot write {path}: {error.strerror or error}; choose another with --table"
        ) from None


def _columns(path: Path) -> list[str]:
    try:
        if path.suffix == ".parquet":
            return list(_pyarrow(path)[1].read_schema(path).names)
        with open(path, newline="") as file:
            return next(csv.reader(file), [])
    except ValueError:  # no text, or no Parquet
        return []


def _number(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _pyarrow(path: Path) -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise RunError(f"writing {path} needs pyarrow; run {INSTALL}, or end the table in .csv") from None
    return pyarrow, pyarrow.parquet
