/** The library: the same build as the action's and the command line's, with ports of the caller's choice. */

export { AuditError } from './audit/error.js';
export { type AuditReport, auditTarball, type ContentEntry } from './audit/run.js';
export * from './base/errors.js';
export { type Host, inspectHost } from './base/host.js';
export type * from './base/ports.js';
export { type CheckOptions, checkResult, type SoundResult } from './bundle/check.js';
export type { Manifest } from './bundle/manifest.js';
export { verifySums } from './bundle/sums.js';
export { type VerifyReport, verifyFolder } from './bundle/verify.js';
export type { CacheUse } from './cache/ledger.js';
export { makeSeal, type Seal } from './cache/seal.js';
export { consoleLogger } from './cli/console.js';
export type { RawInputs } from './config/inputs.js';
export { nodeProcess } from './local/process.js';
export { directoryCache, localArtifacts } from './local/stores.js';
export { afterBuild } from './pipeline/after.js';
export { type RecordPlaces, recordPlaces } from './pipeline/confine.js';
export { auditFile, type InspectRequest, smokeFile } from './pipeline/inspect.js';
export { runBuild } from './pipeline/pipeline.js';
export { type BuildPlan, type BuildRequest, planBuild } from './pipeline/plan.js';
export { openProject, type Project } from './pipeline/project.js';
export { type PostRecord, parseRecord } from './pipeline/record.js';
export type { BuildReport, CacheHit, ResultFiles } from './pipeline/report.js';
export type { CacheReport } from './pipeline/summary.js';
export { SmokeError, type SmokeReport } from './smoke/report.js';
export { formatTarget, parseTarget, type Target } from './targets/identifier.js';
export { type Release, resolveRelease } from './targets/releases.js';
