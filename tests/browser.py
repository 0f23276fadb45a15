"""Чем тесты открывают страницы: Chromium без окна и JupyterLab, запущенный как в make lab.

Фикстуры подключает ``conftest.py``. Без Chromium тест пропускается; в CI
(RECSYS_LESSONS_BROWSER=required) — падает.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.notebooks import ROOT

LOCAL = "http://127.0.0.1:"
DESK = {"width": 1280, "height": 900}
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
tasks.TABS = tasks.MY.with_name("tabs")  # вкладки прежних запусков открылись бы снова
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
OPEN = """async path => {
    const app = window.jupyterapp;
    await app.restored;
    const panel = await app.commands.execute('docmanager:open', {path});
    await panel.context.ready;
    await panel.revealed;
}"""


@contextlib.contextmanager
def running_lab(folder):
    """Адрес JupyterLab, запущенного так же, как его запускает make lab, и папка копий."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    my = folder / "my"
    command = [sys.executable, "-c", START, str(my), str(port), LAB_ARGS]
    log = (folder / "lab.log").open("w+")
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=log, stderr=log, start_new_session=os.name != "nt"
    )
    address = f"{LOCAL}{port}"
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


@contextlib.contextmanager
def served(folder):
    """Адрес веб-сервера, который раздаёт папку."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{LOCAL}{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def lab(tmp_path):
    """Свой JupyterLab у каждого теста: его адрес и папка копий."""
    with running_lab(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def browser():
    """Запущенный Chromium."""
    if CHROMIUM is None:
        if os.environ.get("RECSYS_LESSONS_BROWSER") == "required":
            pytest.fail("Chromium не найден, а проверка в браузере обязательна.")
        pytest.skip("Chromium не найден: в Debian его ставит apt install chromium")
    from playwright.sync_api import sync_playwright  # долго загружается, а нужен немногим

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """Пустая вкладка Chromium."""
    page = browser.new_page(viewport=DESK)
    page.set_default_timeout(240_000)
    yield page
    page.close()


class Tab:
    """Вкладка, которая помнит запросы, свои и открытых ею окон, и всё, что пошло не так."""

    def __init__(self, context):
        self.requests, self.troubles = [], []
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("requestfailed", self._failed)
        context.on("weberror", lambda error: self.troubles.append(str(error.error)))
        context.on("console", self._heard)
        context.on("response", self._answered)
        self.page = context.new_page()

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self.troubles.append(message.text)

    def _failed(self, request):
        # Запрос, отменённый переходом на другую страницу, — не беда.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"{request.failure} {request.url}")

    def _answered(self, response):
        if response.status >= 400:
            self.troubles.append(f"{response.status} {response.url}")

    def open(self, url):
        """Открыть и дождаться формул."""
        self.page.goto(url)
        self.page.evaluate("window.MathJax && MathJax.startup && MathJax.startup.promise")

    def outside(self, *start):
        """Запросы, кроме своих: адреса, которые начинаются не так."""
        local = (*start, "data:", "blob:", "about:")
        return [url for url in self.requests if not url.startswith(local)]


@contextlib.contextmanager
def opened(browser, **options):
    """Вкладка с такими настройками, какие даны, и со своими куками."""
    context = browser.new_context(**{"viewport": DESK, **options})
    try:
        yield Tab(context)
    finally:
        context.close()
