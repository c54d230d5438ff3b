import java.io.*;
import java.nio.charset.StandardCharsets;
import java.security.Permission;
import java.util.Arrays;

/**
 * Real Cassandra's offline tools behind one JVM, so that hundreds of SSTables cost one start.
 *
 * A request is a line on standard input: a class of org.apache.cassandra.tools and its arguments, split by tabs.
 * The answer is a line "EXIT OUT ERR" (exit status, and two lengths in bytes), then what the tool wrote to standard output and standard error.
 */
public class Tools {
  static class Exit extends SecurityException {
    final int status;
    Exit(int status) { this.status = status; }
  }

  static boolean running = false;

  public static void main(String[] ignored) throws Exception {
    System.setSecurityManager(new SecurityManager() {
      @Override public void checkExit(int status) { if (running) throw new Exit(status); }
      @Override public void checkPermission(Permission permission) { }
    });
    OutputStream answers = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out));
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = requests.readLine()) != null; ) {
      String[] words = line.split("\t", -1);
      ByteArrayOutputStream out = new ByteArrayOutputStream(), err = new ByteArrayOutputStream();
      int status = run(words[0], Arrays.copyOfRange(words, 1, words.length), out, err);
      answers.write((status + " " + out.size() + " " + err.size() + "\n").getBytes(StandardCharsets.US_ASCII));
      out.writeTo(answers);
      err.writeTo(answers);
      answers.flush();
    }
    Runtime.getRuntime().halt(0);
  }

  static int run(String tool, String[] args, OutputStream out, OutputStream err) throws Exception {
    PrintStream stdout = System.out, stderr = System.err;
    System.setOut(new PrintStream(out, true, "UTF-8"));
    System.setErr(new PrintStream(err, true, "UTF-8"));
    running = true;
    try {
      Class.forName("org.apache.cassandra.tools." + tool).getMethod("main", String[].class).invoke(null, (Object) args);
      return 0;
    } catch (java.lang.reflect.InvocationTargetException thrown) {
      if (thrown.getCause() instanceof Exit exit) return exit.status;
      thrown.getCause().printStackTrace(System.err);
      return 1;
    } finally {
      running = false;
      System.out.flush();
      System.err.flush();
      System.setOut(stdout);
      System.setErr(stderr);
    }
  }
}
