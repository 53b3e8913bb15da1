// The process that talks to the cache service: `node cache-client.mjs REQUEST.json`.
import { readFile, writeFile } from 'node:fs/promises';
import { exchange } from './caches.mjs';
import { libraryOf } from './prepare.mjs';

const request = JSON.parse(await readFile(process.argv[2], 'utf8'));
const { root, source, keys, workspace, answer } = request;
const library = libraryOf(root);
const { actionsCache } = await library('action/stores.js');
const figures = await exchange({ library, store: actionsCache(workspace), source, keys, work: workspace });
await writeFile(answer, JSON.stringify(figures));
