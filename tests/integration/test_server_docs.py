"""docs/api.md names every route, and its commands work; docs/server.md names every setting."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from controlplane.cli.serve import serve
from controlplane.policy.server_file import parse
from controlplane.settings import Settings
from tests.served import Served

DOCS = Path(__file__).parents[2] / "docs"
API, SERVER = (DOCS / "api.md").read_text(), (DOCS / "server.md").read_text()

pytestmark = pytest.mark.slow


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_of_the_page_work_one_after_another(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", API, re.DOTALL)
    with Served(tmp_path / "data") as served:
        script = "\necho\n".join(blocks).replace("http://127.0.0.1:8321", served.address)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", "LEEBOARD_DATA": str(served.data)}, check=False,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines() if line.strip()]
    assert [answer.get("accepted") for answer in answers] == [None, 2, 2, None, None, None]
    assert answers[1] == json.loads(re.findall(r"```json\n(.*?)```", API, re.DOTALL)[0])
    assert answers[3]["summary"]["rows"] == {"predictions": 2, "labels": 2, "rejected": 0}
    assert answers[5]["status"] == "ready"


def test_every_route_has_its_line_and_no_other_has(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as served, served.client() as client:
        paths = client.get("/schema/openapi.json").json()["paths"]
    routes = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}

    assert set(re.findall(r"^\| `((?:GET|PUT|POST|DELETE) [^`]+)` \|", API, re.MULTILINE)) == routes


def test_every_setting_is_named_and_the_file_of_the_page_is_read() -> None:
    for option in serve.params:
        assert option.name == "config" or f"| `{option.opts[0]}` |" in SERVER
    file = re.findall(r"```yaml\n(.*?)```", SERVER, re.DOTALL)[0]
    read = parse(
        file.encode(),
        Settings(data=Path("data")),
        {"OPS_SECRET": "x"},
        source=Path("leeboard.yaml"),
    )
    assert read.hosts == ("leeboard.internal",)
    for field in Settings.__struct_fields__:
        assert field in {"retention"} or f"`{field}`" in SERVER or f"`--{field}`" in SERVER
