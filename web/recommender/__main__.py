"""python -m web.recommender --out ПАПКА [--films]: страница-рекомендатель отдельной папкой."""

import gzip
import sys
from pathlib import Path

from course.options import Parser
from web.recommender import write_folder
from web.recommender.catalogue import films, goods


def main(arguments: list[str] | None = None) -> int:
    """Собрать папку и сказать, сколько в ней байтов."""
    parser = Parser(prog="python -m web.recommender", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="ПАПКА", help="куда записать")
    parser.add_argument(
        "--films",
        action="store_true",
        help="фильмы MovieLens-100K вместо товаров: только для себя, публиковать нельзя",
    )
    given = parser.parse_args(arguments)
    if given.out.exists() and not given.out.is_dir():
        print(f"{given.out} — файл, а нужна папка. Укажите другую в --out.", file=sys.stderr)
        return 1
    catalogue = films() if given.films else goods()
    write_folder(given.out, catalogue)
    if given.films:
        print(catalogue.licence)
    files = [path for path in sorted(given.out.rglob("*")) if path.is_file()]
    for path in files:
        raw = path.read_bytes()
        name = path.relative_to(given.out).as_posix()
        print(f"{name:<24} {len(raw):>9} байт, сжатым {len(gzip.compress(raw)):>9}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
