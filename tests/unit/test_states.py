"""The tables of states: every legal move, every illegal one, and what can be reached."""

from enum import StrEnum

import pytest

from controlplane.domain import states
from controlplane.domain.errors import Conflict, IllegalMove
from controlplane.domain.states import moved

TABLES = {
    "run": (states.RUN, states.RunState, states.RunEvent, "requested"),
    "version": (states.VERSION, states.VersionState, states.VersionEvent, "candidate"),
    "trial": (states.TRIAL, states.TrialState, states.TrialEvent, "running"),
    "guard": (states.GUARD, states.GuardState, states.GuardEvent, "watching"),
    "decision": (states.DECISION, states.DecisionState, states.DecisionEvent, "recorded"),
    "window": (states.WINDOW, states.WindowState, states.WindowEvent, "open"),
    "alert": (states.ALERT, states.AlertState, states.AlertEvent, "pending"),
    "delivery": (states.DELIVERY, states.DeliveryState, states.DeliveryEvent, "queued"),
    "importance": (states.IMPORTANCE, states.ImportanceState, states.ImportanceEvent, "asked"),
}
FINAL = {
    "run": {"succeeded", "failed", "cancelled", "timed_out", "vanished"},
    "version": set(),
    "trial": {"better", "not_better", "worse", "inconclusive", "error"},
    "guard": {"passed", "breached", "inconclusive"},
    "decision": {"rejected", "expired", "performed", "failed"},
    "window": {"matured"},
    "alert": {"resolved"},
    "delivery": {"delivered"},
    "importance": set(),
}
MOVES = {
    "run": 12, "version": 14, "trial": 5, "guard": 3, "decision": 8, "window": 3, "alert": 3,
    "delivery": 3, "importance": 4,
}  # fmt: skip
EVERY = [
    pytest.param(name, state, event, id=f"{name}-{state}-{event}")
    for name, (_, all_states, events, _) in TABLES.items()
    for state in all_states
    for event in events
]


@pytest.mark.parametrize(("name", "state", "event"), EVERY)
def test_a_move_is_in_its_table_or_raises_and_changes_nothing(
    name: str, state: StrEnum, event: StrEnum
) -> None:
    table = TABLES[name][0]
    before = dict(table)
    if (state, event) in table:
        assert moved(table, "x_1", state, event) is table[state, event]
    else:
        with pytest.raises(IllegalMove) as raised:
            moved(table, "x_1", state, event)
        assert str(raised.value) == f"x_1 is {state}; {event} is not possible from there"
        assert isinstance(raised.value, Conflict)
    assert dict(table) == before


@pytest.mark.parametrize("name", list(TABLES))
def test_every_state_can_be_reached_and_the_final_ones_are_final(name: str) -> None:
    table, all_states, events, first = TABLES[name]
    reached, grew = {first}, True
    while grew:
        found = reached | {str(after) for (state, _), after in table.items() if state in reached}
        grew, reached = found != reached, found
    assert reached == {str(state) for state in all_states}
    assert {str(s) for s in all_states} - {str(s) for s, _ in table} == FINAL[name]
    assert {event for _, event in table} == set(events)
    assert len(table) == MOVES[name]
