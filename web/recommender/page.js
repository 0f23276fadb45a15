"use strict";

/* Страница: поиск, отмеченное, ползунки, списки, адрес. Считают models.js: Item-KNN здесь же, EASE —
 * в фоновом потоке. С диска поток из файла не запустить, поэтому он собран из текста функций. */
(function () {
  const DEPTH = 10; // сколько советов в списке
  const SHOWN = 50; // сколько найденного показать
  const REASONS = 3; // сколько причин назвать
  const ILL = 1e-6; // как inputs.warn_ill_conditioned
  const GRIDS = {
    k: [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000],
    h: [0, 1, 2, 5, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000],
    l2: [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000,
      5000, 7000, 10000, 20000, 50000, 100000],
  };
  const NAMES = { k: "K", h: "h", l2: "λ₂" };
  const element = (id) => document.getElementById("rec-" + id);
  if (typeof makeModels === "undefined" || typeof RECOMMENDER_DATA === "undefined") {
    broken(new Error("Файлы из папки recommender загрузились не все."));
    return;
  }
  const models = makeModels();
  const data = RECOMMENDER_DATA;
  const n = data.labels.length;
  const LIMITS = { k: [1, n], h: [0, 1e6], l2: [Number.MIN_VALUE, 1e9] };
  GRIDS.k = [...GRIDS.k.filter((k) => k < n), n];

  let G = null;
  let similar = { h: null, model: null };
  let knn = { key: null, model: null };
  let ease = { l2: null, model: null };
  let worker = null;
  let waiting = 0;
  const state = { ticked: [], ...data.start };

  followSiteTheme();
  start();

  /* ------------------------------------------------------------------------------ запуск */

  /** Вне сайта атрибута data-theme нет; если читатель выбрал тему на сайте, она в хранилище. */
  function followSiteTheme() {
    if (!document.body.classList.contains("rec-alone")) return;
    try {
      const mode = localStorage.getItem("mode");
      if (mode === "dark" || mode === "light") document.documentElement.dataset.theme = mode;
    } catch {
      // Хранилище закрыто: остаётся тема системы.
    }
  }

  async function start() {
    try {
      G = await readCounts();
    } catch (error) {
      broken(error);
      return;
    }
    readAddress();
    setUpSearch();
    setUpControls();
    setUpButtons();
    window.addEventListener("hashchange", () => {
      readAddress();
      showControls();
      refresh();
    });
    showControls();
    refresh();
    element("query").disabled = false;
    element("example").disabled = false;
    document.getElementById("rec").dataset.state = "ready";
  }

  async function readCounts() {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("Браузер слишком старый: нужен Chrome 123, Firefox 120, Safari 17.5 или новее.");
    }
    const packed = Uint8Array.from(atob(data.counts), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    return models.unpack(bytes, n, data.users);
  }

  function broken(error) {
    const box = element("broken");
    box.textContent = `Числа не прочитаны, поэтому считать не из чего. ${error.message} ` +
      "Обновите страницу; если не поможет, её надо собрать заново.";
    box.hidden = false;
    document.getElementById("rec").dataset.state = "broken";
  }

  /* ------------------------------------------------------------------------------- адрес */

  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    const problems = [];
    const ticked = new Set();
    const unknown = [];
    for (const part of (given.get(data.key) || "").split(",").filter(Boolean)) {
      const item = /^\d{1,9}$/.test(part) ? Number(part) : n;
      if (item >= n) unknown.push(part);
      else ticked.add(item);
    }
    if (unknown.length) {
      problems.push(`Нет ${data.item[1]} с номером: ${shortened(unknown)}.`);
    }
    const next = { ...data.start };
    const other = [];
    for (const [name, text] of given) {
      if (name === data.key) continue;
      if (!(name in LIMITS)) {
        other.push(name);
        continue;
      }
      const read = parse(name, text);
      if (read.problem) problems.push(read.problem);
      else next[name] = read.value;
    }
    if (location.hash.length > 1 && !given.has(data.key) && other.length) {
      problems.push(`В адресе нет ${data.item[2]} этой страницы: ${shortened(other)}.`);
    }
    Object.assign(state, next, { ticked: [...ticked] });
    const box = element("address");
    box.textContent = problems.length ? `Адрес понят не весь. ${problems.join(" ")} Это пропущено.` : "";
    box.hidden = !problems.length;
  }

  function shortened(parts) {
    const shown = parts.slice(0, 5).map((part) => part.slice(0, 20)).join(", ");
    return parts.length > 5 ? `${shown} и ещё ${parts.length - 5}` : shown;
  }

  function writeAddress() {
    const { ticked, k, h, l2 } = state;
    const hash = `#${data.key}=${ticked.join(",")}&k=${k}&h=${h}&l2=${l2}`;
    const empty = !ticked.length && ["k", "h", "l2"].every((name) => state[name] === data.start[name]);
    const address = location.href.split("#")[0] + (empty ? "" : hash);
    history.replaceState(null, "", address);
    element("url").value = address;
  }

  /* ------------------------------------------------------------------------------- числа */

  function parse(name, text) {
    const trimmed = text.replace(/\s/g, "").replace(",", ".");
    const value = Number(trimmed);
    const [low, high] = LIMITS[name];
    const whole = name === "k" ? "целое число" : "число";
    if (trimmed === "" || !Number.isFinite(value) || (name === "k" && !Number.isInteger(value))) {
      return { problem: `${NAMES[name]} — ${whole}, а здесь «${text.slice(0, 20)}».` };
    }
    if (value < low || value > high) {
      const from = name === "l2" ? "больше 0" : `от ${low}`;
      return { problem: `${NAMES[name]} — ${whole} ${from} и до ${number(high)}, а здесь ${number(value)}.` };
    }
    return { value };
  }

  function number(value, digits) {
    const options = digits === undefined
      ? { maximumSignificantDigits: 15 }
      : { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return value.toLocaleString("ru-RU", options);
  }

  function percent(share) {
    const whole = Math.round(share * 100);
    return (whole < 1 ? "меньше 1" : whole) + "\u00a0%";
  }

  function forms(count, [one, few, many]) {
    const tail = count % 10;
    const teens = count % 100 > 10 && count % 100 < 15;
    const form = teens || tail === 0 || tail > 4 ? many : tail === 1 ? one : few;
    return `${number(count)} ${form}`;
  }

  /* ------------------------------------------------------------------------------- поиск */

  function plain(text) {
    return text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  }

  function words(text) {
    return plain(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  }

  function setUpSearch() {
    const query = element("query");
    const drop = element("drop");
    const found = element("found");
    const index = data.labels.map((label, item) => ({
      item,
      name: words(`${label} ${data.originals[item]}`),
      all: words(`${label} ${data.originals[item]} ${data.details[item]}`),
    }));
    let options = [];
    let active = -1;

    /** 0 — начала слов названия, 1 — и слов категории, 2 — части слов; 3 — не найдено. */
    function level(entry, asked) {
      if (asked.every((word) => entry.name.some((own) => own.startsWith(word)))) return 0;
      if (asked.every((word) => entry.all.some((own) => own.startsWith(word)))) return 1;
      return asked.every((word) => entry.all.some((own) => own.includes(word))) ? 2 : 3;
    }

    function search(asked) {
      return index
        .map((entry) => ({ item: entry.item, level: level(entry, asked) }))
        .filter((hit) => hit.level < 3)
        .sort((a, b) => a.level - b.level || G[b.item * (n + 1)] - G[a.item * (n + 1)] || a.item - b.item)
        .map((hit) => hit.item);
    }

    function open() {
      const asked = words(query.value);
      let hits = search(asked);
      let note = "";
      // «бананов», «подгузниками»: без окончания, до трёх букв.
      for (let cut = 1; cut <= 3 && !hits.length; cut++) {
        hits = search(asked.map((word) => word.slice(0, Math.max(3, word.length - cut))));
        note = hits.length ? "Точно такого слова нет, есть похожие. " : "";
      }
      options = hits.slice(0, SHOWN);
      active = -1;
      found.replaceChildren(...options.map(option));
      query.removeAttribute("aria-activedescendant");
      let text = asked.length ? `${note}Найдено: ${number(hits.length)}.` : "Самое частое.";
      if (!hits.length) {
        text = "Ничего не найдено. Попробуйте другое слово или его начало; часть названий — английские.";
      } else if (hits.length > SHOWN && asked.length) {
        text += ` Показаны первые ${SHOWN}.`;
      }
      element("count").textContent = text;
      say(text);
      drop.hidden = false;
      query.setAttribute("aria-expanded", String(options.length > 0));
    }

    function close() {
      drop.hidden = true;
      active = -1;
      query.setAttribute("aria-expanded", "false");
      query.removeAttribute("aria-activedescendant");
    }

    function option(item, place) {
      const row = make("li", { id: `rec-option-${place}`, role: "option" });
      row.setAttribute("aria-selected", String(state.ticked.includes(item)));
      row.append(make("span", { className: "rec-name" }, data.labels[item]));
      row.append(make("small", {}, under(item)));
      return row;
    }

    function move(to) {
      if (!options.length) return;
      found.children[active]?.classList.remove("rec-active");
      active = (to + options.length) % options.length;
      const row = found.children[active];
      row.classList.add("rec-active");
      row.scrollIntoView({ block: "nearest" });
      query.setAttribute("aria-activedescendant", row.id);
    }

    function choose(place) {
      const item = options[place];
      toggle(item);
      found.children[place].setAttribute("aria-selected", String(state.ticked.includes(item)));
    }

    query.addEventListener("input", open);
    query.addEventListener("focus", open);
    query.addEventListener("click", () => drop.hidden && open());
    query.addEventListener("blur", close);
    query.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (drop.hidden) open();
        const down = event.key === "ArrowDown";
        move(active < 0 ? (down ? 0 : -1) : active + (down ? 1 : -1));
      } else if (event.key === "Enter" && !drop.hidden && options.length) {
        event.preventDefault();
        if (active < 0) move(0);
        choose(active);
      } else if (event.key === "Escape") {
        event.preventDefault();
        if (drop.hidden) query.value = "";
        close();
      }
    });
    // Нажатие на строку не уводит фокус из поля.
    drop.addEventListener("mousedown", (event) => event.preventDefault());
    found.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (!row) return;
      const place = [...found.children].indexOf(row);
      move(place);
      choose(place);
    });
  }

  function under(item) {
    return [data.originals[item], data.details[item]].filter(Boolean).join(" · ");
  }

  function toggle(item) {
    const at = state.ticked.indexOf(item);
    if (at < 0) state.ticked.push(item);
    else state.ticked.splice(at, 1);
    refresh();
    say(`${at < 0 ? "Отмечено" : "Снято"}: ${data.labels[item]}. Всего ${state.ticked.length}.`);
  }

  /* ---------------------------------------------------------------------------- ползунки */

  function setUpControls() {
    for (const name of ["k", "h", "l2"]) {
      const field = element(name);
      const range = element(name + "-range");
      range.min = 0;
      range.max = GRIDS[name].length - 1;
      range.addEventListener("input", () => {
        set(name, GRIDS[name][range.value]);
        field.value = text(name);
      });
      field.addEventListener("change", () => {
        const read = parse(name, field.value);
        complain(name, read.problem);
        if (read.problem) return;
        set(name, read.value);
        showControl(name);
      });
    }
  }

  function set(name, value) {
    complain(name, "");
    state[name] = value;
    element(name + "-range").setAttribute("aria-valuetext", text(name));
    clearTimeout(waiting);
    // Адрес и обращение матрицы подождут, пока ползунок остановится.
    waiting = setTimeout(refresh, 250);
    if (name !== "l2") showKnn();
  }

  function text(name) {
    return String(state[name]).replace(".", ",");
  }

  function complain(name, problem) {
    const was = problem ? ` Пока считаем с ${NAMES[name]} = ${text(name)}.` : "";
    element(name + "-error").textContent = (problem || "") + was;
    element(name).setAttribute("aria-invalid", String(Boolean(problem)));
  }

  function showControl(name) {
    const range = element(name + "-range");
    const grid = GRIDS[name];
    let nearest = 0;
    grid.forEach((value, place) => {
      if (Math.abs(value - state[name]) < Math.abs(grid[nearest] - state[name])) nearest = place;
    });
    range.value = nearest;
    range.setAttribute("aria-valuetext", text(name));
    element(name).value = text(name);
  }

  function showControls() {
    for (const name of ["k", "h", "l2"]) {
      complain(name, "");
      showControl(name);
    }
  }

  /* ------------------------------------------------------------------------------ кнопки */

  function setUpButtons() {
    element("example").addEventListener("click", () => {
      state.ticked = [...data.example];
      refresh();
      say(`Отмечено ${state.ticked.length}.`);
      element("ticked-title").focus();
    });
    element("clear").addEventListener("click", () => {
      state.ticked = [];
      refresh();
      say("Всё снято.");
      element("query").focus();
      element("drop").hidden = true;
    });
    element("copy").addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(location.href);
        say("Ссылка скопирована.", true);
      } catch {
        element("link").hidden = false;
        element("url").select();
      }
    });
    element("again").addEventListener("click", startEase);
  }

  /* ------------------------------------------------------------------------------ списки */

  function refresh() {
    clearTimeout(waiting);
    writeAddress();
    showTicked();
    showKnn();
    if (ease.l2 === state.l2) {
      stopEase();
      showEase();
    } else {
      startEase();
    }
  }

  function showTicked() {
    const some = state.ticked.length > 0;
    element("ticked-title").textContent = some
      ? `Отмечено: ${forms(state.ticked.length, data.item)}`
      : `Пока не отмечено ни одного ${data.item[1]}`;
    element("ticked").replaceChildren(...state.ticked.map((item, place) => {
      const remove = make("button", { type: "button", className: "rec-remove" }, "×");
      remove.setAttribute("aria-label", `Снять: ${data.labels[item]}`);
      remove.addEventListener("click", () => {
        toggle(item);
        const buttons = element("ticked").querySelectorAll("button");
        (buttons[Math.min(place, buttons.length - 1)] || element("ticked-title")).focus();
      });
      const chip = make("li", {}, data.labels[item]);
      chip.append(" ", remove);
      return chip;
    }));
    element("example").hidden = some;
    element("clear").hidden = !some;
    element("copy").hidden = !some;
    element("link").hidden = true;
  }

  function showKnn() {
    const begun = performance.now();
    if (similar.h !== state.h) similar = { h: state.h, model: models.similarities(G, n, state.h) };
    const key = `${state.h} ${state.k}`;
    if (knn.key !== key) knn = { key, model: models.truncate(similar.model, n, state.k) };
    const built = performance.now();
    const weight = (i, j) => models.knnWeight(knn.model, n, i, j);
    const list = listed(weight).filter((row) => row.score > 0);
    const ended = performance.now();
    draw("knn", list);
    element("knn-state").textContent = state.ticked.length
      ? `K = ${text("k")}, h = ${text("h")}; ${spent(built - begun, ended - built)}`
      : nothing();
    element("knn-end").textContent = state.ticked.length && list.length < DEPTH
      ? `${list.length ? "Больше советовать некого" : "Советовать нечего"}: за остальные ` +
        "отмеченное не голосует. Увеличьте K или отметьте что-нибудь ещё."
      : "";
    common();
  }

  function showEase() {
    if (!ease.model) return;
    const begun = performance.now();
    const list = listed((i, j) => models.easeWeight(ease.model, n, i, j));
    const ended = performance.now();
    draw("ease", list);
    const now = ease.l2 === state.l2;
    const value = String(ease.l2).replace(".", ",");
    const old = now ? "" : "прежний список, ";
    element("ease-state").textContent = state.ticked.length
      ? `${old}λ₂ = ${value}; ${spent(ease.took, ended - begun)}`
      : nothing();
    common();
  }

  function nothing() {
    return `Отметьте хотя бы один ${data.item[0]}: список появится здесь.`;
  }

  function spent(building, listing) {
    const model = building < 1 ? "" : `модель за ${number(building / 1000, 2)} с, `;
    return `${model}список за ${number(listing, 1)} мс`;
  }

  /** Лучшие: номер, балл и веса отмеченного. История — по возрастанию номеров, как в CSR. */
  function listed(weight) {
    if (!state.ticked.length) return [];
    const history = [...state.ticked].sort((a, b) => a - b);
    const total = models.scores(n, history, weight);
    return models.best(total, history, DEPTH).map((item) => ({
      item,
      score: total[item],
      reasons: history.map((own) => ({ own, weight: weight(own, item) })),
    }));
  }

  function draw(name, list) {
    const longest = Math.max(...list.map(strength));
    element(name).replaceChildren(...list.map((row, place) => {
      const head = make("div", { className: "rec-head" });
      const title = make("div", { className: "rec-name" }, data.labels[row.item]);
      title.append(make("small", {}, under(row.item)));
      const add = make("button", { type: "button" }, "Отметить");
      add.setAttribute("aria-label", `Отметить: ${data.labels[row.item]}`);
      add.addEventListener("click", () => {
        toggle(row.item);
        const buttons = element(name).querySelectorAll("button");
        (buttons[Math.min(place, buttons.length - 1)] || element("ticked-title")).focus();
      });
      head.append(title, add);
      const line = make("li", {});
      line.dataset.item = row.item;
      line.append(head, ...explained(row, longest));
      return line;
    }));
  }

  /** Сумма весов без знака. */
  function strength({ reasons }) {
    return reasons.reduce((sum, reason) => sum + Math.abs(reason.weight), 0);
  }

  /** Полоса весов, длиннее у того, за что голосов больше, и она же словами. */
  function explained(row, longest) {
    const { score, reasons } = row;
    const whole = strength(row);
    if (!whole) return [make("p", { className: "rec-why" }, `балл ${number(score, 3)}: все веса — нули`)];
    const order = reasons
      .filter((reason) => reason.weight)
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight) || a.own - b.own);
    const bar = make("div", { className: "rec-bar" });
    bar.setAttribute("aria-hidden", "true");
    for (const { weight } of order) {
      const part = make("span", { className: weight < 0 ? "rec-minus" : "rec-plus" });
      part.style.width = `${(100 * Math.abs(weight)) / longest}%`;
      bar.append(part);
    }
    const sides = [["за", 1], ["против", -1]].map(([side, sign]) => {
      const own = order.filter((reason) => reason.weight * sign > 0);
      const named = own.slice(0, REASONS).map(
        ({ own: item, weight }) => `${data.labels[item]} ${percent(Math.abs(weight) / whole)}`);
      const rest = own.slice(REASONS).reduce((sum, reason) => sum + Math.abs(reason.weight), 0);
      if (rest) named.push(`остальное ${percent(rest / whole)}`);
      return named.length ? `${side}: ${named.join("; ")}` : "";
    });
    const why = `балл ${number(score, 3)} · ${sides.filter(Boolean).join(" · ")}`;
    return [bar, make("p", { className: "rec-why" }, why)];
  }

  /** Сколько советов общих: видно, как разнятся модели. */
  function common() {
    const [one, two] = ["knn", "ease"].map((name) =>
      [...element(name).children].map((line) => line.dataset.item));
    const both = one.filter((item) => two.includes(item)).length;
    element("common").textContent = one.length && two.length
      ? `Общих советов в двух списках: ${both}.` : "";
  }

  /* --------------------------------------------------------------------------------- EASE */

  /** Тело фонового потока; исполняется из текста. */
  function answer() {
    const models = makeModels();
    onmessage = ({ data: { G, n, l2 } }) => {
      const begun = performance.now();
      let told = 0;
      const result = models.easeWeights(G, n, l2, (done) => {
        if (done - told < 0.02) return;
        told = done;
        postMessage({ done });
      });
      postMessage({ ...result, took: performance.now() - begun }, result.B ? [result.B.buffer] : []);
    };
  }

  function stopEase() {
    worker?.terminate();
    worker = null;
    element("progress").hidden = true;
    element("ease-alert").hidden = true;
    element("again").hidden = true;
    element("ease").classList.remove("rec-old");
  }

  function startEase() {
    stopEase();
    const l2 = state.l2;
    showEase();
    element("ease").classList.toggle("rec-old", ease.model !== null);
    if (!ease.model) element("ease-state").textContent = "Считаю модель; пока отвечает Item-KNN.";
    element("progress").value = 0;
    element("progress").hidden = false;
    try {
      const text = `"use strict";\n${makeModels}\n(${answer})();`;
      const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      worker = new Worker(address);
      URL.revokeObjectURL(address);
    } catch (error) {
      failed(`Фоновый поток не запустился (${error.message}).`, true);
      return;
    }
    worker.onerror = (event) => {
      event.preventDefault();
      failed(`Фоновый поток остановился (${event.message || "причина неизвестна"}).`, true);
    };
    worker.onmessage = ({ data: told }) => {
      if (told.done !== undefined) {
        element("progress").value = told.done;
        return;
      }
      stopEase();
      if (!told.B) {
        failed(`λ₂ = ${text("l2")} слишком мал: в числах float64 матрица G + λ₂E вырождена, разложение ` +
          "Холецкого встретило ведущий элемент не больше нуля. Увеличьте λ₂.", false);
        return;
      }
      ease = { l2, model: { B: told.B }, took: told.took };
      showEase();
      if (!(told.condition <= ILL)) {
        alertEase(`λ₂ = ${text("l2")} теряется рядом с числами матрицы: последние цифры баллов неверны. ` +
          "Увеличьте λ₂.");
      }
      if (state.ticked.length) say("EASE посчитана.");
    };
    worker.postMessage({ G, n, l2 });
  }

  function failed(message, again) {
    stopEase();
    ease = { l2: null, model: null };
    draw("ease", []);
    common();
    element("ease-state").textContent = "Списка EASE нет.";
    alertEase(again ? `${message} Item-KNN работает.` : message);
    element("again").hidden = !again;
  }

  function alertEase(message) {
    element("ease-alert").textContent = message;
    element("ease-alert").hidden = false;
  }

  /* ------------------------------------------------------------------------------- общее */

  function make(tag, properties, content) {
    const made = Object.assign(document.createElement(tag), properties);
    if (content !== undefined) made.textContent = content;
    return made;
  }

  /** Сказать тем, кто слушает; visible — и показать. */
  function say(message, visible = false) {
    const live = element("live");
    live.textContent = message;
    live.classList.toggle("rec-visible", visible);
  }
})();
