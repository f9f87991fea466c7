"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = text.match(/^[<>]?([-+−]?\d+(,\d{3})*(\.\d+)?)/);
    if (number) return Number(number[1].replaceAll(",", "").replace("−", "-"));
    return /^\p{L}/u.test(text) ? text.toLowerCase() : null;
  };
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [key(row, column), row]);
      const type = rows.some(([value]) => typeof value === "number") ? "number" : "string";
      const known = rows.filter(([value]) => typeof value === type);
      known.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
      const last = rows.filter(([value]) => typeof value !== type);
      body.append(...[...known, ...last].map(([, row]) => row));
    });
  });
}
