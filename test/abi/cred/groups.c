// getgroups, setgroups: order, sizes, who may; membership decides access.
#include "../oracle.h"
#include <grp.h>
static void list(void) {
	gid_t g[70000 / 4];
	int n = getgroups(COUNT(g), g);
	printf("%d:", n);
	for (int i = 0; i < n && i < 8; i++)
		printf(" %d", g[i]);
	printf("\n");
}

int main(void) {
	list();
	gid_t some[] = {30, 10, 20, 10};
	show(setgroups(4, some)), list(); // sorted, kept double
	gid_t g[4];
	show(getgroups(0, NULL)), show(getgroups(2, g)), show(getgroups(-1, g)), show(getgroups(4, (void *)8));
	static gid_t many[65537];
	for (int i = 0; i < 65537; i++)
		many[i] = i;
	show(setgroups(65537, many)), show(setgroups(65536, many)), show(getgroups(0, NULL)), show(setgroups(-1, many)), show(setgroups(1, (void *)8));
	many[0] = -1;
	show(setgroups(1, many));
	show(setgroups(4, some));
	quiet(spawn(list()));
	char *p = strstr(slurp("/proc/self/status"), "Groups:");
	fact("%.17s", p);
	must(mkdir("d", 0750)), must(chown("d", 0, 20));
	quiet(spawn(must(setuid(1000)); show(access("d/.", F_OK)); show(setgroups(0, NULL)); list()));
	must(setgroups(0, NULL)), list();
	quiet(spawn(must(setgid(5)); must(setuid(1000)); show(access("d/.", F_OK))));
	quiet(spawn(must(setgid(20)); must(setuid(1000)); show(access("d/.", F_OK))));
	return 0;
}
