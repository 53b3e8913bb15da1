import type { Ports } from '../base/ports.js';
import type { BuildContext } from './context.js';

/** The stages of a build by their ids, in the order in which they run, with the titles that a log shows. */
export const stageTitles = {
  resolve: 'Resolve the inputs',
  'find-result': 'Look into the result cache',
  preflight: 'Check the disk',
  tools: 'Bring Spack and the builder image',
  session: 'Start the session',
  lock: 'Bring the lock',
  install: 'Install',
  tree: 'Copy the tree',
  packages: 'Bring further packages into the tree',
  graft: 'Bring the libraries into the tree',
  pack: 'Make the tarballs',
  audit: 'Audit',
  describe: 'Describe',
  smoke: 'Smoke test',
  complete: 'Check the result',
  sign: 'Sign',
  'hand-out': 'Hand out the files',
  attest: 'Attest the provenance',
  upload: 'Upload the artifacts',
} as const;
/** Id of a stage. */
export type StageId = keyof typeof stageTitles;

/**
 * One step of a build.
 * @typeParam Needs what earlier stages must have given
 * @typeParam Gives what later stages may use
 */
export interface Stage<Needs, Gives> {
  readonly id: StageId;
  /** What it gives where it is not to be run for this build; undefined where it is. */
  readonly skip?: (context: BuildContext) => Gives | undefined;
  readonly run: (context: BuildContext, input: Needs) => Promise<Gives>;
}

/** How long a stage took. */
export interface Timing {
  readonly stage: StageId;
  readonly seconds: number;
}

/** Runs stages in log groups and keeps how long each took; none starts after a cancel. */
export class Stopwatch {
  readonly timings: Timing[] = [];
  constructor(private readonly ports: Pick<Ports, 'logger' | 'signal' | 'progress'>) {}

  async stage<T>(stage: StageId, body: () => Promise<T>): Promise<T> {
    const { logger, signal, progress } = this.ports;
    signal.throwIfAborted();
    progress?.({ what: 'stage', stage });
    const start = performance.now();
    try {
      return await logger.group(stageTitles[stage], body);
    } finally {
      const seconds = (performance.now() - start) / 1000;
      this.timings.push({ stage, seconds });
      progress?.({ what: 'stage-end', stage, seconds });
    }
  }
}

/** Stages one behind the other; each finds what the ones before it gave. */
export interface Sequence<Start, End> {
  /** Adds a stage; the compiler checks that all that it needs is there by then. */
  add<Needs, Gives extends object>(
    stage: End extends Needs ? Stage<Needs, Gives> : never,
  ): Sequence<Start, End & Gives>;
  run(context: BuildContext, watch: Stopwatch, input: Start): Promise<End>;
}

/** A sequence without a stage yet. */
export const sequence = <Start extends object = object>(): Sequence<Start, Start> => chain<Start, Start>([]);

// biome-ignore lint/suspicious/noExplicitAny: `add` has checked what each stage needs and gives.
type AnyStage = Stage<any, object>;

function chain<Start extends object, End>(stages: readonly AnyStage[]): Sequence<Start, End> {
  return {
    add: (stage) => chain([...stages, stage as AnyStage]),
    run: async (context, watch, input) => {
      let made: object = input;
      for (const stage of stages) {
        const given = stage.skip?.(context) ?? (await watch.stage(stage.id, () => stage.run(context, made)));
        made = { ...made, ...given };
      }
      return made as End;
    },
  };
}
