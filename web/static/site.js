// Сводки найденных страниц поиск читает запросом, а по file:// запросы запрещены.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Якорь внутри свёрнутого или на его заголовке: развернуть.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const folded = [target.querySelector(":scope > details.deep")];
  for (let up = target; up; up = up.parentElement) folded.push(up.closest("details"));
  const closed = folded.filter((details) => details && !details.open);
  closed.forEach((details) => (details.open = true));
  if (closed.length) target.scrollIntoView();
};
addEventListener("hashchange", reveal);
addEventListener("DOMContentLoaded", reveal);

// На бумаге свёрнутого не открыть.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((details) => (details.open = true));
});
