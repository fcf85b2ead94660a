// membarrier(2): query, registration, commands before and after it, flags.
#include "../oracle.h"
#include <linux/membarrier.h>
#define mb(...) sys(SYS_membarrier, __VA_ARGS__)

int main(void) {
	long q = mb(MEMBARRIER_CMD_QUERY, 0, 0);
	fact("global %d, private %d, expedited %d", (q & MEMBARRIER_CMD_GLOBAL) != 0, (q & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0, (q & MEMBARRIER_CMD_GLOBAL_EXPEDITED) != 0);
	show(mb(MEMBARRIER_CMD_QUERY, 1, 0)), show(mb(3, 0, 0)), show(mb(1 << 20, 0, 0));
	show(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)); // not registered
	show(mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0)), show(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)), show(mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0)), show(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 99, 0));
	quiet(spawn(show(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)))); // inherited with the memory
	show(mb(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0)), show(mb(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0));
	show(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0)), show(mb(MEMBARRIER_CMD_GLOBAL, 0, 0));
	return 0;
}
