"""The picture of the docs, taken anew from the demonstration: some minutes, and then to be looked at."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from connectors.client.http_async import AsyncConnection
from controlplane.clock import SystemClock
from tui.app import LeeboardApp
from tui.feed import Feed

PICTURE: Final = Path(__file__).parents[2] / "docs" / "dashboard.svg"
LEEBOARD: Final = [sys.executable, "-m", "controlplane.cli"]
SIZE: Final = (126, 36)
FONTS: Final = '"Fira Code", Menlo, Consolas, "DejaVu Sans Mono", monospace'
SETTLED: Final = 3.0
"""Seconds in which nothing new came, so that everything is on the screen."""


def main(kept: list[str]) -> int:
    """Play the demonstration, unless the folder of one is named; open it, take the picture."""
    data = kept[0] if kept else played()
    server = subprocess.Popen(
        [*LEEBOARD, "serve", "--data", data, "--port", "0", "--open"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    try:
        address = next(
            found[0] for line in server.stderr or () if (found := re.search(r"http://\S+", line))
        )
        PICTURE.write_text(alone(asyncio.run(taken(address))), encoding="utf-8")
    finally:
        server.terminate()
        server.wait()
    return 0


def played() -> str:
    """The folder of a demonstration that has come to its end."""
    told = subprocess.run(
        [*LEEBOARD, "demo", "--headless"], check=True, text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ).stderr  # fmt: skip
    return re.findall(r"everything is in (.+?);", told)[-1]


def alone(picture: str) -> str:
    """The picture without what it would fetch: the reader's own fonts stand in."""
    picture = re.sub(r" *<!--.*?-->\n| *@font-face \{.*?\}\n", "", picture, flags=re.DOTALL)
    return picture.replace("Fira Code, monospace", FONTS)


async def taken(address: str) -> str:
    """The model's screen at the end of the history."""
    feed = Feed(AsyncConnection(address, None, timeout=10.0), SystemClock().now)
    app = LeeboardApp(feed)
    app.animation_level = "none"
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(SETTLED)
        await pilot.press("enter")
        await pilot.pause(2 * SETTLED)
        return app.export_screenshot(title="Leeboard", simplify=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
