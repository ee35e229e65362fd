"""What the command line says of a file of rows."""

from datetime import timedelta

import msgspec


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """How a model's past was known: its rows when they happened, their labels `delay` later, unless
    columns say so themselves. `label` is the column of labels, where the file has them too."""

    delay: timedelta
    label: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent of a file, and as what."""

    model: str
    feed: str
    columns: dict[str, str]
    """What the server calls a column to what the file calls it."""
    drop: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    version: str | None = None
    time_zone: str = "UTC"
    past: Past | None = None
    """Of a model's history: how its labels came; None: the rows are news."""

    def as_the_file_has_it(self, message: str) -> str:
        """What is said of a value, with the file's name of its column.

        >>> Asked(model="m", feed="labels", columns={"at": "ts"}).as_the_file_has_it("at is 'soon'")
        "ts is 'soon'"
        """
        name, found, rest = message.partition(" is ")
        return f"{self.columns.get(name, name)}{found}{rest}"
