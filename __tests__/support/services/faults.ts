import type { ServiceRequest } from './http.js';

/**
 * - `429`, `500`: that status, nothing done
 * - `slow`: waits `delayMs`, then serves as ever
 * - `cut`: a call is carried out, but its answer is lost; a download stops half way; an upload is
 *   dropped before it is stored
 * - `wrong-bytes`: a download, or what an upload stores, has its first byte changed; a call is
 *   answered with something that is not JSON
 * - `down`: the connection is dropped at once, nothing done
 * - `stalled`: no answer, and the connection stays open; a download stops half way
 */
export type FaultKind = '429' | '500' | 'slow' | 'cut' | 'wrong-bytes' | 'down' | 'stalled';

export interface FaultRule {
  /** Which requests it hits; parts that are left out match everything. */
  readonly match:
    | ((request: ServiceRequest) => boolean)
    | {
        readonly operation?: ServiceRequest['operation'];
        readonly path?: RegExp;
        readonly method?: string;
        /** The cache entry that it is about. */
        readonly key?: string;
      };
  readonly kind: FaultKind;
  /** How many matching requests it hits; 1 where not given, `Infinity` for all. */
  readonly times?: number;
  /** For `slow`; 1000 where not given. */
  readonly delayMs?: number;
}

/** Rules in order: each request meets the first that matches and is not used up, or none. */
export class Faults {
  readonly #rules: { rule: FaultRule; left: number }[] = [];

  constructor(rules: readonly FaultRule[] = []) {
    for (const rule of rules) this.add(rule);
  }

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.#rules.length = 0;
  }

  take(request: ServiceRequest): FaultRule | undefined {
    const found = this.#rules.find(({ rule, left }) => left > 0 && matches(rule, request));
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.rule;
  }
}

function matches({ match }: FaultRule, request: ServiceRequest): boolean {
  if (typeof match === 'function') return match(request);
  return (
    (match.operation === undefined || match.operation === request.operation) &&
    (match.key === undefined || match.key === request.key) &&
    (match.path === undefined || match.path.test(request.path)) &&
    (match.method === undefined || match.method.toUpperCase() === request.method)
  );
}
