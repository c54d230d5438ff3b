#!/usr/bin/env node
// CommonJS: Node opens it sooner than a module.
const { run } = require('../dist/src/cli/bundle.cjs');

run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
