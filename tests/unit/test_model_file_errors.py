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
