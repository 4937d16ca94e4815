#!/usr/bin/env node
// Makes ../vendor out of what `npm ci` put here: charts, verifier, fonts, and what each is and under which licence.
//
//   node build.mjs           build ../vendor, write LICENCES.md
//   node build.mjs --check   build, and fail if LICENCES.md says anything else than what was built
//
// The same packages give the same bytes: versions are locked, nothing reads a clock.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "vendor");
const verifier = join(here, "..", "verifier", "worker.js");
const licences = join(here, "LICENCES.md");

// What ends up in the wheel: file -> how it is made. A bundle names what is in it itself.
const BUNDLES = {
  "echarts.js": { entry: join(here, "echarts.js"), format: "esm" },
  ...(existsSync(verifier) ? { "verifier.js": { entry: verifier, format: "iife" } } : {}),
};
const COPIES = {
  "fonts/inter-latin.woff2": ["@fontsource-variable/inter", "files/inter-latin-wght-normal.woff2", "LICENSE"],
  "fonts/noto-sans-hk.ttf": ["@expo-google-fonts/noto-sans-hk", "400Regular/NotoSansHK_400Regular.ttf", "LICENSE_FONT"],
  "fonts/noto-sans-sc.ttf": ["@expo-google-fonts/noto-sans-sc", "400Regular/NotoSansSC_400Regular.ttf", "LICENSE_FONT"],
};
// A font is under the font's licence; what is under another in its package is not shipped.
const FONT_LICENCE = "OFL-1.1";

/** The platform's own program: the package's wrapper would need its install script. */
function esbuild() {
  const path = join(here, "node_modules", "@esbuild", `${process.platform}-${process.arch}`, "bin", "esbuild");
  if (!existsSync(path)) {
    console.error(`${path} is missing: run 'npm ci --ignore-scripts' in ${here}`);
    process.exit(3);
  }
  return path;
}

function bundle(name, { entry, format }, folder) {
  const meta = join(folder, "meta.json");
  execFileSync(esbuild(), [
    entry, "--bundle", "--minify", `--format=${format}`, "--target=es2022", "--platform=browser", "--legal-comments=none",
    "--define:process.env.NODE_ENV=\"production\"", "--main-fields=browser,module,main", "--log-level=warning",
    `--outfile=${join(folder, name)}`, `--metafile=${meta}`,
  ], { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, NODE_PATH: join(here, "node_modules") } });
  const inside = new Set();
  for (const input of Object.keys(JSON.parse(readFileSync(meta, "utf8")).inputs)) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) inside.add(found[1]);
  }
  rmSync(meta);
  return [...inside].sort();
}

function packageOf(name) {
  return JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));
}

function licenceText(name, file) {
  const folder = join(here, "node_modules", name);
  const found = file ?? readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (found === undefined) throw new Error(`${name} ships no licence text`);
  const notice = join(folder, "NOTICE"); // asked for by Apache-2.0, section 4 (d)
  return readFileSync(join(folder, found), "utf8") + (existsSync(notice) ? `\n${readFileSync(notice, "utf8")}` : "");
}

function sha256(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function describe(name, licence) {
  const about = packageOf(name);
  return { name, version: about.version, licence: licence ?? about.license, text: `licences/${name.replace(/^@/, "").replace("/", "-")}.txt` };
}

function build(folder) {
  mkdirSync(join(folder, "fonts"), { recursive: true });
  mkdirSync(join(folder, "licences"), { recursive: true });
  const files = [];
  const texts = new Map();
  const add = (path, packages) => {
    files.push({ path, sha256: sha256(join(folder, path)), bytes: statSync(join(folder, path)).size, packages });
  };
  for (const [path, how] of Object.entries(BUNDLES)) {
    const packages = bundle(path, how, folder).map((name) => describe(name));
    for (const each of packages) texts.set(each.text, licenceText(each.name));
    add(path, packages);
  }
  for (const [path, [name, source, licence]] of Object.entries(COPIES)) {
    cpSync(join(here, "node_modules", name, source), join(folder, path));
    const about = describe(name, FONT_LICENCE);
    texts.set(about.text, licenceText(name, licence));
    add(path, [about]);
  }
  for (const [path, text] of texts) writeFileSync(join(folder, path), text);
  writeFileSync(join(folder, "MANIFEST.json"), `${JSON.stringify({ files }, null, 2)}\n`);
  return files;
}

function table(files) {
  const rows = files.flatMap(({ path, sha256: digest, packages }) =>
    packages.map(({ name, version, licence }) => `| \`vendor/${path}\` | ${name} | ${version} | ${licence} | \`${digest}\` |`));
  return `# What others wrote, in the dashboard

Made by \`make assets\` from the packages that \`package-lock.json\` pins; this table by the same command. The licence texts are in
\`vendor/licences/\` and in the wheel. axe-core and esbuild test and build, and are not shipped.

| file | package | version | licence | SHA-256 of the file |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

const folder = mkdtempSync(join(here, ".build-"));
try {
  const said = table(build(folder));
  if (!process.argv.includes("--check")) writeFileSync(licences, said);
  else if (!existsSync(licences) || readFileSync(licences, "utf8") !== said) {
    console.error(`${licences} does not say what was built. 'make assets' writes it anew; look at what changed.`);
    process.exitCode = 1;
  }
  chmodSync(folder, 0o755);
  rmSync(target, { recursive: true, force: true });
  renameSync(folder, target);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
