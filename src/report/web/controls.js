// What a reader does with a report: sort tables, take tables and charts away, link to a part.
"use strict";
const hardyReport = (() => {
  // Eleven colours that stay apart under the three kinds of colour blindness; a test simulates them
  // (tests/report/browser_test.cjs). A run keeps its colour on the whole page.
  const palette = [
    "#0a92ff", "#333a00", "#f3669d", "#b3dd07", "#5510ee", "#0be77f", "#9c3e98",
    "#807526", "#6302a6", "#e8b3ff", "#256651"];

  const taken = new Map();
  /** An anchor that follows from the text: the same in every report with this part. */
  function anchor(text) {
    const slug = text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "part";
    const count = (taken.get(slug) || 0) + 1;
    taken.set(slug, count);
    return count === 1 ? slug : `${slug}-${count}`;
  }

  /** Gives text to the browser as a file. The page may load nothing, so it is a data address. */
  function save(name, type, text) {
    saveAddress(name, `data:${type};charset=utf-8,${encodeURIComponent(text)}`);
  }

  function saveAddress(name, address) {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
  }

  const cellText = (cell) => [...cell.childNodes].map((node) => node.textContent).filter(Boolean)
    .join(" ").trim();

  function csvOf(table) {
    const field = (text) => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    return [...table.rows].map((row) => [...row.cells].map((cell) => field(cellText(cell)))
      .join(",") + "\n").join("");
  }

  /** The number that a cell begins with, NaN for a text. */
  function numberOf(cell) {
    const first = cell.firstChild ? cell.firstChild.textContent : "";
    const text = first.replaceAll(",", "").replace(/[*%s]+$/, "").trim();
    return text === "" ? NaN : Number(text);
  }

  /** Sorts the rows by a column: numbers downwards first, texts upwards first. */
  function sortBy(table, column, header) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const isNumeric = rows.some((row) => !Number.isNaN(numberOf(row.cells[column])));
    const was = header.getAttribute("aria-sort");
    const upwards = was === null ? !isNumeric : was === "descending";
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", upwards ? "ascending" : "descending");
    const compare = (x, y) => {
      const [a, b] = [numberOf(x.cells[column]), numberOf(y.cells[column])];
      if (isNumeric && Number.isNaN(a) !== Number.isNaN(b)) return Number.isNaN(a) ? 1 : -1;
      const order = isNumeric ? a - b : cellText(x.cells[column]).localeCompare(
        cellText(y.cells[column]), "en", {numeric: true});
      return upwards ? order : -order;
    };
    body.append(...rows.sort(compare));
  }

  function makeSortable(table) {
    if (!table.tBodies[0] || table.tBodies[0].rows.length < 2) return;
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      if (!header.textContent) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.title = "Sort by this column";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sortBy(table, column, header));
    });
  }

  /** A chart as a file of its own: colours of the page and the legend written into it. */
  function svgOf(image, colour, title) {
    const box = image.viewBox.baseVal;
    const names = colour && colour.domain && colour.domain.length > 1 ? colour.domain : [];
    const top = 22 + 16 * names.length;
    const style = getComputedStyle(document.body);
    const space = "http://www.w3.org/2000/svg";
    const outer = document.createElementNS(space, "svg");
    const set = (node, values) => {
      for (const [key, value] of Object.entries(values)) node.setAttribute(key, value);
      return node;
    };
    set(outer, {xmlns: space, width: box.width, height: box.height + top,
      viewBox: `0 0 ${box.width} ${box.height + top}`,
      style: `color: ${style.color}; background: ${style.backgroundColor}; --plot-background: ${
        style.backgroundColor}; font: 12px sans-serif`});
    const add = (name, values, text) => {
      const node = set(document.createElementNS(space, name), values);
      if (text !== undefined) node.textContent = text;
      outer.append(node);
    };
    add("rect", {width: box.width, height: box.height + top, fill: style.backgroundColor});
    add("text", {x: 4, y: 15, fill: style.color}, title);
    names.forEach((name, i) => {
      add("rect", {x: 4, y: 22 + 16 * i, width: 11, height: 11, fill: colour.apply(name)});
      add("text", {x: 20, y: 32 + 16 * i, fill: style.color}, String(name));
    });
    const inner = set(image.cloneNode(true), {y: top});
    outer.append(inner);
    return {text: new XMLSerializer().serializeToString(outer), width: box.width,
      height: box.height + top};
  }

  function savePng(name, {text, width, height}) {
    const picture = new Image();
    picture.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = 2 * width;
      canvas.height = 2 * height;
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      saveAddress(name, canvas.toDataURL("image/png"));
    };
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  }

  /** Buttons that save what stands above them: [[text, what it does]]. */
  function savers(what, list) {
    const line = document.createElement("p");
    line.className = "savers";
    for (const [kind, act] of list) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = kind;
      button.setAttribute("aria-label", `Save as ${kind}: ${what}`);
      button.addEventListener("click", act);
      line.append(button);
    }
    return line;
  }

  return {palette, anchor, save, savePng, savers, csvOf, svgOf, makeSortable};
})();
