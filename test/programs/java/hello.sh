#!/bin/sh
# seconds: 180
# javac and java: collections, threads, virtual memory, files, processes, sockets, exceptions
cat > Main.java <<'E'
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Main {
	record P(String n, int a) {}
	static int deep(int n) { return 1 + deep(n + 1); }
	public static void main(String[] args) throws Exception {
		System.out.println("hello " + Runtime.version().feature() + " " + System.getProperty("os.name") + " " + args.length + " " + (Runtime.getRuntime().availableProcessors() > 0));
		System.out.println(Stream.of(new P("b", 2), new P("a", 1)).sorted(Comparator.comparing(P::a)).map(P::toString).collect(Collectors.joining(";")));
		var ex = Executors.newFixedThreadPool(4); var sum = new AtomicLong(); var fs = new ArrayList<Future<Integer>>();
		for (int i = 0; i < 100; i++) { int n = i; fs.add(ex.submit(() -> { sum.addAndGet(n); return n * n; })); }
		int sq = 0; for (var f : fs) sq += f.get(); ex.shutdown(); System.out.println(sum + " " + sq + " " + ex.awaitTermination(20, TimeUnit.SECONDS));
		System.out.println(IntStream.range(0, 1000000).parallel().filter(x -> x % 7 == 0).count());
		Path d = Files.createTempDirectory("j"); Path f = d.resolve("f"); Files.writeString(f, "line1\nline2\n"); System.out.println(Files.readAllLines(f) + " " + Files.size(f)); Files.createSymbolicLink(d.resolve("l"), f);
		try (var ch = FileChannel.open(f, StandardOpenOption.READ, StandardOpenOption.WRITE)) { MappedByteBuffer m = ch.map(FileChannel.MapMode.READ_WRITE, 0, 12); m.put(0, (byte) 'L'); m.force(); try (var l = ch.lock()) { System.out.println(l.isValid() + " " + Files.readString(f).charAt(0)); } }
		try (var s = Files.walk(d)) { System.out.println(s.count()); } try { Files.readString(Path.of("/nope")); } catch (NoSuchFileException e) { System.out.println(e); }
		var p = new ProcessBuilder("sh", "-c", "cat; echo err >&2; exit 3").redirectErrorStream(true).start(); p.getOutputStream().write("to child\n".getBytes()); p.getOutputStream().close(); System.out.print(new String(p.getInputStream().readAllBytes())); System.out.println(p.waitFor()); var sl = new ProcessBuilder("sleep", "100").start(); System.out.println(sl.isAlive() + " " + sl.waitFor(50, TimeUnit.MILLISECONDS)); sl.destroy(); System.out.println(sl.waitFor());
		var addr = UnixDomainSocketAddress.of(d.resolve("sock")); var srv = ServerSocketChannel.open(StandardProtocolFamily.UNIX); srv.bind(addr); var t = new Thread(() -> { try (var c = srv.accept()) { var b = ByteBuffer.allocate(100); c.read(b); b.flip(); c.write(b); } catch (IOException e) { e.printStackTrace(); } }); t.start();
		try (var c = SocketChannel.open(addr)) { c.write(ByteBuffer.wrap("echo".getBytes())); var b = ByteBuffer.allocate(100); c.read(b); System.out.println(new String(b.array(), 0, b.position())); } t.join();
		try { deep(0); } catch (StackOverflowError e) { System.out.println("stack overflow"); } try { Object o = null; o.hashCode(); } catch (NullPointerException e) { System.out.println("null"); } try { var l = new ArrayList<byte[]>(); for (;;) l.add(new byte[8 << 20]); } catch (OutOfMemoryError e) { System.out.println(e.getMessage()); }
		Object lock = new Object(); var th = new Thread(() -> { synchronized (lock) { lock.notifyAll(); } }); synchronized (lock) { th.start(); lock.wait(10000); } th.join(); var q = new LinkedBlockingQueue<Integer>(); System.out.println(q.poll(20, TimeUnit.MILLISECONDS)); var sl2 = new Thread(() -> { try { Thread.sleep(100000); } catch (InterruptedException e) { System.out.println("interrupted"); } }); sl2.start(); sl2.interrupt(); sl2.join();
		long h = 0; for (int i = 0; i < 20000000; i++) h = h * 31 + i; System.out.println(h); for (int i = 0; i < 200; i++) { var g = new byte[1 << 20]; g[i] = 1; } System.gc(); var ts = new ArrayList<Thread>(); for (int i = 0; i < 100; i++) { var x = new Thread(sum::incrementAndGet); ts.add(x); x.start(); } for (var x : ts) x.join(); System.out.println(sum); Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook"))); System.exit(args.length + 2);
	}
}
E
javac Main.java && java -Xmx128m Main; echo $?; java -Xint -XX:+UseSerialGC -Xmx128m Main a 2>&1 | sed -n '1,3p'; echo 'public class T { public static void main(String[] a) { throw new RuntimeException("uncaught"); } }' > T.java; java T.java; echo $?; echo 'class X { int f() { return "s"; } }' > X.java; javac X.java; echo $?; printf 'Main-Class: Main\n' > m; jar cfm a.jar m *.class && jar tf a.jar | sort | head -3; java -Xmx64m -cp a.jar NoSuch 2>&1 | head -1; java -XX:+UseG1GC -Xmx64m -jar a.jar | tail -1; (java -Xmx64m -cp . -Xshare:auto Slow 2>/dev/null; echo $?)
