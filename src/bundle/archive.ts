/** Argument lists of tar for archives whose bytes depend on nothing but their content. */

/** 1980-01-01, the oldest time that every archive format can hold; in seconds since 1970. */
export const archiveTime = 315532800;

export interface ArchivePlan {
  readonly archive: string;
  /** Folder whose content goes in. */
  readonly folder: string;
  /** Name of the archive's top folder. */
  readonly top: string;
  /** What goes in, relative to the folder; all of it when left out. */
  readonly members?: readonly string[];
  readonly jobs: number;
}

/**
 * GNU tar with sorted names, one time, no owners, plain modes and symbolic links as they are.
 * pigz cuts its input at fixed places, so that the number of threads (two or more) does not show; level 9
 * takes three times as long as 6 for half a percent.
 */
export function packCommand(plan: ArchivePlan): [string, ...string[]] {
  return [
    'tar',
    '--create',
    '--file',
    plan.archive,
    '--use-compress-program',
    `pigz -6 --no-name --no-time --processes ${Math.max(2, plan.jobs)}`,
    '--format=posix',
    '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
    '--sort=name',
    `--mtime=@${archiveTime}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u+rw,go-w,go+rX,a-s,-t',
    '--hard-dereference',
    '--directory',
    plan.folder,
    `--transform=s,^\\.,${plan.top},S`,
    ...(plan.members ?? ['.']),
  ];
}
