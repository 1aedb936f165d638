#!/usr/bin/env node
// npm links a bin only if its file is there at install time: this one is, before the first build
const [major, minor] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 19)) await import('../dist/main.js')
else {
  console.error(`sd needs Node 22.19 or later; this is ${process.version}`)
  process.exitCode = 1
}
