// Opens a report in headless Chromium: `node browser_test.cjs HARDY FIXTURE NPM WORK`. Exit code 77
// (skipped) without Chromium or playwright-core, unless CI=true.
"use strict";
const {execFileSync} = require("node:child_process");
const {existsSync, mkdirSync, readFileSync, rmSync} = require("node:fs");
const path = require("node:path");
const assert = require("node:assert/strict");

const [hardy, fixture, npm, work] = process.argv.slice(2);
const driver = path.join(npm, "node_modules/playwright-core");
const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
if (!browserPath || !existsSync(driver)) {
  console.log(`not found: ${browserPath ? driver : "chromium"}`);
  process.exit(process.env.CI === "true" ? 1 : 77);
}
const {chromium} = require(driver);
const {findings} = require("../npm/axe.cjs");

async function open(browser, file, options) {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(120000);
  const troubles = [];
  page.on("console", (message) => troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) troubles.push(`request to ${request.url()}`);
  });
  await page.goto(`file://${file}`);
  await page.waitForFunction(() => document.documentElement.dataset.drawn !== undefined);
  return {page, troubles};
}

async function main() {
  rmSync(work, {recursive: true, force: true});
  mkdirSync(work, {recursive: true});
  execFileSync(fixture, [work]);
  const file = path.join(work, "report.html");
  execFileSync(hardy, ["report", path.join(work, "study"), path.join(work, "audit"), "--explain",
    path.join(work, "why.json"), "--out", file]);
  const browser = await chromium.launch({executablePath: browserPath, args: ["--no-sandbox",
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"]});
  try {
    await wide(browser, file);
    await narrow(browser, file);
    await printed(browser, file);
  } finally {
    await browser.close();
  }
}

async function wide(browser, file) {
  const {page, troubles} = await open(browser, file, {viewport: {width: 1200, height: 900}});
  const charts = await page.evaluate(() => [...document.querySelectorAll("figure.chart")].map(
    (figure) => {
      const image = figure.querySelector("svg[role=img]");
      const box = image.getBoundingClientRect();
      return {label: image.getAttribute("aria-label"), width: box.width, height: box.height,
        shapes: image.querySelectorAll("rect, path, circle, line").length};
    }));
  // Methods; WA, UA and F1; a curve per run; 3 patterns per run; two t-SNE panels; explanation.
  assert.equal(charts.length, 1 + 3 + 2 + 6 + 2 + 1);
  for (const chart of charts) {
    assert.ok(chart.label && chart.label.length > 20, `alternative text: ${chart.label}`);
    assert.ok(chart.width > 200 && chart.height > 80 && chart.shapes > 3, JSON.stringify(chart));
  }
  assert.deepEqual(await findings(page, npm), []);
  await colours(page);
  await everyNumber(page, path.dirname(file));
  await takenAway(page);
  await methods(page);
  await maps(page);
  await auditsAndExplanations(page);
  await page.selectOption("#confusion", "1");
  assert.match(await page.locator(".heat caption").innerText(), /\{textual\}/);
  // Names from folders are text, never markup.
  assert.equal(await page.locator("main b").count(), 0);
  assert.equal(await page.locator(".badge").count(), 1);
  assert.ok(await page.getByRole("row", {name: /^full/}).count() > 0, "the study's table");
  const bar = page.locator("figure.chart [aria-label=bar] rect").first();
  await bar.scrollIntoViewIfNeeded();
  const box = await bar.boundingBox();
  await page.mouse.move(box.x + box.width - 4, box.y + box.height / 2 - 1);
  await page.mouse.move(box.x + box.width - 3, box.y + box.height / 2);
  await page.waitForFunction(() => document.querySelector("[aria-label=tip] text"));
  await page.reload();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  assert.deepEqual(troubles, []);
  await page.close();
}

/** Every two colours stay apart for people without the cones of one kind. */
async function colours(page) {
  // Machado, Oliveira and Fernandes 2009, severity 1: protanopia, deuteranopia, tritanopia.
  const views = [[1, 0, 0, 0, 1, 0, 0, 0, 1],
    [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
    [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
    [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039]];
  const toXyz = [0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.072175, 0.0193339,
    0.119192, 0.9503041];
  const times = (m, v) => [0, 1, 2].map((i) => m[3 * i] * v[0] + m[3 * i + 1] * v[1] +
    m[3 * i + 2] * v[2]);
  const linear = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const lab = (rgb) => {
    const [x, y, z] = times(toXyz, rgb.map((c) => Math.min(1, Math.max(0, c))))
      .map((v, i) => v / [0.95047, 1, 1.08883][i])
      .map((t) => t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  const palette = await page.evaluate("hardyReport.palette");
  assert.equal(new Set(palette).size, 11);
  for (const view of views) {
    const seen = palette.map((hex) => lab(times(view, linear(hex))));
    seen.forEach((a, i) => seen.slice(0, i).forEach((b, j) => {
      const apart = Math.hypot(...a.map((v, k) => v - b[k]));
      assert.ok(apart > 25, `${palette[i]} and ${palette[j]} are ${apart.toFixed(1)} apart`);
    }));
  }
}

/** Tables can be sorted and saved, charts saved, parts linked to. */
async function takenAway(page) {
  const results = section(page, "Results");
  const first = results.locator("table").first();
  const order = () => first.locator("tbody tr td:nth-child(2)").evaluateAll((cells) =>
    cells.map((cell) => Number(cell.firstChild.textContent)));
  await first.locator("thead th:nth-child(2) button").click();
  const down = await order();
  assert.deepEqual(down, [...down].sort((x, y) => y - x));
  await first.locator("thead th:nth-child(2) button").click();
  assert.deepEqual(await order(), [...down].reverse());
  assert.equal(await first.locator("th[aria-sort=ascending]").count(), 1);
  const saved = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"),
      results.getByRole("button", {name}).first().click()]);
    return {name: download.suggestedFilename(), bytes: readFileSync(await download.path())};
  };
  const csv = await saved(/^Save as CSV/);
  assert.match(csv.name, /\.csv$/);
  assert.match(csv.bytes.toString(), /^track,.*\n.*0\.\d{4}/);
  const svg = await saved(/^Save as SVG/);
  assert.match(svg.bytes.toString(), /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*<\/svg>$/);
  const png = await saved(/^Save as PNG/);
  assert.equal(png.bytes.subarray(1, 4).toString(), "PNG");
  assert.ok(png.bytes.length > 2000);
  for (const id of ["results", "comparison", "confusion-matrices", "cost"]) {
    assert.equal(await page.locator(`h2#${id}`).count(), 1, `the anchor ${id}`);
  }
  const matrix = section(page, "Comparison").locator("table.matrix");
  assert.ok(await matrix.count() > 0 && await matrix.first().locator("tbody tr").count() === 1);
}

/** The results tables say what results.json says. */
async function everyNumber(page, work) {
  for (const run of ["with <b>hardness", "without"]) {
    const results = JSON.parse(readFileSync(path.join(work, "study", run, "results.json")));
    const shown = await page.evaluate((name) => {
      const results = [...document.querySelectorAll("section")].find((section) =>
        section.querySelector("h2").textContent === "Results");
      const tables = [...results.querySelectorAll("table")];
      return tables.map((table) => ({
        columns: [...table.querySelectorAll("thead th")].map((cell) => cell.textContent),
        cells: [...table.querySelectorAll("tbody tr")].filter((row) =>
          row.cells[0].textContent.startsWith(name)).flatMap((row) => [...row.cells].map((cell) =>
          [...cell.childNodes].map((node) => node.textContent)))}));
    }, run);
    assert.equal(shown.length, results.headline.length);
    shown.forEach(({columns, cells}, i) => {
      columns.slice(1).forEach((column, c) => {
        const summary = results.summaries.find((s) => s.metric === results.headline[i] &&
          s.condition === column.replace(/[{}]/g, ""));
        assert.deepEqual(cells[c + 1], [summary.mean.toFixed(4),
          `± ${summary.seed_deviation.toFixed(4)}`,
          `${summary.low.toFixed(4)} to ${summary.high.toFixed(4)}`]);
      });
    });
  }
}

const section = (page, title) => page.locator("section", {has: page.getByRole("heading",
  {level: 2, name: title})});

/** The comparison of methods: marks, gains below 0, costs, controls apart, the paper's figures. */
async function methods(page) {
  const node = section(page, /^Methods/);
  const rows = await node.locator("table.methods tbody tr").evaluateAll((list) => list.map((row) =>
    [...row.cells].map((cell) => [...cell.childNodes].map((part) => part.textContent).join("|"))));
  assert.deepEqual(rows, [
    ["MoMKE", "0.7000", "0.8000", "0.7500*|0.6500 to 0.8500", "0.9000", "0.7113", "28,000,000",
      "12.3", "0.500"],
    ["HARDY-MER", "0.6500", "0.7500", "0.7000|0.6500 to 0.7500", "0.8000", "0.7556", "–", "–", "–"],
    ["controls"],
    ["Majority", "0.5000", "0.5000", "0.5000|0.4000 to 0.6000", "0.5000", "–", "–", "–", "–"],
    ["gain over best method", "-0.0500", "-0.0500", "-0.0500|over MoMKE", "-0.1000", "", "", "",
      ""]]);
  assert.match(await node.innerText(), /gcnet is left out: no <b>speakers/);
  // All columns are on the page without scrolling.
  assert.ok(await node.locator(".scroll").first().evaluate((box) =>
    box.scrollWidth <= box.clientWidth));
}

/** t-SNE: stars and rings on each map, the utterance under the pointer, neighbours as a table. */
async function maps(page) {
  const map = page.locator("figure.chart", {hasText: "acoustic, plain features"});
  assert.equal(await map.locator("[aria-label=dot]").count(), 4);
  const star = map.locator("[aria-label=dot]").last().locator("path").first();
  await star.scrollIntoViewIfNeeded();
  const box = await star.boundingBox();
  await page.mouse.move(box.x + box.width / 2 + 2, box.y + box.height / 2 + 2);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.waitForFunction(() => [...document.querySelectorAll("[aria-label=tip] text")].some(
    (text) => text.textContent.includes("u0") && text.textContent.includes("<b>why me</b>")));
  const rows = await page.locator("table", {hasText: "Neighbours of each query"}).locator(
    "tbody tr").evaluateAll((list) => list.map((row) => [...row.cells].map((c) => c.textContent)));
  assert.deepEqual(rows[0], ["u0 (calm)", "acoustic", "plain", "0 of 1", "u2 (angry)"]);
  assert.equal(rows.length, 4);
}

async function auditsAndExplanations(page) {
  assert.match(await section(page, "Audits").innerText(), /audit: made leak[^]*0\.1235/);
  const why = section(page, "Explanations");
  assert.match(await why.innerText(), /d00u1: calm, confidence 0\.750[^]*-0\.1250[^]*<b>no<\/b>/);
}

async function narrow(browser, file) {
  const {page, troubles} = await open(browser, file, {viewport: {width: 360, height: 740},
    colorScheme: "dark"});
  const look = await page.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - innerWidth,
    background: getComputedStyle(document.body).backgroundColor,
    widest: Math.max(...[...document.querySelectorAll("figure.chart svg")].map(
      (svg) => svg.getBoundingClientRect().right))}));
  assert.ok(look.overflow <= 0, `the page is ${look.overflow} pixels too wide`);
  assert.ok(look.widest <= 361, `a chart reaches to ${look.widest}`);
  assert.equal(look.background, "rgb(15, 20, 25)");
  const captions = await page.evaluate(() => Math.max(...[...document.querySelectorAll("caption")]
    .map((caption) => caption.getBoundingClientRect().right)));
  assert.ok(captions <= 361, `a caption reaches to ${captions}`);
  assert.deepEqual(await findings(page, npm), []);
  await page.setViewportSize({width: 700, height: 740});
  await page.waitForFunction(() => document.querySelector("figure.chart svg[role=img]").
    getBoundingClientRect().width > 500);
  assert.deepEqual(troubles, []);
  await page.close();
}

async function printed(browser, file) {
  const {page, troubles} = await open(browser, file, {viewport: {width: 800, height: 900}});
  await page.emulateMedia({media: "print", colorScheme: "dark"});
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
    "rgb(255, 255, 255)");
  assert.ok((await page.pdf({format: "A4"})).length > 20000);
  assert.deepEqual(troubles, []);
  await page.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
