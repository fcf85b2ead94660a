#!/bin/sh
# ES modules, cluster, http over a unix socket, exit codes, uncaught errors, the test runner
echo 'export const x = 41; export default () => x + 1' > m.mjs; echo 'import f, { x } from "./m.mjs"; import { readFile } from "node:fs/promises"; console.log(f(), x, (await readFile("m.mjs")).length)' > a.mjs; node a.mjs; node -e 'process.exit(5)'; echo $?; node -e 'throw new Error("x")' 2>&1 | grep ^Error; node -e 'process.abort()' 2>/dev/null; echo $?; echo 'console.log(require("./data.json").k)' > r.js; echo '{"k": [1]}' > data.json; node r.js; node -p '[1,2,3].map(x => x * 2)'; echo 'console.log("stdin")' | node -
cat > http.js <<'E'
const http = require('http');
const s = http.createServer((q, r) => { let n = 0; q.on('data', d => n += d.length); q.on('end', () => { r.setHeader('X-Y', 'z'); r.end(`${q.method} ${q.url} ${n}`); }); });
const get = (o, b) => new Promise((r, j) => { const q = http.request(o, res => { let t = ''; res.on('data', d => t += d); res.on('end', () => r(res.statusCode + ' ' + res.headers['x-y'] + ' ' + t)); }); q.on('error', j); q.end(b); });
s.listen('sock', async () => {
	console.log(await get({ socketPath: 'sock', path: '/a' }), await get({ socketPath: 'sock', path: '/b', method: 'POST' }, 'x'.repeat(200000)));
	s.close();
});
E
node http.js; cat > cluster.js <<'E'
const c = require('cluster');
if (c.isPrimary) { let n = 0; for (let i = 0; i < 3; i++) c.fork({ I: i }); c.on('message', (w, m) => { n += m; w.send('bye'); }); let e = 0; c.on('exit', (w, code) => { n += code; if (++e === 3) console.log('sum', n); }); }
else { process.on('message', m => process.exit(10)); process.send(+process.env.I); }
E
node cluster.js; cat > t.test.js <<'E'
const test = require('node:test'), assert = require('assert'); test('adds', () => assert.equal(1 + 1, 2)); test('fails', () => assert.equal(1, 2));
E
node --test t.test.js 2>&1 | grep -E '^. (pass|fail) '; node --max-old-space-size=60 -e 'const a = []; for (;;) a.push(new Array(10000).fill(1.5))' >/dev/null 2>&1; echo $?; node --check r.js && echo checked; node --expose-gc -e 'gc(); console.log("gc")'; (sleep 0.8; echo 'process.stdout.write("x"); process.exit()') | node -i 2>/dev/null | grep -c '>'
