"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const { names, sure, confidence, champion, nodes, sheets } = data;
const find = (id) => document.getElementById(id);
const [search, sort, reverse, count, list, dialog] = ["search", "sort", "reverse", "count", "niches", "detail"].map(find);
const born = champion.map((node) => (node < 0 ? -1 : nodes.generation[node]));
const orders = {
  index: () => 0,
  confidence: (a, b) => confidence[b] - confidence[a],
  name: (a, b) => names[a].localeCompare(names[b], "en", { numeric: true }),
  born: (a, b) => born[a] - born[b],
};
const number = (value) => value.toLocaleString("en");
const make = (tag, text, settings = {}) => Object.assign(document.createElement(tag), { textContent: text }, settings);

// The state of the page is its fragment: q, sort, reverse, niche. So any view can be linked to.
const read = () => {
  const state = new URLSearchParams(location.hash.slice(1));
  const open = state.get("niche");
  return {
    q: state.get("q") ?? "",
    sort: state.get("sort") in orders ? state.get("sort") : "index",
    reverse: state.get("reverse") === "1",
    niche: /^\d+$/.test(open ?? "") && Number(open) < names.length ? Number(open) : null,
  };
};
const fragment = (state) => {
  const parts = new URLSearchParams();
  if (state.q) parts.set("q", state.q);
  if (state.sort !== "index") parts.set("sort", state.sort);
  if (state.reverse) parts.set("reverse", "1");
  if (state.niche !== null) parts.set("niche", state.niche);
  return `#${parts}`;
};
const change = (changes, keep = false) => {
  history[keep ? "pushState" : "replaceState"](null, "", fragment({ ...read(), ...changes }));
  show();
};

const thumbnail = (sheet, place) => {
  const { file, columns, rows, width, height } = sheets[sheet];
  const picture = make("span", "", { className: "thumbnail" });
  const all = (steps, length) => (steps * (length + 2)) / length; // with a pixel around each
  const at = (step, steps, length) => `${(100 * all(step, length) + 100 / length) / (all(steps, length) - 1)}%`;
  picture.style.aspectRatio = `${width} / ${height}`;
  picture.style.backgroundImage = `url("${file}")`;
  picture.style.backgroundSize = `${100 * all(columns, width)}% ${100 * all(rows, height)}%`;
  picture.style.backgroundPosition = `${at(place % columns, columns, width)} ${at(Math.floor(place / columns), rows, height)}`;
  return picture;
};

const tiles = names.map((name, niche) => {
  const tile = make("li", "");
  const button = make("button", "", { type: "button", title: name });
  button.dataset.niche = niche;
  button.append(thumbnail(0, niche), make("span", name, { className: "name" }), make("span", sure[niche], { className: "sure" }));
  button.addEventListener("click", () => change({ niche }, true));
  tile.append(button);
  return tile;
});

const matching = ({ q, sort, reverse }) => {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = names.map((_, niche) => niche);
  const kept = found.filter((niche) => words.every((word) => names[niche].toLowerCase().includes(word)));
  const turn = reverse ? -1 : 1;
  return kept.sort((a, b) => turn * (orders[sort](a, b) || a - b));
};

const ancestors = (niche) => {
  const line = [];
  for (let node = champion[niche]; node >= 0; node = nodes.parent[node]) line.unshift(node);
  return line;
};

const describe = (niche, state) => {
  const line = ancestors(niche);
  const away = new Set(line.map((node) => nodes.niche[node])).size - 1;
  find("name").textContent = names[niche];
  find("facts").textContent = line.length
    ? `Class ${niche}. Confidence ${sure[niche]}. Made in generation ${number(born[niche])}; ` +
      `${number(line.length - 1)} ancestor${line.length === 2 ? "" : "s"}` +
      (away ? `, which held ${number(away)} other class${away === 1 ? "" : "es"}.` : ", none of another class.")
    : `Class ${niche}. The search found no image for it.`;
  const picture = find("large");
  picture.src = `${data.folder}/${String(niche).padStart(4, "0")}.png`;
  picture.alt = line.length ? `The image evolved for ${names[niche]}, confidence ${sure[niche]}` : `No image for ${names[niche]}`;
  const seen = line.filter((node) => nodes.sheet[node] >= 0);
  find("line").replaceChildren(
    ...seen.map((node) => {
      const item = make("li", "");
      const held = nodes.niche[node];
      const link = make("a", names[held], { href: fragment({ ...state, niche: held }), title: names[held] });
      if (held !== niche) link.className = "other";
      const when = make("span", `generation ${number(nodes.generation[node])}`, { className: "when" });
      item.append(thumbnail(nodes.sheet[node], nodes.place[node]), link, make("span", nodes.sure[node], { className: "sure" }), when);
      return item;
    }),
  );
  find("known").textContent = line.length ? `${number(seen.length)} of the ${number(line.length)} images of this line are known as pictures, the oldest first:` : "";
  find("all").hidden = !line.length;
  find("members").replaceChildren(
    ...line.map((node) => {
      const row = make("tr", "");
      row.append(make("th", number(nodes.generation[node]), { scope: "row" }), make("td", names[nodes.niche[node]]), make("td", nodes.sure[node]));
      return row;
    }),
  );
};

let order = [];
const show = () => {
  const state = read();
  if (search.value !== state.q) search.value = state.q;
  sort.value = state.sort;
  reverse.checked = state.reverse;
  order = matching(state);
  list.replaceChildren(...order.map((niche) => tiles[niche]));
  count.textContent = `${number(order.length)} of ${number(names.length)} classes`;
  if (state.niche === null) {
    if (dialog.open) dialog.close();
    return;
  }
  describe(state.niche, state);
  const place = order.indexOf(state.niche);
  find("before").disabled = place <= 0;
  find("after").disabled = place < 0 || place === order.length - 1;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
};
const move = (step) => {
  const place = order.indexOf(read().niche);
  const next = order[place + step];
  if (place >= 0 && next !== undefined) change({ niche: next });
};

search.addEventListener("input", () => change({ q: search.value }));
sort.addEventListener("change", () => change({ sort: sort.value }));
reverse.addEventListener("change", () => change({ reverse: reverse.checked }));
find("before").addEventListener("click", () => move(-1));
find("after").addEventListener("click", () => move(1));
const leave = () => read().niche !== null && change({ niche: null });
find("close").addEventListener("click", leave);
dialog.addEventListener("click", (event) => event.target === dialog && leave());
dialog.addEventListener("close", leave); // by the Escape key
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") move(-1);
  if (event.key === "ArrowRight") move(1);
});
addEventListener("hashchange", show);
addEventListener("popstate", show);
show();
