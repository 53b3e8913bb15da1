import type { Command } from '../command.js';
import { audit } from './audit.js';
import { build } from './build.js';
import { clean } from './clean.js';
import { completion } from './completion.js';
import { concretize } from './concretize.js';
import { config } from './config.js';
import { diff } from './diff.js';
import { doctor } from './doctor.js';
import { get } from './get.js';
import { graph } from './graph.js';
import { index } from './index-cache.js';
import { list } from './list.js';
import { mirror } from './mirror.js';
import { plan } from './plan.js';
import { publish } from './publish.js';
import { shell } from './shell.js';
import { smoke } from './smoke.js';
import { verify } from './verify.js';
import { version } from './version.js';

/** The commands, in the order of the help. */
export const commands: readonly Command[] = [
  ...[build, plan, concretize, list, clean],
  ...[verify, audit, smoke, diff, graph],
  ...[publish, get, index],
  ...[mirror, shell, config, doctor, completion, version],
];
