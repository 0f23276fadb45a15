"""Страницы сайта на бумаге: python -m web.pdf 04_ease — файл site/pdf/04_ease.pdf.

Печатает Chromium, тот же, что показывает страницу: формулы и рисунки те же.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from course.options import Parser

SITE = Path(__file__).resolve().parent.parent / "site"
FLAGS = ["--no-sandbox", "--disable-gpu"]
# Формулы нарисованы, рисунки загружены, свёрнутое открыто.
READY = """async () => {
    document.querySelectorAll('details').forEach(details => { details.open = true; });
    document.querySelectorAll('img').forEach(picture => { picture.loading = 'eager'; });
    await MathJax.startup.promise;
    await Promise.all([...document.images].map(picture => picture.decode()));
}"""
FOOTER = """<div style="width: 100%; font-size: 8px; text-align: center">
<span class="pageNumber"></span> / <span class="totalPages"></span></div>"""


class PdfError(RuntimeError):
    """Напечатать нельзя; текст говорит, что делать."""


def print_pages(site: Path, names: list[str], out: Path) -> list[Path]:
    """Напечатать страницы сайта в папку ``out``; ответ — файлы PDF.

    :raises PdfError: нет Chromium, сайта или страницы
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise PdfError("Не найден Chromium. В Debian его ставит команда apt install chromium.")
    missing = [name for name in names if not (site / f"{name}.html").is_file()]
    if missing:
        raise PdfError(f"На сайте {site} нет страницы {missing[0]}. Соберите его: make site.")
    out.mkdir(parents=True, exist_ok=True)
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(color_scheme="light")
        for name in names:
            page.goto((site / f"{name}.html").as_uri())
            page.evaluate(READY)
            made.append(out / f"{name}.pdf")
            page.pdf(
                path=made[-1],
                format="A4",
                scale=0.8,  # строка кода в сто знаков умещается
                margin={"top": "14mm", "bottom": "16mm", "left": "14mm", "right": "14mm"},
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
                print_background=True,
                outline=True,
                tagged=True,
            )
        browser.close()
    return made


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m web.pdf",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", help="имена уроков, например 04_ease")
    parser.add_argument("--site", type=Path, default=SITE, help="папка собранного сайта")
    parser.add_argument("--out", type=Path, help="папка для PDF; без неё — pdf внутри сайта")
    options = parser.parse_args(arguments)
    try:
        made = print_pages(
            options.site.resolve(), options.names, options.out or options.site / "pdf"
        )
    except (PdfError, OSError) as error:
        said = error if isinstance(error, PdfError) else f"PDF не записать: {error}. Смените --out."
        print(said, file=sys.stderr)
        return 1
    print("\n".join(f"{path} ({path.stat().st_size / 1e6:.1f} МБ)" for path in made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
