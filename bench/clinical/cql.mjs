// One CQL library over a folder of bundles by cql-execution, timed by phase: one JSON object on stdout.
//   cd WORK && node cql.mjs LIBRARY BUNDLES EXPRESSION...
// WORK is the folder that bench_clinical.py sets up: node_modules, lib/*.elm.json, valuesets.json.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "/"));
const cql = require("cql-execution");
const fhir = require("cql-exec-fhir");
const [library, folder, ...expressions] = process.argv.slice(2);
const json = (file) => JSON.parse(fs.readFileSync(file, "utf8"));

const phases = {};
async function timed(name, work) {
  const start = performance.now();
  const result = await work();
  phases[name] = (performance.now() - start) / 1e3;
  return result;
}

const executor = await timed("prepare", () => {
  const helpers = new cql.Repository({ FHIRHelpers: json("lib/FHIRHelpers-4.4.000.elm.json") });
  const main = new cql.Library(json(`lib/${library}.elm.json`), helpers);
  return new cql.Executor(main, new cql.CodeService(json("valuesets.json")));
});
const before = process.cpuUsage();
const seconds = (since) => { const used = process.cpuUsage(since); return (used.user + used.system) / 1e6; };
const files = fs.readdirSync(folder).sort();
const patients = await timed("read", () => {
  const source = fhir.PatientSource.FHIRv401();
  source.loadBundles(files.map((file) => json(path.join(folder, file))));
  return source;
});
const load = seconds(before);
const results = await timed("execute", () => executor.exec(patients));
const cpu = seconds(before);
const verdicts = {};
for (const [patient, found] of Object.entries(results.patientResults))
  verdicts[patient] = expressions.map((name) => found[name] ?? null);
console.log(JSON.stringify({ patients: files.length, phases, cpu, load, verdicts }));
