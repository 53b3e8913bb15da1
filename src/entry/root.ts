import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import packageFile from '../../package.json' with { type: 'json' };

/** Version of this project. */
export const projectVersion: string = packageFile.version;

/** The project's folder, two above the bundle that runs (`dist/<entry>/index.js`), links followed. */
export function projectRoot(): string {
  return join(dirname(realpathSync(process.argv[1] ?? '')), '..', '..');
}
