#!/bin/bash
# git over http between two namespaces: clone, fetch, a shallow one and a push, by git http-backend behind python's server
# seconds: 90
exec 2>&1
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org GIT_AUTHOR_DATE="@1700000000 +0000" GIT_COMMITTER_DATE="@1700000000 +0000" GIT_PAGER=cat
git config --global init.defaultBranch main; git config --global safe.directory '*'
ip netns add far; ip -n far link set lo up; ip link add near type veth peer name far netns far; ip link set near up; ip -n far link set far up; ip addr add 10.5.0.1/24 dev near; ip -n far addr add 10.5.0.2/24 dev far
mkdir srv; git init -q --bare srv/origin.git; git -C srv/origin.git config http.receivepack true
git clone -q srv/origin.git work; cp -r /usr/include/asm-generic work; git -C work add .; git -C work commit -qm import; for i in 1 2 3 4 5; do echo $i > work/n; git -C work add n; git -C work commit -qm "n $i"; done; git -C work push -q origin main
cat > serve.py <<'P'
import http.server, os, subprocess
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    def log_message(self, *a): pass
    def do_GET(self): self.git()
    def do_POST(self): self.git()
    def git(self):
        path, _, query = self.path.partition("?"); n = self.headers.get("Content-Length")
        if n is None and self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while k := int(self.rfile.readline(), 16): body += self.rfile.read(k); self.rfile.readline()
        else: body = self.rfile.read(int(n or 0))
        env = dict(os.environ, GIT_PROJECT_ROOT=os.getcwd() + "/srv", GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query, REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)), REMOTE_USER="a", REMOTE_ADDR="10.5.0.1", HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""), GIT_PROTOCOL=self.headers.get("Git-Protocol", ""))
        out = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True).stdout; head, _, data = out.partition(b"\r\n\r\n"); lines = dict(l.split(b": ", 1) for l in head.split(b"\r\n"))
        self.send_response(int(lines.pop(b"Status", b"200").split()[0])); [self.send_header(k.decode(), v.decode()) for k, v in lines.items()]; self.end_headers(); self.wfile.write(data)
s = http.server.ThreadingHTTPServer(("10.5.0.2", 80), H); open("up", "w").close(); s.serve_forever()
P
ip netns exec far python3 serve.py & s=$!
until [ -e up ]; do sleep 0.05; done
u=http://10.5.0.2/origin.git
git clone -q $u a && git -C a log --oneline | wc -l; diff -r -x .git work a && echo same; git -C a fsck --no-progress; git clone -q --depth 1 $u shallow && git -C shallow log --oneline | wc -l
cd a; head -c 3000000 /usr/bin/python3 > big; git add big; git commit -qm big; git push -q origin main; cd ..; git -C shallow pull -q --ff-only; cmp a/big shallow/big && echo pulled; git ls-remote $u | awk '{print $2}'; git -C srv/origin.git log -1 --format=%s; git clone -q http://10.5.0.2/none.git 2>&1 | tail -1
for i in 1 2 3 4; do git clone -q $u c$i & p="$p $!"; done; wait $p; for i in 1 2 3 4; do git -C c$i rev-parse HEAD; done | sort | uniq -c | awk '{print $1}'
kill $s; wait $s 2>/dev/null; ip netns del far
