"""Нижние границы из pyproject.toml как ограничения для pip: python -m tools.lowest > lowest.txt.

С ними раз в неделю проверяют, что границы правдивы: с самыми старыми из обещанных версий пакет
работает (.github/workflows/weekly.yml).
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def lowest(requirements: Iterable[str]) -> list[str]:
    """``имя==граница`` для каждой зависимости, у которой есть нижняя граница."""
    bounds = (re.fullmatch(r"([\w.-]+)>=([\w.]+)", text) for text in requirements)
    return sorted({f"{bound[1]}=={bound[2]}" for bound in bounds if bound}, key=str.lower)


def requirements() -> list[str]:
    """Зависимости пакета и всех его дополнений."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [requirement for group in groups for requirement in group]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest(requirements())) + "\n")
