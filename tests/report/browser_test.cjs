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
  await everyNumber(page, path.dirname(file));
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
