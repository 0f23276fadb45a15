"""Свои данные: из файла — честная таблица моделей и рекомендации (урок 10).

Шаги, каждый — обычная функция: прочитать и осмотреть (:func:`read_own`), выбрать протокол, сравнить
модели в пределах времени, записать результат. Все шаги одной командой — ``python -m
recsys_lessons.own_data``.
"""

from recsys_lessons.own_data.reading import Note, OwnData, read_own

__all__ = ["Note", "OwnData", "read_own"]
