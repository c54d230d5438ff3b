package org.apache.cassandra.db.lifecycle;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.nio.file.attribute.FileTime;
import java.util.*;
import java.util.stream.*;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.db.Directories;
import org.apache.cassandra.io.util.File;

/**
 * What Cassandra makes of transaction logs, for test/golden/transaction-logs.json: directories with files of a few SSTables and logs of every
 * kind of damage; which files its directory listing takes for temporary (null: it refuses to list), whether a start accepts the log, and which
 * files the start deletes.
 * It lies in Cassandra's package, so it is compiled and put on the class path:
 *
 *   javac -nowarn -cp "$JARS/*" -d OUT TransactionLogs.java, then run org.apache.cassandra.db.lifecycle.TransactionLogs EMPTY-DIR with OUT on the class path
 */
public class TransactionLogs {
  static final String ID = "8ad5a3f0-e54e-11f1-98cd-d3aa1f4bbca0";
  static final String LOG = "oa_txn_compaction_" + ID + ".log";
  static final String TABLE = "ks/t";
  static final long T = 1_763_000_000_123L;
  static Path root;
  static PrintStream out;
  static boolean first = true;

  interface Change { void apply(Case c) throws Exception; }

  static class Case {
    final Path base; final Path[] dirs; final List<String>[] lines; byte[] raw;
    @SuppressWarnings("unchecked")
    Case(String name, int disks) throws Exception {
      base = root.resolve(name.replaceAll("[^a-z0-9]+", "-"));
      dirs = new Path[disks]; lines = new List[disks];
      for (int d = 0; d < disks; d++) { dirs[d] = Files.createDirectories(base.resolve("d" + d).resolve(TABLE)); lines[d] = new ArrayList<>(); }
    }
    void sstable(int disk, String prefix, long time, String... components) throws Exception {
      for (int i = 0; i < components.length; i++) {
        Path f = dirs[disk].resolve(prefix + "-" + components[i]);
        Files.write(f, new byte[] { 1 }); Files.setLastModifiedTime(f, FileTime.fromMillis(time + 1000L * i));
      }
    }
    String path(int disk, String prefix) { return dirs[disk] + "/" + prefix + "-"; }
    String record(LogRecord.Type type, int disk, String prefix) {
      String p = path(disk, prefix);
      return LogRecord.make(type, LogRecord.getExistingFiles(p), 0, p).toString();
    }
    void all(String line) { for (List<String> l : lines) l.add(line); }
    void set(int i, String line) { for (List<String> l : lines) l.set(i, line); }
    int last() { return lines[0].size() - 1; }
    String line(int i) { return lines[0].get(i); }
  }

  static final String[] FULL = { "Data.db", "Statistics.db", "TOC.txt" };

  /** Old SSTables oa-1, oa-2 (on the first and last disk) and a new one, oa-11, so that a prefix is not taken for another's. */
  static Case prepare(String name, int disks) throws Exception {
    Case c = new Case(name, disks);
    c.sstable(0, "oa-1-big", T, FULL);
    c.sstable(disks - 1, "oa-2-big", T + 77_000, FULL);
    c.sstable(0, "oa-11-big", T + 900_000, FULL);
    c.all(c.record(LogRecord.Type.ADD, 0, "oa-11-big"));
    c.all(c.record(LogRecord.Type.REMOVE, 0, "oa-1-big"));
    c.all(c.record(LogRecord.Type.REMOVE, disks - 1, "oa-2-big"));
    return c;
  }

  static void run(String name, int disks, Change change) throws Exception {
    Case c = prepare(name, disks);
    change.apply(c);
    for (int d = 0; d < disks; d++) {
      if (c.lines[d] == null) continue;
      byte[] text = c.raw != null ? c.raw : String.join("\n", c.lines[d]).concat(c.lines[d].isEmpty() ? "" : "\n").getBytes(StandardCharsets.UTF_8);
      Files.write(c.dirs[d].resolve(LOG), text);
    }
    List<Path> before = files(c.base);
    List<String> times = new ArrayList<>(), logs = new ArrayList<>(), temporary = new ArrayList<>();
    for (Path p : before) {
      if (p.toString().endsWith(".log")) logs.add(q(c, p) + ": \"" + Base64.getEncoder().encodeToString(Files.readAllBytes(p)) + "\"");
      else times.add(q(c, p) + ": " + Files.getLastModifiedTime(p).toMillis());
    }
    boolean refused = false, accepted;
    try {
      for (Path d : c.dirs) for (File f : new LogAwareFileLister(d, (f, type) -> type == Directories.FileType.TEMPORARY, Directories.OnTxnErr.IGNORE).list()) temporary.add(q(c, f.toPath()));
    } catch (RuntimeException e) { refused = true; }
    try { accepted = LogTransaction.removeUnfinishedLeftovers(Arrays.stream(c.dirs).map(File::new).collect(Collectors.toList())); }
    catch (RuntimeException e) { accepted = false; }
    before.removeAll(files(c.base));
    out.print((first ? "[" : ",") + "\n{\"name\": \"" + name + "\", \"base\": \"" + c.base + "\",\n \"files\": {" + String.join(", ", times) + "},\n \"logs\": {" + String.join(", ", logs)
        + "},\n \"temporary\": " + (refused ? "null" : temporary.stream().sorted().collect(Collectors.toList()).toString()) + ",\n \"accepted\": " + accepted
        + ",\n \"deleted\": " + before.stream().map(p -> q(c, p)).collect(Collectors.toList()) + "}");
    first = false;
  }

  static List<Path> files(Path base) throws Exception { try (Stream<Path> s = Files.walk(base)) { return s.filter(Files::isRegularFile).sorted().collect(Collectors.toList()); } }
  static String q(Case c, Path p) { return "\"" + c.base.relativize(p) + "\""; }
  static void delete(Case c, int disk, String name) throws Exception { Files.delete(c.dirs[disk].resolve(name)); }

  static String commit() { return LogRecord.makeCommit(T).toString(); }
  static String abort() { return LogRecord.makeAbort(T).toString(); }
  static String bad(String line) { return line.replaceAll("\\[(\\d*)\\]$", "[1$1]"); }
  static String half(String line) { return line.substring(0, line.length() / 2); }

  public static void main(String[] args) throws Exception {
    DatabaseDescriptor.toolInitialization();
    root = Paths.get(args[0]);
    out = System.out;
    for (int disks = 1; disks <= 2; disks++) {
      String s = disks == 1 ? "" : ", two disks";
      run("under way" + s, disks, c -> {});
      run("committed" + s, disks, c -> c.all(commit()));
      run("aborted" + s, disks, c -> c.all(abort()));
      run("committed, old files half gone" + s, disks, c -> { c.all(commit()); delete(c, 0, "oa-1-big-Data.db"); delete(c, 0, "oa-1-big-Statistics.db"); });
      run("committed, newest old file gone" + s, disks, c -> { c.all(commit()); delete(c, 0, "oa-1-big-TOC.txt"); });
      run("under way, newest old file gone" + s, disks, c -> delete(c, 0, "oa-1-big-TOC.txt"));
      run("under way, an old file gone" + s, disks, c -> delete(c, 0, "oa-1-big-Data.db"));
      run("under way, all old files gone" + s, disks, c -> { for (String f : FULL) delete(c, 0, "oa-1-big-" + f); });
      run("committed, an old file newer" + s, disks, c -> { c.all(commit()); c.sstable(0, "oa-1-big", T + 50_000_000, "Data.db"); });
      run("committed, times differ below a second" + s, disks, c -> { c.all(commit()); c.sstable(0, "oa-1-big", T + 4_100, "TOC.txt"); });
      run("aborted, an old file newer" + s, disks, c -> { c.all(abort()); c.sstable(0, "oa-1-big", T + 50_000_000, "Data.db"); });
      run("commit with a wrong checksum" + s, disks, c -> c.all(bad(commit())));
      run("abort with a wrong checksum" + s, disks, c -> c.all(bad(abort())));
      run("commit with a wrong checksum, an old file gone" + s, disks, c -> { c.all(bad(commit())); delete(c, 0, "oa-1-big-Data.db"); });
      run("commit cut short" + s, disks, c -> c.all(half(commit())));
      run("last record cut short" + s, disks, c -> c.set(c.last(), half(c.line(c.last()))));
      run("last record cut short, an old file gone" + s, disks, c -> { c.set(c.last(), half(c.line(c.last()))); delete(c, 0, "oa-1-big-Data.db"); });
      run("first record cut short" + s, disks, c -> c.set(0, half(c.line(0))));
      run("second record with a wrong checksum" + s, disks, c -> c.set(1, bad(c.line(1))));
      run("second record with a wrong checksum, committed" + s, disks, c -> { c.set(1, bad(c.line(1))); c.all(commit()); });
      run("last add with a wrong checksum" + s, disks, c -> { c.sstable(0, "oa-12-big", T + 950_000, FULL); c.all(bad(c.record(LogRecord.Type.ADD, 0, "oa-12-big"))); });
      run("lines after commit" + s, disks, c -> { c.all(commit()); c.all(abort()); });
      run("repeated record" + s, disks, c -> c.all(c.line(0)));
      run("two unreadable lines" + s, disks, c -> { c.all("x"); c.all("y"); });
      run("blank line at the end" + s, disks, c -> c.all(""));
      run("blank line within" + s, disks, c -> { for (List<String> l : c.lines) l.add(1, ""); });
      run("lower case" + s, disks, c -> { c.all(commit().toLowerCase()); c.set(0, c.line(0).replace("ADD", "add")); });
      run("number too large" + s, disks, c -> c.all("COMMIT:[,0,0][99999999999999999999]"));
      run("plus sign" + s, disks, c -> c.all(commit().replace("[,0,0]", "[,+0,-0]")));
      run("commit with numbers" + s, disks, c -> c.all(commit().replace("[,0,0]", "[a,7,9]")));
      run("empty log" + s, disks, c -> { for (List<String> l : c.lines) l.clear(); });
      run("only commit" + s, disks, c -> { for (List<String> l : c.lines) l.clear(); c.all(commit()); });
      run("not UTF-8" + s, disks, c -> c.raw = new byte[] { (byte) 0xff, (byte) 0xfe, 10 });
      run("carriage returns" + s, disks, c -> { c.all(commit()); c.raw = String.join("\r\n", c.lines[0]).getBytes(); });
      run("no line break at the end" + s, disks, c -> { c.all(commit()); c.raw = String.join("\n", c.lines[0]).getBytes(); });
      run("temporary files of the new" + s, disks, c -> c.sstable(0, "oa-11-big", T, "Summary.db.tmp"));
      run("a time out of range" + s, disks, c -> c.all("REMOVE:[" + c.path(0, "oa-99-big") + ",9223372036854775807,3][0]"));
    }
    run("commit in one replica only", 2, c -> c.lines[0].add(commit()));
    run("commit in the second replica only", 2, c -> c.lines[1].add(commit()));
    run("commit cut short in one replica", 2, c -> { c.lines[0].add(commit()); c.lines[1].add(half(commit())); });
    run("commit cut short in the first replica", 2, c -> { c.lines[1].add(commit()); c.lines[0].add(half(commit())); });
    run("commit cut short in one replica, an old file gone", 2, c -> { c.lines[0].add(commit()); c.lines[1].add(half(commit())); delete(c, 0, "oa-1-big-Data.db"); });
    run("commit here, abort there", 2, c -> { c.lines[0].add(commit()); c.lines[1].add(abort()); });
    run("replica shorter by two", 2, c -> { c.all(commit()); c.lines[1].remove(3); c.lines[1].remove(2); });
    run("middle line cut short in one replica", 2, c -> { c.all(commit()); c.lines[1].set(1, half(c.line(1))); });
    run("middle line cut short at the end of one replica", 2, c -> { c.all(commit()); c.lines[1].remove(3); c.lines[1].remove(2); c.lines[1].set(1, half(c.line(1))); });
    run("replica empty", 2, c -> { c.all(commit()); c.lines[1].clear(); });
    run("replica missing", 2, c -> { c.all(commit()); c.lines[1] = null; });
    run("differing first lines", 2, c -> c.lines[1].set(0, bad(c.line(0))));
    out.println("\n]");
  }
}
