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
export { AuditError } from './audit/error.js';
export type { AuditReport, ContentEntry } from './audit/run.js';
export type { Env } from './base/environment.js';
export * from './base/errors.js';
export type { Logger, ProgressEvent } from './base/ports.js';
export type { PresentFiles } from './bundle/catalogue.js';
export { type CheckOptions, checkResult, type SoundResult } from './bundle/check.js';
export type { Manifest } from './bundle/manifest.js';
export { verifySums } from './bundle/sums.js';
export type { VerifyReport } from './bundle/verify.js';
export type { CacheUse } from './cache/ledger.js';
export type { InputName, RawInputs } from './config/inputs.js';
export type { Explained, LogLevel, SettingName, Settings } from './config/settings.js';
export type { ContainerInfo } from './container/list.js';
export type { LocalBuild } from './local/build.js';
export type { Removed } from './local/clean.js';
export { consoleLogger } from './local/console.js';
export type { BuildReport, CacheHit } from './pipeline/report.js';
export type { CacheReport } from './pipeline/summary.js';
export { SmokeError, type SmokeReport } from './smoke/report.js';
export type { Gpu } from './targets/gpus.js';
export { formatTarget, parseTarget, type Target } from './targets/identifier.js';
export { type Release, resolveRelease } from './targets/releases.js';
