"""Читатель в браузере: make lab отвечает, урок исполняется весь, интерфейс русский.

Нужен Chromium. Без него тест пропускается; в CI (RECSYS_LESSONS_BROWSER=required) — падает.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from tools.notebooks import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START = """
import sys
from pathlib import Path
from tools import tasks
tasks.PYTHON, tasks.MY = sys.executable, Path(sys.argv[1])
sys.exit(tasks.lab({"PORT": sys.argv[2], "LAB_ARGS": sys.argv[3]}))
"""
LAB_ARGS = "--no-browser --IdentityProvider.token= --LabApp.expose_app_in_browser=True"
RUN_ALL = """async () => {
    const app = window.jupyterapp;
    await app.restored;
    const panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await app.commands.execute('notebook:run-all-cells');
    await panel.context.save();
    return document.title;
}"""


@pytest.fixture
def lab(tmp_path):
    """Адрес JupyterLab, запущенного так же, как его запускает make lab, и папка копий."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    my = tmp_path / "my"
    command = [sys.executable, "-c", START, str(my), str(port), LAB_ARGS]
    log = (tmp_path / "lab.log").open("w+")
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=log, stderr=log, start_new_session=os.name != "nt"
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=1).read()
                break
            except OSError:
                if process.poll() is not None:
                    pytest.fail(Path(log.name).read_text(encoding="utf-8"))
                time.sleep(0.2)
        yield address, my
    finally:
        if os.name == "nt":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        log.close()


@pytest.mark.browser
def test_reader_runs_the_whole_lesson(lab):
    if CHROMIUM is None:
        if os.environ.get("RECSYS_LESSONS_BROWSER") == "required":
            pytest.fail("Chromium не найден, а проверка в браузере обязательна.")
        pytest.skip("Chromium не найден: в Debian его ставит apt install chromium")
    address, my = lab
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(240_000)
        page.goto(f"{address}/lab/tree/04_ease.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        menu = page.locator(".lm-MenuBar").inner_text()
        page.evaluate(RUN_ALL)
        shown = page.locator(".jp-Notebook .jp-Cell").count()
        if "RECSYS_LESSONS_SCREENSHOT" in os.environ:
            page.screenshot(path=os.environ["RECSYS_LESSONS_SCREENSHOT"])
        browser.close()
    assert "Файл" in menu
    assert shown
    notebook = nbformat.read(my / "04_ease.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    errors = [output for output in outputs if output.output_type == "error"]
    assert not errors, errors[0].evalue
    assert all(cell.execution_count for cell in code)
    # Исполнено заново: в сохранённом уроке живого регулятора и точных расхождений нет.
    assert any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs)
    assert any("(точно:" in output.get("text", "") for output in outputs)
    # Связывания с .py в копии читателя нет.
    assert "jupytext" not in json.dumps(notebook.metadata)
    assert not list(my.glob("*.py"))
