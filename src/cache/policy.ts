import type { CacheMode } from '../config/inputs.js';
import { isScope, scopeOf } from './keys.js';
import type { CacheUse } from './ledger.js';

/** What started the build, as far as the caches care. */
export interface Trigger {
  /** `push`, `pull_request`, `release`, …; undefined outside a workflow. */
  readonly event: string | undefined;
  /** `refs/heads/…` or `refs/tags/…` */
  readonly ref: string | undefined;
  /** A pull request from another repository. */
  readonly fromFork: boolean;
}

export interface CachePolicy {
  readonly restore: boolean;
  readonly save: boolean;
  /** Scopes whose entries are trusted, best first; what is saved goes into the first. */
  readonly scopes: readonly string[];
}

/** Events whose code is the repository's own, started by somebody who may write to it. */
const ownEvents: ReadonlySet<string> = new Set([
  'create',
  'merge_group',
  'push',
  'release',
  'repository_dispatch',
  'schedule',
  'workflow_dispatch',
]);

/**
 * How the caches are used, and whose entries are trusted.
 * A build with a secret believes what carries the secret's seal, and nothing else. Without one it believes
 * what builds of the repository's own code saved (`open`); any other event, a pull request for one, has a
 * scope of its own (`other`), which those never read.
 * `auto` saves what later runs can trust and reach: entries of a tag are seen by no other ref. It reads
 * nothing for a release that no secret guards.
 * @param sealed scope of the build's secret
 */
export function cachePolicy(mode: CacheMode, trigger: Trigger, sealed: string | undefined): CachePolicy {
  const { event, fromFork } = trigger;
  const own = !fromFork && (event === undefined || ownEvents.has(event));
  const scopes = sealed !== undefined ? [sealed] : own ? ['open'] : ['other', 'open'];
  switch (mode) {
    case 'true':
      return { restore: true, save: true, scopes };
    case 'restore-only':
      return { restore: true, save: false, scopes };
    case 'false':
      return { restore: false, save: false, scopes };
    case 'auto': {
      const known = own || (event === 'pull_request' && !fromFork);
      return { restore: !unguarded(mode, trigger, sealed), save: known && !isRelease(trigger), scopes };
    }
  }
}

/** How a build cache that machines share is used. */
export interface SharePolicy {
  readonly read: boolean;
  readonly push: boolean;
}

/**
 * How a build cache that machines share is used. Who may push is whom its login lets; a pull request's code is
 * anybody's, and pushes nothing unless it is asked to. Tags push too: unlike entries of GitHub's cache, what they
 * push is seen by all.
 */
export function sharePolicy(mode: CacheMode, { event, fromFork }: Trigger): SharePolicy {
  const own = !fromFork && (event === undefined || ownEvents.has(event));
  return { read: mode !== 'false', push: mode === 'true' || (mode === 'auto' && own) };
}

const isRelease = ({ event, ref }: Trigger): boolean =>
  event === 'release' || (ref?.startsWith('refs/tags/') ?? false);

const unguarded = (mode: CacheMode, trigger: Trigger, sealed: string | undefined): boolean =>
  mode === 'auto' && isRelease(trigger) && sealed === undefined;

const remedy = 'Give the input cache-secret or gpg-private-key';

/** What a user should know of the policy of this build; undefined where there is nothing to tell. */
export function policyNotice(
  mode: CacheMode,
  trigger: Trigger,
  sealed: string | undefined,
): string | undefined {
  if (!unguarded(mode, trigger, sealed)) return undefined;
  return `The caches are not read for a tag or a release: nothing shows who wrote them. ${remedy}, or cache: true to trust them.`;
}

/** Whether a scope is that of a secret: its entries carry a seal. */
export const isSealed = (scope: string): boolean => isScope(scope) && scope.startsWith('k');

/** The entries that came into a build without a seal: nobody can vouch for what was made with them. */
export const unsealedRestores = (uses: readonly CacheUse[]): CacheUse[] =>
  uses.filter(({ key, outcome }) => outcome === 'restored' && !isSealed(scopeOf(key) ?? ''));

/** Why a result is not attested; undefined where nothing speaks against it. */
export function attestNotice(uses: readonly CacheUse[]): string | undefined {
  const unsealed = unsealedRestores(uses);
  const [first] = unsealed;
  if (first === undefined) return undefined;
  const which = unsealed.length === 1 ? first.key : `${first.key} and ${unsealed.length - 1} more`;
  return `No build provenance: cache entries were used of which nothing shows who wrote them (${which}). ${remedy}, or cache: false.`;
}
