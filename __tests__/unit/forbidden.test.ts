import child, { spawn, spawnSync } from 'node:child_process';
import dns from 'node:dns';
import { lookup } from 'node:dns/promises';
import http, { get } from 'node:http';
import https from 'node:https';
import net, { connect, Socket } from 'node:net';
import tls from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { actionProcess } from '../../src/action/process.js';
import { nodeProcess } from '../../src/local/process.js';

const refusal = /A unit test called .*Unit tests start no process and use no network/;

describe('unit tests reach nothing outside', () => {
  test.each<[string, () => unknown]>([
    ['spawn', () => spawn('true')],
    ['spawnSync', () => spawnSync('true')],
    ['child.exec', () => child.exec('true')],
    ['child.execSync', () => child.execSync('true')],
    ['child.execFile', () => child.execFile('true')],
    ['child.execFileSync', () => child.execFileSync('true')],
    ['child.fork', () => child.fork('nothing.js')],
    ['net.connect', () => connect(9, '127.0.0.1')],
    ['net.createConnection', () => net.createConnection('/run/docker.sock')],
    ['Socket.connect', () => new Socket().connect(9)],
    ['Server.listen', () => net.createServer().listen(0)],
    ['tls.connect', () => tls.connect(9)],
    ['http.get', () => get('http://127.0.0.1:9/')],
    ['http.request', () => http.request('http://127.0.0.1:9/')],
    ['https.request', () => https.request('https://127.0.0.1:9/')],
    ['dns.lookup', () => dns.lookup('localhost', () => {})],
    ['dns.promises.lookup', () => lookup('localhost')],
    ['fetch', () => fetch('http://127.0.0.1:9/')],
  ])('%s throws', (_, call) => {
    expect(call).toThrow(refusal);
  });

  test('the message names the call and its first argument', () => {
    expect(() => spawn('docker', ['version'])).toThrow(/child_process\.spawn\('docker'/);
  });

  test.each([
    ['the command line', nodeProcess],
    ['the action (@actions/exec)', actionProcess],
  ])('the process runner of %s throws', async (_, runner) => {
    await expect(runner.run(['true'])).rejects.toThrow(refusal);
  });
});
