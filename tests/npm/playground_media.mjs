// The playground with recordings in a real browser, which fakes a microphone and a camera:
// node playground_media.mjs PROGRAM MODEL CLIP FOLDER. The service is the real program.
import {spawn} from "node:child_process";
import {createRequire} from "node:module";
import {strict as assert} from "node:assert";
import {mkdtempSync} from "node:fs";
import {join} from "node:path";

const require = createRequire(join(process.env.HARDY_NPM, "package.json"));
const {chromium} = require("playwright-core");
const {findings} = createRequire(import.meta.url)("./axe.cjs");

const [program, model, clip, folder] = process.argv.slice(2);
const service = spawn(program, ["serve", model, "--media", "--port", "0", "--quiet"]);
process.on("exit", () => service.kill());
const url = await new Promise((resolve, reject) => {
  let said = "";
  service.stderr.on("data", (text) => {
    said += text;
    const found = said.match(/http:\/\/127\.0\.0\.1:\d+\//);
    if (found) resolve(found[0]);
  });
  service.on("exit", () => reject(new Error(said)));
});

const browser = await chromium.launchPersistentContext(mkdtempSync(join(folder, "browser-")), {
  executablePath: "/usr/bin/chromium", headless: true, viewport: {width: 1200, height: 900},
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});
const page = browser.pages()[0] || await browser.newPage();
const problems = [];
page.on("pageerror", (error) => problems.push(String(error)));
page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });

/** Waits until the page shows the answer to what is chosen now. */
async function settled(change) {
  const before = await page.evaluate(() => document.body.dataset.shown || "");
  await change();
  await page.waitForFunction((old) => (document.body.dataset.shown || "") !== old, before, {timeout: 60000});
}
const text = (selector) => page.textContent(selector);

await page.goto(url);
await page.waitForSelector("#media-part:not([hidden])");
assert.ok(!await page.evaluate(() => document.getElementById("paste-part").open), "feature boxes are behind Advanced");

// A file with subtitles: a time line of utterances, emotion and confidence over the picture.
await page.fill("#said", "1\n00:00:00,000 --> 00:00:01,000\nAnn: good day\n\n2\n00:00:01,000 --> 00:00:02,000\nBob: bye\n");
await settled(() => page.setInputFiles("#recording-file", clip));
const cues = page.locator("#cues button");
assert.equal(await cues.count(), 2);
assert.match(await cues.first().textContent(), /0\.0\u20131\.0 s Ann: good day \u2192 .+ [01]\.\d\d/);
assert.match(await text("#overlay"), / [01]\.\d\d$/);
assert.equal(await page.locator("#track-line span").count(), 2);
assert.equal(await page.locator("#contributions .bar").count(), 2);
assert.ok(await page.locator("#switches input").nth(2).isDisabled(), "nobody's face is in the clip");

// Switching a modality off changes all utterances at once.
const before = await text("#cues");
const asked = [];
page.on("request", (request) => {
  if (request.url().endsWith("/v1/predict")) asked.push(JSON.parse(request.postData()).utterances);
});
await settled(() => page.locator("#switches input").nth(1).uncheck());
assert.deepEqual(asked.at(-1).map((each) => Object.keys(each.features)), [["acoustic"], ["acoustic"]]);
assert.equal(await page.locator("#contributions .bar").count(), 1);
await settled(() => page.locator("#switches input").nth(1).check());
assert.equal(await text("#cues"), before);

// Another utterance by keyboard; it keeps the focus.
await cues.nth(1).focus();
await settled(() => page.keyboard.press("Enter"));
assert.equal(await cues.nth(1).getAttribute("aria-current"), "true");
assert.match(await page.evaluate(() => document.activeElement.textContent), /Bob: bye/);
assert.deepEqual(await findings(page, process.env.HARDY_NPM), []);

// The camera, on a narrow screen, by keyboard: recording starts, Stop has the focus and ends it.
await page.setViewportSize({width: 360, height: 740});
await page.fill("#said", "");
await page.locator("#record-video").focus();
await page.keyboard.press("Enter");
await page.waitForSelector("#stop-recording:not([hidden])");
await new Promise((resolve) => setTimeout(resolve, 1500));
await settled(() => page.keyboard.press("Enter"));
assert.equal(await cues.count(), 1);
assert.match(await cues.first().textContent(), /textual: it has no transcript/);
assert.match(await text("#media-status"), /recording\.webm/);
const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
assert.ok(widths[0] <= widths[1], `the page is ${widths[0]} wide on a screen of ${widths[1]}`);
assert.deepEqual(await findings(page, process.env.HARDY_NPM), []);
await page.screenshot({path: join(folder, "playground-media.png"), fullPage: true});

// No recording: the reason is shown, the last answer stays.
await page.setInputFiles("#recording-file", {name: "a.mp4", mimeType: "video/mp4", buffer: Buffer.from("nothing")});
await page.waitForSelector("#error:not([hidden])");
assert.match(await text("#error"), /recording: a\.mp4: cannot be read as a recording/);

assert.deepEqual(problems.filter((line) => !/status of 422/.test(line)), []);
await browser.close();
service.kill();
console.log("playground with recordings: fine");
