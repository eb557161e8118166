"use strict";
// The page is whole without this: it adds sorting, a filter, and the numbers under the pointer.
(() => {
  const value = (text) => {
    const found = text.replace(/\u2212/g, "-").match(/-?(\d+\.?\d*|\.\d+)(e-?\d+)?/);
    return found ? Number(found[0]) : 0;
  };
  for (const table of document.querySelectorAll("table.sorted")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const text = (row) => row.cells[column] ? row.cells[column].textContent.trim() : "";
      const filled = rows.map(text).filter((t) => t !== "" && t !== "\u2013");
      const isNumber = filled.length > 0 && filled.every((t) => /^[\u2212+-]?[.\d]/.test(t));
      const button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.append(head.firstChild);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const order = (a, b) => isNumber
          ? value(text(a)) - value(text(b))
          : text(a).localeCompare(text(b), "en", { numeric: true });
        const missing = (row) => text(row) === "" || text(row) === "\u2013";
        rows.sort((a, b) => missing(a) - missing(b) || (up ? order(a, b) : order(b, a)));
        body.append(...rows);
      });
    });
    if (rows.length < 9) continue;
    const label = document.createElement("label");
    label.className = "filter";
    const field = document.createElement("input");
    field.type = "search";
    label.append("Filter ", field);
    table.parentElement.before(label);
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase();
      // Cell by cell: what ends one and begins the next is no text of the table.
      const text = (row) => [...row.cells].map((cell) => cell.textContent.trim()).join("\n").toLowerCase();
      for (const row of rows) row.hidden = !text(row).includes(wanted);
    });
  }
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);
  const vertices = (mark) => {
    if (mark.localName === "circle") return [[+mark.getAttribute("cx"), +mark.getAttribute("cy")]];
    const places = mark.getAttribute("points").trim().split(" ").map((p) => p.split(",").map(Number));
    if (mark.localName === "polyline") return places;
    const mean = (i) => places.reduce((sum, p) => sum + p[i], 0) / places.length;
    return [[mean(0), mean(1)]];
  };
  for (const svg of document.querySelectorAll(".picture svg")) {
    const points = [];
    for (const mark of svg.querySelectorAll("[data-v]")) {
      const name = mark.querySelector("title")?.textContent ?? "";
      const numbers = mark.dataset.v.split(";");
      vertices(mark).forEach((at, i) => {
        if (numbers[i] !== undefined) points.push({ at, mark, name, numbers: numbers[i].split(" ") });
      });
      // The browser would show the name alone beside the tip.
      mark.querySelector("title")?.remove();
    }
    if (points.length === 0) continue;
    svg.addEventListener("pointermove", (event) => {
      const inside = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const nearest = (among) => {
        let best = null, least = 24 * 24;
        for (const point of among) {
          const d = (point.at[0] - inside.x) ** 2 + (point.at[1] - inside.y) ** 2;
          if (d <= least) { least = d; best = point; }
        }
        return best;
      };
      // Of marks that lie on one another the uppermost is told; a line only near one of its points.
      const seen = document.elementsFromPoint(event.clientX, event.clientY).filter((e) => svg.contains(e));
      const own = seen.map((mark) => nearest(points.filter((point) => point.mark === mark)));
      const best = own.find((point) => point !== null) ?? nearest(points);
      tip.hidden = best === null;
      if (best === null) return;
      const [x, y, low, high] = best.numbers;
      const interval = low === undefined ? "" : ` [${low}, ${high}]`;
      const name = document.createElement("bdi");
      name.textContent = best.name;
      tip.replaceChildren(name, document.createElement("br"), `${x}: ${y}${interval}`);
      const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 8);
      tip.style.left = `${Math.max(4, left) + window.scrollX}px`;
      tip.style.top = `${event.clientY + 18 + window.scrollY}px`;
    });
    svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  }
  const closed = [];
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open], .long)")) { part.open = true; closed.push(part); }
  });
  window.addEventListener("afterprint", () => { while (closed.length > 0) closed.pop().open = false; });
})();
