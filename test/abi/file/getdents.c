// getdents64(2): entries, types, order of offsets, seeking, changes while reading, small buffers.
#include "../oracle.h"
#include <dirent.h>
struct entry { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[]; };
static char buf[4096];
static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static int count(int fd) {
	int n = 0, k;
	while ((k = getdents64(fd, buf, sizeof buf)) > 0)
		for (int i = 0; i < k; i += ((struct entry *)(buf + i))->len)
			n++;
	return k < 0 ? -1 : n;
}

int main(void) {
	must(mkdir("d", 0755)), make("d/file", ""), must(mkdir("d/dir", 0755)), must(symlink("x", "d/link")), must(mkfifo("d/fifo", 0600)), must(mknod("d/sock", S_IFSOCK | 0600, 0)), must(mknod("d/null", S_IFCHR | 0600, 0x103));
	int fd = must(open("d", O_RDONLY | O_DIRECTORY)), n = must(getdents64(fd, buf, sizeof buf)), lines = 0, bad = 0;
	char *list[16];
	struct stat st;
	for (int i = 0; i < n;) {
		struct entry *e = (void *)(buf + i);
		char *line = malloc(64), path[64];
		snprintf(path, 64, "d/%s", e->name);
		must(lstat(path, &st));
		snprintf(line, 64, "%s type %d, inode right %d, aligned %d", e->name, e->type, e->ino == st.st_ino, e->len % 8 == 0 && e->len >= 19 + strlen(e->name) + 1);
		bad += e->len > n - i;
		list[lines++] = line;
		i += e->len;
	}
	qsort(list, lines, sizeof *list, compare);
	for (int i = 0; i < lines; i++)
		fact("%s", list[i]);
	show(bad), show(getdents64(fd, buf, sizeof buf));
	show(lseek(fd, 0, SEEK_SET)), show(count(fd));
	must(lseek(fd, 0, SEEK_SET));
	show(getdents64(fd, buf, 10)), show(getdents64(fd, (void *)8, 4096)), show(getdents64(must(open("d/file", O_RDONLY)), buf, 100)), show(getdents64(999, buf, 100));
	must(lseek(fd, 0, SEEK_SET)), must(getdents64(fd, buf, 24)); // the first
	int64_t off = ((struct entry *)buf)->off;
	must(getdents64(fd, buf, 24));
	char second[64];
	strcpy(second, ((struct entry *)buf)->name);
	must(lseek(fd, off, SEEK_SET)), must(getdents64(fd, buf, 24));
	yes(!strcmp(second, ((struct entry *)buf)->name));
	must(mkdir("many", 0755));
	char name[64];
	for (int i = 0; i < 300; i++)
		snprintf(name, 64, "many/a-rather-long-name-for-a-file-%d", i), close(must(open(name, O_CREAT | O_WRONLY, 0600)));
	int m = must(open("many", O_RDONLY));
	show(count(m));
	must(lseek(m, 0, SEEK_SET)), must(getdents64(m, buf, 512));
	for (int i = 0; i < 300; i++) // deleting while reading: each of the others is still seen once
		if (i % 2)
			snprintf(name, 64, "many/a-rather-long-name-for-a-file-%d", i), must(unlink(name));
	int rest = count(m);
	yes(rest >= 130 && rest <= 152);
	must(lseek(m, 0, SEEK_SET)), show(count(m));
	DIR *dir = opendir("many");
	int seen = 0, removed = 0;
	for (struct dirent *e; (e = readdir(dir)); seen++)
		if (e->d_name[0] == 'a')
			removed += unlinkat(m, e->d_name, 0) == 0;
	fact("removed in the loop: %d", removed);
	show(rmdir("many")), must(lseek(m, 0, SEEK_SET)), show(count(m));
	n = sys(SYS_getdents, must(open("d", O_RDONLY)), buf, sizeof buf); // the old form: the type is the last byte
	yes(n > 0);
	return 0;
}
