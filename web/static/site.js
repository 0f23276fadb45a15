// Сводки найденных страниц поиск читает запросом, а по file:// запросы запрещены.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// В сводке найденной страницы формула — набор команд TeX: на её месте многоточие.
addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined" || !Search.htmlToText) return;
  const plain = Search.htmlToText;
  const formula = /<(span|div) class="math[^>]*>[\s\S]*?<\/\1>/g;
  Search.htmlToText = (page, anchor) => plain.call(Search, page.replace(formula, "…"), anchor);
});

// Якорь внутри свёрнутого или на его заголовке: развернуть. Формулы, нарисованные позже, сдвигают
// страницу, поэтому к якорю возвращаемся, если читатель ещё не прокрутил её сам.
const target = () => document.getElementById(decodeURIComponent(location.hash.slice(1)));
const land = () => target()?.scrollIntoView({ behavior: "instant" });
const reveal = () => {
  const found = target();
  if (!found) return;
  // Второе имя раздела Sphinx пишет пустым span перед заголовком.
  const section = found.tagName === "SPAN" ? found.parentElement : found;
  const folded = [section.querySelector(":scope > details.deep")];
  for (let up = found; up; up = up.parentElement) if (up.tagName === "DETAILS") folded.push(up);
  folded.forEach((details) => details && (details.open = true));
  land();
};
addEventListener("hashchange", reveal);
addEventListener("DOMContentLoaded", () => {
  reveal();
  let moved = false;
  for (const event of ["wheel", "touchmove", "keydown", "mousedown"])
    addEventListener(event, () => (moved = true), { once: true, passive: true });
  window.MathJax?.startup?.promise.then(() => moved || land());
});

// На бумаге свёрнутого не открыть.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((details) => (details.open = true));
});
