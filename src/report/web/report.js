// Draws a report from the JSON in the page. Tables come first and hold every number; charts repeat
// them for the eye and are left out when the page was made without the charting library.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const main = document.getElementById("main");
  const {palette, anchor, save, savePng, savers, csvOf, svgOf, makeSortable} = hardyReport;
  const charts = [];
  const metricOf = (metric) => (data.metrics || {})[metric] ||
    {title: metric, convention: "", is_higher_better: true, is_share: true};
  const metricName = (metric) => metricOf(metric).title;
  const isShare = (metric) => metricOf(metric).is_share;
  const isHigherBetter = (metric) => metricOf(metric).is_higher_better;
  const isMasks = (condition) => condition.includes("=");
  const braces = (condition) => condition === "average" || isMasks(condition)
    ? condition.replace("=area", ": area") : `{${condition}}`;
  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  const fixed = (value, digits = 4) => isNumber(value) ? value.toFixed(digits) : "–";
  const seconds = (value) => !isNumber(value) ? "–"
    : value < 60 ? `${value.toFixed(1)} s` : `${(value / 60).toFixed(1)} min`;

  function element(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== undefined && value !== null) node.setAttribute(key, value);
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined) node.append(child);
    }
    return node;
  }

  function section(title) {
    const id = anchor(title);
    const node = element("section", {"aria-labelledby": id}, element("h2", {id}, title));
    main.append(node);
    document.querySelector("#contents ul").append(
      element("li", null, element("a", {href: `#${id}`}, title)));
    return node;
  }

  /** A heading below a section's, with an address of its own. */
  const subheading = (node, title) => element("h3",
    {id: anchor(`${node.querySelector("h2").textContent} ${title}`)}, title);

  /** A table that scrolls by itself on narrow screens; cells are texts or nodes. */
  function table(caption, header, rows, options = {}) {
    const body = rows.map((row) => element("tr", null, row.map((cell, i) => {
      if (cell instanceof Node && (cell.nodeName === "TD" || cell.nodeName === "TH")) return cell;
      const text = (options.text || []).includes(i) ? "text" : null;
      return i === 0 && !options.plain ? element("th", {scope: "row"}, cell)
        : element("td", {class: text}, cell);
    })));
    const head = header.map((cell, i) => element("th", {scope: "col",
      class: (options.text || []).includes(i) ? "text" : null}, cell));
    const made = element("table", {class: options.class}, element("caption", null, caption),
      element("thead", null, element("tr", null, head)), element("tbody", null, body));
    if (!options.isOrdered) makeSortable(made);
    const name = anchor(caption.split(/[:,;(]/)[0]).slice(0, 60);
    return element("div", null,
      element("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": caption}, made),
      savers(caption, [["CSV", () => save(`${name}.csv`, "text/csv", csvOf(made))]]));
  }

  /** A chart with its text alternative; drawn again when its width changes. */
  function chart(parent, alternative, caption, draw) {
    if (typeof Plot === "undefined") return;
    const holder = element("div");
    let shown = null;
    const name = anchor(caption.split(/[:,;(]/)[0]).slice(0, 60);
    const file = () => svgOf(shown.image, shown.colour, caption);
    parent.append(element("figure", {class: "chart"}, holder,
      element("figcaption", null, caption), savers(caption, [
        ["SVG", () => save(`${name}.svg`, "image/svg+xml", file().text)],
        ["PNG", () => savePng(`${name}.png`, file())]])));
    let drawn = 0;
    const render = () => {
      const width = Math.floor(holder.clientWidth);
      if (width < 40 || width === drawn) return;
      drawn = width;
      const figure = draw(width);
      const images = figure.nodeName === "svg" ? [figure] : figure.querySelectorAll("svg");
      const main_image = images[images.length - 1];
      main_image.setAttribute("role", "img");
      main_image.setAttribute("aria-label", alternative);
      for (const part of main_image.querySelectorAll("[aria-label]:not([role])")) {
        part.setAttribute("role", "group");  // without a role a name is not allowed
      }
      shown = {image: main_image, colour: figure.scale ? figure.scale("color") : null};
      holder.replaceChildren(figure);
    };
    charts.push(render);
    render();
  }

  const complete = (run) => run.results.data.modalities.length;
  /** Incomplete conditions, their average, the complete one. */
  function columns(run) {
    const patterns = run.results.conditions.filter((c) => !isMasks(c));
    const full = patterns.filter((c) => c.split(",").length === complete(run));
    const proper = patterns.filter((c) => !full.includes(c));
    return [...proper, ...(proper.length > 1 ? ["average"] : []), ...full];
  }
  const summary = (run, track, condition, metric) => run.results.summaries.find(
    (s) => s.track === track && s.condition === condition && s.metric === metric);
  const series = (run, track) => data.runs.length > 1 ? `${run.name}, ${track}` : track;
  /** The colours of all runs and tracks, the same in every chart. */
  const runColours = () => {
    const domain = allTracks().map(([run, track]) => series(run, track));
    return {domain, range: domain.map((_, i) => palette[i % palette.length]), legend: true};
  };
  const allTracks = () => data.runs.flatMap((run) => run.results.tracks.map((t) => [run, t]));
  const level = () => 100 * (((data.runs[0] || {results: {}}).results.intervals || {}).level ||
    0.95);
  const kindOf = (study) => String((study.description || {}).kind || "");
  const isAudit = (study) => kindOf(study).startsWith("audit");

  function resultCell(found, over) {
    if (!found) return element("td", null, "–");
    const deviation = over === "seeds" ? found.seed_deviation : found.fold_deviation;
    const parts = [element("span", null, fixed(found.mean))];
    if (isNumber(deviation)) parts.push(element("small", null, `± ${fixed(deviation)}`));
    if (isNumber(found.low)) {
      parts.push(element("small", null, `${fixed(found.low)} to ${fixed(found.high)}`));
    }
    return element("td", {title: found.no_interval ? `no interval: ${found.no_interval}` : null},
      parts);
  }

  function header() {
    const first = data.runs.length ? data.runs[0].results.data
      : (data.studies[0].description || {}).data || {name: "hardy"};
    const names = (data.runs.length ? data.runs : data.studies).map((part) => part.name);
    document.getElementById("top").append(
      element("h1", null, `${first.name}: ${names.join(", ")}`),
      first.is_synthetic ? element("p", null, element("span", {class: "badge"},
        "synthetic data: these numbers say nothing about real recordings")) : "",
      ...data.runs.filter((run) => (run.results.defects || []).length > 0).map((run) =>
        element("p", null, element("span", {class: "badge"}, "published defects are on: these " +
          `numbers of ${run.name} are not results of the method: ${run.results.defects.join(", ")}`))),
      element("p", {class: "soft"}, `Made by ${data.program} with `,
        element("code", null, data.command)));
    document.getElementById("contents").append(element("ul"));
    for (const run of data.runs) {
      for (const text of run.notices) {
        main.append(element("p", {class: "notice", role: "note"}, `${run.name}: ${text}`));
      }
    }
    if (typeof Plot === "undefined") {
      main.append(element("p", {class: "notice", role: "note"},
        "This hardy was built without its charting library: tables only."));
    }
  }

  function resultsSection() {
    if (!data.runs.length) return;
    const node = section("Results");
    const metrics = [...new Set(data.runs.flatMap((run) => run.results.headline))];
    const wide = [...new Set(data.runs.flatMap(columns))];
    for (const metric of metrics) {
      const rows = allTracks().map(([run, track]) => {
        const over = run.results.seeds.length > 1 ? "seeds" : "folds";
        return [series(run, track),
          ...wide.map((c) => resultCell(summary(run, track, c, metric), over))];
      });
      if (!wide.length) continue;
      node.append(subheading(node, metricName(metric)), element("p", {class: "soft"},
        metricOf(metric).convention), table(
        `${metricName(metric)} on the test parts: mean, deviation over seeds (over folds for one ` +
        `seed), ${level()} % interval`, ["track", ...wide.map(braces)], rows));
      barChart(node, metric, wide);
    }
    node.append(element("p", {class: "soft"}, "Mean over folds, then over seeds; average over the " +
      `incomplete conditions. Intervals resample ${clusters()} and hold the spread over seeds; ` +
      "what they do not hold: docs/statistics.md. Metrics: docs/metrics.md."));
    for (const run of data.runs) {
      for (const {metric, reason} of run.results.not_applicable || []) {
        node.append(element("p", {class: "notice", role: "note"},
          `${run.name}: ${metricName(metric)} is not applicable because ${reason}`));
      }
    }
  }

  const clusters = () => {
    const {clusters: kind, cluster_count: count} = (data.runs[0].results.intervals || {});
    return count ? `${count} ${kind}s of the test parts` : "test dialogues";
  };

  /** Curves of a protocol of missing data against its rate: [protocol, [[rate, condition], ...]]. */
  function protocolsOf(run) {
    const curves = {};
    for (const condition of run.results.conditions.filter(isMasks)) {
      const [protocol, rate, ...more] = condition.split("=");
      if (more.length) continue;
      (curves[protocol] = curves[protocol] || []).push([Number(rate), condition]);
    }
    return curves;
  }

  /** Masks of missing data: every condition as a row, curves against the rate. */
  function missingSection() {
    const runs = data.runs.filter((run) => (run.results.missing || {masks: []}).masks.length);
    if (!runs.length) return;
    const node = section("Missing data");
    const tracks = runs.flatMap((run) => run.results.tracks.map((track) => [run, track]));
    const conditions = [...new Set(runs.flatMap((run) => run.results.summaries.map((s) =>
      s.condition).filter(isMasks)))];
    const removed = (condition) => runs.flatMap((run) => run.results.missing.masks)
      .filter((mask) => mask.condition === condition).map((mask) => mask.removed)[0];
    const metric = runs[0].results.headline[0];
    if (!metric) return;
    node.append(table(`${metricName(metric)} with data missing at ${runs[0].results.missing.at}, ` +
      `masks of seed ${runs[0].results.missing.seed}: mean, deviation, ${level()} % interval; ` +
      "removed = share of what is there that the masks take from the test parts",
    ["masks", "removed", ...tracks.map(([run, track]) => series(run, track))],
    conditions.map((condition) => [braces(condition), fixed(removed(condition), 3),
      ...tracks.map(([run, track]) => resultCell(summary(run, track, condition, metric),
        run.results.seeds.length > 1 ? "seeds" : "folds"))])));
    for (const protocol of new Set(runs.flatMap((run) => Object.keys(protocolsOf(run))))) {
      const points = tracks.flatMap(([run, track]) => (protocolsOf(run)[protocol] || [])
        .map(([rate, condition]) => {
          const found = summary(run, track, condition, metric);
          return found && isNumber(found.mean) && {rate, mean: found.mean, low: found.low,
            high: found.high, series: series(run, track)};
        })).filter(Boolean);
      if (new Set(points.map((p) => p.rate)).size < 2) continue;
      node.append(element("h3", null, `${metricName(metric)} against ${protocol}`));
      chart(node, `Curves of ${metricName(metric)} against the rate of ${protocol}; the table ` +
        "above holds every value.", `${metricName(metric)} by ${protocol}, bars: ${level()} % ` +
        "interval", (width) => Plot.plot({width, height: 300, color: runColours(),
        x: {label: `${protocol}: rate`, grid: true}, y: {label: metricName(metric), grid: true},
        marks: [
          Plot.ruleX(points.filter((p) => isNumber(p.low)), {x: "rate", y1: "low", y2: "high",
            stroke: "series", strokeOpacity: 0.4}),
          Plot.lineY(points, {x: "rate", y: "mean", stroke: "series", strokeWidth: 2}),
          Plot.dot(points, {x: "rate", y: "mean", fill: "series"}),
          Plot.tip(points, Plot.pointer({x: "rate", y: "mean", title: (p) =>
            `${p.series}, ${protocol} ${p.rate}\n${fixed(p.mean)}`}))]}));
    }
    node.append(element("p", {class: "soft"}, "Area: the mean height of the curve over its rates " +
      "(docs/missing_data.md)."));
  }

  function barChart(parent, metric, conditions) {
    const values = allTracks().flatMap(([run, track]) => conditions.map((condition) => {
      const found = summary(run, track, condition, metric);
      return found && isNumber(found.mean) && {condition: braces(condition),
        series: series(run, track), mean: found.mean, low: found.low, high: found.high};
    })).filter(Boolean);
    if (!values.length) return;
    const names = [...new Set(values.map((v) => v.series))];
    const best = values.reduce((x, y) => (y.mean > x.mean) === isHigherBetter(metric) ? y : x);
    chart(parent, `Bars of ${metricName(metric)} for each condition with intervals; best: ` +
      `${best.series} under ${best.condition} with ${fixed(best.mean)}. The table above holds ` +
      "every value.", `${metricName(metric)} by condition, line: ${level()} % interval`,
    (width) => Plot.plot({
      width, marginLeft: 74, marginRight: 24 + 6.5 * Math.max(...conditions.map((c) => c.length)),
      height: 46 + conditions.length * (12 + 15 * names.length),
      x: {label: metricName(metric), grid: true, domain: metric === "correlation" ? undefined
        : [0, isShare(metric) ? 1 : Math.max(...values.map((v) => v.high || v.mean))]},
      y: {axis: null, domain: names}, fy: {label: null, domain: conditions.map(braces)},
      color: runColours(),
      marks: [
        Plot.barX(values, {x: "mean", y: "series", fy: "condition", fill: "series",
          stroke: "currentColor", strokeWidth: 0.5}),
        Plot.ruleY(values.filter((v) => isNumber(v.low)), {x1: "low", x2: "high", y: "series",
          fy: "condition", strokeWidth: 2, stroke: "currentColor"}),
        Plot.tip(values, Plot.pointer({x: "mean", y: "series", fy: "condition", title: (v) =>
          `${v.series}, ${v.condition}\n${fixed(v.mean)} (${fixed(v.low)} to ${fixed(v.high)})`})),
        Plot.ruleX([0])]}));
  }

  function comparisonSection() {
    const rows = data.comparisons.rows;
    if (!rows.length && !data.comparisons.notices.length) return;
    const node = section("Comparison");
    for (const text of data.comparisons.notices) {
      node.append(element("p", {class: "notice", role: "note"}, text));
    }
    if (!rows.length) return;
    const unit = (row, value) => !isNumber(value) ? "–"
      : isShare(row.metric) ? (100 * value).toFixed(2) : value.toFixed(4);
    const signed = (row, value) => isNumber(value) && value > 0 ? `+${unit(row, value)}`
      : unit(row, value);
    const first = rows[0].first;
    const conditions = [...new Set(rows.map((row) => row.condition))];
    node.append(element("p", {class: "soft"}, `Each cell is ${first} minus the run of its row ` +
      "(shares in points), paired over folds, seeds and utterances. * = differs beyond chance " +
      "(corrected by Holm for all numbers of this section)."));
    for (const metric of new Set(rows.map((row) => row.metric))) {
      const own = rows.filter((row) => row.metric === metric);
      const places = [...new Set(own.map((row) => JSON.stringify([row.second, row.track])))];
      node.append(subheading(node, metricName(metric)), table(
        `${metricName(metric)}: ${first} minus each other run`,
        ["against", ...conditions.map(braces)], places.map((place) => {
          const [second, track] = JSON.parse(place);
          return [data.runs.length && data.runs[0].results.tracks.length > 1
            ? `${second}, ${track}` : second, ...conditions.map((condition) => {
            const row = own.find((r) => r.second === second && r.track === track &&
              r.condition === condition);
            if (!row) return element("td", null, "–");
            return element("td", {class: row.beyond_chance ? "better" : null,
              title: `${level()} % interval ${unit(row, row.low)} to ${unit(row, row.high)}, ` +
                `corrected p ${fixed(row.corrected_p)}`},
            signed(row, row.difference) + (row.beyond_chance ? "*" : ""));
          })];
        }), {class: "matrix"}));
    }
    node.append(element("details", null, element("summary", null, "Intervals, p and verdicts"),
      table("Every difference with its interval",
        ["condition", "second", "track", "metric", "difference", `${level()} % interval`, "p",
          "corrected p", "verdict"], rows.map((row) => [braces(row.condition), row.second,
          row.track, metricName(row.metric),
          element("td", {class: row.beyond_chance ? "better" : null}, unit(row, row.difference)),
          `${unit(row, row.low)} to ${unit(row, row.high)}`, fixed(row.p), fixed(row.corrected_p),
          row.verdict]), {text: [1, 2, 3, 8]})));
  }

  function confusionSection() {
    const runs = data.runs.filter((run) => run.results.scores.some((s) => s.confusion.length));
    if (!runs.length) return;
    const node = section("Confusion matrices");
    const choices = runs.flatMap((run) => run.results.tracks.flatMap((track) =>
      run.results.conditions.map((condition) => ({run, track, condition}))));
    const select = element("select", {id: "confusion"}, choices.map((c, i) => element("option",
      {value: i}, `${series(c.run, c.track)}, {${c.condition}}`)));
    const holder = element("div");
    const show = () => holder.replaceChildren(confusion(choices[select.value]));
    select.value = String(choices.findIndex((c) => c.condition.split(",").length ===
      complete(c.run)));
    if (!choices[select.value]) select.value = "0";
    select.addEventListener("change", show);
    node.append(element("p", {class: "choose"}, element("label", {for: "confusion"}, "Show "),
      select), holder);
    show();
  }

  /** Whether white reads better than black on hsl(212 70% light%): by its relative luminance. */
  function isDark(light) {
    const reach = 0.7 * Math.min(light, 100 - light) / 100;
    const channel = (n) => {
      const k = (n + 212 / 30) % 12;
      const c = light / 100 - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1));
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * channel(0) + 0.7152 * channel(8) + 0.0722 * channel(4) < 0.179;
  }

  function confusion({run, track, condition}) {
    const names = run.results.data.classes;
    const size = names.length;
    const sum = new Array(size * size).fill(0);
    for (const score of run.results.scores) {
      if (score.track !== track || score.condition !== condition) continue;
      score.confusion.forEach((count, i) => { sum[i] += count; });
    }
    const rows = names.map((name, r) => {
      const row = sum.slice(r * size, (r + 1) * size);
      const total = row.reduce((x, y) => x + y, 0);
      return [`${name} (${total})`, ...row.map((count) => {
        const share = total ? count / total : 0;
        const light = 96 - 62 * share;
        return element("td", {class: `cell ${isDark(light) ? "dark" : "light"}`,
          style: `background: hsl(212 70% ${light}%)`}, `${(100 * share).toFixed(1)} %`,
        element("small", null, String(count)));
      })];
    });
    return table(`${series(run, track)}, {${condition}}: share of each true class (rows) that was ` +
      "predicted as each class (columns), summed over folds and seeds", ["truth", ...names], rows,
    {class: "heat", isOrdered: true});
  }

  function curveSection() {
    if (!data.runs.length) return;
    const node = section("Training curves");
    let count = 0;
    for (const run of data.runs) {
      const groups = new Map();
      for (const curve of run.curves) {
        const key = `${curve.track}, {${curve.trained}}, ${curve.stage}`;
        if (!groups.has(key)) groups.set(key, []);
        groups.get(key).push(curve);
      }
      const grid = element("div", {class: "grid"});
      for (const [key, curves] of groups) {
        const points = curves.flatMap((curve) => curve.points.map(([epoch, mean, low, high]) =>
          ({name: curve.name.replace("_", " "), epoch, mean, low, high})));
        const last = points.filter((p) => p.epoch === Math.max(...points.map((q) => q.epoch)));
        chart(grid, `Training curves of ${key}: at the last epoch ` +
          last.map((p) => `${p.name} ${fixed(p.mean)}`).join(", "), key,
        (width) => Plot.plot({width, height: 240, marginLeft: 48, x: {label: "epoch"},
          y: {label: null, grid: true}, color: {legend: true, range: palette}, marks: [
            Plot.areaY(points, {x: "epoch", y1: "low", y2: "high", fill: "name",
              fillOpacity: 0.15}),
            Plot.lineY(points, {x: "epoch", y: "mean", stroke: "name"}),
            Plot.tip(points, Plot.pointerX({x: "epoch", y: "mean", title: (p) =>
              `${p.name}, epoch ${p.epoch}\n${fixed(p.mean)} (${fixed(p.low)} to ${fixed(p.high)})`
            }))]}));
        count += 1;
      }
      if (groups.size && data.runs.length > 1) node.append(element("h3", null, run.name));
      if (groups.size) {
        node.append(grid);
        charts.forEach((render) => render());
        node.append(element("details", null, element("summary", null, "Last values as a table"),
          table("Mean over folds and seeds at the last epoch", ["curve", "epoch", "mean",
            "smallest", "largest"], run.curves.map((c) => {
            const [epoch, mean, low, high] = c.points[c.points.length - 1];
            return [`${c.track}, {${c.trained}}, ${c.stage}, ${c.name}`, String(epoch),
              fixed(mean), fixed(low), fixed(high)];
          }))));
      }
    }
    node.append(element("p", {class: "soft"}, count
      ? "Line: mean over folds and seeds; band: smallest to largest."
      : "These runs left no curves."));
  }

  function hardnessSection() {
    const runs = data.runs.filter((run) => run.hardness.length);
    if (!runs.length) return;
    const node = section("Hardness and supports");
    for (const run of runs) {
      if (runs.length > 1) node.append(element("h3", null, run.name));
      const grid = element("div", {class: "grid"});
      node.append(grid);
      for (const pattern of run.hardness) {
        const bins = pattern.bins.map((n, i) => ({x1: i / 20, x2: (i + 1) / 20, n}));
        chart(grid, `Histogram of the hardness score under {${pattern.pattern}}, mean ` +
          `${fixed(pattern.mean)}`, `{${pattern.pattern}}: mean score ${fixed(pattern.mean, 3)}`,
        (width) => Plot.plot({width, height: 150, marginLeft: 48, x: {label: "score",
          domain: [0, 1]}, y: {label: null, grid: true}, marks: [
          Plot.rectY(bins, {x1: "x1", x2: "x2", y: "n", fill: palette[0],
            inset: 0.5}), Plot.ruleX([pattern.mean], {stroke: "currentColor",
            strokeDasharray: "4 3"})]}));
      }
      const numbers = [...new Set(run.hardness.flatMap((p) => p.supports.map(([n]) => n)))].sort(
        (x, y) => x - y);
      node.append(table("Training utterances (all folds and seeds) by their number of supports",
        ["pattern", "mean score", ...numbers.map((n) => `${n} supports`)], run.hardness.map((p) =>
          [`{${p.pattern}}`, fixed(p.mean), ...numbers.map((n) => {
            const found = p.supports.find(([number]) => number === n);
            return String(found ? found[1] : 0);
          })])));
      if (run.cases.length) caseTable(node, run);
    }
  }

  function caseTable(node, run) {
    const first = run.cases[0];
    node.append(table(`Hardest and easiest training utterances of fold ${first.fold}, seed ` +
      `${first.seed} (mean score over patterns), with their supports under {${first.pattern}}`,
    ["utterance", "kind", "score", "supports, nearest first (distance)"], run.cases.map((c) => [
      c.utterance, c.kind, fixed(c.score), c.supports.map((s) =>
        `${s.utterance} (${fixed(s.distance, 2)})`).join(", ") || "none"]), {text: [1, 3]}));
  }

  /** `hardy compare`: methods by conditions, costs beside them. */
  function methodSections() {
    for (const {name, comparison} of data.studies) {
      if (!comparison) continue;
      const node = section(data.studies.length > 1 ? `Methods: ${name}` : "Methods");
      node.append(element("p", {class: "soft terms"}, comparison.terms));
      for (const refused of comparison.left_out) {
        node.append(element("p", {class: "notice", role: "note"},
          `${refused.method} is left out: ${refused.reason}`));
      }
      for (const part of comparison.tables) methodTable(node, comparison, part);
      node.append(element("p", {class: "soft"}, `Below the average its ${
        100 * comparison.level} % interval. * = differs from HARDY-MER beyond chance (paired, ` +
        "Holm's correction over the rows of its table). Gains are HARDY-MER minus the best other " +
        "in that column; below 0 the other is better. Training: CPU seconds of the track's fits " +
        "with shared stages counted once. Prediction: CPU milliseconds per utterance."));
    }
  }

  function methodTable(node, comparison, part) {
    const hasPaper = part.rows.some((row) => isNumber(row.paper));
    const main_column = Math.max(0, part.columns.indexOf("average"));
    const best = part.columns.map((_, c) => part.rows.reduce((found, {cells}) => {
      const {mean} = cells[c];
      return !isNumber(mean) || (found !== null && (isHigherBetter(part.metric) ? mean <= found
        : mean >= found)) ? found : mean;
    }, null));
    const cell = (row, c) => {
      const {mean, low, high} = row.cells[c];
      const marked = c === main_column && row.difference && row.difference.beyond_chance;
      const parts = [element("span", {class: mean === best[c] ? "best" : null},
        fixed(mean) + (marked ? "*" : ""))];
      if (c === main_column && isNumber(low)) {
        parts.push(element("small", null, `${fixed(low)} to ${fixed(high)}`));
      }
      return element("td", null, parts);
    };
    const costs = (method) => {
      const cost = comparison.costs.find((c) => c.method === method && c.track === part.track) ||
        {};
      return [isNumber(cost.parameters) ? cost.parameters.toLocaleString("en") : "–",
        fixed(cost.training_cpu_s, 1), fixed(cost.prediction_ms, 3)];
    };
    const width = 1 + part.columns.length + (hasPaper ? 1 : 0) + 3;
    const rows = [];
    part.rows.forEach((row, i) => {
      if (row.is_control && !(i && part.rows[i - 1].is_control)) {
        rows.push([element("th", {scope: "colgroup", colspan: width, class: "group"}, "controls")]);
      }
      rows.push([row.title, ...row.cells.map((_, c) => cell(row, c)),
        ...(hasPaper ? [fixed(row.paper)] : []), ...costs(row.method)]);
    });
    const title = (method) => part.rows.find((row) => row.method === method).title;
    for (const [label, gains] of [["gain over best method", part.gain_over_methods],
      ["gain over best of all", part.gain_over_all]]) {
      if (!gains.length) continue;
      rows.push([label, ...gains.map((gain, c) => element("td", null, !isNumber(gain.value) ? "–"
        : `${gain.value > 0 ? "+" : ""}${fixed(gain.value)}`, gain.over && c === main_column
        ? element("small", null, `over ${title(gain.over)}`) : null)), ...(hasPaper ? [""] : []),
      "", "", ""]);
    }
    node.append(element("h3", null, `${part.track} track, ${metricName(part.metric)}`),
      table(`${metricName(part.metric)} of every method, ${part.track} track: mean over ` +
        `${comparison.folds.length} folds and ${comparison.seeds.length} seeds`,
      ["method", ...part.columns.map(braces), ...(hasPaper ? ["paper"] : []), "parameters",
        "train\u00a0s", "predict\u00a0ms"], rows, {class: "methods", isOrdered: true}));
    methodChart(node, part, main_column);
  }

  function methodChart(node, part, c) {
    const points = part.rows.map((row) => ({method: row.title, ...row.cells[c],
      kind: row.method === "hardymer" ? "HARDY-MER" : row.is_control ? "control" : "method"}))
      .filter((p) => isNumber(p.mean));
    if (!points.length) return;
    const column = braces(part.columns[c]);
    chart(node, `${metricName(part.metric)} of ${points.length} methods, ${column}, with ` +
      "intervals; the table above holds every value.", `${metricName(part.metric)}, ${column}, ` +
      `line: interval`, (width) => Plot.plot({width, marginLeft: 130, height: 60 +
        24 * points.length, x: {label: metricName(part.metric), grid: true, nice: true},
      y: {label: null, domain: points.map((p) => p.method)}, color: {legend: true,
        domain: ["HARDY-MER", "method", "control"], range: palette.slice(0, 3)},
      marks: [
        Plot.ruleY(points.filter((p) => isNumber(p.low)), {x1: "low", x2: "high", y: "method",
          stroke: "kind", strokeWidth: 2}),
        Plot.dot(points, {x: "mean", y: "method", fill: "kind", r: 5}),
        Plot.tip(points, Plot.pointer({x: "mean", y: "method", title: (p) =>
          `${p.method}\n${fixed(p.mean)} (${fixed(p.low)} to ${fixed(p.high)})`}))]}));
  }

  function auditSection() {
    const audits = data.studies.filter(isAudit);
    if (!audits.length) return;
    const node = section("Audits");
    for (const study of audits) {
      const {title} = study.description;
      node.append(element("h3", null, title ? `${study.name}: ${title}` : study.name));
      for (const part of study.tables) node.append(fileTable(part));
      node.append(element("details", null, element("summary", null, "study.json"),
        element("pre", {tabindex: 0}, JSON.stringify(study.description, null, 1))));
    }
  }

  /** What `hardy explain --json` said of single utterances. */
  function explanationSection() {
    if (!data.explanations.length) return;
    const node = section("Explanations");
    const says = (outcome) => "label" in outcome ? `${outcome.label}, confidence ${
      fixed(outcome.confidence, 3)}` : `${fixed(outcome.value, 3)}${"expected_error" in outcome
      ? `, expected error ${fixed(outcome.expected_error, 3)}` : ""}`;
    for (const {file, explanation: why} of data.explanations) {
      node.append(element("h3", null, `${why.id}: ${says(why.prediction)}`),
        element("p", {class: "soft"}, `From ${file}${why.dialogue
          ? `, dialogue ${why.dialogue}` : ""}.`));
      const shares = Object.entries(why.contributions).map(([modality, value]) =>
        ({modality, value}));
      node.append(element("p", {class: "soft"}, `Contributions and the baseline ${
        fixed(why.baseline)} add up to ${"label" in why.prediction ? "the confidence" :
        "the value"}.`),
      table("Contributions", ["modality", "contribution"], shares.map((s) =>
        [s.modality, fixed(s.value)])));
      chart(node, "Bars of each modality's contribution; the table above holds every value.",
        "contribution of each modality", (width) => Plot.plot({width, marginLeft: 90,
          height: 40 + 26 * shares.length, x: {label: "contribution", grid: true},
          y: {label: null, domain: shares.map((s) => s.modality)}, marks: [
            Plot.barX(shares, {x: "value", y: "modality", fill: (s) => s.value < 0
              ? palette[1] : palette[0]}), Plot.ruleX([0])]}));
      node.append(table("With each subset of its modalities", ["modalities", "prediction"],
        why.patterns.map((p) => [p.modalities.join(", "), says(p)]), {text: [1]}));
      if (why.hardness) {
        node.append(element("p", null, `Hardness ${fixed(why.hardness.score, 3)} (direct ${
          fixed(why.hardness.direct, 3)}, indirect ${fixed(why.hardness.indirect, 3)}; ${
          why.hardness.source}).`));
      }
      if ((why.similar || []).length) {
        node.append(table("Similar training utterances, nearest first", ["utterance", "label",
          "distance", "text"], why.similar.map((s) => [s.id, String(s.label),
          fixed(s.distance, 3), s.transcript || ""]), {text: [1, 3]}));
      }
    }
  }

  function studySection() {
    for (const study of data.studies) {
      if (isAudit(study)) continue;
      const node = section(`Study: ${study.name}`);
      if (study.description) {
        node.append(element("details", null, element("summary", null, "study.json"),
          element("pre", {tabindex: 0}, JSON.stringify(study.description, null, 1))));
      }
      // Every summary of every variant is for looking up; the rest is what the study is about.
      const isLong = (part) => part.name === "test.csv" || part.name === "validation.csv";
      for (const part of study.tables.filter((p) => !isLong(p))) {
        node.append(element("h3", null, part.name.replace(/\.csv$/, "")), fileTable(part));
      }
      for (const part of study.points) pointCharts(node, part);
      for (const part of study.tables.filter(isLong)) {
        node.append(element("details", null, element("summary", null, part.name),
          fileTable(part)));
      }
    }
  }

  /** A CSV file; long fractions are rounded for the eye. */
  function fileTable(part) {
    const more = part.all_rows > part.rows.length
      ? `, the first ${part.rows.length} of ${part.all_rows} rows` : "";
    const short = (cell) => /^-?\d+\.\d{5,}(e-?\d+)?$/.test(cell) ? Number(cell).toFixed(4) : cell;
    const isText = (i) => part.rows.some((row) => row[i] !== "" &&
      !Number.isFinite(Number(row[i])));
    return table(part.name + more, part.header, part.rows.map((row) => row.map(short)),
      {text: part.header.map((_, i) => i).filter(isText)});
  }

  /** t-SNE maps: one chart per modality and kind of features; neighbours as a table too. */
  function pointCharts(node, part) {
    const points = part.rows.map((row) =>
      Object.fromEntries(part.header.map((name, i) => [name, row[i]])));
    const panels = new Map();
    for (const p of points) {
      const key = [p.modality, p.features && `${p.features} features`].filter(Boolean).join(", ") ||
        "all";
      if (!panels.has(key)) panels.set(key, []);
      panels.get(key).push({...p, x: Number(p.x), y: Number(p.y)});
    }
    const labels = [...new Set(points.map((p) => p.label))].sort();
    const queries = [...new Set(points.filter((p) => p.role === "query").map((p) =>
      p.utterance))];
    node.append(element("h3", null, "t-SNE"));
    if (queries.length) {
      node.append(element("p", {class: "soft"}, "Large star: the query; ringed: the neighbours " +
        "that retrieval finds by these features" + (queries.length > 1 ? ` (solid ring: of ${
          queries[0]}, dashed: of ${queries.slice(1).join(", ")})` : ` (of ${queries[0]})`) +
        ". Distances on such maps mean little; the shares above are the claim."));
    }
    const grid = element("div", {class: "grid pairs"});
    node.append(grid);
    for (const [key, list] of panels) {
      const marked = list.filter((p) => p.role && p.role !== "other");
      const ofFirst = (p) => !p.query || p.query === queries[0];
      const ring = (some, dash) => Plot.dot(some, {x: "x", y: "y", r: 6, stroke: "currentColor",
        strokeWidth: 1.5, strokeDasharray: dash});
      const neighbours = marked.filter((p) => p.role === "neighbour");
      chart(grid, `t-SNE map of ${list.length} utterances, ${key}, coloured by label; ` +
        `${marked.length} marked as query or neighbour`, key, (width) => Plot.plot({
        width, height: Math.min(width, 380), color: {legend: true, domain: labels, range: palette},
        x: {axis: null}, y: {axis: null}, inset: 8, marks: [
          Plot.dot(list, {x: "x", y: "y", fill: "label", r: 2.5, fillOpacity: 0.65}),
          ring(neighbours.filter(ofFirst), null),
          ring(neighbours.filter((p) => !ofFirst(p)), "2 2"),
          Plot.dot(marked.filter((p) => p.role === "query"), {x: "x", y: "y", symbol: "star", r: 9,
            fill: "label", stroke: "currentColor", strokeWidth: 1.5}),
          Plot.tip(list, Plot.pointer({x: "x", y: "y", lineWidth: 24, title: (p) =>
            [p.utterance, p.label, p.role === "neighbour" && p.query ? `neighbour of ${p.query}`
              : p.role, p.text].filter(Boolean).join("\n")}))]}));
    }
    const groups = new Map();
    for (const p of points.filter((q) => q.role === "neighbour" && q.query)) {
      const key = [p.query, p.modality, p.features].join("\n");
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(p);
    }
    if (!groups.size) return;
    const labelOf = new Map(points.map((p) => [p.utterance, p.label]));
    node.append(element("details", null, element("summary", null, "Neighbours as a table"), table(
      "Neighbours of each query", ["query", "modality", "features", "same label", "neighbours"],
      [...groups].map(([key, list]) => {
        const [query, modality, features] = key.split("\n");
        const same = list.filter((p) => p.label === labelOf.get(query)).length;
        return [`${query} (${labelOf.get(query)})`, modality, features,
          `${same} of ${list.length}`, list.map((p) => `${p.utterance} (${p.label})`).join(", ")];
      }), {text: [1, 2, 4]})));
  }

  function costSection() {
    const runs = data.runs.filter((run) => run.timings);
    if (!runs.length) return;
    const node = section("Cost");
    node.append(table("Whole runs", ["run", "wall", "CPU", "workers", "peak memory", "cache hits",
      "cache misses"], runs.map((run) => [run.name, seconds(run.timings.wall_s),
      seconds(run.timings.cpu_s), String(run.timings.jobs),
      `${(run.timings.peak_memory_bytes / 1048576).toFixed(0)} MiB`,
      String(run.timings.cache.hits), String(run.timings.cache.misses)])));
    const stages = [...new Set(runs.flatMap((run) => Object.keys(run.timings.stage_cpu_s)))];
    node.append(table("CPU seconds by stage", ["stage", ...runs.map((run) => run.name)],
      stages.map((stage) => [stage, ...runs.map((run) =>
        fixed(run.timings.stage_cpu_s[stage], 2))])));
  }

  function provenanceSection() {
    if (!data.runs.length) return;
    const node = section("Configuration and provenance");
    const first = data.runs[0].manifest.config.split("\n");
    for (const run of data.runs) {
      const {manifest} = run;
      const pairs = [["folder", run.folder], ["command", manifest.command],
        ["program", `hardy ${manifest.program_version}`],
        ["data", `${manifest.data.name}, ${manifest.data.utterances} utterances in ` +
          `${manifest.data.dialogues} dialogues`],
        ["data checksum (SHA-256)", manifest.data.checksum],
        ["results.json (SHA-256)", run.results_checksum],
        ["folds", manifest.folds.join(", ")], ["seeds", manifest.seeds.join(", ")]];
      node.append(element("h3", null, run.name), element("dl", null, pairs.flatMap(([k, v]) =>
        [element("dt", null, k), element("dd", null, v)])));
      const other = manifest.config.split("\n").filter((line) => !first.includes(line));
      if (other.length) {
        node.append(element("p", null, `Settings that differ from ${data.runs[0].name}:`),
          element("pre", {tabindex: 0}, other.join("\n")));
      }
      node.append(element("details", null, element("summary", null, "All settings"),
        element("pre", {tabindex: 0}, manifest.config)));
    }
  }

  header();
  methodSections();
  resultsSection();
  missingSection();
  comparisonSection();
  confusionSection();
  curveSection();
  hardnessSection();
  studySection();
  auditSection();
  explanationSection();
  costSection();
  provenanceSection();
  let waiting = 0;
  const redraw = () => charts.forEach((render) => render());
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 120);
  });
  addEventListener("beforeprint", redraw);
  document.documentElement.dataset.drawn = String(charts.length);
})();
