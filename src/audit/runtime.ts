import type { Inventory } from './inventory.js';

/**
 * The distribution's packages that a tarball needs: those that hold its NEEDED libraries, and those whose
 * libraries plugins open by name.
 * @returns names, sorted, each once
 */
export function runtimePackages(
  facts: Pick<Inventory, 'systemLibraries'>,
  dependencies: readonly { readonly opened: boolean; readonly runtime?: string | undefined }[],
): string[] {
  const needed = facts.systemLibraries.flatMap((library) => library.package ?? []);
  const opened = dependencies.flatMap(({ opened, runtime }) => (opened ? (runtime ?? []) : []));
  return [...new Set([...needed, ...opened])].sort();
}
