"""What can go wrong between a client and the server.

ClientError
├── ServerAway       nobody answered
├── ServerSaid       the server answered that it cannot be done
└── BadAnswer        what came back is not what was asked for
"""

import msgspec


class RowError(msgspec.Struct, frozen=True):
    """What is wrong with one place of what was sent."""

    pointer: str = ""
    message: str = ""
    row: int | None = None
    line: int | None = None
    column: int | None = None


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    errors: list[RowError] = []
    errors_total: int = 0


class ClientError(Exception):
    """Whatever can go wrong; catch this to catch all of it."""


class ServerAway(ClientError):
    """Nobody answered at the address, or not in time."""

    def __init__(self, server: str, why: str) -> None:
        super().__init__(f"no answer from {server}: {why}; is it running? (leeboard serve)")
        self.server = server
        self.why = why


class ServerSaid(ClientError):
    """The server answered with a problem; `after` is the seconds that it asks to wait, if any."""

    def __init__(self, problem: Problem, *, after: float | None = None) -> None:
        super().__init__(_readable(problem))
        self.problem = problem
        self.after = after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status


class BadAnswer(ClientError):
    """An answer that cannot be read, or a file that does not have the hash it should have."""


def problem_of(status: int, content: bytes) -> Problem:
    """The problem that an error answer tells; its text where it is not problem details."""
    try:
        told = msgspec.json.decode(content, type=Problem)
    except ValueError:  # no JSON, or not even UTF-8
        text = content[:200].decode(errors="replace").strip()
        return Problem(title=f"HTTP {status}", status=status, detail=text)
    return msgspec.structs.replace(told, status=status)


def _readable(problem: Problem) -> str:
    lines = [": ".join(part for part in (problem.title, problem.detail) if part)]
    lines += [f"  {error.pointer}: {error.message}".rstrip() for error in problem.errors]
    if (more := problem.errors_total - len(problem.errors)) > 0:
        lines.append(f"  and {more} more")
    return "\n".join(lines) or f"HTTP {problem.status}"
