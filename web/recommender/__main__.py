"""python -m web.recommender --out ПАПКА [--films]: страница-рекомендатель отдельной папкой."""

import argparse
import gzip
from pathlib import Path

from web.recommender import write_folder
from web.recommender.catalogue import films, goods


def main() -> None:
    """Собрать папку и сказать, сколько в ней байтов."""
    parser = argparse.ArgumentParser(prog="python -m web.recommender", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="ПАПКА", help="куда записать")
    parser.add_argument(
        "--films",
        action="store_true",
        help="фильмы MovieLens-100K вместо товаров: только для себя, публиковать нельзя",
    )
    given = parser.parse_args()
    catalogue = films() if given.films else goods()
    write_folder(given.out, catalogue)
    if given.films:
        print(catalogue.licence)
    files = [path for path in sorted(given.out.rglob("*")) if path.is_file()]
    for path in files:
        raw = path.read_bytes()
        name = path.relative_to(given.out).as_posix()
        print(f"{name:<24} {len(raw):>9} байт, сжатым {len(gzip.compress(raw)):>9}")


if __name__ == "__main__":
    main()
