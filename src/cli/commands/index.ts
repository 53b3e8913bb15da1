import type { Command } from '../command.js';
import { audit } from './audit.js';
import { build } from './build.js';
import { completion } from './completion.js';
import { smoke } from './smoke.js';
import { verify } from './verify.js';
import { version } from './version.js';

/** The commands, in the order of the help. */
export const commands: readonly Command[] = [build, audit, smoke, verify, completion, version];
