"""Tables in Markdown, printed row by row as they come: what several programs of this folder end in."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

Rows = Iterator[Sequence[str]]
"""A table's heads, and then its rows."""


def shown(values: Sequence[float], places: int = 2) -> str:
    """A share or a mean, with its standard error where there is more than one value."""
    found = np.array(values, dtype=float)
    if found.size == 1:
        return f"{found[0]:.{places}f}"
    return f"{found.mean():.{places}f} ± {found.std(ddof=1) / np.sqrt(found.size):.{places}f}"


def printed(rows: Rows) -> None:
    """Print a table's rows as they come."""
    for at, row in enumerate(rows):
        print("| " + " | ".join(row) + " |", flush=True)
        if not at:
            print("| " + " | ".join(["---"] * len(row)) + " |")


def run(
    asked: argparse.ArgumentParser,
    tables: Mapping[str, Callable[[int], Rows]],
    what: str,
    *,
    usual: int,
    full: int | None = None,
) -> int:
    """Print the tables that the command line asks for, each of so many of `what` a cell as it says,
    else as usual, or with `--full` as fully."""
    asked.add_argument(what, type=int, nargs="?", help=f"a cell; default: {usual}")
    if full is not None:
        said = f"{full:,} {what} in place of {usual}"
        asked.add_argument("--full", dest="usual", action="store_const", const=full, help=said)
    asked.add_argument("--table", choices=sorted(tables), action="append")
    asked.set_defaults(usual=usual)
    given = asked.parse_args()
    for name in given.table or tables:
        print(f"\n### {name}: {(tables[name].__doc__ or '').splitlines()[0]}\n")
        printed(tables[name](getattr(given, what) or given.usual))
    return 0
