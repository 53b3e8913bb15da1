/**
 * The one family of errors. Each class has the exit code that the command line ends with and carries a
 * sentence that says what to do; `entry/` shows both, once. Anything else that is thrown is a defect.
 */
export abstract class FactoryError extends Error {
  /** Its own, since a bundle may give the class another; docs/errors.md has a section of this name. */
  abstract override readonly name: string;
  abstract readonly exitCode: ExitCode;

  /**
   * @param message what went wrong, one sentence
   * @param hint what the user does about it, one sentence
   */
  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Exit codes of the command line; the same as the ones slurm-factory's users know. */
export const exitCodes = {
  ok: 0,
  general: 1,
  arguments: 2,
  container: 3,
  build: 4,
  package: 5,
  configuration: 6,
  /** 128 and the number of the signal, as shells count them. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;
/** One of the exit codes. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One wrong input: its name, what is wrong with it and what would be right. */
export interface Problem {
  readonly input: string;
  readonly message: string;
  /** Where it stands, if not in the call itself: a variable, or a file and a line. */
  readonly place?: string;
}

/** Wrong inputs, all of them at once. Where all of them are the user's settings, it is the configuration that is. */
export class InputError extends FactoryError {
  override readonly name: string = 'InputError';
  readonly exitCode: ExitCode;
  constructor(readonly problems: readonly Problem[]) {
    super(
      problems.map(sentenceOf).join('\n'),
      problems.length === 1 ? 'Correct this input.' : `Correct these ${problems.length} inputs.`,
    );
    const outside = problems.length > 0 && problems.every(({ place }) => place !== undefined);
    this.exitCode = outside ? exitCodes.configuration : exitCodes.arguments;
  }
}

const sentenceOf = ({ input, message, place }: Problem): string =>
  place === undefined ? `${input}: ${message}` : `${input} (${place}): ${message}`;

/** The project's own data or a file of the user's configuration is not valid. */
export class ConfigurationError extends FactoryError {
  override readonly name: string = 'ConfigurationError';
  readonly exitCode = exitCodes.configuration;
}

/** Something the machine lacks: a program, a package, a fitting distribution. */
export class MissingRequirementError extends FactoryError {
  override readonly name: string = 'MissingRequirementError';
  readonly exitCode = exitCodes.configuration;
}

/** A folder that the machine can't give: it can't be made or not be written. */
export class FolderError extends FactoryError {
  override readonly name: string = 'FolderError';
  readonly exitCode = exitCodes.configuration;
}

/** Less free disk than the build needs. */
export class DiskSpaceError extends FactoryError {
  override readonly name: string = 'DiskSpaceError';
  readonly exitCode = exitCodes.configuration;
}

/** A build failed, and not for a wrong input. The classes below say in what. */
export class BuildError extends FactoryError {
  override readonly name: string = 'BuildError';
  readonly exitCode: ExitCode = exitCodes.build;
  /** What is known of it beside the message. */
  readonly details: Readonly<Record<string, unknown>> = {};
}

/** The engine answers, but an image or a container could not be made or died. */
export class ContainerError extends BuildError {
  override readonly name: string = 'ContainerError';
  override readonly exitCode = exitCodes.container;
  /** Name of the container, where it is about one. */
  readonly containerId: string | undefined;
  constructor(message: string, hint: string, options: ErrorOptions & { readonly containerId?: string } = {}) {
    super(message, hint, options);
    this.containerId = options.containerId;
  }
}

/** No container engine answers. */
export class NoEngineError extends ContainerError {
  override readonly name: string = 'NoEngineError';
}

/** Spack could not do what it was asked. */
export class SpackError extends BuildError {
  override readonly name: string = 'SpackError';
  /** The command that failed, its words with a space between; undefined where it is about none. */
  readonly command: string | undefined;
  constructor(message: string, hint: string, options: ErrorOptions & { readonly command?: string } = {}) {
    super(message, hint, options);
    this.command = options.command;
  }
}

/** Spack or its packages could not be fetched. */
export class SpackUnreachableError extends SpackError {
  override readonly name: string = 'SpackUnreachableError';
}

/** A build cache that machines share could not be used. */
export class BuildCacheError extends SpackError {
  override readonly name: string = 'BuildCacheError';
}

/** Slurm's source could not be had, or is none. */
export class SourceError extends BuildError {
  override readonly name: string = 'SourceError';
}

/** Fetched bytes are not the ones that were asked for. */
export class ChecksumError extends BuildError {
  override readonly name: string = 'ChecksumError';
}

/** Spack found no solution for the environment. */
export class ConcretizationError extends SpackError {
  override readonly name: string = 'ConcretizationError';
}

/** A package failed to build: which one, in which phase, and the first line that says why. */
export class PackageBuildError extends SpackError {
  override readonly name: string = 'PackageBuildError';
  /** The same as `failure`. */
  override readonly details: Readonly<Record<string, unknown>>;
  constructor(
    readonly failure: {
      readonly package: string;
      readonly phase: string;
      readonly firstError: string;
      /** Name of the build log among the logs that are kept. */
      readonly log: string | undefined;
      /** What to do about it, where that is known; a sentence. */
      readonly remedy?: string | undefined;
      /** The command that failed. */
      readonly command?: string;
    },
  ) {
    const { log, remedy, command } = failure;
    super(
      `${failure.package} failed in phase ${failure.phase}: ${failure.firstError}`,
      [
        ...(remedy === undefined ? [] : [remedy]),
        log === undefined
          ? 'Read the lines above; Spack named no build log.'
          : `Read the lines above; the whole build log is kept as ${log}.`,
      ].join(' '),
      command === undefined ? {} : { command },
    );
    this.details = failure;
  }
}

/** The tarballs could not be made, or fail their checks. */
export class PackagingError extends BuildError {
  override readonly name: string = 'PackagingError';
  override readonly exitCode = exitCodes.package;
}

/** The files could not be signed: the key or its passphrase is not usable, or a signature does not hold. */
export class SigningError extends BuildError {
  override readonly name: string = 'SigningError';
  override readonly exitCode = exitCodes.package;
}

/** A release could not be made, or is not what it should be. */
export class PublishError extends FactoryError {
  override readonly name: string = 'PublishError';
  readonly exitCode = exitCodes.package;
}

/** The work is done, but its result could not be written to standard output. */
export class OutputError extends FactoryError {
  override readonly name: string = 'OutputError';
  readonly exitCode = exitCodes.general;
}

/** Signals that cancel, and the exit code after each. */
export const codeOfSignal = {
  SIGHUP: exitCodes.hungUp,
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
} as const;
/** A signal that cancels. */
export type CancelSignal = keyof typeof codeOfSignal;

/** It was cancelled, by SIGINT where no other signal is named. */
export class CancelledError extends FactoryError {
  override readonly name: string = 'CancelledError';
  readonly exitCode: ExitCode;
  constructor(
    message: string,
    hint: string,
    options: ErrorOptions & { readonly signal?: CancelSignal } = {},
  ) {
    super(message, hint, options);
    this.exitCode = codeOfSignal[options.signal ?? 'SIGINT'];
  }
}

/** Exit code of anything that was thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof FactoryError ? error.exitCode : exitCodes.general;
}

/** The page that explains the errors: a path of this repository until package.json names its address. */
const errorsPage = 'docs/errors.md';

/** Where a class of errors is explained, by its name. */
export const errorLink = (name: string): string => `${errorsPage}#${name.toLowerCase()}`;

/** Message of anything that was thrown; for the family, with the hint and where to read more. */
export function describeError(error: unknown): string {
  if (error instanceof FactoryError) return `${error.message}\n${error.hint}\nSee ${errorLink(error.name)}`;
  if (error instanceof Error) return error.message;
  return String(error);
}
