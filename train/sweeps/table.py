"""Tidy tables on disk: CSV, or Parquet where pyarrow is installed; written whole or not at all."""

import csv
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any

from processes.values.whole_file import replacing

from ..errors import RunError

INSTALL = 'pip install "toylab[%s]"'

PER_SEED = ("seed", "measurement", "value", "unit", "error")
"""Columns beside the hash, the process and the swept fields."""
SHARD = "shard"
"""Column of the table of a part of a sweep: which part of how many it is, as 3/8."""
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


def merge_tables(parts: Sequence[Path], whole: Path) -> int:
    """Write the union of the tables of a sweep's shards, without their `SHARD`, in the order of the whole
    sweep if they are given in that of the shards. Returns how many combinations it holds.

    Raises `RunError` if they are no tables of one sweep, if two of them hold one combination, or as
    `check_table` does.
    """
    if not parts:
        raise RunError("no tables are given that could be merged; name those of the shards")
    if whole in parts:
        raise RunError(f"{whole} is one of the tables that are merged; write their union to another file")
    if len({path.suffix for path in (*parts, whole)}) > 1:
        raise RunError("tables that are merged must all end in .csv, or all in .parquet")
    if missing := [path for path in parts if not path.is_file()]:
        raise RunError(f"there is no table {missing[0]}; name those that the shards have written")
    columns = _of_sweep(_columns(parts[0]))
    for path in parts:
        if _of_sweep(_columns(path)) != columns or not set(PER_SEED) < set(columns):
            raise RunError(f"{path} is no table of the same sweep as {parts[0]}; merge those of one sweep")
    check_table(whole, columns)
    of_parts = [_by_combination(path, columns) for path in parts]
    merged: dict[tuple, list[Row]] = {}
    for turn in zip_longest(*(found.items() for found in of_parts)):  # shards take combinations in turn
        for combination, rows in filter(None, turn):
            if combination in merged:
                raise RunError(f"{_written(combination)} is in two of the tables; give each shard's once")
            merged[combination] = rows
    write_table(whole, columns, [row for rows in merged.values() for row in rows])
    return len(merged)


def shard_of(path: Path) -> tuple[int, int] | None:
    """Which part of how many a table is, by what it says; None where it says nothing, as that of a whole
    sweep or of an earlier version. Raises `RunError` if it cannot be read.
    """
    told = {row.get(SHARD) for row in _read(path)}
    found = re.fullmatch("([0-9]+)/([0-9]+)", str(told.pop())) if len(told) == 1 else None
    return (int(found[1]), int(found[2])) if found else None


def _of_sweep(columns: Sequence[str]) -> list[str]:
    """Columns that the tables of all shards have alike."""
    return [column for column in columns if column != SHARD]


def _by_combination(path: Path, columns: Sequence[str]) -> dict[tuple, list[Row]]:
    """The rows of a table, by what they have in common that were measured on one run."""
    of_run = [column for column in columns if column not in PER_SEED]
    found: dict[tuple, list[Row]] = {}
    for row in _read(path):
        shared = {column: row[column] for column in columns}
        found.setdefault(tuple(row[column] for column in of_run), []).append(shared)
    return found


def _written(combination: tuple) -> str:
    return ", ".join(str(value) for value in combination if value not in (None, ""))


def _read(path: Path) -> list[Row]:
    """The rows of a table; those of a .csv as they are written."""
    try:
        if path.suffix == ".parquet":
            return _pyarrow(path)[1].read_table(path).to_pylist()
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read the table {path}: {error}") from None


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
        # A table of the same shard by an earlier version may lack the one column.
        if path.exists() and _of_sweep(_columns(path)) != _of_sweep(columns):
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
        raise RunError(
            f"writing {path} needs pyarrow; run {INSTALL % 'report'}, or end the table in .csv"
        ) from None
    return pyarrow, pyarrow.parquet
