import org.apache.cassandra.io.sstable.CQLSSTableWriter;
import java.util.*;
/** OUT: two SSTables of the BTI format that share keys, of 150,000 partitions of one row and 6,000 of three rows of 700 bytes each. */
public class EarlyOpening {
  public static void main(String[] a) throws Exception {
    java.nio.file.Path yaml = java.nio.file.Files.createTempFile("early", ".yaml");
    String given = java.nio.file.Files.readString(java.nio.file.Path.of(java.net.URI.create(System.getProperty("cassandra.config"))));
    java.nio.file.Files.writeString(yaml, given + "\nsstable:\n  selected_format: bti\n");
    yaml.toFile().deleteOnExit();
    System.setProperty("cassandra.config", yaml.toUri().toString());
    org.apache.cassandra.config.DatabaseDescriptor.toolInitialization(); Random r = new Random(5);
    org.apache.cassandra.io.util.File dir = new org.apache.cassandra.io.util.File(a[0]);
    String schema = "CREATE TABLE ks.t (k text, c int, v text, PRIMARY KEY (k, c))", insert = "INSERT INTO ks.t (k, c, v) VALUES (?, ?, ?) USING TIMESTAMP 1700000000000000";
    for (int f = 0; f < 2; f++) try (CQLSSTableWriter w = CQLSSTableWriter.builder().inDirectory(dir).forTable(schema).using(insert).withBufferSizeInMiB(512).build()) {
      for (int i = 0; i < 156000; i++) {
        String key = "key " + r.nextInt(300000);
        for (int c = 0, n = i % 26 == 0 ? 3 : 1; c < n; c++) w.addRow(key, c, n == 1 ? "v" : Long.toString(r.nextLong(), 36) + "wide ".repeat(140));
      }
    }
    System.exit(0);
  }
}
