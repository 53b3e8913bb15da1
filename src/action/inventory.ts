import type { CacheInventory, StoredEntry } from '../base/ports.js';

/** Whose entries are looked after. */
export interface CacheScope {
  /** `owner/name`; undefined outside a workflow. */
  readonly repository: string | undefined;
  /** The ref of this run, which its entries belong to. */
  readonly ref: string | undefined;
}

// Loaded when it is needed, as the other clients; it takes the server's address and proxy from the job.
const connect = async (token: string) => (await import('@actions/github')).getOctokit(token);

// What a repository's caches may hold on GitHub; what is beyond it is evicted by last use.
const limit = 10e9;
const patience = 30_000;

/**
 * GitHub's list of a repository's cache entries. It shows those of this run's ref only: those of another
 * ref are not this run's to remove.
 * @param token the workflow's token; it needs `actions: write` to remove anything
 */
export function actionsInventory(
  { repository, ref }: CacheScope,
  token: string,
  client: (token: string) => ReturnType<typeof connect> = connect,
): CacheInventory {
  const [owner = '', repo = ''] = repository?.split('/') ?? [];
  const open = async () => {
    if (token === '') throw new Error('there is no github-token.');
    if (owner === '' || repo === '' || ref === undefined)
      throw new Error('the job has no repository or ref.');
    const octokit = await client(token);
    // A service that does not answer must not hold the job up.
    octokit.hook.before('request', (options) => {
      options.request.signal = AbortSignal.timeout(patience);
    });
    return { octokit, actions: octokit.rest.actions, place: { owner, repo }, ref };
  };
  return {
    async list(prefixes) {
      const { octokit, actions, place, ref } = await open();
      const lists = prefixes.map((key) =>
        octokit.paginate(actions.getActionsCacheList, { ...place, key, ref, per_page: 100 }),
      );
      const entries = (await Promise.all(lists).catch(explain('list them', 'read'))).flat();
      return entries.filter((entry) => entry.ref === ref).flatMap(storedEntry);
    },
    async remove({ id }) {
      const { actions, place } = await open();
      await actions.deleteActionsCacheById({ ...place, cache_id: Number(id) }).catch((error: unknown) => {
        // Another job of the same matrix was faster.
        if (statusOf(error) !== 404) explain('remove them', 'write')(error);
      });
    },
    async usage() {
      const { actions, place } = await open();
      const { data } = await actions.getActionsCacheUsage(place);
      return { bytes: data.active_caches_size_in_bytes, limit };
    },
  };
}

const statusOf = (error: unknown): unknown =>
  error instanceof Error && 'status' in error ? error.status : undefined;

/** Throws an error on; one of a token that lacks a right says which. */
const explain =
  (what: string, right: 'read' | 'write') =>
  (error: unknown): never => {
    if (statusOf(error) !== 403) throw error;
    throw new Error(
      `the github-token may not ${what}; the job needs the permission actions: ${right} (${String(error)}).`,
    );
  };

/** An entry of the service's list; nothing for one that lacks what it takes to remove it. */
function storedEntry(entry: {
  readonly id?: number;
  readonly key?: string;
  readonly size_in_bytes?: number;
  readonly last_accessed_at?: string;
}): StoredEntry[] {
  const { id, key, size_in_bytes: size = 0, last_accessed_at: time = '' } = entry;
  if (id === undefined || key === undefined) return [];
  return [{ id: String(id), key, size, lastUse: Date.parse(time) || 0 }];
}
