"""Запуск задач: копии читателя, настройки, устаревшее окружение."""

import sys

import pytest

from tools import run


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Пустой проект с двумя уроками вместо настоящего."""
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(run, "MY", tmp_path / "my")
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run, "STAMP", tmp_path / ".venv" / "installed.txt")
    (tmp_path / "notebooks").mkdir()
    for name in ("00a_start", "04_ease"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(f"lesson {name}")
        (tmp_path / "notebooks" / f"{name}.py").write_text("source")
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "constraints.txt").write_text("torch==1")
    return tmp_path


@pytest.fixture
def commands(project, monkeypatch):
    """Записывает команды вместо выполнения; список codes задаёт их коды завершения."""

    class Recorder(list):
        codes = ()

    recorded = Recorder()

    def pretend(command, **extra):
        recorded.append([str(word) for word in command])
        if "venv" in command:
            (project / ".venv").mkdir(exist_ok=True)
        code, *recorded.codes = recorded.codes or [0]
        return code

    monkeypatch.setattr(run, "run", pretend)
    return recorded


def test_copies_are_laid_once_and_never_overwritten(project):
    run.lay_copies()
    mine = project / "my" / "04_ease.ipynb"
    assert mine.read_text() == "lesson 04_ease"
    mine.write_text("my work")
    (project / "notebooks" / "04_ease.ipynb").write_text("new edition")
    (project / "notebooks" / "05_slim.ipynb").write_text("lesson 05_slim")
    run.lay_copies()
    assert mine.read_text() == "my work"
    assert sorted(path.name for path in (project / "my").iterdir()) == [
        "00a_start.ipynb",
        "04_ease.ipynb",
        "05_slim.ipynb",
    ]


def test_fresh_copy_takes_the_next_number(project):
    run.lay_copies()
    assert run.lay_fresh("04_ease") == "04_ease_2.ipynb"
    (project / "my" / "04_ease_2.ipynb").write_text("second try")
    assert run.lay_fresh("04_ease") == "04_ease_3.ipynb"
    assert (project / "my" / "04_ease_2.ipynb").read_text() == "second try"
    assert (project / "my" / "04_ease_3.ipynb").read_text() == "lesson 04_ease"


def test_unknown_lesson_lists_the_lessons(project):
    run.lay_copies()
    with pytest.raises(run.UserError, match=r"Нет урока «ease»\. Есть: 00a_start, 04_ease"):
        run.lay_fresh("ease")
    with pytest.raises(run.UserError, match="Нет урока"):
        run.lay_fresh("../04_ease")


def test_options():
    assert run.parse(["test"]) == ("test", {})
    assert run.parse(["lab", "FRESH=", "PORT=9999", "LAB_ARGS=--a=b --c"]) == (
        "lab",
        {"PORT": "9999", "LAB_ARGS": "--a=b --c"},
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Не указана задача"),
        (["lba"], "Нет задачи «lba». Задачи: lab, edit, test"),
        (["lab", "NB=04_ease"], "У задачи lab: FRESH=…, PORT=…, LAB_ARGS=…"),
        (["lab", "--no-browser"], "Непонятная настройка «--no-browser»"),
        (["test", "NB=04_ease"], "У задачи test: настроек нет"),
        (["lab", "PORT=many"], "номер порта"),
        (["lessons", "FULL=yes"], "FULL — 1 (всё) или stale (устаревшее), а не «yes»"),
    ],
)
def test_bad_options_are_explained(arguments, message):
    with pytest.raises(run.UserError) as error:
        run.parse(arguments)
    assert message in str(error.value)


def test_lessons_options_reach_the_builder(commands):
    run.lessons({"NB": "04_ease 00a_start", "FULL": "1"})
    run.lessons({"FULL": "0"})
    run.lessons({"FULL": "stale"})
    build = ["-m", "tools.build"]
    assert commands[0][1:] == [*build, "04_ease", "00a_start", "--full", "1"]
    assert commands[1][1:] == [*build, "--full", "0"]
    assert commands[2][1:] == [*build, "--full", "stale"]


def test_old_python_is_named():
    assert run.python_problem((3, 11, 0)) is None
    assert run.python_problem((3, 14, 1)) is None
    message = run.python_problem((3, 9, 18))
    assert "Нужен Python 3.11 или новее, а это Python 3.9" in message
    assert "make lab PYTHON=python3.11" in message


def test_old_python_stops_before_anything_is_made(commands, project, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert run.main(["test"]) == 1
    assert "Нужен Python 3.11" in capsys.readouterr().out
    assert commands == []
    assert not (project / ".venv").exists()


def made_venv(commands):
    return any("venv" in command for command in commands)


def test_environment_is_made_once(commands, project):
    run.prepare()
    assert made_venv(commands)
    assert commands[-1][-4:] == ["-c", "constraints.txt", "-e", ".[lab,test]"]
    commands.clear()
    run.prepare()
    assert commands == []


def test_changed_description_is_installed_over(commands, project):
    run.prepare()
    commands.clear()
    (project / "pyproject.toml").write_text("[project] # changed")
    run.prepare()
    assert len(commands) == 1
    assert not made_venv(commands)


def test_changed_versions_python_or_folder_start_afresh(commands, project, monkeypatch):
    run.prepare()
    for change in (
        lambda: (project / "constraints.txt").write_text("torch==2"),
        lambda: monkeypatch.setattr(run.platform, "python_version", lambda: "3.99.0"),
        lambda: run.STAMP.write_text(run.STAMP.read_text().replace(str(project), "elsewhere")),
    ):
        change()
        commands.clear()
        run.prepare()
        assert made_venv(commands)


def test_failed_install_leaves_no_stamp(commands, project):
    run.prepare()
    (project / "pyproject.toml").write_text("[project] # changed")
    commands.codes = [1]
    with pytest.raises(run.UserError, match="Зависимости не установлены"):
        run.prepare()
    assert run.installed() == []
    commands.clear()
    run.prepare()
    assert made_venv(commands)


def test_failed_venv_names_the_missing_package(commands):
    commands.codes = [1]
    with pytest.raises(run.UserError, match="apt install python3-venv"):
        run.prepare()
    assert run.installed() == []


def test_every_check_runs_and_failures_are_listed(commands, capsys):
    commands.codes = [0, 1, 0, 1, 0]
    assert run.test({}) == 1
    assert len(commands) == 5
    assert "Не прошли проверки: ruff format, pytest" in capsys.readouterr().out
    assert run.test({}) == 0


def test_lab_starts_without_data(commands, project, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(run, "jupyter", lambda *arguments: started.append(arguments) or 0)
    commands.codes = [1]
    assert run.lab({"FRESH": "04_ease"}) == 0
    assert started == [(project / "my", "04_ease_2.ipynb", {"FRESH": "04_ease"})]
    assert "Данных пока нет" in capsys.readouterr().out


def test_jupyterlab_speaks_russian(project):
    run.write_lab_settings()
    overrides = project / ".venv" / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert '"locale": "ru_RU"' in overrides.read_text()


def test_children_do_not_think_they_are_built(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    variables = run.environment(**run.REPEATABLE)
    assert "RECSYS_LESSONS_BUILD" not in variables
    assert variables["OMP_NUM_THREADS"] == "1"
    assert variables["PATH"].startswith(str(run.BIN))
