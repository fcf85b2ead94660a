// statmount(2), listmount(2), STATX_MNT_ID_UNIQUE.
#include "../oracle.h"
#include <sys/mount.h>
#include <linux/stat.h>
#define statmount_(...) sys(457, __VA_ARGS__)
#define listmount_(...) sys(458, __VA_ARGS__)
struct req { uint32_t size, spare; uint64_t id, param, ns; };
struct sm {
	uint32_t size, opts; uint64_t mask; uint32_t major, minor; uint64_t magic; uint32_t sb_flags, type; uint64_t id, parent; uint32_t old, parent_old;
	uint64_t attr, propagation, group, master, from; uint32_t root, point; uint64_t ns, spare[49]; char str[512];
};
static struct sm s;

static uint64_t unique(const char *path, uint32_t *old) {
	struct { uint32_t mask, pad[35]; uint64_t id, more[13]; } x;
	must(sys(SYS_statx, AT_FDCWD, path, 0, 0x4000, &x));
	yes((x.mask & 0x5000) == 0x4000 && x.id > 1UL << 31);
	uint64_t id = x.id;
	must(sys(SYS_statx, AT_FDCWD, path, 0, 0x1000, &x)), *old = x.id;
	return id;
}

int main(void) {
	must(unshare(CLONE_NEWNS)), must(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)), must(mkdir("t", 0755)), must(mount("src", "t", "tmpfs", MS_NOSUID | MS_NOATIME, "size=64k"));
	must(mkdir("t/d", 0755)), must(mkdir("t/e", 0755)), must(mount("t/d", "t/e", NULL, MS_BIND, NULL)), must(mount("", "t/e", NULL, MS_SHARED, NULL)), must(mount("", "t/e", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_STRICTATIME, NULL)), must(mkdir("t/f", 0755)), must(mount("y", "t/f", "tmpfs", 0, NULL)), must(mkdir("t/f/g", 0755)), must(mount("z", "t/f/g", "tmpfs", MS_NODEV, NULL));
	uint32_t told, eold, dummy;
	uint64_t t = unique("t", &told), e = unique("t/e", &eold), f = unique("t/f", &dummy), g = unique("t/f/g", &dummy), ids[8];
	struct req r = {24, 0, t, 0x3b, 0};
	show(statmount_(&r, &s, sizeof s, 0));
	fact("mask %lx magic %lx flags %x type %s, ids right %d", s.mask, s.magic, s.sb_flags, s.str + s.type, s.id == t && s.old == told);
	fact("attr %lx propagation %lx group %d master %lu root %s point %s", s.attr, s.propagation, s.group != 0, s.master, s.str + s.root, strrchr(s.str + s.point, '/'));
	r.id = e, show(statmount_(&r, &s, sizeof s, 0));
	fact("attr %lx propagation %lx group %d, parent %d, root %s point %s", s.attr, s.propagation, s.group != 0, s.parent == t && s.parent_old == told, s.str + s.root, strrchr(s.str + s.point, '/'));
	r.param = 2, show(statmount_(&r, &s, sizeof s, 0)), fact("mask %lx size %u", s.mask, s.size);
	r.param = 0, show(statmount_(&r, &s, sizeof s, 0)), fact("mask %lx", s.mask);
	r.param = 0x20, show(statmount_(&r, &s, 512, 0)), show(statmount_(&r, &s, 515, 0)), show(statmount_(&r, &s, 530, 0)), fact("%s", s.str + s.type);
	r.param = 2, memset(&s, 0, sizeof s), show(statmount_(&r, &s, 16, 0)), fact("short: size %u mask %lx", s.size, s.mask);
	show(statmount_(&r, &s, sizeof s, 1)), show(statmount_(&r, (void *)8, sizeof s, 0)), show(statmount_((void *)8, &s, sizeof s, 0));
	r.id = 5, show(statmount_(&r, &s, sizeof s, 0)), r.id = 1UL << 62, show(statmount_(&r, &s, sizeof s, 0));
	r.id = t, r.size = 8, show(statmount_(&r, &s, sizeof s, 0)), r.size = 5000, show(statmount_(&r, &s, sizeof s, 0)), r.size = 24, r.spare = 1, show(statmount_(&r, &s, sizeof s, 0)), r.spare = 0;
	r.param = 0, show(listmount_(&r, ids, 8, 0)), fact("%d %d %d", ids[0] == e, ids[1] == f, ids[2] == g);
	show(listmount_(&r, ids, 2, 0)), r.param = ids[1], show(listmount_(&r, ids, 8, 0)), fact("%d", ids[0] == g);
	r.param = 0, show(listmount_(&r, ids, 8, 1)), fact("%d %d %d", ids[0] == g, ids[1] == f, ids[2] == e);
	r.id = g, show(listmount_(&r, ids, 8, 0)), r.id = f, show(listmount_(&r, ids, 0, 0));
	show(listmount_(&r, ids, 8, 4)), show(listmount_(&r, ids, 2000000, 0)), show(listmount_(&r, (void *)8, 8, 0)), r.param = 7, show(listmount_(&r, ids, 8, 0)), r.param = 0, r.id = 1UL << 62, show(listmount_(&r, ids, 8, 0));
	quiet(spawn(must(chroot("t")); must(chdir("/")); r.id = -1UL; show(listmount_(&r, ids, 8, 0)); fact("%d", ids[0] == t)));
	must(umount("t/f/g")), r.id = g, show(statmount_(&r, &s, sizeof s, 0));
	return 0;
}
