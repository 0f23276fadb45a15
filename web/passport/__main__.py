"""Прогнать и записать для паспорта: порчу кода, тесты, другие настройки процессора."""

import sys

from course.options import Parser
from tools.notebooks import source_paths
from web.passport import records


def main(arguments: list[str] | None = None) -> int:
    """Записать прогоны, которых нет или которые устарели; ``--all`` — все."""
    parser = Parser(description="Записать прогоны для паспорта.")
    parser.add_argument("lessons", nargs="*", help="уроки; без них — все")
    parser.add_argument(
        "--kind", choices=records.KINDS, action="append", help="какие прогоны; без — все"
    )
    parser.add_argument("--all", action="store_true", help="повторить и годные")
    options = parser.parse_args(arguments)
    for path in source_paths(options.lessons or None):
        for kind in options.kind or records.KINDS:
            _, problem = records.read(kind, path.stem)
            if problem or (options.all and records.KINDS[kind][0](path.stem)):
                print(f"{path.stem}: {kind}", flush=True)
                try:
                    records.write(kind, path.stem)
                except records.RecordsError as error:
                    print(error, file=sys.stderr)
                    return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
