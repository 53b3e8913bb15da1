/** The library: `SlurmBuilder` and the values that it takes and gives. docs/library.md shows its use. */

export {
  type BuildCallOptions,
  type BuildResult,
  type CallOptions,
  type CheckCallOptions,
  type PackageCallOptions,
  SlurmBuilder,
  type SlurmBuilderOptions,
} from './api/builder.js';
export {
  Config,
  type ConfigOptions,
  ContainerConfig,
  type SpackChoice,
  type SpackConfig,
} from './api/config.js';
export { cleanupContainers, getContainerInfo, listContainers } from './api/containers.js';
export { silentLogger } from './api/logger.js';
export {
  type CleanOptions,
  type CleanResult,
  cleanBuildArtifacts,
  listBuiltPackages,
  type PackageInfo,
  type ValidationResult,
  validatePackage,
} from './api/packages.js';
export type { PlaceOptions } from './api/place.js';
export {
  PACKAGE_CREATION_SCRIPT,
  ScriptTemplate,
  SLURM_BUILD_SCRIPT,
  SPACK_INSTALL_SCRIPT,
} from './api/templates.js';
export { SLURM_VERSIONS, SlurmVersion, type SlurmVersionSource } from './api/versions.js';
export type { Finding } from './audit/audit.js';
export { AuditError } from './audit/error.js';
export type { AuditReport, ContentEntry, PromisedFile } from './audit/run.js';
export type { Env } from './base/environment.js';
export * from './base/errors.js';
export type { Logger, ProgressEvent, UploadedArtifact } from './base/ports.js';
export type { FileKind, PresentFiles, ResultFiles } from './bundle/catalogue.js';
export { type CheckOptions, checkResult, type SoundResult } from './bundle/check.js';
export type { Manifest } from './bundle/manifest.js';
export { type BundleFile, verifySums } from './bundle/sums.js';
export type { Signer, VerifiedTarget, VerifyReport } from './bundle/verify.js';
export type { CacheUse } from './cache/ledger.js';
export type { InputName, RawInputs } from './config/inputs.js';
export type { Layer, Origin, RawValues } from './config/layers.js';
export type { Explained, LogLevel, SettingName, Settings, Surroundings } from './config/settings.js';
export type { EngineProgram } from './container/confinement.js';
export type { ContainerKind } from './container/container.js';
export type { ContainerInfo } from './container/list.js';
export type { LocalBuild } from './local/build.js';
export type { Removable, Removed } from './local/clean.js';
export { consoleLogger, type Sink, type Streams } from './local/console.js';
export type { SmokePlace } from './pipeline/inspect.js';
export type { BuildReport, CacheHit, Finished, PackageCounts } from './pipeline/report.js';
export type { StageId, Timing } from './pipeline/stage.js';
export type { CacheReport } from './pipeline/summary.js';
export { type SmokeCheck, SmokeError, type SmokeReport } from './smoke/report.js';
export type { Gpu } from './targets/gpus.js';
export { formatTarget, parseTarget, type Target, type TargetName } from './targets/identifier.js';
export { type Release, resolveRelease } from './targets/releases.js';
