"use strict";
(() => {
  const table = document.getElementById("columns");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const word = document.getElementById("search");
  const verdict = document.getElementById("verdict");
  const shown = document.getElementById("shown");

  const filter = () => {
    const asked = word.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = row.dataset.name.toLowerCase().includes(asked)
        && (!verdict.value || row.dataset.verdict === verdict.value);
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} columns`;
  };

  let last = null;
  for (const button of table.tHead.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const key = button.dataset.key;
      const down = last === key ? -1 : 1;
      last = last === key ? null : key;
      const number = button.dataset.kind === "number";
      rows.sort((a, b) => {
        const [x, y] = [a.dataset[key], b.dataset[key]];
        return down * (number ? Number(y) - Number(x) : x.localeCompare(y));
      });
      body.append(...rows);
    });
  }
  for (const link of table.querySelectorAll("a[href^='#c']")) {
    link.addEventListener("click", () => {
      document.getElementById(link.getAttribute("href").slice(1)).open = true;
    });
  }
  word.addEventListener("input", filter);
  verdict.addEventListener("change", filter);
  document.getElementById("tools").hidden = false;
  filter();
})();
