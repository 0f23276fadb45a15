"""Плагин pytest: из общих файлов взять только тесты, параметр которых — названный урок."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lesson-keys", default="", help="имена урока и моделей через запятую")
    parser.addoption("--lesson-files", default="", help="файлы тестов, нужные целиком")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    keys = set(config.getoption("--lesson-keys").split(","))
    whole = set(config.getoption("--lesson-files").split(","))

    def wanted(item: pytest.Item) -> bool:
        spec = getattr(item, "callspec", None)
        return item.path.name in whole or (
            spec is not None and not keys.isdisjoint(spec.id.split("-"))
        )

    config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
    items[:] = [item for item in items if wanted(item)]
