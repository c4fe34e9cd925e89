#!/usr/bin/env node
// Every Node.js can read and run this file, however old: it says in words what an old one lacks, where the first import of the
// program would end in a stack trace. So it imports nothing before it knows, and keeps to words that are as old.
const NEEDED = '20.19';
/** EX_CONFIG: whoever starts it again and again is to stop. */
const EXIT_CONFIG = 78;

function isOlder(version: string, than: string) {
  const [major, minor] = version.split('.').map(Number);
  const [thanMajor, thanMinor] = than.split('.').map(Number);
  return major === thanMajor ? Number(minor) < Number(thanMinor) : Number(major) < Number(thanMajor);
}

if (isOlder(process.versions.node, NEEDED)) {
  process.stderr.write(`mqttgwd: this is Node.js ${process.versions.node} (${process.execPath}), and ${NEEDED} or newer is needed:
mqttgwd: install it from https://nodejs.org/en/download, or name a newer one that is
mqttgwd: there: /path/to/node ${process.argv[1]}
`);
  process.exitCode = EXIT_CONFIG;
} else {
  // The gateway reads its configuration after this: who wants that anew in this moment gets it, and does not end the process.
  for (const name of ['SIGHUP', 'SIGUSR1']) process.on(name, () => {});
  import('./program.js');
}
