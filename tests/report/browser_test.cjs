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
  execFileSync(hardy, ["report", path.join(work, "study"), "--out", file]);
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
  // WA, UA and F1; a curve per run; 3 patterns per run; two t-SNE panels.
  assert.equal(charts.length, 3 + 2 + 6 + 2);
  for (const chart of charts) {
    assert.ok(chart.label && chart.label.length > 20, `alternative text: ${chart.label}`);
    assert.ok(chart.width > 200 && chart.height > 80 && chart.shapes > 3, JSON.stringify(chart));
  }
  await everyNumber(page, path.dirname(file));
  await page.selectOption("#confusion", "1");
  assert.match(await page.locator(".heat caption").innerText(), /\{t\}/);
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
      const tables = [...document.querySelectorAll("section:first-of-type table")];
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
