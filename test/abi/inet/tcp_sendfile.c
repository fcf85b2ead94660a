// sendfile(2) into a TCP socket: all bytes in order whatever the sizes, positions, the end of the file, a full socket, a peer that has gone.
#include "net.h"
#include <sys/sendfile.h>

#define SIZE 1000003
static unsigned char at(long i) { return (unsigned char)(i * 31 + (i >> 8) * 7 + (i >> 16)); }

// taken reads n bytes and says whether they are those of the file from off on.
static int taken(int s, long off, long n) {
	static unsigned char b[65536];
	while (n > 0) {
		ssize_t k = must(read(s, b, n < (long)sizeof b ? n : (long)sizeof b));
		for (long i = 0; i < k; i++)
			if (b[i] != at(off + i)) return 0;
		if (k == 0) return 0;
		off += k, n -= k;
	}
	return 1;
}

struct order {
	int s;
	long off, n;
};
static void *reader(void *arg) {
	struct order *o = arg;
	return (void *)(long)taken(o->s, o->off, o->n);
}

// send sends n bytes from off while another thread reads them.
static void send_all(int c, int d, int f, long off, long n) {
	struct order o = {d, off, n < SIZE - off ? n : SIZE - off};
	off_t at = off;
	pthread_t t;
	void *ok;
	pthread_create(&t, 0, reader, &o);
	long sent = sendfile(c, f, &at, n);
	pthread_join(t, &ok);
	fact("%ld from %ld: %ld, offset %ld, %s", n, off, sent, (long)at, ok ? "as they are" : "wrong");
}

int main(void) {
	unsigned char *b = malloc(SIZE);
	for (long i = 0; i < SIZE; i++) b[i] = at(i);
	int f = must(open("f", O_RDWR | O_CREAT, 0600)), l = listener(5), c, d;
	must(write(f, b, SIZE) == SIZE ? 0 : -1);
	signal(SIGPIPE, SIG_IGN);
	conn(l, &c, &d);
	long sizes[] = {1, 100, 65535, 65536, 65537, 131072, 200001, SIZE, SIZE + 5};
	for (size_t i = 0; i < COUNT(sizes); i++) send_all(c, d, f, 0, sizes[i]), send_all(c, d, f, 12345, sizes[i]);
	off_t off = SIZE;
	show(sendfile(c, f, &off, 10));
	must(lseek(f, 10, SEEK_SET));
	show(sendfile(c, f, NULL, 70000));
	fact("position %ld, %s", (long)lseek(f, 0, SEEK_CUR), taken(d, 10, 70000) ? "as they are" : "wrong");

	// What follows an end that more was to come behind is there, too.
	off = SIZE - 70000;
	must(sendfile(c, f, &off, 1 << 20)), must(write(c, "x", 1));
	fact("%s", taken(d, SIZE - 70000, 70000) ? "as they are" : "wrong");
	char x;
	show(read(d, &x, 1));

	// A socket that does not wait takes what fits, and tells where it stopped.
	must(fcntl(c, F_SETFL, O_NONBLOCK));
	long sum = 0;
	for (;;) {
		off = sum % SIZE;
		long n = sendfile(c, f, &off, SIZE - off);
		if (n < 0) break;
		if (off != sum % SIZE + n) fact("offset %ld after %ld of %ld", (long)off, n, sum);
		sum += n;
	}
	fact("full: %s", ename(errno));
	int ok = 1;
	for (long i = 0; i < sum; i += SIZE) ok &= taken(d, 0, sum - i < SIZE ? sum - i : SIZE);
	fact("%s", ok ? "as they are" : "wrong");
	until(c, POLLOUT);
	off = 5;
	show(sendfile(c, f, &off, 3));
	fact("%s", taken(d, 5, 3) ? "as they are" : "wrong");

	close(d);
	until(c, POLLRDHUP);
	off = 0;
	sendfile(c, f, &off, 10);
	until(c, POLLERR | POLLHUP);
	off = 7;
	errno = 0;
	sendfile(c, f, &off, 10);
	fact("gone: %s, offset %ld", errno == ECONNRESET || errno == EPIPE ? "refused" : ename(errno), (long)off);
	show(sendfile(socket(AF_INET, SOCK_STREAM, 0), f, &off, 1));
	return 0;
}
