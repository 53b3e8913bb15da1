/** The library: `SlurmBuilder` and the values that it takes and gives. docs/library.md shows its use. */

export {
  type CallOptions,
  type CheckCallOptions,
  SlurmBuilder,
  type SlurmBuilderOptions,
} from './api/builder.js';
export { silentLogger } from './api/logger.js';
export { AuditError } from './audit/error.js';
export type { AuditReport, ContentEntry } from './audit/run.js';
export * from './base/errors.js';
export type { Logger } from './base/ports.js';
export type { PresentFiles } from './bundle/catalogue.js';
export { type CheckOptions, checkResult, type SoundResult } from './bundle/check.js';
export type { Manifest } from './bundle/manifest.js';
export { verifySums } from './bundle/sums.js';
export type { VerifyReport } from './bundle/verify.js';
export type { CacheUse } from './cache/ledger.js';
export type { RawInputs } from './config/inputs.js';
export type { LocalBuild } from './local/build.js';
export { consoleLogger } from './local/console.js';
export type { BuildReport, CacheHit } from './pipeline/report.js';
export type { CacheReport } from './pipeline/summary.js';
export { SmokeError, type SmokeReport } from './smoke/report.js';
export { formatTarget, parseTarget, type Target } from './targets/identifier.js';
export { type Release, resolveRelease } from './targets/releases.js';
