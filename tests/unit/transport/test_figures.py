"""The page on connections tells the numbers that the code has."""

import re
from importlib import import_module
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "connections.md"
ROW = re.compile(r"\| ([0-9.]+) .*\| `(\w+)` \| `([\w.]+)` \|")


def test_every_figure_of_the_page_is_its_constant() -> None:
    rows = [line for line in PAGE.read_text().partition("## Figures")[2].splitlines()[3:] if line]
    assert len(rows) > 10
    for row in rows:
        match = ROW.fullmatch(row)
        assert match, row
        figure, constant, module = match.groups()
        assert float(figure) == getattr(import_module(f"dthostmon.{module}"), constant), row
