"""Пары «урок .py — тетрадь .ipynb»: чтение, сравнение по содержанию, что можно хранить.

Запуск: python -m tools.notebooks — назвать тетради, которые отстали от своих уроков.
"""

import hashlib
import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from yaml import YAMLError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"

# Окружение, в котором уроки исполняются при сборке и проверке: цифры те же на любой машине.
KERNEL_ENV = {
    "RECSYS_LESSONS_BUILD": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
}

_AS_NEIGHBOURS = "Скопируйте первые восемь строк любого урока."

# Что различается от запуска к запуску или от машины к машине.
_UNSTABLE = {
    "адрес объекта в памяти": re.compile(r"\b0x[0-9a-f]{6,}"),
    "путь этой машины": re.compile(r"(?:^|[\s'\"(])(?:/(?:home|root|tmp|usr|Users)/|[A-Z]:\\)\w"),
    "точная величина порядка ошибки округления": re.compile(r"(?:\d\.\d+|\b[2-9])e-1[1-9]\b"),
    "длительность": re.compile(
        r"\b\d+(?:\.\d+)?\s*(?:мкс|мс|секунд\w*|сек\.?|ms|µs|seconds)(?!\w)|"
        r"\b(?:CPU|Wall) time"
    ),
}


class SourceError(ValueError):
    """Файл ``.py`` не прочесть как урок."""


def source_paths(names: list[str] | None = None) -> list[Path]:
    """Файлы уроков; ``names`` — имена без расширения.

    :raises ValueError: такого урока нет
    """
    paths = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
    unknown = [name for name in names or [] if name not in paths]
    if unknown:
        raise ValueError(f"Нет урока {', '.join(unknown)}. Есть: {', '.join(paths)}.")
    return [paths[name] for name in names] if names else list(paths.values())


def child_env(**extra: str) -> dict[str, str]:
    """Окружение дочернего процесса: текущее, :data:`KERNEL_ENV` и ``extra``."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **KERNEL_ENV, **extra}


def _parse(path: Path) -> NotebookNode:
    """Ячейки ``.py`` и его заголовок.

    :raises SourceError: файл не в UTF-8, без ячеек или с негодным заголовком
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path.name}: файл не в UTF-8 (байт {error.start}). Сохраните его в UTF-8."
        ) from error
    try:
        parsed = jupytext.reads(text, fmt="py:percent")
        kernel = parsed.metadata["kernelspec"]["name"]
    except (YAMLError, KeyError, TypeError) as error:
        raise SourceError(f"{path.name}: в заголовке нет kernelspec. {_AS_NEIGHBOURS}") from error
    if kernel != "python3":
        raise SourceError(f"{path.name}: ядро {kernel!r}, а должно быть python3. {_AS_NEIGHBOURS}")
    before = text.partition("# %%")[0]
    if "# %%" not in text or re.search(r"^[^#\s]", before, re.MULTILINE):
        raise SourceError(
            f"{path.name}: формат не percent: код стоит вне ячеек. Каждая ячейка начинается "
            "строкой «# %%», каждый текст — строкой «# %% [markdown]»."
        )
    return parsed


def read_source(path: Path) -> NotebookNode:
    """Тетрадь без вывода, какой её задаёт ``.py``: одни и те же байты из одного текста.

    Постоянный номер ячейке даёт её заголовок: ``# %% [markdown] id="cholesky"``.

    :raises SourceError: файл не прочесть как урок; ``id`` негодный или он у двух ячеек
    """
    parsed = _parse(path)
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    used: dict[str, int] = {}
    ids: set[str] = set()
    for cell in parsed.cells:
        make = nbformat.v4.new_code_cell if cell.cell_type == "code" else None
        new = (make or nbformat.v4.new_markdown_cell)(cell.source)
        tags = list(cell.metadata.get("tags", []))
        if tags:
            new.metadata["tags"] = tags
        if "answer" in tags:
            new.metadata["jupyter"] = {"source_hidden": True}
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:10]
        used[digest] = used.get(digest, 0) + 1
        new["id"] = digest if used[digest] == 1 else f"{digest}-{used[digest]}"
        if "id" in cell.metadata:
            new["id"] = _fixed_id(path, cell.metadata["id"])
        if new["id"] in ids:
            raise SourceError(f"{path.name}: id {new['id']} у двух ячеек. Дайте каждой своё имя.")
        ids.add(new["id"])
        notebook.cells.append(new)
    return notebook


def _fixed_id(path: Path, given: object) -> str:
    if not isinstance(given, str) or not re.fullmatch(r"[a-z][a-z0-9-]{1,63}", given):
        raise SourceError(
            f"{path.name}: id={str(given)[:60]!r} не годится: нужны строчные латинские буквы, "
            'цифры и дефис, например id="cholesky".'
        )
    return given


def link_problems(source: Path) -> list[str]:
    """Ссылки урока, которые никуда не ведут.

    Заголовок другой тетради JupyterLab по якорю не находит, а ячейку по ``#cell-id=`` находит.
    """
    text = source.read_text(encoding="utf-8")
    problems = []
    for name, anchor in re.findall(r"\]\((?:(\w+)\.ipynb)?(?:#([^)\s]+))?\)", text):
        linked = source.with_name(f"{name}.py") if name else source
        link = (f"{name}.ipynb" if name else "") + (f"#{anchor}" if anchor else "")
        if not linked.exists():
            problems.append(f"{source.name}: {link}: такой тетради нет")
            continue
        cells = read_source(linked).cells if anchor else []
        if anchor.startswith("cell-id="):
            if not name:
                problems.append(f"{source.name}: {link}: в своей тетради ссылка — на заголовок")
            elif anchor.removeprefix("cell-id=") not in {cell.id for cell in cells}:
                problems.append(f"{source.name}: {link}: ячейки с таким id в {linked.name} нет")
        elif anchor and name:
            problems.append(
                f"{source.name}: {link}: до заголовка другой тетради JupyterLab не дойдёт. Дайте "
                f'её ячейке имя, id="имя" в строке # %%, и ссылайтесь на {name}.ipynb#cell-id=имя'
            )
        elif anchor and anchor not in _headings(cells):
            problems.append(f"{source.name}: {link}: такого заголовка нет")
    return problems


def _headings(cells: list[NotebookNode]) -> set[str]:
    """Якоря заголовков, как их пишет JupyterLab: пробелы заменены дефисами."""
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return {line.replace(" ", "-") for line in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)}


def rebuild_command(source: Path) -> str:
    """Команда, которая собирает тетрадь заново."""
    return f"make lessons NB={source.stem}"


def pair_problems(source: Path) -> list[str]:
    """Чем тетрадь отличается от своего ``.py``. Времена файлов не важны."""
    target = source.with_suffix(".ipynb")
    if not target.exists():
        return [f"{target.name}: тетради нет. Собрать: {rebuild_command(source)}"]
    try:
        wanted = read_source(source)
    except SourceError as error:
        return [str(error)]
    stored = nbformat.read(target, as_version=4)
    problems = []
    if len(wanted.cells) != len(stored.cells):
        problems.append(f"ячеек {len(stored.cells)}, а в уроке {len(wanted.cells)}")
    for number, (a, b) in enumerate(zip(wanted.cells, stored.cells, strict=False), start=1):
        if (a.cell_type, a.source, a.metadata, a.id) != (b.cell_type, b.source, b.metadata, b.id):
            problems.append(f"ячейка {number} не та, что в уроке: {_start(a.source)!r}")
            break
    if wanted.metadata != stored.metadata:
        problems.append("метаданные не те, что даёт сборка")
    return [f"{target.name}: {p}. Собрать: {rebuild_command(source)}" for p in problems]


def execution_problems(notebook: NotebookNode) -> list[str]:
    """Каждая непустая ячейка с кодом исполнена, по порядку 1..n."""
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        return [f"ячейки исполнены не по порядку 1..{len(counts)}: {counts}"]
    return []


def storage_problems(notebook: NotebookNode) -> list[str]:
    """Что хранить нельзя: ошибки, stderr, виджеты и всё, что меняется от машины к машине."""
    problems = []
    if "widgets" in notebook.metadata:
        problems.append("сохранено состояние виджетов")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        where = f"ячейка [{number}]"
        if "execution" in cell.metadata:
            problems.append(f"{where}: сохранено время исполнения")
        for output in cell.outputs:
            data = output.get("data", {})
            if output.output_type == "error":
                problems.append(f"{where}: сохранена ошибка {output.ename}")
            if output.get("name") == "stderr":
                problems.append(f"{where}: вывод в stderr: {_start(output.text)!r}")
            if any("widget" in kind for kind in data):
                problems.append(f"{where}: виджет; живой регулятор — через plots.live")
            if _shows_model(data):
                problems.append(f"{where}: выведена сама модель; кончите ячейку другой строкой")
            text = output_text(output)
            for what, pattern in _UNSTABLE.items():
                found = pattern.search(text)
                if found:
                    problems.append(f"{where}: {what}: {found.group().strip()!r}")
    return problems


def _shows_model(data: NotebookNode) -> bool:
    """Представление модели: 30 КБ HTML scikit-learn со счётчиком внутри или имя с параметрами."""
    if "sk-container-id" in data.get("text/html", ""):
        return True
    shown = re.match(r"([A-Z]\w*)\(", data.get("text/plain", ""))
    if shown is None:
        return False
    defined = re.compile(rf"^class {shown[1]}\b", re.MULTILINE)
    lessons = (ROOT / "notebooks").glob("*.py")
    return any(defined.search(path.read_text("utf-8", errors="replace")) for path in lessons)


def output_text(output: NotebookNode) -> str:
    """Текст одного вывода."""
    if output.output_type == "stream":
        return str(output.text)
    return str(output.get("data", {}).get("text/plain", ""))


def _start(text: str) -> str:
    return text.strip().splitlines()[0][:60] if text.strip() else ""


def main() -> int:
    problems = [problem for source in source_paths() for problem in pair_problems(source)]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
