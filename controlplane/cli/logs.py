"""How the server's log is written: lines for people on a terminal, JSON everywhere else."""

import logging
import sys

import structlog


def configure(*, level: int = logging.INFO) -> None:
    """Send structured events of this level and above to standard error.

    Tracebacks go without the values of variables, since some of those are secret.
    """
    for_people = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_ending(for_people=for_people),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _ending(*, for_people: bool) -> list[structlog.typing.Processor]:
    if for_people:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
