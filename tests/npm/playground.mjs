// The playground in a real browser: node playground.mjs URL FOLDER. Screenshots go to FOLDER.
import {createRequire} from "node:module";
import {strict as assert} from "node:assert";
import {mkdtempSync} from "node:fs";
import {join} from "node:path";

const require = createRequire(join(process.env.HARDY_NPM, "package.json"));
const {chromium} = require("playwright-core");
const {findings} = createRequire(import.meta.url)("./axe.cjs");

const [url, folder] = process.argv.slice(2);
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launchPersistentContext(mkdtempSync(join(folder, "browser-")), {
  executablePath: "/usr/bin/chromium", headless: true, args: flags, viewport: {width: 1200, height: 900},
});
const page = browser.pages()[0] || await browser.newPage();
const problems = [];
page.on("pageerror", (error) => problems.push(String(error)));
page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
const foreign = [];
page.on("request", (request) => { if (!request.url().startsWith(url)) foreign.push(request.url()); });

/** Waits until the page shows the answer to what is chosen now. */
async function settled(change) {
  const before = await page.evaluate(() => document.body.dataset.shown || "");
  await change();
  await page.waitForFunction((old) => (document.body.dataset.shown || "") !== old, before, {timeout: 10000});
}
const text = (selector) => page.textContent(selector);

await settled(() => page.goto(url));
assert.match(await text("#model"), /hardymer, unified/);
assert.ok((await text("#answer")).length > 1, "an answer is shown at once");
assert.equal(await page.locator("#switches input").count(), 3);
assert.equal(await page.locator("#patterns tbody tr").count(), 7);
assert.equal(await page.locator("#contributions .bar").count(), 3);
assert.ok(await page.locator("#similar tbody tr").count() > 0);
assert.match(await text("#hardness"), /Score/);
await page.screenshot({path: join(folder, "playground.png"), fullPage: true});
assert.deepEqual(await findings(page, process.env.HARDY_NPM), []);

// The dialogue: every turn with its label and a verdict in words, this one marked.
const turns = page.locator("#turns button");
assert.equal(await turns.count(), await page.locator("#utterance option").count());
assert.match(await turns.first().textContent(), /\u2713 right|\u2717 wrong/);
assert.match(await text("#verdict"), /right|wrong/);
assert.match(await text("#dialogue-note"), /\d+ of \d+ right/);
assert.equal(await page.locator("#turns button[aria-current=true]").count(), 1);
assert.match(await text("#seen"), /This dialogue trained or chose the model/);
assert.ok(await page.locator("#previous").isDisabled());
await settled(() => page.click("#next"));
assert.equal(await page.inputValue("#utterance"), "1");
await settled(() => turns.nth(2).click());
assert.equal(await page.inputValue("#utterance"), "2");

// Attention: a line stands where equal attention would be.
assert.ok(await page.locator("#attention .mark").count() > 0);
assert.match(await text("#attention"), /Equal attention to \d+ turns/);

// A link brings back dialogue, utterance and switches.
await settled(() => page.locator("#switches input").nth(2).uncheck());
const link = await page.evaluate(() => location.href);
assert.match(link, /#dialogue=.+&utterance=2&off=/);
const probabilities = await text("#probabilities");
await page.goto("about:blank");
await settled(() => page.goto(link));
assert.equal(await page.inputValue("#utterance"), "2");
assert.equal(await text("#probabilities"), probabilities);
assert.ok(!await page.locator("#switches input").nth(2).isChecked());
await settled(() => page.locator("#switches input").nth(2).check());

// Switching a modality off changes prediction, contributions and patterns at once.
await settled(() => page.locator("#switches input").nth(1).uncheck());
assert.equal(await page.locator("#patterns tbody tr").count(), 3);
assert.equal(await page.locator("#contributions .bar").count(), 2);

// With the keyboard alone: reach a switch, press it, reach the utterance, choose the next one.
await page.locator("#utterance").focus();
const utterance = await page.inputValue("#utterance");
await settled(() => page.keyboard.press("ArrowDown"));
assert.notEqual(await page.inputValue("#utterance"), utterance);
for (let i = 0; i < 10; ++i) {
  await page.keyboard.press("Tab");
  if (await page.evaluate(() => document.activeElement.type === "checkbox")) break;
}
assert.equal(await page.evaluate(() => document.activeElement.type), "checkbox", "switches are reached by Tab");
await settled(() => page.keyboard.press("Space"));
const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
assert.notEqual(outline, "none", "the focus is visible");

// The last modality cannot be switched off without a word.
for (const i of [0, 1, 2]) await page.locator("#switches input").nth(i).uncheck();
await page.waitForSelector("#error:not([hidden])");
assert.match(await text("#error"), /at least one modality/);
await settled(() => page.locator("#switches input").nth(0).check());
assert.ok(await page.locator("#error").isHidden());

// Pasted features: a wrong number of them is explained, the right one predicted.
await page.locator("#paste-part summary").click();
const model = await (await fetch(url + "v1/model")).json();
const [first] = model.modalities;
await page.fill("#paste-" + first.name, "1 2 3");
await page.click("#paste button");
await page.waitForSelector("#error:not([hidden])");
assert.match(await text("#error"), new RegExp(`has 3 values, the model reads ${first.width}`));
await page.fill("#paste-" + first.name, "1, x");
await page.click("#paste button");
assert.match(await text("#error"), /"x" is not a number/);
await page.fill("#paste-" + first.name, "[" + Array(first.width).fill(0.25).join(", ") + "]");
await settled(() => page.click("#paste button"));
assert.equal(await page.locator("#patterns tbody tr").count(), 1);

// A narrow screen: one column, nothing wider than the screen.
await page.setViewportSize({width: 360, height: 740});
await settled(() => page.reload());
const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
assert.ok(widths[0] <= widths[1], `the page is ${widths[0]} wide on a screen of ${widths[1]}`);
await page.screenshot({path: join(folder, "playground-narrow.png"), fullPage: true});
assert.deepEqual(await findings(page, process.env.HARDY_NPM), []);

await page.emulateMedia({colorScheme: "dark"});
await page.setViewportSize({width: 1200, height: 900});
await page.screenshot({path: join(folder, "playground-dark.png"), fullPage: true});
assert.deepEqual(await findings(page, process.env.HARDY_NPM), []);

// Refusals (422) are logged by the browser itself; anything else is a mistake of the page.
assert.deepEqual(problems.filter((line) => !/status of 422/.test(line)), []);
assert.deepEqual(foreign.filter((each) => !each.startsWith("data:")), [], "nothing is fetched from elsewhere");
await browser.close();
console.log("playground: fine");
