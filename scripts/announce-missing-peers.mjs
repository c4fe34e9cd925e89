import { spawnSync } from 'node:child_process';

/** What some tests need beyond Node.js, how to see that it is there, and what is skipped without it. */
const PEERS = [
  { name: 'dbus-daemon', probe: ['dbus-daemon', '--version'], skipped: 'every test on a real bus' },
  {
    name: 'mosquitto',
    probe: ['mosquitto', '-h'],
    skipped: 'the second round of tests on Mosquitto (the first runs on aedes)',
  },
  { name: 'gdbus', probe: ['gdbus', 'help'], skipped: "the event manager's tests with gdbus" },
  {
    name: 'dbus-monitor',
    probe: ['dbus-monitor', '--help'],
    skipped: "the event manager's tests with dbus-send and dbus-monitor",
  },
  {
    name: 'root',
    probe: ['sh', '-c', 'test "$(id -u)" = 0 && setpriv --version'],
    skipped: 'the tests of bus policies, whose processes are different users',
  },
  {
    name: 'python3-dbus',
    probe: ['/usr/bin/python3', '-c', 'import dbus, gi'],
    skipped: "the event manager's test with a client in Python",
  },
  {
    name: 'a network of its own (unshare, ip) and mosquitto_sub',
    probe: ['sh', '-c', 'mosquitto_sub --help >/dev/null; test $? != 127 && unshare -rn ip link set lo up'],
    skipped: "the commands in the operators' documents",
  },
];

/** For the others it is enough that they run. */
const MUST_SUCCEED = PEERS.map(({ name }) => name).filter((name) => /root|python3|network/.test(name));

/** Says in one line each what is missing; with REQUIRE_PEERS=1 (as in CI) that is an error. */
export default function announceMissingPeers() {
  const missing = PEERS.filter(({ probe: [program, ...args], name }) => {
    const { error, status } = spawnSync(program, args, { stdio: 'ignore' });
    return error !== undefined || (MUST_SUCCEED.includes(name) && status !== 0);
  });
  for (const { name, skipped } of missing) console.log(`${name} is not there: skipping ${skipped}.`);
  if (missing.length > 0 && process.env.REQUIRE_PEERS === '1') {
    throw new Error(`required here, but missing: ${missing.map(({ name }) => name).join(', ')}`);
  }
}
