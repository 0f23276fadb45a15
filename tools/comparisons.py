"""Сравнения моделей в тексте уроков: каждое стоит после проверки ``check_fair`` этой пары.

Команда ``python -m tools.comparisons`` печатает фразы без проверки и исключения с их причинами.
Фраза — сравнение, если в ней две модели и слово вроде «лучше» или «отстаёт»; если модель одна и
это не модель урока, вторая — модель урока: «EASE впереди» в уроке о SLIM. Фразы с названным
источником говорят о чужих результатах и не проверяются. Проверка узнаётся по её сохранённому
выводу, поэтому не важно, как она вызвана.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import nbformat

from tools.lint import SOURCE, sentences
from tools.notebooks import output_text, source_paths

EXCEPTIONS = Path(__file__).with_suffix(".toml")
# Название в check_fair → как модель называют в тексте.
MODELS = {
    "Популярное": r"популярн(?:ое|ого|ому|ым|ом)(?!\s+(?:фильм|товар|объект))",
    "Item-KNN": r"Item-KNN|ItemKNN",
    "TIFU-KNN": r"TIFU-KNN",
    "iALS": r"iALS|IALS",
    "SVD": r"SVD",
    "EASE": r"EASE",
    "SLIM": r"SLIM",
    "SignedSLIM": r"SignedSLIM",
    "MultiVAE": r"MultiVAE",
    "LightGCN": r"LightGCN",
    "МР с BPR": r"МР с BPR|разложени\w+ без графа",
    "BERT4Rec": r"BERT4Rec",
    "Марков": r"Марков\w*|марковск\w+ цеп\w+",
    "RP3β": r"RP3β",
    "EDLAE": r"EDLAE",
    "Mult-DAE": r"Mult-DAE",
    "GF-CF": r"GF-CF",
    "SASRec": r"SASRec",
    "GP-TopFreq": r"GP-TopFreq",
    "UP-CF": r"UP-CF",
}
# Урок → его модель.
OWN = dict(zip(
    ("01", "02", "03", "04", "05", "06", "07", "08"),
    ("Item-KNN", "TIFU-KNN", "iALS", "EASE", "SLIM", "MultiVAE", "LightGCN", "BERT4Rec"),
    strict=True,
))  # fmt: skip
_NAMES = {
    name: re.compile(rf"(?<![\w-])(?:{text})(?![\w-])", re.I) for name, text in MODELS.items()
}
_WORDS = re.compile(
    r"\b(?:лучше|хуже|выше|ниже|впереди|позади|сильнее|слабее|наравне|вровень|опере\w+|обгон\w+|"
    r"обош\w+|отста\w+|уступа\w+|проигр\w+|выигр\w+|превосход\w+|побежд\w+|побед\w+|неразличим\w*|"
    r"различить|преимуществ\w*)\b",
    re.I,
)
_CHECKED = re.compile(r"^Бюджет поровну: (.+?) — \d+, (.+?) — \d+$", re.M)
_ALL_CHECKED = re.compile(r"^Бюджет поровну у всех, попыток \d+: (.+)$", re.M)


@dataclass(frozen=True)
class Comparison:
    """Фраза и модели, о которых в ней речь; ``missing`` — те, чьей проверки выше нет."""

    lesson: str
    sentence: str
    models: list[str]
    missing: list[str]


def comparisons(notebook: Path) -> Iterator[Comparison]:
    """Сравнения моделей в тексте тетради, по порядку."""
    checked: set[frozenset[str]] = set()
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            text = "\n".join(map(output_text, cell.get("outputs", [])))
            checked |= {frozenset(pair) for pair in _CHECKED.findall(text)}
            checked |= {
                frozenset(pair)
                for names in _ALL_CHECKED.findall(text)
                for pair in combinations(names.split(", "), 2)
            }
            continue
        for sentence in sentences(cell.source):
            models = [name for name, pattern in _NAMES.items() if pattern.search(sentence)]
            own = OWN.get(notebook.stem[:2])
            if len(models) == 1 and own:
                models = list(dict.fromkeys([*models, own]))
            if len(models) < 2 or not _WORDS.search(sentence) or SOURCE.search(sentence):
                continue
            pairs = [pair for pair in checked if pair <= set(models)]
            covered = frozenset[str]().union(*pairs)
            missing = [name for name in models if name not in covered]
            yield Comparison(notebook.stem, " ".join(sentence.split()), models, missing)


def exceptions() -> list[dict[str, str]]:
    """Исключения: урок ``lesson``, начало фразы ``text``, причина ``reason``."""
    found = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8")).get("exception", [])
    return [dict(entry) for entry in found]


def problems(notebook: Path, allowed: list[dict[str, str]]) -> list[str]:
    """Сравнения без проверки и исключения, которых больше нет."""
    mine = [entry for entry in allowed if entry["lesson"] == notebook.stem]
    found, used = [], []
    for comparison in comparisons(notebook):
        if not comparison.missing:
            continue
        fits = [entry for entry in mine if comparison.sentence.startswith(entry["text"])]
        used += fits
        if not fits:
            found.append(
                f"{notebook.stem}: сравнение без check_fair, нет проверки: "
                f"{', '.join(comparison.missing)}: «{comparison.sentence[:160]}»"
            )
    unused = [entry["text"] for entry in mine if entry not in used]
    return found + [f"{notebook.stem}: исключение ничего не исключает: «{t}»" for t in unused]


def main() -> int:
    """Напечатать фразы без проверки и исключения."""
    allowed = exceptions()
    notebooks = [path.with_suffix(".ipynb") for path in compared()]
    found = [problem for notebook in notebooks for problem in problems(notebook, allowed)]
    count = sum(1 for notebook in notebooks for _ in comparisons(notebook))
    print(f"Сравнений моделей: {count}, без проверки: {len(found)}, исключений: {len(allowed)}")
    for entry in allowed:
        print(f"исключение, {entry['lesson']}: «{entry['text']}» — {entry['reason']}")
    print("\n".join(found))
    return 1 if found else 0


def compared() -> list[Path]:
    """Уроки, в которых сравнивают модели: с 01 и дальше."""
    return [path for path in source_paths() if re.match(r"0[1-9]_", path.name)]


if __name__ == "__main__":
    sys.exit(main())
