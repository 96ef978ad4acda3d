// Runs an ONNX model: node run_onnx.mjs MODEL FEEDS.json OUTPUTS.json. FEEDS: a list of
// {name: {type, dims, data}}; OUTPUTS: a list of {name: {dims, data}}.
import {createRequire} from "node:module";
import {readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";

const require = createRequire(join(process.env.HARDY_NPM, "package.json"));
const ort = require("onnxruntime-node");

const [model, feeds, outputs] = process.argv.slice(2);
const session = await ort.InferenceSession.create(model, {intraOpNumThreads: 1});
const results = [];
for (const given of JSON.parse(readFileSync(feeds, "utf8"))) {
  const tensors = {};
  for (const [name, {type, dims, data}] of Object.entries(given)) {
    // JSON has no NaN: null stands for it.
    const values = type === "int64" ? BigInt64Array.from(data.map(BigInt))
        : Float32Array.from(data.map((value) => (value === null ? NaN : value)));
    tensors[name] = new ort.Tensor(type, values, dims);
  }
  const result = {};
  for (const [name, tensor] of Object.entries(await session.run(tensors))) {
    result[name] = {dims: tensor.dims, data: Array.from(tensor.data)};
  }
  results.push(result);
}
writeFileSync(outputs, JSON.stringify(results));
