// Brings a bare clone to the point where a job can run, then runs it: npm start, npm test, npm run bench, npm run setup.
// Needs Node and an npm registry, nothing else; does only what is missing. Written for old versions of Node too, so that they get the
// line below instead of a syntax error: what the set-up does is in bootstrap/main.mjs.

const parts = process.versions.node.split('.').map(Number);
const major = parts[0];
const minor = parts[1];

// The same range as "engines" in package.json; a test holds them together.
if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) {
  import('./bootstrap/main.mjs')
    .then((module) => module.main(process.argv.slice(2)))
    .catch((error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exitCode = 1;
    });
} else {
  process.stderr.write(`agentyard needs Node ^20.19.0 or >=22.12.0; this is ${process.versions.node}.\n`);
  process.exitCode = 1;
}
