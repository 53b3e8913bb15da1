import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
import {
  hideSecrets,
  runMain
} from "../shared/chunk-U46OBAJK.js";
import "../shared/chunk-VSULJXGZ.js";
import "../shared/chunk-4JUUDC64.js";
import "../shared/chunk-VWSFEEFX.js";
import "../shared/chunk-MS3Q5IGX.js";
import "../shared/chunk-SQ552INA.js";

// src/entry/root.ts
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";

// package.json
var package_default = { version: "0.1.0" };

// src/entry/root.ts
var projectVersion = package_default.version;
function projectRoot() {
  return join(dirname(realpathSync(process.argv[1] ?? "")), "..", "..");
}

// src/entry/main.ts
hideSecrets(process);
await runMain(projectRoot(), projectVersion);
process.exit();
