/** The library: the same build as the action's and the command line's, with ports of the caller's choice. */

export { AuditError } from './audit/error.js';
export { type AuditReport, auditTarball, type ContentEntry } from './audit/run.js';
export * from './base/errors.js';
export { type Host, inspectHost } from './base/host.js';
export type * from './base/ports.js';
export { afterBuild } from './build/after.js';
export { type RecordPlaces, recordPlaces } from './build/confine.js';
export { auditFile, type InspectRequest, smokeFile } from './build/inspect.js';
export { runBuild } from './build/pipeline.js';
export { type BuildPlan, type BuildRequest, planBuild } from './build/plan.js';
export { openProject, type Project } from './build/project.js';
export { type PostRecord, parseRecord } from './build/record.js';
export type { BuildReport, CacheHit, ResultFiles } from './build/report.js';
export type { CacheReport } from './build/summary.js';
export { type CheckOptions, checkResult, type SoundResult } from './bundle/check.js';
export type { Manifest } from './bundle/manifest.js';
export { verifySums } from './bundle/sums.js';
export { type VerifyReport, verifyFolder } from './bundle/verify.js';
export type { CacheUse } from './cache/ledger.js';
export { makeSeal, type Seal } from './cache/seal.js';
export { consoleLogger } from './cli/console.js';
export { nodeProcess } from './cli/process.js';
export { directoryCache, localArtifacts } from './cli/stores.js';
export type { RawInputs } from './options/schema.js';
export { SmokeError, type SmokeReport } from './smoke/report.js';
export { formatTarget, parseTarget, type Target } from './targets/identifier.js';
export { type Release, resolveRelease } from './targets/releases.js';
