import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

export interface WebFolder {
  /** With a slash at its end. */
  readonly address: string;
  readonly port: number;
  /** Paths that were asked for, as they came. */
  readonly asked: string[];
  /** Answers to a path with a status, or in half: so many times. */
  fail(path: string, how: number | 'half', times?: number): void;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.sh': 'text/x-sh',
};

/** Serves a folder's files on the loopback, or on all addresses for containers to reach. */
export async function serveFolder(folder: string, host = '127.0.0.1'): Promise<WebFolder> {
  const asked: string[] = [];
  const faults: { path: string; how: number | 'half'; left: number }[] = [];
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    asked.push(path);
    const fault = faults.find((item) => item.path === path && item.left > 0);
    if (fault !== undefined) fault.left -= 1;
    if (typeof fault?.how === 'number') {
      response.writeHead(fault.how).end();
      return;
    }
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-length': size,
    });
    if (fault?.how === 'half') {
      createReadStream(file, { end: Math.floor(size / 2) }).pipe(response, { end: false });
      setTimeout(() => response.destroy(), 50);
    } else createReadStream(file).pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, host, done));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ address: `http://127.0.0.1:${port}/`, port, asked },
    fail: (path, how, times = 1) => void faults.push({ path, how, left: times }),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
