"""Кнопка загрузки файла в тетради: файл читается и осматривается сразу, как выбран."""

from collections.abc import Mapping
from typing import Any

from recsys_lessons import building
from recsys_lessons.own_data.reading import OwnData, read_own

LARGEST = 10_000_000  # байт: файлы больше читают по пути, а не через браузер


def upload_button(columns: Mapping[str, str], **options: Any) -> list[OwnData]:
    """Показать кнопку; в возвращённом списке окажется прочитанный файл, и только он.

    При сборке урока кнопки нет и список пуст.

    :param columns: роль → имя столбца, как у :func:`~recsys_lessons.own_data.read_own`
    :param options: остальные параметры :func:`~recsys_lessons.own_data.read_own`
    """
    found: list[OwnData] = []
    if building():
        return found
    import ipywidgets as widgets
    from IPython.display import display

    button = widgets.FileUpload(accept=".csv,.tsv,.txt,.xlsx,.parquet", description="Выбрать файл")
    said = widgets.HTML()

    def read(change: Any) -> None:
        if not change["new"]:
            return
        file = change["new"][0]
        said.value = "читаю…"
        said.value = f"<pre>{_escaped(_read(found, file, columns, options))}</pre>"

    button.observe(read, names="value")
    display(widgets.VBox([button, said]))
    return found


def _read(
    found: list[OwnData], file: Any, columns: Mapping[str, str], options: Mapping[str, Any]
) -> str:
    """Прочитать выбранный файл в ``found``; что показать под кнопкой."""
    found.clear()
    if file["size"] > LARGEST:
        return (
            f"Файл больше {LARGEST // 10**6} МБ: положите его рядом с тетрадью и укажите путь в "
            "source, так он не пройдёт через браузер."
        )
    try:
        found.append(read_own(bytes(file["content"]), columns, name=file["name"], **options))
    except (ValueError, TypeError, MemoryError) as error:
        return str(error)
    return found[0].report()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
