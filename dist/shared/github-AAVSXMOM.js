import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
import {
  context,
  getOctokit
} from "./chunk-BVAGRL2P.js";
import "./chunk-MS3Q5IGX.js";
import "./chunk-SQ552INA.js";
export {
  context,
  getOctokit
};
