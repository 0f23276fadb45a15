"""Кнопка загрузки: что показано и что прочитано."""

from datetime import UTC, datetime

import ipywidgets as widgets
import pytest

from recsys_lessons.own_data import upload
from tests.own_files import events

COLUMNS = {"user": "user", "item": "item", "time": "time"}


@pytest.fixture
def shown(monkeypatch):
    """Список показанных виджетов."""
    found = []
    monkeypatch.setattr(upload, "building", lambda: False)
    monkeypatch.setattr("IPython.display.display", found.append)
    return found


def choose(box, data, name="файл.csv", size=None):
    button, said = box.children
    assert isinstance(button, widgets.FileUpload)
    file = {"name": name, "type": "", "size": len(data) if size is None else size}
    button.value = ({**file, "content": memoryview(data), "last_modified": datetime.now(UTC)},)
    return said.value


def test_chosen_file_is_read_and_its_report_shown(shown):
    found = upload.upload_button(COLUMNS)
    assert found == []
    text = choose(shown[0], events(0).to_csv(index=False).encode())
    assert found[0].rows_read == 720 and "Строк прочитано 720" in text
    again = choose(shown[0], events(0)[:600].to_csv(index=False).encode())
    assert len(found) == 1 and "Строк прочитано 600" in again


def test_errors_are_shown_and_the_old_file_is_forgotten(shown):
    found = upload.upload_button(COLUMNS)
    choose(shown[0], events(0).to_csv(index=False).encode())
    assert "&lt;b>" in choose(shown[0], b"<b>,item\n1,2\n")
    assert found == []
    assert "source" in choose(shown[0], b"x", size=10**9)


def test_nothing_is_shown_while_lessons_are_built(shown, monkeypatch):
    monkeypatch.setattr(upload, "building", lambda: True)
    assert upload.upload_button(COLUMNS) == [] and shown == []
