// Accessibility findings of a page by axe-core, as short texts. The rules are those of WCAG 2.0 to
// 2.2, levels A and AA, and axe's best practices.
"use strict";
const {readFileSync} = require("node:fs");
const path = require("node:path");

async function findings(page, npm) {
  const source = readFileSync(path.join(npm, "node_modules/axe-core/axe.min.js"), "utf8");
  await page.evaluate(source);  // not a script of the page: its policy does not forbid it
  const result = await page.evaluate(() => window.axe.run(document, {resultTypes: ["violations"]}));
  return result.violations.map((violation) => `${violation.id}: ${violation.help}: ${
    violation.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} (${
      (node.failureSummary || "").split("\n").slice(1, 2).join("").trim()})`).join(" | ")}`);
}

module.exports = {findings};
