import { expectationFor } from '../../audit/expectation.js';
import { type AuditReport, auditTarball, requirePassed } from '../../audit/run.js';
import type { Logger } from '../../base/ports.js';
import { fileName } from '../../bundle/catalogue.js';
import type { Session } from '../../container/session.js';
import type { Target } from '../../targets/identifier.js';
import type { FittedToolchain } from '../../targets/toolchains.js';
import type { Project } from '../project.js';
import type { Stage } from '../stage.js';
import type { ResultFolder } from './pack.js';

/** The script that takes inventory of a tarball: its parts, one behind the other. */
export async function inventoryScript(project: Project): Promise<string> {
  const parts = await Promise.all(
    ['tar_reader.py', 'packages.py', 'elf_inventory.py'].map((name) => project.script(name)),
  );
  return parts.join('\n');
}

/**
 * Audits a finished tarball; every broken rule is in the error.
 * @param tarball path in the session
 * @throws AuditError, PackagingError
 */
export async function audit(
  tarball: string,
  { target, toolchain }: { readonly target: Target; readonly toolchain: FittedToolchain },
  project: Project,
  session: Session,
  logger: Logger,
): Promise<AuditReport> {
  const report = await auditTarball(session, {
    script: await inventoryScript(project),
    tarball,
    toolchain,
    expectation: expectationFor(target, toolchain, project, session.layout),
  });
  const { figures } = report;
  const highest = Object.entries(figures.highest).map(([name, version]) => `${name} ${version}`);
  logger.info(
    `${figures.files} files, ${figures.elfFiles} of them ELF, ${figures.loaded} loaded; highest ${highest.join(', ')}`,
  );
  requirePassed(report);
  return report;
}

/** Audits the software tarball in the session. */
export const auditStage: Stage<
  { readonly session: Session; readonly packed: ResultFolder },
  { readonly audited: AuditReport }
> = {
  id: 'audit',
  run: async ({ build, request, ports }, { session, packed }) => {
    const software = `${packed.session}/${fileName(build.identifier, 'software')}`;
    return { audited: await audit(software, build, request.project, session, ports.logger) };
  },
};
