#!/bin/bash
# What configure scripts do: many small compilations and runs, m4, config headers, dependencies
cat > configure <<'E'
#!/bin/sh
: > config.h; n=0
check() { printf 'checking for %s... ' "$1"; if printf '%s\nint main(void) { %s; return 0; }\n' "$2" "$3" > conftest.c && gcc -o conftest conftest.c $4 2>conftest.err && ./conftest; then echo yes; echo "#define HAVE_$(echo $1 | tr a-z A-Z | tr -c 'A-Z0-9\n' _) 1" >> config.h; else echo no; fi; rm -f conftest*; }
for h in stdio.h sys/epoll.h sys/event.h pthread.h windows.h sys/inotify.h; do check $h "#include <$h>" ""; done
for f in fork epoll_create1 kqueue memfd_create strlcpy_nosuch getrandom; do check $f "char $f(void);" "return (long)$f == 0"; done
check libm '#include <math.h>' 'volatile double x = 2; return sqrt(x) < 1' -lm; check libnosuch '' '' -lnosuch
printf 'int main(void) { return sizeof(long); }' > c.c; gcc c.c -o c; ./c; echo "sizeof long $?"; ./c; echo "#define SIZEOF_LONG $?" >> config.h
E
chmod +x configure; ./configure; sort config.h; cat > x.y <<'E'
dnl
E
cat > prog.c <<'E'
#include "config.h"
#include <stdio.h>
int main(void) {
#ifdef HAVE_SYS_EPOLL_H
	puts("epoll");
#endif
#ifdef HAVE_WINDOWS_H
	puts("windows");
#endif
	return SIZEOF_LONG;
}
E
make -s prog CFLAGS='-O2 -I.' && ./prog; echo $?; gcc -M prog.c -I. | grep -o 'config.h'; cat > a.s <<'E'
	.globl main
main:	mov $231, %eax
	mov $9, %edi
	syscall
	.section .note.GNU-stack,"",@progbits
E
gcc a.s -o a && ./a; echo $?; gcc -nostdlib -static -e main a.s -o b && ./b; echo $?; echo 'int x = 5; int f(void) { return x; }' > l.c; gcc -shared -fPIC -o libl.so l.c; echo '#include <dlfcn.h>
#include <stdio.h>
int main(void) { void *h = dlopen("./libl.so", RTLD_NOW); int (*f)(void) = dlsym(h, "f"); printf("%d %d\n", f(), dlopen("./none.so", RTLD_NOW) == 0); return dlclose(h); }' > d.c; gcc d.c -o d && ./d; echo 'int main(int c, char **v) { char b[8]; for (int i = 0; i < 64 * c; i++) b[i] = i; return b[0]; }' > o.c; gcc -w -O0 -fstack-protector-all o.c -o o; { ./o; } 2>/dev/null; echo $?
