"""Who hears of alerts: the routes of a model file."""

from collections.abc import Set as AbstractSet
from typing import Final

from controlplane.domain.alerts import Severity
from controlplane.domain.policy import Route
from controlplane.policy.faults import Wrong, nearest, one_of
from controlplane.policy.fields import Reader, choice, known_name, names, text
from controlplane.policy.section import Section
from controlplane.policy.tree import Node

GROUPS: Final = ("model", "condition", "severity", "subject")
_GROUPED: Final = f"a list of {', '.join(GROUPS)}"


def read_alerts(top: Section, receivers: AbstractSet[str] | None) -> tuple[Route, ...]:
    """The routes; `receivers` are those of the server, None where they are not known."""
    items = top.items("alerts", expected="a list of routes, such as - {to: ops, from: warning}")
    return tuple(_route(node, path, top=top, receivers=receivers) for node, path in items)


def _route(node: Node, path: str, *, top: Section, receivers: AbstractSet[str] | None) -> Route:
    section = Section.of(node, path, faults=top.faults)
    standard = Route(to="")
    route = Route(
        to=section.need("to", receiver(receivers), expected="the name of a receiver") or "",
        severity=section.read("from", choice(*Severity), default=standard.severity),
        group_by=section.read("group_by", _groups, default=standard.group_by),
    )
    section.close()
    return route


def receiver(receivers: AbstractSet[str] | None) -> Reader[str]:
    """A receiver of the server's leeboard.yaml."""
    if receivers is None:
        return text("the name of a receiver")
    return known_name(receivers, "a receiver of leeboard.yaml")


def _groups(node: Node) -> tuple[str, ...]:
    found = names(_GROUPED)(node)
    for name in found:
        if name not in GROUPS:
            raise Wrong(f"{one_of(GROUPS)} in place of {name}", nearest(name, GROUPS))
    return found
