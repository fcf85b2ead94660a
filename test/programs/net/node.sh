#!/bin/sh
# node's http server and clients over TCP on loopback
ip link set lo up
exec node - <<'E'
const http = require('http');
const s = http.createServer((q, r) => { let n = 0; q.on('data', d => n += d.length); q.on('end', () => { r.setHeader('X-Y', 'z'); r.end(`${q.method} ${q.url} ${n}`); }); });
const get = (o, b) => new Promise((r, j) => { const q = http.request(o, res => { let t = ''; res.on('data', d => t += d); res.on('end', () => r(res.statusCode + ' ' + res.headers['x-y'] + ' ' + t)); }); q.on('error', j); q.end(b); });
s.listen(0, '127.0.0.1', async () => {
	const port = s.address().port, host = '127.0.0.1', agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
	console.log(await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(i => get({ port, host, path: '/' + i }))));
	console.log(await Promise.all([1, 2, 3, 4].map(i => get({ port, host, agent, path: '/keep' + i, method: 'POST' }, 'x'.repeat(i * 100000)))));
	agent.destroy(); s.close(); s.closeAllConnections(); get({ port: 1, host }).catch(e => console.log(e.code));
});
E
