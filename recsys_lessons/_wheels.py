"""Чужие файлы, которые нужны слайдам и сайту: из колёс с известной суммой, без установки.

Колесо качает pip; лежит оно в папке кэша рядом с данными.
"""

import hashlib
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from recsys_lessons._fetch import Source, _download_package, _Unavailable, data_folder


class WheelError(RuntimeError):
    """Колеса нет и получить его не удалось; текст говорит, что делать."""


@dataclass(frozen=True)
class Wheel:
    """Пакет, который несёт нужные файлы: имя внутри → имя, под которым файл кладут."""

    requirement: str
    file: str
    sha256: str
    members: dict[str, str]


# MathJax 3.2.2: байт в байт тот же файл, что в пакете npm mathjax 3.2.2. Формулы рисует в SVG,
# поэтому шрифты ему не нужны.
MATHJAX = Wheel(
    "sphinx-mathjax-offline==0.0.2",
    "sphinx_mathjax_offline-0.0.2-py3-none-any.whl",
    "206418155b2ff2f57496fb8501fdccae3da978e53031ff296c73729ba16062c4",
    {"sphinx-mathjax-offline/static/mathjax/tex-svg-full.js": "mathjax.js"},
)
# Лицензия MathJax: в самом колесе MathJax её нет.
APACHE = Wheel(
    "sphinx-revealjs==3.2.1",
    "sphinx_revealjs-3.2.1-py3-none-any.whl",
    "805bed3ca459346e0f01967d5ed1c40d6b7b917de1541e1e4566c8341fe7017b",
    {"sphinx_revealjs-3.2.1.dist-info/licenses/LICENSE": "LICENSE-MathJax.txt"},
)


def _obtain(wheel: Wheel) -> Path:
    """Колесо из кэша; если его там нет — через pip, с проверкой суммы."""
    folder = data_folder() / "wheels"
    path = folder / wheel.file
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == wheel.sha256:
        return path
    source = Source(
        file=wheel.file,
        checksum=f"sha256:{wheel.sha256}",
        members=("", ""),
        convert=lambda first, second: (first, second),
        requirement=wheel.requirement,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            _download_package(source, Path(temporary)).replace(path)
    except OSError as error:
        raise WheelError(
            f"В папку {folder} не записать {wheel.file}: {error.strerror}. Исправьте права или "
            "укажите другую папку кэша в переменной окружения RECSYS_LESSONS_DATA."
        ) from error
    except _Unavailable as error:
        raise WheelError(
            f"Не удалось получить {wheel.requirement}: {error}. Что делать: повторите с сетью "
            f"или положите файл {wheel.file} в папку {folder}. На машине с сетью его качает\n"
            f"  pip download --no-deps {wheel.requirement}"
        ) from error
    return path


def lay(wheel: Wheel, folder: Path) -> None:
    """Положить файлы колеса в ``folder``.

    :raises WheelError: колеса нет и получить его не удалось
    """
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(_obtain(wheel)) as archive:
        for member, name in wheel.members.items():
            (folder / name).write_bytes(archive.read(member))
