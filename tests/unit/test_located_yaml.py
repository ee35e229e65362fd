"""Text to a located tree: what is read, and what is refused before it costs anything."""

from controlplane.domain.errors import LocatedError
from controlplane.policy.faults import Faults
from controlplane.policy.tree import Mapping, Node, Place, Scalar, Sequence
from controlplane.policy.yaml import LARGEST, load


def tree(data: str | bytes) -> Node:
    faults = Faults()
    node = load(data, faults=faults)
    assert not faults
    assert node is not None
    return node


def wrong(data: str | bytes) -> list[LocatedError]:
    faults = Faults()
    load(data, faults=faults)
    assert faults
    return faults.found


def test_every_value_knows_its_line_and_column() -> None:
    root = tree("a: 1\nb:\n  - x\n  - {c: on}\n")
    assert isinstance(root, Mapping)
    assert root.entries["b"].key.place == Place(2, 1)
    items = root.entries["b"].value
    assert isinstance(items, Sequence)
    assert [item.place for item in items.items] == [Place(3, 5), Place(4, 5)]
    inner = items.items[1]
    assert isinstance(inner, Mapping)
    assert inner.entries["c"].value == Scalar(place=Place(4, 9), text="on")


def test_keys_are_text_whatever_they_look_like() -> None:
    root = tree("on: 1\n7: 2\ntrue: 3\n")
    assert isinstance(root, Mapping)
    assert list(root.entries) == ["on", "7", "true"]


def test_json_escapes_beyond_the_basic_plane_are_joined() -> None:
    root = tree('{"a": "\\ud83d\\ude00"}')
    assert isinstance(root, Mapping)
    assert root.entries["a"].value == Scalar(place=Place(1, 7), text="😀", plain=False)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert tree("\ufeffa: 1".encode()) == tree("a: 1")


def test_an_anchor_is_written_out() -> None:
    root = tree("a: &m {x: 1}\nb: *m\n")
    assert isinstance(root, Mapping)
    assert root.entries["b"].value == root.entries["a"].value


def test_anchors_that_explode_are_refused_at_once() -> None:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12)]
    [error] = wrong("\n".join(lines))
    assert "more than 20000 values" in error.message
    assert error.line <= 6


def test_deep_and_huge_input_is_refused() -> None:
    [deep] = wrong("[" * 5000)
    assert "nested more than 24 deep" in deep.message
    [huge] = wrong(b"a" * (LARGEST + 1))
    assert "longer than 256 KiB" in huge.message


def test_what_is_not_utf_8_is_said_with_its_place() -> None:
    [error] = wrong(b"a: 1\nb: caf\xe9\n")
    assert (error.line, error.column) == (2, 7)
    assert "0xe9 is not UTF-8" in error.message
    assert "not UTF-8" in wrong("a: 1".encode("utf-16"))[0].message


def test_characters_that_nothing_can_print_are_refused() -> None:
    assert wrong("a: 1\nb: \x07")[0].line == 2
    assert "U+D800" in wrong('a: "\\ud800"')[0].message
    assert "U+0000" in wrong('a: "\\0"')[0].message


def test_escapes_that_name_no_character_are_an_error_like_another() -> None:
    assert "not YAML" in wrong('a: "\\UFFFFFFFF"')[0].message
