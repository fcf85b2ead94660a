#!/usr/bin/python3
# Foreign calls, memory maps, callbacks, raw system calls
import ctypes, ctypes.util, errno, fcntl, mmap, os, resource, select, struct, sys, termios, time
c = ctypes.CDLL(None, use_errno=True); print(c.strlen(b"hello"), c.abs(-5)); m = ctypes.CDLL(ctypes.util.find_library("m") or "libm.so.6"); m.sqrt.restype = ctypes.c_double; print(m.sqrt(ctypes.c_double(2)))
CMP = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)); a = (ctypes.c_int * 6)(5, 3, 9, 1, 7, 2); c.qsort(a, 6, 4, CMP(lambda x, y: x[0] - y[0])); print(list(a))
print(c.open(b"/nonexistent", 0), errno.errorcode[ctypes.get_errno()], c.syscall(39) == os.getpid(), c.syscall(999), errno.errorcode[ctypes.get_errno()])
with open("f", "w+b") as f:
    f.truncate(8192); mm = mmap.mmap(f.fileno(), 8192); mm[0:5] = b"hello"; mm[8191] = 33; mm.flush(); f.seek(0); d = f.read(); print(d[:5], d[-1], len(d)); p = mmap.mmap(f.fileno(), 4096, mmap.MAP_PRIVATE); p[0:1] = b"J"; print(mm[0:1], p[0:1]); mm.resize(16384); print(len(mm), os.path.getsize("f")); print(mm.find(b"!"))
r, w = os.pipe(); print(fcntl.fcntl(w, fcntl.F_GETFL) & 3, fcntl.fcntl(w, 1031, 65536), fcntl.fcntl(w, 1032)); os.write(w, b"abc"); print(struct.unpack("i", fcntl.ioctl(r, termios.FIONREAD, b"\0" * 4))); fcntl.lockf(os.open("f", 2), fcntl.LOCK_EX)
ep = select.epoll(); ep.register(r, select.EPOLLIN | select.EPOLLET); print(ep.poll(1)[0][1], ep.poll(0)); po = select.poll(); po.register(w, select.POLLOUT); print(po.poll(0)[0][1]); print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 1000)
print(os.memfd_create("x") > 2, os.statvfs("/").f_namemax, os.get_terminal_size.__name__, os.sysconf("SC_PAGESIZE"), time.clock_getres(time.CLOCK_MONOTONIC), os.getpriority(0, 0)); fd = os.open("f", os.O_RDWR); print(os.preadv(fd, [bytearray(3), bytearray(3)], 0), os.pwritev(fd, [b"12", b"34"], 100), os.pread(fd, 4, 100), os.lseek(fd, 0, os.SEEK_DATA), os.copy_file_range(fd, os.open("g", os.O_RDWR | os.O_CREAT), 50), os.sendfile(w, fd, 0, 10), os.eventfd(3))
os.setxattr("f", "user.k", b"v") if os.uname().release > "6.6" else None; print(os.getrandom(4).__len__(), os.posix_fallocate(fd, 0, 20000), os.path.getsize("f"), os.getloadavg().__len__(), os.sched_getscheduler(0), os.cpu_count() > 0, os.path.samefile("f", "/proc/self/fd/%d" % fd)); pid, t = os.forkpty()
if pid == 0: print(os.isatty(0), os.get_terminal_size(), flush=True); os._exit(0)
print(os.read(t, 1000)); print(os.waitpid(pid, 0)[1]); buf = ctypes.create_string_buffer(b"abc"); print(ctypes.string_at(ctypes.addressof(buf), 3), ctypes.sizeof(ctypes.c_long)); pid = os.fork()
if pid == 0: ctypes.string_at(0)
print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
