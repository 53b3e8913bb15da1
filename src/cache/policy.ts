import type { CacheMode } from '../options/schema.js';

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
}

/**
 * Which way the caches are used. `auto` restores always, but saves only what later runs can trust and
 * reach: entries of a tag are seen by no other ref, and a fork's pull request is not trusted to fill them.
 */
export function cachePolicy(mode: CacheMode, trigger: Trigger): CachePolicy {
  switch (mode) {
    case 'true':
      return { restore: true, save: true };
    case 'restore-only':
      return { restore: true, save: false };
    case 'false':
      return { restore: false, save: false };
    case 'auto': {
      const tagged = trigger.event === 'release' || (trigger.ref?.startsWith('refs/tags/') ?? false);
      return { restore: true, save: !tagged && !trigger.fromFork };
    }
  }
}
