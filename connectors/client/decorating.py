"""A predict function that logs what it predicts: `@leeboard.logged` and how it finds the rows."""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast

from connectors.client.unfolding import Logging, log_answers, rows_of, safely

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
Given = str | Callable[..., Any] | None


class Logged(Protocol[P, R_co]):
    """A function that logs what it predicts and is otherwise what it was."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Predict, and log it."""
        ...

    def with_ids(self, *args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - or awaitable
        """Predict: the result, and the ids of its rows; of an async function, to be awaited.

        No ids: it could not be logged, and `stats.dropped` says why.
        """
        ...


class Decorating(Protocol):
    """What makes a function log what it predicts."""

    def __call__(self, function: Callable[P, R_co]) -> Logged[P, R_co]:
        """The function, logging."""
        ...


class Reading(Generic[P]):
    """Where the rows of a call are: in which of its arguments, or what makes them of those."""

    def __init__(self, function: Callable[P, object], features: Given, id_: Given) -> None:
        names = list(inspect.signature(function).parameters)
        wanted = features if features is not None else _first(names, function)
        self._features = _reader(wanted, names, function)
        self._id = (lambda *_, **__: None) if id_ is None else _reader(id_, names, function)

    def features(self, args: tuple[Any, ...], named: dict[str, Any]) -> Any:  # noqa: ANN401
        """Copies of the rows that a call is asked for. Raises whatever the arguments make it."""
        return rows_of(self._features(*args, **named))

    def ids(self, args: tuple[Any, ...], named: dict[str, Any]) -> object:
        """The ids that a call brings; None: it brings none."""
        return self._id(*args, **named)


class Logger(Generic[P]):
    """Logs the calls of one function."""

    def __init__(
        self, leeboard: Logging, reading: Reading[P], answer: Callable[[Any], Any] | None,
        version: str | Callable[[], str | None] | None,
    ) -> None:  # fmt: skip
        self._leeboard = leeboard
        self._reading = reading
        self._answer = answer
        self._version = version

    def before(self, args: tuple[Any, ...], named: dict[str, Any]) -> Callable[[object], list[str]]:
        """What is asked, looked at before the function can change it; to be told the answer."""
        try:
            rows = self._reading.features(args, named)
            ids = self._reading.ids(args, named)
            version = self._version() if callable(self._version) else self._version
        except Exception as error:  # noqa: BLE001 - never into the app; it is counted and said
            return partial(self._failed, error)
        return partial(self._answered, rows, ids, version)

    def _answered(self, rows: Any, ids: object, version: str | None, found: object) -> list[str]:  # noqa: ANN401
        def log() -> list[str]:
            answer = found if self._answer is None else self._answer(found)
            return log_answers(self._leeboard, rows, answer, ids, version)

        return safely(self._leeboard, log)

    def _failed(self, error: Exception, _: object) -> list[str]:
        def fail() -> list[str]:
            raise error

        return safely(self._leeboard, fail)


def logged(function: Callable[P, Any], logger: Logger[P]) -> Logged[P, Any]:
    """The function, logging what it predicts, with a second form that gives the ids too."""
    if inspect.iscoroutinefunction(function):

        async def awaited(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, list[str]]:
            answered = logger.before(args, kwargs)
            found = await function(*args, **kwargs)
            return found, answered(found)

        @wraps(function)
        async def predict_async(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401
            return (await awaited(*args, **kwargs))[0]

        predict_async.with_ids = awaited  # type: ignore[attr-defined]
        return cast("Logged[P, Any]", predict_async)

    def called(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, list[str]]:
        answered = logger.before(args, kwargs)
        found = function(*args, **kwargs)
        return found, answered(found)

    @wraps(function)
    def predict(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - what it was
        return called(*args, **kwargs)[0]

    predict.with_ids = called  # type: ignore[attr-defined]
    return cast("Logged[P, Any]", predict)


def _first(names: list[str], function: Callable[..., object]) -> str:
    for name in names:
        if name not in {"self", "cls"}:
            return name
    message = f"{function.__qualname__} takes no argument that could hold features; say features="
    raise TypeError(message)


def _reader(
    wanted: str | Callable[..., Any], names: list[str], function: Callable[..., object]
) -> Callable[..., Any]:
    """What finds an argument by name in a call, without the cost of binding all of them."""
    if callable(wanted):
        return wanted
    if wanted not in names:
        message = f"{function.__qualname__} has no argument {wanted!r}; it has: {', '.join(names)}"
        raise TypeError(message)
    place = names.index(wanted)
    otherwise = inspect.signature(function).parameters[wanted].default

    def read(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - an argument
        if wanted in named:
            return named[wanted]
        return args[place] if place < len(args) else otherwise

    return read
