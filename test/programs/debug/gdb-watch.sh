#!/bin/bash
# gdb: watch points, by the debug registers of the processor
cat > p.c <<'E'
int global;
int add(int a, int b) { global = a + b; return global; }
int main(void) { add(1, 2); for (int i = 0; i < 3; i++) add(i, 100); return global & 7; }
E
gcc -g -O0 -o p p.c; g() { timeout 60 gdb -q -nx -batch -ex 'set debuginfod enabled off' -ex 'set style enabled off' -ex 'set print thread-events off' "$@" 2>&1 | grep -v -E '^(\[Thread debug|Using host|warning:|$|\[New Thread|\[Switching|\[Thread|\[Detach|\[Attach)' | sed -E 's/0x[0-9a-f]+/ADDR/g;s/process [0-9]+/process N/g;s/Thread ADDR \(LWP [0-9]+\)/Thread/g;s/LWP [0-9]+/LWP N/g'; }
g -ex 'watch global' -ex run -ex continue -ex 'info watchpoints' -ex kill ./p | grep -E 'Old|New|hw watch'
