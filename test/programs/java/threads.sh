#!/bin/sh
# seconds: 180
# java: locks, conditions, timers, fork-join, NIO selectors on pipes, direct buffers, signals, jps-like files
cat > T.java <<'E'
import java.io.*;
import java.lang.management.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.locks.*;

public class T {
	static class Fib extends RecursiveTask<Integer> { final int n; Fib(int n) { this.n = n; } protected Integer compute() { if (n < 2) return n; Fib a = new Fib(n - 1); a.fork(); return new Fib(n - 2).compute() + a.join(); } }
	public static void main(String[] args) throws Exception {
		var lock = new ReentrantLock(); var cond = lock.newCondition(); int[] turn = { 0 }; var out = new StringBuffer(); var ts = new ArrayList<Thread>();
		for (int i = 0; i < 3; i++) { int me = i; var t = new Thread(() -> { for (int k = 0; k < 5; k++) { lock.lock(); try { while (turn[0] % 3 != me) cond.await(); out.append(me); turn[0]++; cond.signalAll(); } catch (InterruptedException e) { } finally { lock.unlock(); } } }); ts.add(t); t.start(); } for (var t : ts) t.join(); System.out.println(out);
		System.out.println(new ForkJoinPool(4).invoke(new Fib(18))); var latch = new CountDownLatch(3); var timer = Executors.newScheduledThreadPool(1); var h = timer.scheduleAtFixedRate(latch::countDown, 5, 5, TimeUnit.MILLISECONDS); System.out.println(latch.await(30, TimeUnit.SECONDS)); h.cancel(true); timer.shutdownNow(); var barrier = new CyclicBarrier(4, () -> System.out.println("tripped")); var ex = Executors.newCachedThreadPool(); for (int i = 0; i < 4; i++) ex.submit(() -> barrier.await()); ex.shutdown(); ex.awaitTermination(30, TimeUnit.SECONDS);
		System.out.println(CompletableFuture.supplyAsync(() -> 20).thenCombine(CompletableFuture.supplyAsync(() -> 22), Integer::sum).get()); var m = new ConcurrentHashMap<Integer, Integer>(); ts.clear(); for (int i = 0; i < 8; i++) { var t = new Thread(() -> { for (int k = 0; k < 1000; k++) m.merge(k % 10, 1, Integer::sum); }); ts.add(t); t.start(); } for (var t : ts) t.join(); System.out.println(new TreeMap<>(m));
		var pipe = Pipe.open(); var sel = Selector.open(); pipe.source().configureBlocking(false); pipe.source().register(sel, SelectionKey.OP_READ); System.out.println(sel.select(20)); pipe.sink().write(ByteBuffer.wrap("nio".getBytes())); System.out.println(sel.select(20000)); var b = ByteBuffer.allocateDirect(100); System.out.println(pipe.source().read(b)); new Thread(() -> { try { Thread.sleep(50); } catch (InterruptedException e) { } sel.wakeup(); }).start(); sel.selectedKeys().clear(); System.out.println(sel.select());
		try (var f = new RandomAccessFile("f", "rw")) { f.setLength(1 << 20); var map = f.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20); for (int i = 0; i < 1 << 20; i += 4096) map.put(i, (byte) i); map.force(); f.seek(4096); System.out.println(f.read() + " " + f.length()); } Files.copy(Path.of("f"), Path.of("g")); System.out.println(Files.mismatch(Path.of("f"), Path.of("g"))); try (var w = FileSystems.getDefault().newWatchService()) { Path.of(".").register(w, StandardWatchEventKinds.ENTRY_CREATE); Files.createFile(Path.of("watched")); var k = w.poll(30, TimeUnit.SECONDS); System.out.println(k.pollEvents().get(0).context()); }
		System.out.println(ManagementFactory.getThreadMXBean().getThreadCount() > 0); System.out.println(ProcessHandle.current().pid() > 0); var t = new Thread(() -> LockSupport.park()); t.start(); while (t.getState() != Thread.State.WAITING) Thread.sleep(1); System.out.println(t.getState()); LockSupport.unpark(t); t.join(); sun.misc.Signal.handle(new sun.misc.Signal("USR2"), s -> System.out.println("signal " + s.getName())); sun.misc.Signal.raise(new sun.misc.Signal("USR2")); Thread.sleep(100); Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("terminated"))); new ProcessBuilder("kill", "" + ProcessHandle.current().pid()).start(); Thread.sleep(60000);
	}
}
E
java -Xmx96m -XX:TieredStopAtLevel=1 T.java 2>/dev/null; echo $?
