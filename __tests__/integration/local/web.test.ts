import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { nodeWeb, proxyFor } from '../../../src/local/web.js';

/** Node's client against real servers on this machine. */

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<{ address: string; server: Server }> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const limit = { bytes: 1000, milliseconds: 5000 };
const signal = new AbortController().signal;
const get = async (address: string, env = {}, change = {}) =>
  Buffer.from(await nodeWeb(env).get(address, { ...limit, ...change }, signal)).toString();

test('gives the body, and follows where it is sent', async () => {
  const { address } = await serve((request, response) => {
    if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
    else response.end(`asked ${request.url}`);
  });
  expect(await get(`${address}/new`)).toBe('asked /new');
  expect(await get(`${address}/old`)).toBe('asked /new');
});

describe('says why there is no answer', () => {
  test('another status', async () => {
    const { address } = await serve((_, response) => response.writeHead(404).end('no'));
    await expect(get(address)).rejects.toThrow('HTTP status 404');
  });

  test('too long', async () => {
    const { address } = await serve((_, response) => response.end('x'.repeat(5000)));
    await expect(get(address)).rejects.toThrow('the answer has more than 1000 bytes');
  });

  test('too late', async () => {
    const { address } = await serve(() => {});
    await expect(get(address, {}, { milliseconds: 50 })).rejects.toThrow('no answer within 0.05 s');
  });

  test('nobody there', async () => {
    const { address, server } = await serve(() => {});
    await new Promise((resolve) => server.close(resolve));
    await expect(get(address)).rejects.toThrow('ECONNREFUSED');
  });

  test('a cancel', async () => {
    const { address } = await serve(() => {});
    const cancel = new AbortController();
    const asked = nodeWeb({}).get(address, limit, cancel.signal);
    cancel.abort(new Error('cancelled'));
    await expect(asked).rejects.toThrow('cancelled');
  });
});

describe('a proxy', () => {
  async function proxy() {
    const asked: string[] = [];
    const { address, server } = await serve((_, response) => response.writeHead(405).end());
    server.on('connect', ({ url = '' }, socket) => {
      asked.push(url);
      const [host = '', port] = url.split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [socket, upstream]) end.on('error', () => {});
    });
    return { address, asked };
  }

  test('is used where the environment has one, and not where it makes an exception', async () => {
    const { address } = await serve((_, response) => response.end('the body'));
    const { address: http_proxy, asked } = await proxy();
    expect(await get(address, { http_proxy })).toBe('the body');
    expect(asked).toEqual([address.replace('http://', '')]);
    expect(await get(address, { http_proxy, no_proxy: '127.0.0.1' })).toBe('the body');
    expect(asked).toHaveLength(1);
  });

  const env = {
    http_proxy: 'http://p:1',
    HTTPS_PROXY: 'http://p:2',
    no_proxy: 'a.test, .b.test,*.c.test,d.test:81',
  };
  test.each([
    ['http://x.test/', 'http://p:1'],
    ['https://x.test/', 'http://p:2'],
    ['http://a.test/', undefined],
    ['https://sub.a.test/', undefined],
    ['http://aa.test/', 'http://p:1'],
    ['http://sub.b.test/', undefined],
    ['http://sub.c.test/', undefined],
    ['http://d.test:81/', undefined],
    ['http://d.test/', 'http://p:1'],
  ])('for %s is %s', (url, proxy) => expect(proxyFor(new URL(url), env)).toBe(proxy));

  test('is none without a setting, with an empty one, in capitals for http, and with an exception for all', () => {
    const url = new URL('http://x.test');
    for (const some of [
      {},
      { http_proxy: '' },
      { HTTP_PROXY: 'http://p' },
      { http_proxy: 'http://p', NO_PROXY: '*' },
    ])
      expect(proxyFor(url, some)).toBeUndefined();
  });
});
