// The process that talks to the cache service: `node cache-client.js REQUEST.json`.
import { readFile, writeFile } from 'node:fs/promises';
import { actionsCache } from '../src/action/stores.js';
import { type ExchangeRequest, exchange } from './caches.js';

const [, , file = ''] = process.argv;
const request: ExchangeRequest = JSON.parse(await readFile(file, 'utf8'));
await writeFile(request.answer, JSON.stringify(await exchange(actionsCache(request.work), request)));
