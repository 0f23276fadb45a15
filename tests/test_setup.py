"""Согласие pyproject, constraints и environment.yml; в репозитории нет лишних адресов."""

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Эти пакеты приносит само окружение.
SEED_PACKAGES = {"pip", "setuptools", "wheel"}


def read_pins():
    """Имя пакета → точная версия, в порядке файла."""
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", line)
            assert match, f"constraints.txt: не точная версия: {line}"
            name = canonicalize_name(match[1])
            assert name not in pins, f"constraints.txt: {name} встречается дважды"
            pins[name] = Version(match[2])
    return pins


PINS = read_pins()
REQUIREMENTS = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]


def test_torch_is_pinned_first():
    assert next(iter(PINS)) == "torch"


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_requirement_is_pinned_and_satisfied(requirement):
    name = canonicalize_name(requirement.name)
    assert name in PINS, f"{name} нет в constraints.txt"
    assert PINS[name] in requirement.specifier


def test_requirements_name_no_exact_versions():
    exact = [str(r) for r in REQUIREMENTS if any(s.operator == "==" for s in r.specifier)]
    assert exact == [], "точные версии стоят в constraints.txt"


def test_installed_versions_are_the_pinned_ones():
    wrong = []
    for distribution in metadata.distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        if name in SEED_PACKAGES or name == canonicalize_name(PROJECT["name"]):
            continue
        # У сборки torch для процессора к версии добавлено +cpu.
        version = Version(Version(distribution.version).public)
        if PINS.get(name) != version:
            wrong.append(f"{name}: установлена {version}, закреплена {PINS.get(name)}")
    assert wrong == [], "обновите constraints.txt или запустите проверку через make test"


def test_environment_yml_installs_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert environment["name"] == PROJECT["name"]
    (python,) = [entry.split("=")[1] for entry in conda if entry.startswith("python=")]
    assert Version(python) in SpecifierSet(PROJECT["requires-python"])
    # Прочее ставит только pip, иначе версии conda и constraints.txt разойдутся.
    assert sorted(entry.split("=")[0] for entry in conda) == ["pip", "python"]
    assert pip == ["-c constraints.txt", "-e .[lab]"]
    assert "lab" in PROJECT["optional-dependencies"]


def project_texts():
    """Имя → текст каждого файла, который отслеживает git или вот-вот начнёт."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("нет git или это не его рабочая папка: файлы проекта не перечислить")
    texts = {}
    for name in filter(None, done.stdout.decode("utf-8").split("\0")):
        try:
            texts[name] = (ROOT / name).read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            continue
    assert "pyproject.toml" in texts
    return texts


def lines_with(pattern):
    return [
        f"{name}: {line.strip()[:120]}"
        for name, text in project_texts().items()
        for line in text.splitlines()
        if pattern.search(line)
    ]


# Образцы собраны из частей, чтобы не находить самих себя.
DOT = re.escape(".")
HOSTS = ["pypi", "pythonhosted", "anaconda", "debian", "npmjs", "download" + DOT + "pytorch"]
REGISTRY = re.compile("|".join(host + DOT + "(?:org|com)" for host in HOSTS), re.IGNORECASE)
FOLDERS = ["work", "tmp", "root", "opt", "home/[a-z]+", "Users/[A-Za-z]+"]
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:" + "|".join(FOLDERS) + ")/|[A-Z]:" + r"\\Users")


def test_patterns_find_what_they_should():
    for host in ("pypi", "files.pythonhosted", "download.pytorch", "conda.anaconda"):
        assert REGISTRY.search(f"https://{host}" + ".org/simple")
    for folder in ("tmp", "root", "home/anna", "Users/anna"):
        assert MACHINE_PATH.search(f'open("/{folder}' + '/file.csv")')
    assert not REGISTRY.search("https://pytorch" + ".org/get-started/locally/")
    assert not MACHINE_PATH.search("https://example" + ".com/home/anna/")


def test_no_registry_hosts():
    assert lines_with(REGISTRY) == [], "адреса репозиториев пакетов называют словами"


def test_no_paths_of_one_machine():
    assert lines_with(MACHINE_PATH) == [], "путь чужой машины"
