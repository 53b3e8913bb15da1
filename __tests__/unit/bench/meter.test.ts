import { describe, expect, test } from '@jest/globals';
import { availableIn, defaultInterfaces, deviceName, receivedIn, writtenIn } from '../../../bench/meter.js';

const diskstats = `   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 281594 47352 8807050 186407 244323 317270 24064728 513052 0 111656 776598
   8      17 sdb1 1 2 3 4 5 6 7 8 9 10 11
`;

const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0
  eth0: 934685736   31954    0    0    0     0          0         0  2525158   22566    0    0    0     0
docker0:  304377    4211    0    0    0     0          0         0 300738336    8397    0    2    0     0
`;

const route = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF
`;

describe("the kernel's counters", () => {
  test('memory that programs can have', () => {
    expect(availableIn('MemTotal:  24 kB\nMemAvailable:    1000 kB\n')).toBe(1_024_000);
  });

  test('bytes written to the disks that count', () => {
    expect(writtenIn(diskstats, ['254:0'])).toBe(24064728 * 512);
    expect(writtenIn(diskstats, ['254:0', '8:17'])).toBe((24064728 + 7) * 512);
  });

  test('are not known of a file system that is no disk', () => {
    expect(writtenIn(diskstats, ['254:0', '0:41'])).toBeUndefined();
  });

  test('bytes received from outside, none twice on their way to a container', () => {
    expect(defaultInterfaces(route)).toEqual(['eth0']);
    expect(receivedIn(dev, ['eth0'])).toBe(934685736);
    expect(receivedIn(dev, [])).toBe(0);
  });

  test.each([
    [0xfe00, '254:0'],
    [0x811, '8:17'],
    [0x29, '0:41'],
    [2 ** 20 + 0x811, '8:273'],
  ])('device %d is %s', (device, name) => {
    expect(deviceName(device)).toBe(name);
  });
});
