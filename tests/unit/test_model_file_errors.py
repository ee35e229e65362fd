"""Whole answers to wrong model files: every `.yaml` of the folder has its `.errors` beside it."""

from pathlib import Path

import pytest

from controlplane.domain.errors import ModelFileErrors
from controlplane.policy.model_file import Known, parse

FOLDER = Path(__file__).parents[1] / "golden" / "model_file"
FILES = sorted(FOLDER.glob("*.yaml"))
KNOWN = Known(trainers=frozenset({"forest"}), receivers=frozenset({"ops", "pager"}))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_wrong_file_is_answered_word_for_word(path: Path) -> None:
    with pytest.raises(ModelFileErrors) as raised:
        parse(path.read_bytes(), source=path.name, known=KNOWN)
    assert f"{raised.value}\n" == path.with_suffix(".errors").read_text()


def test_every_expected_answer_has_its_file() -> None:
    assert FILES
    assert {path.stem for path in FOLDER.glob("*.errors")} == {path.stem for path in FILES}


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ("\n".join(f"  f{n}: numeric" for n in range(1001)), "names 1001 features; expected at most 1000"),
        (f"  {'x' * 256}: numeric", "has 256 characters; expected at most 255 in a name"),
    ],
    ids=["many", "long"],
)  # fmt: skip
def test_features_that_no_rows_could_have_are_refused(features: str, says: str) -> None:
    text = f"model: a\ntask: regression\nlabel: y\nfeatures:\n{features}\n"
    with pytest.raises(ModelFileErrors, match=says):
        parse(text.encode(), source="a.yaml", known=KNOWN)
    fewer = text.replace("  f1000: numeric\n", "").replace("x" * 256, "x" * 255)
    assert parse(fewer.encode(), source="a.yaml", known=KNOWN).features
