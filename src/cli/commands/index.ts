import type { Command } from '../command.js';
import { audit } from './audit.js';
import { build } from './build.js';
import { clean } from './clean.js';
import { completion } from './completion.js';
import { config } from './config.js';
import { diff } from './diff.js';
import { doctor } from './doctor.js';
import { graph } from './graph.js';
import { list } from './list.js';
import { plan } from './plan.js';
import { smoke } from './smoke.js';
import { verify } from './verify.js';
import { version } from './version.js';

/** The commands, in the order of the help. */
export const commands: readonly Command[] = [
  ...[build, plan, list, clean],
  ...[verify, audit, smoke, diff, graph],
  ...[config, doctor, completion, version],
];
