#!/bin/bash
# make: a small project with generated files, parallel jobs, includes, failures, timestamps
mkdir src; for i in $(seq 12); do echo "int f$i(void) { return $i; }" > src/f$i.c; done
{ for i in $(seq 12); do echo "int f$i(void);"; done; echo '#include <stdio.h>'; echo 'int main(void) { printf("%d\n", 0'; for i in $(seq 12); do echo "+ f$i()"; done; echo '); return 0; }'; } > src/main.c
cat > Makefile <<'E'
SRC := $(wildcard src/*.c)
OBJ := $(sort $(SRC:src/%.c=obj/%.o))
prog: $(OBJ) ; @$(CC) -o $@ $^ && echo linked $(words $^)
obj/%.o: src/%.c | obj ; @$(CC) -c -MMD -o $@ $<
obj: ; @mkdir $@
-include $(OBJ:.o=.d)
.PHONY: clean fail keep recursive shell
clean: ; @rm -rf obj prog
fail: ; @exit 3
keep: fail other
other: ; @echo other
recursive: ; @$(MAKE) --no-print-directory -C . shell
shell: ; @echo $(shell seq 3) $(MAKELEVEL) $(notdir $(CURDIR))
.ONESHELL:
E
make -j4; ./prog; make -j4; sleep 0.01; touch src/f3.c; make -n | grep -c 'CC\|cc -c'; make -s; echo '#error broken' > src/f4.c; make -k -j3 2>&1 | grep -c 'error broken'; make clean; make fail; echo $?; make -k keep; echo $?; make recursive; make nosuch; echo $?; echo 'all: a b c d; @echo all
%:; @sleep 0.2; echo $@' > p.mk; make -j4 -f p.mk all | sort; make -O -j2 -f p.mk a b | sort; make --version | head -1
