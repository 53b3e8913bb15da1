/** Where releases are published: GitHub, as far as a publisher needs it. */

/** A file of a release, as the service has it. */
export interface HostedAsset {
  readonly id: number;
  readonly name: string;
  /** bytes */
  readonly size: number;
  /** Lower-case hex; undefined where the service does not say. */
  readonly sha256: string | undefined;
  /** false while it is uploaded, and for an upload that broke off */
  readonly whole: boolean;
}

/** A release, as the service has it. */
export interface HostedRelease {
  readonly id: number;
  readonly tag: string;
  /** Nobody but those who may write sees it. */
  readonly draft: boolean;
  readonly body: string;
  /** Address for people. */
  readonly url: string;
}

/** What a new release is to be. */
export interface NewRelease {
  readonly tag: string;
  readonly title: string;
  readonly body: string;
  /** Commit that the tag is put at, where there is no such tag yet. */
  readonly commit: string | undefined;
}

/** Whoever asks was told that there is something of that name already. */
export class TakenError extends Error {}

/** All calls throw PublishError, and are repeated where the service is busy or broken. */
export interface ReleaseHost {
  /** `owner/name` */
  readonly repository: string;
  /** All releases, the newest first, drafts too where the token may see them. */
  list(): Promise<readonly HostedRelease[]>;
  /** undefined for one that is gone */
  find(id: number): Promise<HostedRelease | undefined>;
  /** Makes a draft. */
  create(release: NewRelease): Promise<HostedRelease>;
  /** Removes a draft; one that is gone is no fault. */
  remove(id: number): Promise<void>;
  assets(id: number): Promise<readonly HostedAsset[]>;
  /** @throws TakenError where there is a file of that name */
  upload(id: number, name: string, bytes: Buffer): Promise<void>;
  /** One that is gone is no fault. */
  removeAsset(id: number): Promise<void>;
  /** Brings a file's bytes to a path where nothing is. */
  download(asset: HostedAsset, file: string): Promise<void>;
  /**
   * Makes a draft public.
   * @throws TakenError where the tag has a release already
   */
  publish(id: number): Promise<HostedRelease>;
}
