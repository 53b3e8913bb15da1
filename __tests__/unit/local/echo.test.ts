import { expect, test } from '@jest/globals';
import { consoleLogger } from '../../../src/local/console.js';
import { echoed } from '../../../src/local/echo.js';
import { fakeProcess, recordingLogger } from '../../support/fakes.js';

test('each command is told as a shell would be given it, then run', async () => {
  const logger = recordingLogger();
  const process = fakeProcess(() => ({ stdout: 'done' }));
  const run = await echoed(process, logger).run(['docker', 'run', '--env=A=b c', "it's", '', '/x/y:z']);
  expect(run.stdout).toBe('done');
  expect(process.calls).toHaveLength(1);
  expect(logger.of('debug')).toEqual(["$ docker run '--env=A=b c' 'it'\\''s' '' /x/y:z"]);
});

test('a secret that the log knows of is hidden in it', async () => {
  let text = '';
  const sink = { write: (part: string) => (text += part) };
  const logger = consoleLogger({ out: sink, err: sink }, true);
  logger.mask('hunter2');
  await echoed(fakeProcess(), logger).run(['curl', 'https://me:hunter2@proxy.test']);
  expect(text).toBe('$ curl https://me:***@proxy.test\n');
});
