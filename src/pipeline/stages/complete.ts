import type { Result } from '../report.js';
import type { Stage } from '../stage.js';
import type { Described } from './describe.js';
import { checkOwnResult, keyOfResult } from './result.js';

/** Checks the finished result as `verify` does, and has it saved. */
export const completeStage: Stage<{ readonly described: Described }, { readonly result: Result }> = {
  id: 'complete',
  run: async ({ build, recorder }) => {
    const result = await checkOwnResult(build);
    // What was not tested must not come back to a build that asks for the test.
    if (build.options.smokeTest) {
      recorder.putSave({
        what: 'files',
        key: keyOfResult(build, result),
        directory: result.folder,
        files: result.described.map((file) => file.name),
      });
    }
    return { result };
  },
};
