"""Настройки Sphinx; папку с исходными страницами готовит :mod:`web.build`."""

project = "Рекомендательные системы"
html_title = "Рекомендательные системы"
language = "ru"
extensions = ["myst_nb", "sphinx_copybutton", "web.extension"]
exclude_patterns = ["_extra"]

# Ничего не исполняется: выводы лежат в тетрадях.
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Показать решение"
nb_code_prompt_hide = "Скрыть решение"
myst_enable_extensions = ["dollarmath", "amsmath", "html_image"]
myst_heading_anchors = 4
# Строка, а не функция: настройки Sphinx сохраняет через pickle.
myst_heading_slug_func = "web.extension.slug"

# Адрес внутри _static; файл кладёт web.build.
mathjax_path = "mathjax.js"
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "sphinx_book_theme"
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = "static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_domain_indices = False
html_search_language = "ru"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "toc_title": "На этой странице",
    "search_bar_text": "Искать в уроках",
    "show_toc_level": 2,
    "footer_content_items": "extra-footer.html",
    "extra_footer": "Код — MIT, тексты и рисунки — CC BY 4.0. Данные остаются у своих владельцев.",
    "use_download_button": False,
    "use_fullscreen_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
