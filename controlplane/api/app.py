"""The HTTP server's face: routes, what they are given, what becomes of exceptions."""

from typing import Final

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from controlplane import __version__
from controlplane.api import (
    alerts,
    audit,
    budgets,
    causes,
    decisions,
    ingest,
    keeping,
    models,
    operations,
    rehearsals,
    rejected,
    runs,
    stream,
    tokens,
    trials,
    versions,
    windows,
)
from controlplane.api.asking import whose_of
from controlplane.api.auth import Guardian, Who, guardian_for
from controlplane.api.belonging import Belonging
from controlplane.api.changes import Changes
from controlplane.api.documented import Document
from controlplane.api.doorplate import Doorplate
from controlplane.api.front import Front
from controlplane.api.intake import Intake
from controlplane.api.keyring import Keyring
from controlplane.api.meters import Meters
from controlplane.api.parts import Parts
from controlplane.api.problems import LARGEST_BODY, answer
from controlplane.api.short_way import ShortWay
from controlplane.api.writes import Writes

ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    ingest.add_predictions, ingest.add_labels, ingest.add_kpis, ingest.add_reference,
    models.list_models, models.get_model, models.put_model, models.delete_model,
    models.resume_model, models.get_champion, models.announce_time,
    versions.list_versions, versions.get_version, versions.register_version,
    versions.promote_version, versions.roll_back, versions.get_artifact,
    windows.list_windows, windows.get_window, windows.get_findings, windows.get_metric,
    windows.get_column, causes.get_causes, causes.get_importance, causes.ask_importance,
    runs.list_runs, runs.start_run, runs.get_run, runs.cancel_run, runs.get_log,
    trials.list_trials, trials.open_trial, trials.get_trial, trials.list_guards,
    rehearsals.rehearse_model,
    decisions.list_decisions, decisions.get_decision, decisions.approve_decision,
    decisions.reject_decision,
    alerts.list_alerts, alerts.get_alert, alerts.acknowledge_alert, alerts.list_deliveries,
    alerts.retry_delivery,
    budgets.get_budget, budgets.recalibrate_model,
    keeping.erase_prediction, keeping.erase_predictions, keeping.get_store, keeping.compact_store,
    keeping.get_backup,
    rejected.list_rejected, rejected.count_rejected, rejected.resend_rejected,
    audit.list_entries, audit.verify_chain,
    tokens.list_tokens, tokens.create_token, tokens.get_token, tokens.revoke_token,
    stream.follow_changes,
    operations.alive, operations.ready, operations.exposition,
)  # fmt: skip


class App:
    """An ASGI application."""

    def __init__(self, front: Front, changes: Changes, intake: Intake) -> None:
        self._front = front
        self._changes = changes
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._front(scope, receive, send)

    def release(self) -> None:
        """The server stops: let no request wait any longer."""
        self._changes.release()
        self._intake.release()


def create_app(
    parts: Parts, *, guardian: Guardian | None = None, keyring: Keyring | None = None
) -> App:
    """The application over these parts; the guardian is the one that the settings ask for."""
    changes, meters = Changes(), Meters(parts)
    intake = Intake(parts.store, meters)
    keyring = keyring or Keyring(parts.store, parts.clock)
    guardian = guardian or guardian_for(parts.settings, keyring)
    parts.store.subscribe(changes.told)
    given = {
        "parts": parts, "changes": changes, "meters": meters, "intake": intake, "keyring": keyring,
        "guardian": guardian,
    }  # fmt: skip
    dependencies = {name: _constant(value) for name, value in given.items()}
    dependencies |= {
        "by": Provide(_by, sync_to_thread=False),
        "who": Provide(_who, sync_to_thread=False),
        "whose": Provide(whose_of, sync_to_thread=False),
        "how": Provide(models.manner_of, sync_to_thread=False),
        "lineage": Provide(versions.lineage_of, sync_to_thread=False),
        "span": Provide(windows.span_of, sync_to_thread=False),
    }
    routes = Litestar(
        ROUTES,
        dependencies=dependencies,
        exception_handlers={Exception: answer},
        middleware=[DefineMiddleware(Writes, store=parts.store, clock=parts.clock, intake=intake)],
        request_max_body_size=LARGEST_BODY,
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="Leeboard", version=__version__, path="/schema", render_plugins=[Document()]
        ),
        state=State({"guardian": guardian, "belonging": Belonging(parts.store)}),
    )
    short = ShortWay(routes, guardian, intake, parts.clock)
    return App(Front(short, Doorplate(parts.settings), meters), changes, intake)


def _constant(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def _by(request: Request[None, Who, State]) -> str:
    return request.auth.name


def _who(request: Request[None, Who, State]) -> Who:
    return request.auth
