// One CQL library over a folder of bundles by fqm-execution: one JSON object on stdout.
//   cd WORK && node fqm.mjs LIBRARY BUNDLES
// It says of each patient who is in the population `Eligible`: true or false, nothing else.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

// Node 20 lacks what it calls.
if (!Uint8Array.fromBase64) Uint8Array.fromBase64 = (text) => new Uint8Array(Buffer.from(text, "base64"));
const require = createRequire(path.join(process.cwd(), "/"));
const { Calculator } = require("fqm-execution");
const [library, folder] = process.argv.slice(2);

const content = (type, file) => ({ contentType: type, data: fs.readFileSync(file).toString("base64") });
const libraryOf = (id, name, version, file, relatedArtifact = []) => ({
  resource: {
    resourceType: "Library", id, url: `http://x/Library/${name}`, name, version, status: "active", relatedArtifact,
    type: { coding: [{ code: "logic-library" }] },
    content: [content("application/elm+json", `lib/${file}.elm.json`), content("text/cql", `lib/${file}.cql`)],
  },
});
const coded = (system, code) => ({ coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] });
const measure = {
  resourceType: "Measure", id: "m", url: "http://x/Measure/m", name: "m", version: "1.0.0", status: "active",
  library: ["Library/l1"], effectivePeriod: { start: "2026-01-01", end: "2026-12-31" },
  scoring: coded("measure-scoring", "cohort"),
  group: [{ id: "g", population: [{
    code: coded("measure-population", "initial-population"),
    criteria: { language: "text/cql-identifier", expression: "Eligible" },
  }] }],
};
const sets = JSON.parse(fs.readFileSync("valuesets.json", "utf8"));
const valueSets = Object.entries(sets).map(([url, versions]) => ({
  resourceType: "ValueSet", url, status: "active",
  expansion: { timestamp: "2026-01-01", contains: Object.values(versions)[0] },
}));
const bundle = {
  resourceType: "Bundle", type: "collection",
  entry: [
    { resource: measure },
    libraryOf("l1", library, "1.0.0", library, [{ type: "depends-on", resource: "http://x/Library/FHIRHelpers|4.4.000" }]),
    libraryOf("l2", "FHIRHelpers", "4.4.000", "FHIRHelpers-4.4.000"),
    ...valueSets.map((resource) => ({ resource })),
  ],
};
const cpu = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e6; };
const start = cpu();
const bundles = fs.readdirSync(folder).sort().map((file) => JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")));
const loaded = cpu();
const done = await Calculator.calculate(bundle, bundles, {
  measurementPeriodStart: "2026-01-01", measurementPeriodEnd: "2026-12-31", calculateHTML: false,
  calculateClauseCoverage: false, calculateSDEs: false, verboseCalculationResults: true,
});
const verdicts = {};
for (const each of done.results) verdicts[each.patientId] = { Eligible: each.detailedResults[0].populationResults[0].result };
console.log(JSON.stringify({ patients: bundles.length, load: loaded - start, decide: cpu() - loaded, verdicts }));
