import { createHmac, timingSafeEqual } from 'node:crypto';

/** The run and the job that a token speaks for; both are free text without `:` and blanks. */
export interface TokenScope {
  readonly run: string;
  readonly job: string;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const sign = (text: string, secret: string): string =>
  createHmac('sha256', secret).update(text).digest('base64url');

/**
 * An ACTIONS_RUNTIME_TOKEN as the runner hands it out: a JWT (HS256) whose `scp` names the run
 * and the job, which is where the toolkit reads its backend ids from.
 */
export function makeToken(scope: TokenScope, secret: string): string {
  const head = encode({ typ: 'JWT', alg: 'HS256' });
  const now = Math.floor(Date.now() / 1000);
  const claims = encode({
    scp: `Actions.ExampleScope Actions.Results:${scope.run}:${scope.job}`,
    nbf: now - 60,
    exp: now + 24 * 3600,
  });
  return `${head}.${claims}.${sign(`${head}.${claims}`, secret)}`;
}

/** The scope of a token signed with this secret and not yet run out, else undefined. */
export function readToken(token: string, secret: string): TokenScope | undefined {
  const [head, claims, signature] = token.split('.');
  if (head === undefined || claims === undefined || signature === undefined) return undefined;
  const expected = Buffer.from(sign(`${head}.${claims}`, secret));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
  const parsed = JSON.parse(Buffer.from(claims, 'base64url').toString()) as {
    scp: string;
    exp: number;
  };
  if (parsed.exp * 1000 < Date.now()) return undefined;
  const scope = parsed.scp.split(' ').find((part) => part.startsWith('Actions.Results:'));
  const [, run, job] = scope?.split(':') ?? [];
  return run !== undefined && job !== undefined ? { run, job } : undefined;
}
