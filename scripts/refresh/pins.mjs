// Which pins of data/pins.json become others, given the tags of the repositories. All pure.
import { byNumbers } from './git.mjs';

/** How the releases of a pinned repository are tagged. */
export const releaseTags = {
  spack: /^v\d+\.\d+\.\d+$/,
  packages: /^v\d{4}\.\d\d\.\d+$/,
};

/**
 * The newest release of a repository.
 * @param {'spack' | 'packages'} name
 * @param {{tag?: string, commit: string}} pin
 * @param {Map<string, string>} tags commits by tag
 * @returns {{tag: string, commit: string} | undefined} none where there is none, or the pin is at it
 * @throws Error when the pinned tag is gone or names another commit
 */
export function newerRelease(name, pin, tags) {
  if (pin.tag !== undefined && tags.get(pin.tag) !== pin.commit) {
    throw new Error(
      `Tags must not move. ${name}: ${pin.tag} was ${pin.commit} and is ${tags.get(pin.tag) ?? 'gone'}.`,
    );
  }
  const tag = [...tags.keys()]
    .filter((word) => releaseTags[name].test(word))
    .sort(byNumbers)
    .at(-1);
  if (tag === undefined || tag === pin.tag || (pin.tag !== undefined && byNumbers(tag, pin.tag) < 0)) {
    return undefined;
  }
  const commit = tags.get(tag);
  return commit === pin.commit ? undefined : { tag, commit };
}

/** A pin at a release, the other fields as they were. A pin is never moved to what is older than it. */
export function movedPin(pin, { tag, commit }, date) {
  if (pin.date !== undefined && date <= pin.date) return pin;
  return { ...pin, commit, ...(pin.date === undefined ? {} : { date }), tag };
}
