"""The columns that `--columns` chooses."""

from collections.abc import Container, Iterable


def chosen(asked: Iterable[str], known: Container[str]) -> tuple[str, ...]:
    """Every column named: a text that is a column's name is that one, others are lists of names.

    So a name with a comma is said by itself, in an option of its own.

    >>> chosen(["a, b", "c,d"], {"a", "b", "c,d"})
    ('a', 'b', 'c,d')
    """
    found: list[str] = []
    for text in asked:
        found += [text] if text in known else [each.strip() for each in text.split(",")]
    return tuple(name for name in found if name)
