import { PackagingError } from '../base/errors.js';
import type { Finding } from './audit.js';

/** The tarball breaks rules of the audit; every finding is in the message. */
export class AuditError extends PackagingError {
  override readonly name: string = 'AuditError';
  constructor(
    readonly tarball: string,
    readonly findings: readonly Finding[],
  ) {
    const places = findings.length === 1 ? 'one place' : `${findings.length} places`;
    super(
      `${tarball} fails its audit in ${places}:\n${formatFindings(findings)}`,
      'Do what the lines with an arrow say and build again; docs/audit.md explains the rules.',
    );
  }
}

/** Lines of a rule in the message. */
const mostLines = 50;

/** A block for each rule: a line for each file, then what to do. */
function formatFindings(findings: readonly Finding[]): string {
  const byRule = new Map<string, Finding[]>();
  for (const finding of findings) {
    const group = byRule.get(finding.rule);
    if (group === undefined) byRule.set(finding.rule, [finding]);
    else group.push(finding);
  }
  return [...byRule.values()]
    .flatMap((group) => [
      ...group.slice(0, mostLines).map(({ rule, file, detail }) => `[${rule}] ${file}: ${detail}.`),
      ...(group.length > mostLines ? [`[${group[0]?.rule}] and ${group.length - mostLines} more.`] : []),
      ...group.slice(0, 1).map(({ remedy }) => `  → ${remedy}`),
    ])
    .join('\n');
}
