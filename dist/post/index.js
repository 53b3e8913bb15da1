import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
import {
  hideSecrets,
  runPost
} from "../shared/chunk-U46OBAJK.js";
import "../shared/chunk-VSULJXGZ.js";
import "../shared/chunk-4JUUDC64.js";
import "../shared/chunk-VWSFEEFX.js";
import "../shared/chunk-MS3Q5IGX.js";
import "../shared/chunk-SQ552INA.js";

// src/entry/post.ts
hideSecrets(process);
await runPost();
process.exit();
