"""Общее для тестов: матрица (модулю со своей ``X`` она не мешает), песочница, браузер, сайт."""

import os
import subprocess
import sys
from pathlib import Path

import filelock
import numpy as np
import pytest
import scipy.sparse as sp

from course.sandbox import SandboxError, open_sandbox
from tests.browser import browser, lab, page

__all__ = ["browser", "lab", "page"]


@pytest.fixture(scope="module")
def X():
    """Случайные взаимодействия: редкие и частые объекты, один объект без взаимодействий."""
    rng = np.random.default_rng(1)
    dense = rng.random((150, 60)) < np.linspace(0.4, 0.02, 60)
    dense[:, 17] = False
    return sp.csr_array(dense.astype(float))


@pytest.fixture(scope="session")
def sandbox():
    """Песочница; где её нет — пропуск, а при RECSYS_LESSONS_SANDBOX=required — провал."""
    try:
        return open_sandbox()
    except SandboxError as error:
        if os.environ.get("RECSYS_LESSONS_SANDBOX") == "required":
            raise
        pytest.skip(f"нет песочницы: {error}")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Папка сайта; собирается один раз на все процессы pytest."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "site"
    with filelock.FileLock(shared / "site.lock"):
        if not folder.exists():
            command = [sys.executable, "-m", "web.build", "--out", str(folder)]
            root = Path(__file__).resolve().parent.parent
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.fail(done.stdout + done.stderr)
    return folder
