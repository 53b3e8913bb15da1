import { isatty } from 'node:tty';
import { InputError } from '../../base/errors.js';
import type { KeptBuild } from '../../pipeline/kept.js';
import type { Command } from '../command.js';
import { common } from '../options.js';
import { levelOf, openLog, settleOrRefuse } from '../settings.js';
import { leftToPrograms } from '../signals.js';

export const shell: Command = {
  name: 'shell',
  description:
    'Open a shell in the build environment of the package that failed, in a build that was kept with --keep-container.',
  examples: [
    'shell',
    'shell slurm-24.11.6-glibc2.34-amd64',
    'shell slurm-24.11.6-glibc2.34-amd64 -- make -n',
  ],
  argument: {
    name: 'target',
    description: 'target whose failed build was kept; the newest without one',
    required: false,
  },
  rest: {
    name: 'command',
    description: 'behind --, what to run in place of a shell; its exit code is that of this command',
    required: false,
  },
  options: common,
  async run(given, context) {
    const settled = await settleOrRefuse(given, context);
    const { listKept } = await import('../../pipeline/kept.js');
    const { describeKept, enterKept } = await import('../../pipeline/shell.js');
    const kept = choose(await listKept(settled.buildDir), given.argument, describeKept);
    const { logger, close } = await openLog(context.logger, levelOf(given, settled), settled);
    const { env } = context.invocation;
    const process = (await context.machine()).process(env);
    const [first, ...more] = given.rest ?? [];
    const terminal = isatty(0) && isatty(1);
    logger.notice(describeKept(kept));
    if (kept.failed === undefined) logger.notice('No package failed: this is the folder of its environment.');
    try {
      const exitCode = await leftToPrograms(() =>
        enterKept(
          kept,
          { terminal, ...(first === undefined ? {} : { command: [first, ...more] }) },
          { process, env },
        ),
      );
      logger.notice(`It is kept: ${kept.buildFolder}. Remove it: slurm-factory clean`);
      const { identifier, failed, buildFolder } = kept;
      // How a shell ended says nothing.
      return {
        lines: [],
        data: { target: identifier, failed, buildFolder, exitCode },
        ...(first === undefined ? {} : { exitCode }),
      };
    } finally {
      close();
    }
  },
};

function choose(
  all: readonly KeptBuild[],
  target: string | undefined,
  describe: (kept: KeptBuild) => string,
): KeptBuild {
  const found = target === undefined ? all[0] : all.find(({ identifier }) => identifier === target);
  if (found !== undefined) return found;
  const what = target === undefined ? 'no failed build is' : `no failed build of '${target}' is`;
  const there = all.length === 0 ? '' : ` There are:\n${all.map((one) => `  ${describe(one)}`).join('\n')}\n`;
  const message = `${what} kept on this machine.${there || ' '}Keep one: slurm-factory build RELEASE --keep-container`;
  throw new InputError([{ input: 'target', message }]);
}
