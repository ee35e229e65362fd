"""The dashboard: the fleet as it stands, followed over HTTP."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Footer, Header, Static
from typing_extensions import override

from connectors.client.http import Connection
from connectors.client.problems import ClientError

COLUMNS = ("model", "verdict", "champion", "metric", "going on", "alerts")


class LeeboardApp(App[None]):
    """A line a model; asks the server again every second and says so when it is away."""

    TITLE = "Leeboard"
    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Quit")]

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    @override
    def compose(self) -> ComposeResult:
        yield Header()
        yield Static("", id="said")
        yield DataTable()
        yield Footer()

    def on_mount(self) -> None:
        """Begin to follow."""
        self.query_one(DataTable).add_columns(*COLUMNS)
        self.set_interval(1.0, self.refresh_fleet)
        self.refresh_fleet()

    def refresh_fleet(self) -> None:
        """Ask for the fleet in a worker thread."""
        self.run_worker(self._ask, thread=True, exclusive=True)

    def _ask(self) -> None:
        try:
            models = self._connection.models().items
        except ClientError as error:
            self.call_from_thread(self.query_one("#said", Static).update, str(error))
            return
        rows = [
            (
                m.name,
                m.verdict or "unknown",
                m.champion or "none",
                "" if m.realised is None or m.realised.value is None else f"{m.realised.value:.4g}",
                m.activity,
                str(m.open_alerts),
            )
            for m in models
        ]
        self.call_from_thread(self._show, rows)

    def _show(self, rows: list[tuple[str, ...]]) -> None:
        said = "" if rows else "no model yet: `leeboard apply FILE` makes one"
        self.query_one("#said", Static).update(said)
        table = self.query_one(DataTable)
        table.clear()
        table.add_rows(rows)


def main(server: str | None, token: str | None) -> None:
    """Run it in this terminal."""
    with Connection(server, token) as connection:
        LeeboardApp(connection).run()
